"""Small clips of every kind that frames are read from, and how they decode in full."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import av
import numpy as np

# Options that make x264 write what its name says; times are in 1/30 s unless given.
X264 = {
    "plain": {"bf": "0", "g": "12"},
    "b_frames": {"bf": "3", "b-pyramid": "normal", "g": "24", "b-adapt": "0"},
    "open_gop": {"bf": "3", "g": "12", "x264-params": "open-gop=1:b-adapt=0:scenecut=0"},
    "one_gop": {"bf": "5", "g": "999", "x264-params": "scenecut=0"},
    "slices": {"bf": "2", "g": "15", "slices": "4"},
}


@functools.cache
def _ramps(width: int, height: int) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    grain = np.random.default_rng(7).integers(0, 30, (height, width))
    return np.stack([x * 3, y * 2, x + y + grain], axis=-1).astype(np.uint8)


def draw(index: int, width: int, height: int) -> np.ndarray:
    """A picture that no other index has: moving ramps over fixed grain, RGB uint8."""
    return _ramps(width, height) + (index * np.array([7, 13, 5])).astype(np.uint8)


@contextmanager
def _scheduling_kept() -> Iterator[None]:
    """Undoes what SVT-AV1 does to its caller: as root, it makes that thread a real-time one.

    All that this process starts later would inherit it, and whatever computes for long in such a
    process takes a core from all others, the kernel's own work included.
    """
    if not hasattr(os, "sched_getscheduler"):
        yield
        return
    policy, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        yield
    finally:
        os.sched_setscheduler(0, policy, parameters)


@_scheduling_kept()
def write_clip(
    path: Path,
    frames: int,
    *,
    codec: str = "libx264",
    options: dict[str, str] | None = None,
    size: tuple[int, int] = (96, 64),
    times: Sequence[int] | None = None,
    container_options: dict[str, str] | None = None,
    pix_fmt: str = "yuv420p",
) -> Path:
    """Writes a clip of `frames` frames, `size` (width, height), at `times` in 1/30 s."""
    with av.open(str(path), "w", options=container_options or {}) as container:
        stream = container.add_stream(codec, rate=30, options=options or {})
        stream.width, stream.height = size
        stream.pix_fmt = pix_fmt
        stream.codec_context.thread_count = 1
        for index in range(frames):
            frame = av.VideoFrame.from_ndarray(draw(index, *size), "rgb24").reformat(format=pix_fmt)
            frame.pts = times[index] if times is not None else index
            for packet in stream.encode(frame):
                container.mux(packet)
        for packet in stream.encode(None):
            container.mux(packet)
    return path


def decode_whole(path: Path) -> list[np.ndarray]:
    """Every frame, decoded from the first to the last and converted whole: BGR uint8."""
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="bgr24") for frame in container.decode(video=0)]
