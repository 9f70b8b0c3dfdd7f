"""Building tracklets and whole frames of one clip, compared with building its crops.

What whole frames cost to encode as JPEG is measured apart, on the pictures that were built, and
taken off: they are larger than crops.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.harness import Figure, Size, in_turn, printed, ratios
from benchmarks.inputs import data_folder

_BUILD = """
import sys, time
import dancereid
folder, cache, unit = sys.argv[1:]
options = {"data_dir": folder, "catalogue": folder + "/c.csv", "unit": unit}
start = time.perf_counter()
assert len(dancereid.load_dataset(cache_dir=cache, **options)["test"]) > 0
print(time.perf_counter() - start)
"""
_ENCODE = """
import sys, time
import cv2
import dancereid
folder, cache = sys.argv[1:]
options = {"data_dir": folder, "catalogue": folder + "/c.csv", "unit": "frame"}
seconds = 0
for example in dancereid.as_arrays(dancereid.load_dataset(cache_dir=cache, **options)["test"]):
    pixels = example["image"]
    start = time.perf_counter()
    cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 75])
    seconds += time.perf_counter() - start
print(seconds)
"""


def measure(size: Size) -> list[Figure]:
    """Ratios of time."""
    folder = data_folder(tiny=size.tiny)
    with tempfile.TemporaryDirectory() as temporary:
        new_folders = (Path(temporary) / str(number) for number in range(10**6))
        frames = Path(temporary) / "frames"
        found = in_turn(
            size,
            {
                **{
                    unit: lambda unit=unit: printed(_BUILD, folder, next(new_folders), unit)
                    for unit in ("crop", "tracklet", "frame")
                },
                "encode": lambda: printed(_ENCODE, folder, frames),
            },
            "building units",
        )
    crops = found["crop"]
    rest = [all_ - encode for all_, encode in zip(found["frame"], found["encode"], strict=True)]
    return [
        Figure("tracklets / crops", ratios(found["tracklet"], crops), "≤ 1.1"),
        Figure("frames without their encoding / crops", ratios(rest, crops), "≤ 1.1"),
        Figure("frames / crops", ratios(found["frame"], crops)),
        Figure("crops", tuple(crops), unit="s"),
    ]
