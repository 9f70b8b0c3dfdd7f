"""How long writing a folder takes, against building the Arrow dataset from the same video.

    python -m benchmarks.folders [--frames 300]

Both are timed in processes of their own, after all imports, in turn, so that what else the
machine does falls on both. 1.2 or less is the aim.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from tqdm import tqdm

from benchmarks.memory import make_folder

LAYOUTS = ("published", "published -h5", "market1501", "open-reid")
_TIME = """
import sys, time
import dancereid, dancereid_pipeline.pictures, dancereid_pipeline.samples
from dancereid_pipeline.contents import from_videos
from dancereid_pipeline.export import write_folder
from dancereid_pipeline.layouts import LayoutOptions
work, folder, output = sys.argv[1:]
options = {"data_dir": folder, "catalogue": folder + "/c.csv"}
layout, _, h5 = work.partition(" ")
start = time.perf_counter()
if work == "arrow":
    dancereid.load_dataset("paper", cache_dir=output, **options)
else:
    request = dancereid.DanceReIDConfig(name="paper", **options).request()
    write_folder(from_videos("paper", request), output, LayoutOptions(layout=layout, h5=bool(h5)))
print(time.perf_counter() - start)
"""


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--frames", type=int, default=300, help="of the video")
    parser.add_argument("--runs", type=int, default=7)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = make_folder(Path(temporary) / "data", arguments.frames)
        took: dict[str, list[float]] = {work: [] for work in ("arrow", *LAYOUTS)}
        for run in tqdm(range(arguments.runs), desc="building and writing"):
            for work, of_work in took.items():
                of_work.append(seconds(work, folder, Path(temporary) / f"{work}-{run}"))
    ratios = {
        work: statistics.median(
            of_run / arrow for of_run, arrow in zip(took[work], took["arrow"], strict=True)
        )
        for work in LAYOUTS
    }
    for work, ratio in ratios.items():
        print(f"{work}: {ratio:.2f} of the time that Arrow takes")
    print(json.dumps({"arrow_s": statistics.median(took["arrow"]), "ratios": ratios}))


def seconds(work: str, folder: Path, output: Path) -> float:
    """Seconds that a build, or the writing of a layout, takes."""
    done = subprocess.run(
        [sys.executable, "-c", _TIME, work, str(folder), str(output)],
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout.split()[-1])


if __name__ == "__main__":
    main()
