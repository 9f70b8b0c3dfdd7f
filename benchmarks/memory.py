"""Peak memory of building a clip, and a clip ten times as long, above `import datasets`."""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.harness import Figure, Size, in_turn, printed, ratios
from benchmarks.inputs import data_folder

_BUILD = """
import sys
import datasets
from benchmarks.harness import peak_mib
if len(sys.argv) > 1:
    import dancereid
    folder, cache = sys.argv[1:]
    ds = dancereid.load_dataset(data_dir=folder, catalogue=folder + "/c.csv", cache_dir=cache)
    assert len(ds["test"]) > 0
print(peak_mib())
"""


def measure(size: Size) -> list[Figure]:
    """MiB, and their ratio."""
    short, long = (data_folder(seconds=seconds, tiny=size.tiny) for seconds in (20, 200))
    with tempfile.TemporaryDirectory() as temporary:
        new_folders = (Path(temporary) / str(number) for number in range(10**6))
        found = in_turn(
            size,
            {
                "base": lambda: printed(_BUILD),
                "short": lambda: printed(_BUILD, short, next(new_folders)),
                "long": lambda: printed(_BUILD, long, next(new_folders)),
            },
            "measuring memory",
        )
    above = {
        name: tuple(peak - base for peak, base in zip(found[name], found["base"], strict=True))
        for name in ("short", "long")
    }
    return [
        Figure("a clip of 20 s, above import datasets", above["short"], "≤ 250 MB", "MiB"),
        Figure("a clip of 200 s, above import datasets", above["long"], "≤ 250 MB", "MiB"),
        Figure("200 s / 20 s", ratios(above["long"], above["short"]), "≤ 1.05"),
        Figure("import datasets", tuple(found["base"]), unit="MiB"),
    ]
