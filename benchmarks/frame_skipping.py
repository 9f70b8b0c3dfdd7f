"""Building a clip with people in one tenth of it, compared with people in all of it."""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.build import BUILD
from benchmarks.harness import Figure, Size, in_turn, printed, ratios
from benchmarks.inputs import data_folder


def measure(size: Size) -> list[Figure]:
    """Ratios of time."""
    folders = {
        f"{codec} {part:g}": data_folder(codec, people_in=part, tiny=size.tiny)
        for codec in ("h264", "vp9")
        for part in (1, 0.1)
    }
    with tempfile.TemporaryDirectory() as temporary:
        new_folders = (Path(temporary) / str(number) for number in range(10**6))
        found = in_turn(
            size,
            {
                name: lambda folder=folder: printed(BUILD, folder, next(new_folders), False)
                for name, folder in folders.items()
            },
            "building a tenth",
        )
    return [
        Figure(
            f"people in a tenth / in all, {name}",
            ratios(found[f"{codec} 0.1"], found[f"{codec} 1"]),
            "≤ 0.25",
        )
        for codec, name in (("h264", "H.264"), ("vp9", "VP9"))
    ]
