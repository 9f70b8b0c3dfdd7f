"""A loop as people write it by hand: OpenCV reads every frame, Pillow writes crops, NumPy texts."""

from __future__ import annotations

import json
import time
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from dancereid_pipeline.build.crops import crop_window, published_keypoints

_STRIDE, _IMAGE_SIZE = 5, (256, 128)


def seconds(folder: str, output: str) -> float:
    """Writes a data folder's clips as the published folder; returns how many seconds that took."""
    start = time.perf_counter()
    annotation = json.loads(Path(folder, "annotation.json").read_text())
    target = Path(output)
    for part in ("images", "poses"):
        (target / part).mkdir(parents=True)
    for clip in sorted(Path(folder, "videos").iterdir()):
        write_clip(clip, Path(folder, "npy", f"{clip.stem}.npy"), annotation[clip.stem], target)
    return time.perf_counter() - start


def write_clip(clip: Path, npy: Path, annotation: dict[str, list[int]], target: Path) -> None:
    """Writes the crops of one clip. `read` decodes every frame and converts it to BGR."""
    tracks = np.load(npy, allow_pickle=True).item()
    valid = {int(person): set(frames) for person, frames in annotation.items()}
    capture = cv2.VideoCapture(str(clip))
    frame = 0
    while True:
        is_there, picture = capture.read()
        if not is_there:
            break
        for detection in tracks[frame].values() if frame % _STRIDE == 0 else ():
            if frame in valid[detection["id"] - 1]:
                write_crop(picture, detection, f"{detection['id'] - 1:04d}_{frame:06d}", target)
        frame += 1
    capture.release()


def write_crop(
    picture: np.ndarray, detection: dict[str, np.ndarray], stem: str, target: Path
) -> None:
    """Writes a crop and its keypoints into a file each."""
    x1, x2, y1, y2 = detection["box_pos"]
    around = crop_window(np.array([x1, y1, x2, y2]), picture.shape[:2], _IMAGE_SIZE)
    if around is None:
        return
    top, bottom, left, right = around.pixels
    crop = cv2.resize(picture[top:bottom, left:right], _IMAGE_SIZE[::-1])
    image = Image.fromarray(cv2.cvtColor(crop, cv2.COLOR_BGR2RGB))
    image.save(target / "images" / f"{stem}.jpg")
    keypoints = published_keypoints(detection["pose_pos"], around, _IMAGE_SIZE)
    np.savetxt(target / "poses" / f"{stem}.txt", keypoints)
