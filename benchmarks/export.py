"""Writing a folder, compared with building the Arrow dataset from the same video."""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.harness import Figure, Size, in_turn, printed, ratios
from benchmarks.inputs import data_folder

_LAYOUTS = ("published", "published -h5", "market1501", "open-reid")
_WRITE = """
import sys, time
import dancereid, dancereid_pipeline.formats.video_frame, dancereid_pipeline.build.samples
from dancereid_pipeline.export.sample_source import from_videos
from dancereid_pipeline.export.export import write_folder
from dancereid_pipeline.export.layouts import LayoutOptions
work, folder, output = sys.argv[1:]
options = {"data_dir": folder, "catalogue": folder + "/c.csv"}
layout, _, h5 = work.partition(" ")
start = time.perf_counter()
if work == "arrow":
    dancereid.load_dataset("paper", cache_dir=output, **options)
else:
    request = dancereid.DanceReIDConfig(name="paper", **options).request()
    write_folder(from_videos(request), output, LayoutOptions(layout=layout, h5=bool(h5)))
print(time.perf_counter() - start)
"""


def measure(size: Size) -> list[Figure]:
    """Ratios of time, without imports."""
    folder = data_folder(seconds=20, tiny=size.tiny)
    with tempfile.TemporaryDirectory() as temporary:
        new_folders = (Path(temporary) / str(number) for number in range(10**6))
        found = in_turn(
            size,
            {
                work: lambda work=work: printed(_WRITE, work, folder, next(new_folders))
                for work in ("arrow", *_LAYOUTS)
            },
            "writing folders",
        )
    return [
        Figure(f"{layout} / Arrow", ratios(found[layout], found["arrow"]), "≤ 1.2")
        for layout in _LAYOUTS
    ]
