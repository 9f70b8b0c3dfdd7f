"""The inputs of benchmarks: clips encoded as YouTube does, in data folders. Made once, kept."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from dancereid_pipeline.formats.npy_tracks import JOINTS, write_tracks

PEOPLE = 5
RATE = 30
# Seconds between key frames, and seconds that are encoded; a longer clip repeats these.
_KEY_EVERY, _ENCODED = 5, 20
# For --tiny, clips are shorter by this factor, and smaller.
_TINY = 30
KEPT = Path(__file__).with_name("kept")
# Encoder, file, options. YouTube spends about as many bits on 1080p.
_CODECS: dict[str, tuple[str, str, dict[str, str]]] = {
    "h264": (
        *("libx264", "mp4"),
        {
            **{"profile": "high", "preset": "fast", "b": "4M", "maxrate": "6M", "bufsize": "12M"},
            **{"bf": "3", "sc_threshold": "0", "x264-params": "b-adapt=0:b-pyramid=normal"},
        },
    ),
    "vp9": (
        *("libvpx-vp9", "webm"),
        {"b": "2500k", "deadline": "good", "cpu-used": "5", "row-mt": "1", "tile-columns": "2"},
    ),
}


def data_folder(
    codec: str = "h264",
    *,
    seconds: int = 60,
    videos: int = 1,
    people_in: float = 1.0,
    tiny: bool = False,
) -> Path:
    """A data folder with clips of 1920 x 1080 and five people; its catalogue is `c.csv`.

    Args:
        codec: "h264" (mp4, High profile, 3 B-frames in a pyramid) or "vp9" (webm).
        seconds: of each clip, at 30 frames a second.
        videos: how many, all alike.
        people_in: the part of each clip that has people in it: one stretch. If it is less than 1,
            it starts in the middle of the clip.
        tiny: 320 x 180, and a thirtieth of the seconds.
    """

    def write(folder: Path) -> None:
        frames = RATE * seconds // (_TINY if tiny else 1)
        first = frames // 2 if people_in < 1 else 0
        seen = range(first, first + round(frames * people_in))
        names = [f"bench{number}" for number in range(videos)]
        clip = _clip(codec, frames, tiny)
        for part in ("videos", "npy"):
            (folder / part).mkdir(parents=True)
        rows = "".join(f"{name},{PEOPLE},test\n" for name in names)
        (folder / "c.csv").write_text("video_id,people,split\n" + rows)
        annotation = {str(person): list(seen) for person in range(PEOPLE)}
        (folder / "annotation.json").write_text(json.dumps(dict.fromkeys(names, annotation)))
        tracks = {
            frame: _detections(frame, tiny) if frame in seen else {} for frame in range(frames)
        }
        for name in names:
            write_tracks(folder / "npy" / f"{name}.npy", tracks)
            shutil.copyfile(clip, folder / "videos" / f"{name}{clip.suffix}")

    return _kept(f"{codec}-{seconds}s-{videos}x-{people_in:g}{'-tiny' * tiny}", write)


def clip_in(folder: Path) -> Path:
    """The first clip of a data folder."""
    return min((folder / "videos").iterdir())


def _kept(name: str, write: Callable[[Path], None]) -> Path:
    """What this version of the code wrote under a name. Writes it if it is not there."""
    code = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:8]
    target = KEPT / f"{code}-{name}"
    if not target.exists():
        KEPT.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=KEPT) as temporary:
            write(Path(temporary) / name)
            (Path(temporary) / name).rename(target)
    return target


def _clip(codec: str, frames: int, tiny: bool) -> Path:
    """A clip with the given number of frames."""
    suffix = _CODECS[codec][1]
    size = (320, 180) if tiny else (1920, 1080)
    once = min(frames, RATE * _ENCODED)
    encoded = _kept(
        f"{codec}-{once}-{size[1]}.{suffix}", lambda path: _encode(path, codec, once, size)
    )
    if once == frames:
        return encoded
    return _kept(
        f"{codec}-{frames}-{size[1]}.{suffix}", lambda path: _repeat(encoded, path, frames // once)
    )


def _encode(path: Path, codec: str, frames: int, size: tuple[int, int]) -> None:
    encoder, _, options = _CODECS[codec]
    every = str(_KEY_EVERY * RATE)
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(
            encoder, rate=RATE, options={**options, "g": every, "keyint_min": every}
        )
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        stream.thread_type = "AUTO"  # PyAV's own choice makes x264 cut every picture in slices
        drawn = _pictures(frames, *size)
        for index, planes in enumerate(tqdm(drawn, f"encoding {path.name}", frames)):
            frame = av.VideoFrame.from_ndarray(planes, "yuv420p")
            frame.pts = index
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def _repeat(encoded: Path, path: Path, times: int) -> None:
    """Repeats a clip without encoding it again: that works, as it starts with a key frame."""
    with av.open(str(encoded)) as source, av.open(str(path), "w") as target:
        packets = [p for p in source.demux(video=0) if p.size]
        stream = target.add_stream_from_template(source.streams.video[0])
        shown = sorted(p.pts for p in packets if p.pts is not None)
        length = shown[-1] - shown[0] + shown[1] - shown[0]
        for _ in range(times):
            for packet in packets:
                packet.stream = stream
                target.mux(packet)
                packet.pts, packet.dts = (packet.pts or 0) + length, (packet.dts or 0) + length


def _pictures(frames: int, width: int, height: int) -> Iterator[NDArray[np.uint8]]:
    """Planes of YUV 4:2:0: people in front of a moving background, with new grain in each frame."""
    rng = np.random.default_rng(0)

    def texture(rows: int, columns: int, cell: int) -> NDArray[np.uint8]:
        coarse = rng.integers(30, 220, (rows // cell + 2, columns // cell + 2), np.uint8)
        return np.asarray(cv2.resize(coarse, (columns, rows), interpolation=cv2.INTER_CUBIC))

    background = cv2.addWeighted(
        *(texture(height, width + frames, 24), 0.8), *(texture(height, width + frames, 5), 0.2), 0
    )
    chroma = texture(height // 2, width, 30) // 4 + 100
    grains = rng.normal(0, 6, (4, height * 3 // 2 + 64, width + 64)).astype(np.int16)
    people = [texture(height // 2, width // 8, 9) for _ in range(PEOPLE)]
    for frame in range(frames):
        luma = background[:, frame : frame + width].copy()
        for person, clothes in enumerate(people):
            x, y = (round(edge) for edge in _corner(person, frame, width, height))
            luma[y : y + clothes.shape[0], x : x + clothes.shape[1]] = clothes
        y, x = rng.integers(0, 64, 2)
        grain = grains[frame % 4, y : y + height * 3 // 2, x : x + width]
        yield (np.vstack([luma, chroma]) + grain).clip(16, 235).astype(np.uint8)


def _corner(person: int, frame: int, width: int, height: int) -> tuple[float, float]:
    """The top left corner of a person, who is 1/8 of the frame wide and half of it high."""
    x = 0.05 + 0.17 * person + 0.02 * np.sin(frame / 15 + person)
    return x * width, (0.28 + 0.02 * np.sin(frame / 7 + person)) * height


def _detections(frame: int, tiny: bool) -> dict[int, dict[str, object]]:
    width, height = (320, 180) if tiny else (1920, 1080)
    found: dict[int, dict[str, object]] = {}
    for person in range(PEOPLE):
        x, y = _corner(person, frame % (RATE * _ENCODED), width, height)
        right, bottom = x + width / 8, y + height / 2
        found[person] = {
            "id": person + 1,
            "box_pos": np.array([x, right, y, bottom]),
            "pose_pos": np.linspace((x, y), (right, bottom), JOINTS),
        }
    return found
