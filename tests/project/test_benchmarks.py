"""That each benchmark runs, and finds figures; what they are is not asked here."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.__main__ import NAMES
from benchmarks.harness import Figure, Size, in_turn, ratios, table
from tests.conftest import PROJECT


@pytest.mark.skipif(sys.platform != "linux", reason="memory is asked of Linux's kernel")
@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_each_runs(name: str, tmp_path: Path) -> None:
    if name == "training":
        pytest.importorskip("torch", reason="needs torch: make test-slow")
    results = tmp_path / "results.json"
    command = [sys.executable, "-m", "benchmarks", name, "--tiny", "--runs", "1", "--json", results]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(results.read_text())
    figures = found["figures"].pop(name)
    assert found["figures"] == {}
    assert found["tiny"]
    assert {"machine", "python", "datasets", "av", "ffmpeg"} <= found["on"].keys()
    assert len(figures) >= 2
    for figure in figures:
        assert len(figure["values"]) == 1
        assert math.isfinite(figure["median"])
        assert f"| {figure['name']} |" in done.stdout


def test_every_file_of_a_benchmark_is_named() -> None:
    files = {path.stem for path in (PROJECT / "benchmarks").glob("*.py")}
    helpers = {"__init__", "__main__", "inputs", "harness", "decode_vs_opencv", "gpu"}
    assert files - helpers == set(NAMES)


def test_an_unknown_name_is_told() -> None:
    command = [sys.executable, "-m", "benchmarks", "speed"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "no benchmark speed; choose from build, num_proc" in done.stderr


def test_ratios_are_taken_run_by_run() -> None:
    figure = Figure("ours / theirs", ratios([1.0, 2.0, 6.0], [2.0, 1.0, 2.0]), "≤ 1")
    assert figure.values == (0.5, 2.0, 3.0)
    assert table([figure]).splitlines()[-1] == "| ours / theirs | ≤ 1 | 0.5 | 2 | 3 |"


def test_tasks_are_done_in_turn_and_the_first_run_is_not_counted() -> None:
    done: list[str] = []

    def task(name: str) -> float:
        done.append(name)
        return float(len(done))

    found = in_turn(Size(2), {"a": lambda: task("a"), "b": lambda: task("b")}, "testing")
    assert done == ["a", "b"] * 3
    assert found == {"a": [3.0, 5.0], "b": [4.0, 6.0]}
