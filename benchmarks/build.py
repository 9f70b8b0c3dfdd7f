"""Building one clip, compared with bare decoding and with a loop as people write it.

The build decodes, crops, encodes JPEGs and writes Arrow. FFmpeg's own program decodes every
frame with two threads, and drops it. The loop (`benchmarks/decode_vs_opencv.py`) reads every frame
with OpenCV and writes the published folder. Imports count only where a figure says so.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.harness import Figure, Size, decoding_seconds, in_turn, printed, ratios
from benchmarks.inputs import clip_in, data_folder

BUILD = """
import sys, time
begun = time.perf_counter()
import dancereid
folder, cache, imports_too = sys.argv[1:]
start = begun if imports_too == "True" else time.perf_counter()
options = {"data_dir": folder, "catalogue": folder + "/c.csv"}
assert len(dancereid.load_dataset(cache_dir=cache, **options)["test"]) > 0
print(time.perf_counter() - start)
"""
_LOOP = """
import sys
from benchmarks import decode_vs_opencv
print(decode_vs_opencv.seconds(*sys.argv[1:]))
"""


def measure(size: Size) -> list[Figure]:
    """Ratios of time."""
    h264, vp9 = (data_folder(codec, tiny=size.tiny) for codec in ("h264", "vp9"))
    with tempfile.TemporaryDirectory() as temporary:
        new_folders = (Path(temporary) / str(number) for number in range(10**6))
        found = in_turn(
            size,
            {
                "build": lambda: printed(BUILD, h264, next(new_folders), False),
                "ffmpeg": lambda: decoding_seconds(clip_in(h264)),
                "loop": lambda: printed(_LOOP, h264, next(new_folders)),
                "build vp9": lambda: printed(BUILD, vp9, next(new_folders), False),
                "ffmpeg vp9": lambda: decoding_seconds(clip_in(vp9)),
                "all": lambda: printed(BUILD, h264, next(new_folders), True),
            },
            "building a clip",
        )
    build, ffmpeg = found["build"], found["ffmpeg"]
    return [
        Figure("build / FFmpeg's decoding, H.264", ratios(build, ffmpeg), "≤ 0.9"),
        Figure(
            "build / FFmpeg's decoding, VP9",
            ratios(found["build vp9"], found["ffmpeg vp9"]),
            "≤ 1.15",
        ),
        Figure("build / OpenCV loop, H.264", ratios(build, found["loop"]), "≤ 0.5"),
        Figure("OpenCV loop / FFmpeg's decoding, H.264", ratios(found["loop"], ffmpeg)),
        Figure("build with its imports / FFmpeg's decoding, H.264", ratios(found["all"], ffmpeg)),
        Figure("FFmpeg's decoding of the H.264 clip", tuple(ffmpeg), unit="s"),
    ]
