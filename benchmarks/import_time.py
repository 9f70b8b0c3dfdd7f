"""Processor time of what users wait for: imports, and the first example of a stream."""

from __future__ import annotations

from benchmarks.harness import Figure, Size, in_turn, printed
from benchmarks.inputs import data_folder

_IMPORT = """
import sys, time
__import__(sys.argv[1])
print(time.process_time())
"""
_FIRST = """
import sys, time
import dancereid
folder = sys.argv[1]
options = {"data_dir": folder, "catalogue": folder + "/c.csv"}
stream = dancereid.load_dataset(streaming=True, **options)["test"]
start = time.process_time()
assert next(iter(stream))["image"].width == 128
print(time.process_time() - start)
"""


def measure(size: Size) -> list[Figure]:
    """Seconds of processor time."""
    clips = {f"{seconds} s": data_folder(seconds=seconds, tiny=size.tiny) for seconds in (20, 200)}
    vp9 = data_folder("vp9", tiny=size.tiny)
    found = in_turn(
        size,
        {
            "datasets": lambda: printed(_IMPORT, "datasets"),
            "dancereid": lambda: printed(_IMPORT, "dancereid"),
            **{
                name: lambda folder=folder: printed(_FIRST, folder)
                for name, folder in clips.items()
            },
            "vp9": lambda: printed(_FIRST, vp9),
        },
        "starting",
    )
    more = zip(found["dancereid"], found["datasets"], strict=True)
    return [
        Figure(
            "import dancereid, above import datasets",
            tuple(ours - theirs for ours, theirs in more),
            *("≤ 0.1 s", "s"),
        ),
        Figure("first example, H.264 of 20 s", tuple(found["20 s"]), "< 0.6 s", "s"),
        Figure("first example, H.264 of 200 s", tuple(found["200 s"]), "< 0.6 s", "s"),
        Figure("first example, VP9 of 60 s", tuple(found["vp9"]), "< 0.6 s", "s"),
    ]
