"""Makes a full-size stand-in for DanceReID: real annotation, real frame counts, tiny pictures.

It loads as the real data does, in minutes and without the videos:

    python tools/rehearse.py annotation.json rehearsal
    load_dataset("dancereid", "paper", data_dir="rehearsal")   # 31,643 + 22,637 examples

With unit="tracklet" there are 2,111 + 1,543 examples, with unit="frame" 8,806 + 6,315.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path
from typing import Any

import av
import numpy as np
from tqdm import tqdm

from dancereid_pipeline.catalogue.catalogue import Catalogue, Video
from dancereid_pipeline.common.errors import AnnotationError, DanceReIDError, SourceError
from dancereid_pipeline.common.files import beside
from dancereid_pipeline.formats.annotation import Annotation, VideoAnnotation
from dancereid_pipeline.formats.npy_tracks import JOINTS, write_tracks

WIDTH, HEIGHT = 96, 64
FRAME_RATE = 30
_BOX_WIDTH, _BOX_HEIGHT = 16, 32


def main() -> int:
    """Parses the command line; reports errors without a traceback."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("annotation", type=Path, help="an annotation.json, as the published one")
    parser.add_argument("output", type=Path, help="the folder to make; it must not exist")
    parser.add_argument("--catalogue", type=Path, help="your own CSV instead of the project's")
    parser.add_argument(
        "--max-frames", type=int, default=10**9, metavar="N", help="make shorter clips"
    )
    arguments = parser.parse_args()
    if arguments.max_frames < 1:
        parser.error("--max-frames: expected a number from 1")
    try:
        rehearse(arguments.annotation, arguments.output, arguments.catalogue, arguments.max_frames)
    except (DanceReIDError, OSError) as error:
        print(f"rehearse: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("rehearse: interrupted; nothing was kept", file=sys.stderr)
        return 130
    print(f"To load it: load_dataset('dancereid', data_dir='{arguments.output}')")
    return 0


def rehearse(
    annotation: Path, output: Path, catalogue_path: Path | None = None, max_frames: int = 10**9
) -> None:
    """Makes the folder. It gets its name when it is complete.

    Args:
        annotation: path of the annotation.
        output: the folder.
        catalogue_path: path of the catalogue; that of the project if None.
        max_frames: a clip gets at most this many frames; later annotated frames are left out.

    Raises:
        DanceReIDError: the annotation is broken, or the folder exists.
    """
    if output.exists():
        raise SourceError(f"{output} exists. Remove it, or name another folder.")
    catalogue = Catalogue.read(catalogue_path)
    annotated = Annotation.read(annotation, catalogue).videos
    output.parent.mkdir(parents=True, exist_ok=True)
    with beside(output) as unfinished:
        (unfinished / "videos").mkdir(parents=True)
        (unfinished / "npy").mkdir()
        shutil.copyfile(annotation, unfinished / "annotation.json")
        videos = [video for video in catalogue if video.video_id in annotated]
        if not videos:
            raise AnnotationError(f"{annotation}: lists no video of the catalogue. Name another.")
        for video in tqdm(videos, desc="Making clips and tracks", unit="video"):
            of_video = annotated[video.video_id]
            count = min(_frame_count(video, of_video), max_frames)
            write_clip(unfinished / "videos" / f"{video.clip_stem}.mp4", count)
            tracks = unfinished / "npy" / f"333_00_{video.video_id}_matching.npy"
            write_tracks(tracks, make_tracks(of_video, count))
        unfinished.rename(output)


def _frame_count(video: Video, annotation: VideoAnnotation) -> int:
    """The number of frames of the real clip; if it is unknown, up to the last annotated frame."""
    last = max((int(frames[-1]) for frames in annotation.frames if len(frames)), default=0)
    return video.frames or last + 1


def write_clip(path: Path, frames: int) -> None:
    """Writes an H.264 clip with B-frames, in which a bright bar moves."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(
            "libx264", rate=FRAME_RATE, options={"preset": "veryfast", "g": "150", "bf": "3"}
        )
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for index in range(frames):
            picture = np.full((HEIGHT * 3 // 2, WIDTH), 128, np.uint8)
            picture[:HEIGHT] = 40
            picture[:HEIGHT, index % WIDTH] = 220
            frame = av.VideoFrame.from_ndarray(picture, "yuv420p")
            frame.pts = index
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def make_tracks(annotation: VideoAnnotation, frames: int) -> dict[int, dict[int, dict[str, Any]]]:
    """A detection for each annotated person and frame, below `frames`."""
    tracks: dict[int, dict[int, dict[str, Any]]] = {frame: {} for frame in range(frames)}
    for index, (person, valid) in enumerate(zip(annotation.people, annotation.frames, strict=True)):
        for frame in valid[valid < frames].tolist():
            x = float((index * 11 + frame) % (WIDTH - _BOX_WIDTH))
            y = float(index * 5 % (HEIGHT - _BOX_HEIGHT))
            joints = np.linspace((x, y), (x + _BOX_WIDTH, y + _BOX_HEIGHT), JOINTS)
            tracks[frame][int(person)] = {
                "id": int(person) + 1,
                "box_pos": np.array([x, x + _BOX_WIDTH, y, y + _BOX_HEIGHT], np.float32),
                "pose_pos": joints.astype(np.float32),
            }
    return tracks


if __name__ == "__main__":
    raise SystemExit(main())
