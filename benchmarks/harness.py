"""Programs in processes of their own, in turn, and what comes of them: ratios, run by run."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import imageio_ffmpeg
from tqdm import tqdm

ROOT = Path(__file__).parents[1]
FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()


@dataclass(frozen=True)
class Size:
    """How much is measured.

    Attributes:
        runs: counted runs of everything; one before them is not counted.
        tiny: as little as shows that a benchmark runs; its figures say nothing.
    """

    runs: int
    tiny: bool = False

    def of(self, full: int, tiny: int) -> int:
        """A number of frames, images or processes."""
        return tiny if self.tiny else full


@dataclass(frozen=True)
class Figure:
    """What was found, once a run.

    Attributes:
        name: what was held against what.
        values: one a run.
        aim: what it should be, in words; empty where there is none.
        unit: empty for a ratio.
    """

    name: str
    values: tuple[float, ...]
    aim: str = ""
    unit: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        spread = {"min": min(self.values), "max": max(self.values)}
        median = statistics.median(self.values)
        return {**vars(self), "values": list(self.values), "median": median, **spread}


def in_turn(
    size: Size, tasks: Mapping[str, Callable[[], float]], what: str
) -> dict[str, list[float]]:
    """What each task gives, run by run: all of them in every run, so that drift falls on all."""
    found: dict[str, list[float]] = {name: [] for name in tasks}
    warm_up = 0 if size.tiny else 1
    for run in tqdm(range(warm_up + size.runs), desc=what, unit=" runs"):
        for name, task in tasks.items():
            value = task()
            if run >= warm_up:
                found[name].append(value)
    return found


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> tuple[float, ...]:
    """Run by run."""
    return tuple(one / other for one, other in zip(ours, theirs, strict=True))


def printed(program: str, *arguments: object) -> float:
    """The last number that a Python program prints, in a process of its own."""
    command = [sys.executable, "-c", program, *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True, env=_quiet())
    return float(done.stdout.split()[-1])


def wall_seconds(command: Iterable[object]) -> float:
    """How long a command takes from its start to its end."""
    start = time.perf_counter()
    subprocess.run([str(part) for part in command], cwd=ROOT, check=True, env=_quiet())
    return time.perf_counter() - start


def decoding_seconds(clip: Path) -> float:
    """How long FFmpeg's own program takes to decode every frame, by two threads."""
    quiet = ["-loglevel", "error", "-nostdin"]
    return wall_seconds([FFMPEG, *quiet, "-threads", 2, "-i", clip, "-f", "null", "-"])


def _quiet() -> dict[str, str]:
    """Bars and warnings of the processes would drown those of the run."""
    quiet = {"HF_DATASETS_DISABLE_PROGRESS_BARS": "1", "DATASETS_VERBOSITY": "error"}
    return {**os.environ, **quiet, "PYTHONWARNINGS": "ignore"}


def peak_mib() -> float:
    """The most memory this process has had so far, by the kernel: on Linux only."""
    # Not ru_maxrss: that begins with what the parent had when it forked.
    status = Path("/proc/self/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if "VmHWM" in line)) / 1024


def machine() -> dict[str, str]:
    """What the figures were found on."""
    cpu = platform.processor() or platform.machine()
    told = Path("/proc/cpuinfo")
    lines = told.read_text().splitlines() if told.exists() else []
    cpu = next((line.split(": ")[1] for line in lines if line.startswith("model name")), cpu)
    ffmpeg = imageio_ffmpeg.get_ffmpeg_version()
    packages = ("datasets", "av", "opencv-python-headless", "numpy", "pillow", "pyarrow")
    return {
        "machine": f"{cpu}, {os.cpu_count()} cores, {platform.system()}",
        "python": platform.python_version(),
        **{package: version(package) for package in packages},
        "ffmpeg": ffmpeg,
    }


def table(figures: Iterable[Figure]) -> str:
    """The figures as Markdown."""
    rows = ["| figure | aim | min | median | max |", "| --- | --- | --- | --- | --- |"]
    for figure in figures:
        found = figure.as_dict()
        numbers = (found[key] for key in ("min", "median", "max"))
        shown = [f"{n:,.0f}" if n >= 1000 else f"{n:.3g}" for n in numbers]
        shown = [f"{number} {figure.unit}".strip() for number in shown]
        rows.append(f"| {figure.name} | {figure.aim} | " + " | ".join(shown) + " |")
    return "\n".join(rows)
