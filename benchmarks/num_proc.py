"""Building four clips: two processes compared with one, and other numbers of threads."""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.harness import Figure, Size, in_turn, printed, ratios
from benchmarks.inputs import data_folder

# Threads for each process; 0 lets dancereid choose.
_THREADS = (0, 1, 2, 6)
_BUILD = """
import sys, time
import dancereid, dancereid_pipeline.formats.packets, dancereid_pipeline.build.samples
folder, cache, processes, threads = sys.argv[1:]
if threads != "0":
    dancereid_pipeline.formats.packets.decoder_threads = lambda: int(threads)
options = {"data_dir": folder, "catalogue": folder + "/c.csv", "num_proc": int(processes)}
start = time.perf_counter()
assert len(dancereid.load_dataset(cache_dir=cache, **options)["test"]) > 0
print(time.perf_counter() - start)
"""


def measure(size: Size) -> list[Figure]:
    """Ratios of time."""
    folder = data_folder(seconds=20, videos=4, tiny=size.tiny)
    with tempfile.TemporaryDirectory() as temporary:
        new_folders = (Path(temporary) / str(number) for number in range(10**6))
        tasks = {
            f"{processes} {threads}": lambda processes=processes, threads=threads: printed(
                _BUILD, folder, next(new_folders), processes, threads
            )
            for processes, choices in ((1, (0, 1)), (2, _THREADS))
            for threads in (choices[:2] if size.tiny else choices)
        }
        found = in_turn(size, tasks, "building four clips")
    alone, by_itself = found["1 1"], found["2 0"]
    figures = [
        Figure("1 process with 1 thread / 2 processes", ratios(alone, by_itself), "≥ 1.8"),
        Figure("1 process / 2 processes", ratios(found["1 0"], by_itself)),
    ]
    for threads in _THREADS[1:]:
        if f"2 {threads}" in found:
            name = f"2 processes of {threads} threads / of those chosen"
            figures.append(Figure(name, ratios(found[f"2 {threads}"], by_itself), "≥ 0.95"))
    return figures
