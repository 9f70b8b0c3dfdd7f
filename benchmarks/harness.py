"""Runs programs in turn, each in its own process, and compares them run by run."""

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
from typing import Any, TypeVar

import imageio_ffmpeg
from tqdm import tqdm

T = TypeVar("T")

ROOT = Path(__file__).parents[1]
FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()


@dataclass(frozen=True)
class Size:
    """How much to measure.

    Attributes:
        runs: counted runs of everything; one before them is not counted.
        tiny: measure just enough to see that a benchmark runs; its figures mean nothing.
    """

    runs: int
    tiny: bool = False

    def of(self, full: int, tiny: int) -> int:
        """A number of frames, images or processes."""
        return tiny if self.tiny else full


@dataclass(frozen=True)
class Figure:
    """What one benchmark measured, with a value for each run.

    Attributes:
        name: what was measured, or compared.
        values: one for each run.
        aim: what it should be, in words; empty if there is no aim.
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


def in_turn(size: Size, tasks: Mapping[str, Callable[[], T]], what: str) -> dict[str, list[T]]:
    """Calls all tasks in every run, so that a change of the machine's speed affects all of them.

    Returns:
        By task, what it returned in each run that counts.
    """
    found: dict[str, list[T]] = {name: [] for name in tasks}
    warm_up = 0 if size.tiny else 1
    for run in tqdm(range(warm_up + size.runs), desc=what, unit=" runs"):
        for name, task in tasks.items():
            value = task()
            if run >= warm_up:
                found[name].append(value)
    return found


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> tuple[float, ...]:
    """Our values divided by theirs, run by run."""
    return tuple(one / other for one, other in zip(ours, theirs, strict=True))


def printed(program: str, *arguments: object) -> float:
    """Runs a Python program in its own process, and returns the last number that it prints."""
    command = [sys.executable, "-c", program, *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True, env=_quiet())
    return float(done.stdout.split()[-1])


def wall_seconds(command: Iterable[object]) -> float:
    """Seconds that a command takes, from its start to its end."""
    start = time.perf_counter()
    subprocess.run([str(part) for part in command], cwd=ROOT, check=True, env=_quiet())
    return time.perf_counter() - start


def decoding_seconds(clip: Path) -> float:
    """Seconds that FFmpeg's own program takes to decode every frame, with two threads."""
    quiet = ["-loglevel", "error", "-nostdin"]
    return wall_seconds([FFMPEG, *quiet, "-threads", 2, "-i", clip, "-f", "null", "-"])


def _quiet() -> dict[str, str]:
    """The environment without progress bars and warnings, which would hide those of the run."""
    quiet = {"HF_DATASETS_DISABLE_PROGRESS_BARS": "1", "DATASETS_VERBOSITY": "error"}
    return {**os.environ, **quiet, "PYTHONWARNINGS": "ignore"}


def peak_mib() -> float:
    """The most memory that this process has had so far; Linux only, since the kernel counts it."""
    # Not ru_maxrss: it starts with the memory that the parent had when it forked.
    status = Path("/proc/self/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if "VmHWM" in line)) / 1024


def machine() -> dict[str, str]:
    """The machine and the versions that the figures depend on."""
    cpu = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
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
