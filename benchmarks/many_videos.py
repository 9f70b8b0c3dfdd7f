"""Many videos: what the driver adds to each, its memory, the disk; Dask, and parts side by side."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

from benchmarks.harness import ROOT, Figure, Size, in_turn, printed, ratios
from benchmarks.inputs import KEPT, data_folder
from dancereid_pipeline.publish.merge import merge

# Builds in this process and takes that time away: what is left is planning, submitting, merging.
_DRIVER = """
import resource, sys, time
from concurrent.futures import Executor, Future
import dancereid, dancereid_pipeline.build.samples, dancereid_pipeline.publish.prepare

class Inline(Executor):
    spent = 0.0
    def submit(self, task, *arguments):
        start, future = time.perf_counter(), Future()
        future.set_result(task(*arguments))
        self.spent += time.perf_counter() - start
        return future

peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
folder, output, videos = sys.argv[1:]
executor, before, start = Inline(), peak(), time.perf_counter()
options = {"data_dir": folder, "catalogue": folder + "/c.csv"}
build = dancereid.prepare("paper", output, executor=executor, **options)
taken = time.perf_counter() - start - executor.spent
assert len(build.shards) == int(videos)
print(1000 * taken / int(videos), peak() - before)
"""


# Time of a build without its imports. Each part has one core, as the jobs of a cluster may have.
_BUILD = """
import os, sys, time
import dancereid, dancereid_pipeline.build.samples, dancereid_pipeline.publish.prepare
from dancereid_pipeline.common.cpu import cores, share_cores
how, folder, output = sys.argv[1:]
options = {"data_dir": folder, "catalogue": folder + "/c.csv"}
if __name__ == "__main__":
    if how == "dask":
        from dancereid_pipeline.shards.dask_engine import dask_executor
        with dask_executor(None, 2) as executor:
            for future in [executor.submit(__import__, "dancereid_pipeline.build.samples")] * 8:
                future.result()
            start = time.perf_counter()
            dancereid.prepare("paper", output, executor=executor, **options)
            print(time.perf_counter() - start)
    else:
        share_cores(cores())  # one thread
        start = time.perf_counter()
        if how == "one":
            dancereid.prepare("paper", output, **options)
        else:
            dancereid.prepare_part("paper", output, int(how), 2, **options)
        print(time.perf_counter() - start)
"""

# The most that is on disk while a config is prepared: in its folder, in temporary folders and in
# the cache of `datasets`, divided by the size of the Parquet files.
_DISK = """
import os, sys, tempfile, threading
folder, output, temporary = sys.argv[1:]
os.environ["HF_HOME"] = tempfile.tempdir = temporary
import dancereid

def used():
    total = 0
    for path, _, names in (entry for top in (output, temporary) for entry in os.walk(top)):
        for name in names:
            try:
                total += os.lstat(os.path.join(path, name)).st_size
            except FileNotFoundError:
                pass  # removed meanwhile
    return total

peak, over = 0, threading.Event()
def watch():
    global peak
    while not over.wait(0.002):
        peak = max(peak, used())

watching = threading.Thread(target=watch)
watching.start()
build = dancereid.prepare("paper", output, data_dir=folder, catalogue=folder + "/c.csv")
over.set()
watching.join()
print(max(peak, used()) / sum(shard.bytes for shard in build.shards))
"""


def measure(size: Size) -> list[Figure]:
    """Milliseconds of the driver a video, its memory, and ratios of time."""
    few, many = (20, 40) if size.tiny else (1000, 5000)
    with tempfile.TemporaryDirectory(dir=KEPT) as temporary:
        folder = Path(temporary)
        for count in (few, many):
            _many_videos(folder / str(count), count)
        tasks = {
            str(count): lambda count=count: _driver(folder / str(count), folder / "out", count)
            for count in (few, many)
        }
        driver = in_turn(size, tasks, "the driver")
        engines = in_turn(size, _engines(size, folder), "two workers")
        disk = in_turn(size, {"disk": lambda: _disk(size)}, "the disk")["disk"]
    of_many, of_few = ([ms for ms, _ in driver[str(count)]] for count in (many, few))
    figures = [
        Figure(f"the driver, for each of {many:,} videos", tuple(of_many), "≤ 10 ms", "ms"),
        Figure(f"{many:,} videos / {few:,}, for each", ratios(of_many, of_few), "≤ 1.2"),
        Figure(
            f"memory of the driver with {many:,} videos, above imports",
            tuple(mib for _, mib in driver[str(many)]), "≤ 300 MB", "MiB",
        ),
        Figure("disk while it runs / the Parquet files", tuple(disk), "≤ 1.05"),
        Figure("one process / two parts", ratios(engines["one"], engines["parts"]), "≥ 1.8"),
    ]  # fmt: skip
    if "dask" in engines:
        name = "Dask with two workers / two parts"
        figures.append(Figure(name, ratios(engines["dask"], engines["parts"]), "≤ 1.05"))
    return figures


def _engines(size: Size, folder: Path) -> dict[str, Callable[[], float]]:
    """Ways to build eight clips. Each returns the seconds that it took."""
    inputs = data_folder(seconds=20, videos=8, tiny=size.tiny)
    outputs = (folder / f"engines-{number}" for number in range(10**6))
    ways: dict[str, Callable[[], float]] = {
        "one": lambda: printed(_BUILD, "one", inputs, next(outputs)),
        "parts": lambda: _parts(inputs, next(outputs)),
    }
    if find_spec("distributed"):
        ways["dask"] = lambda: printed(_BUILD, "dask", inputs, next(outputs))
    return ways


def _disk(size: Size) -> float:
    inputs = data_folder(seconds=20, videos=8, tiny=size.tiny)
    with tempfile.TemporaryDirectory(dir=KEPT) as folder:
        for name in ("output", "temporary"):
            (Path(folder) / name).mkdir()
        return printed(_DISK, inputs, f"{folder}/output", f"{folder}/temporary")


def _parts(inputs: Path, output: Path) -> float:
    with ThreadPoolExecutor(2) as both:
        parts = [both.submit(printed, _BUILD, number, inputs, output) for number in (1, 2)]
        slower = max(part.result() for part in parts)
    start = time.perf_counter()
    merge(output)
    return slower + time.perf_counter() - start


def _driver(folder: Path, output: Path, videos: int) -> tuple[float, float]:
    shutil.rmtree(output, ignore_errors=True)
    words = [sys.executable, "-c", _DRIVER, str(folder), str(output), str(videos)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    milliseconds, mebibytes = done.stdout.split()
    return float(milliseconds), float(mebibytes)


def _many_videos(folder: Path, count: int) -> None:
    """A data folder with so many videos: links to one clip of two frames, and to its tracks."""
    one = data_folder(seconds=2, tiny=True)
    clip, tracks = next((one / "videos").iterdir()), next((one / "npy").iterdir())
    names = [f"many{number:06d}" for number in range(count)]
    for part in ("videos", "npy"):
        (folder / part).mkdir(parents=True)
    for name in names:
        os.link(clip, folder / "videos" / f"{name}{clip.suffix}")
        os.link(tracks, folder / "npy" / f"{name}.npy")
    rows = "".join(f"{name},1,test\n" for name in names)
    (folder / "c.csv").write_text("video_id,people,split\n" + rows)
    (folder / "annotation.json").write_text(json.dumps({name: {"0": [0]} for name in names}))
