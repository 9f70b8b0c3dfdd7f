"""How progress is shown: bars, lines now and then, or nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import count

import datasets
import datasets.builder
import pytest
from datasets.utils import tqdm

from dancereid_pipeline.common.progress import progress, show_progress
from tests.support.command import run

BARS = sys.modules["datasets.utils.tqdm"]  # the module; the package calls its class by this name


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Lines instead of bars; each look at the clock finds it ten seconds later."""
    monkeypatch.setattr(BARS, "_hf_datasets_progress_bars_disabled", False)
    seconds = count(0, 10)
    monkeypatch.setattr("tqdm.std.time", lambda: float(next(seconds)))
    show_progress("lines")
    yield
    show_progress("bars")


def said(capsys: pytest.CaptureFixture[str]) -> list[str]:
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "\r" not in captured.err
    assert captured.err.endswith("\n") or not captured.err
    return captured.err.splitlines()


@pytest.mark.usefixtures("lines")
def test_a_line_now_and_then_and_one_at_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    with progress(desc="Ranking", total=8, unit=" queries") as bar:
        for _ in range(8):
            bar.update()
    told = said(capsys)
    assert 2 <= len(told) < 8
    assert told[0].startswith("Ranking: 3 of 8 queries, 38 %, 00:50, 00:50 left")
    assert told[-1].startswith("Ranking: 8 of 8 queries, 100 %, ")
    assert list(progress(["a"] * 3, "Drawing", unit=" people")) == ["a"] * 3
    assert said(capsys)[-1].startswith("Drawing: 3 of 3 people, 100 %, ")


@pytest.mark.usefixtures("lines")
def test_without_an_end_in_sight_and_in_bytes(capsys: pytest.CaptureFixture[str]) -> None:
    with progress(desc="Tracks", unit="B", unit_scale=True, unit_divisor=1024) as bar:
        bar.update(2048)
        bar.close()
        bar.close()
    (line,) = said(capsys)
    assert line.startswith("Tracks: 2.00kB, ")


@pytest.mark.usefixtures("lines")
def test_details_of_a_longer_step_have_no_lines(capsys: pytest.CaptureFixture[str]) -> None:
    for _ in progress(range(9), desc="Checking", leave=False):
        pass
    assert said(capsys) == []


def test_what_is_short_has_no_line(
    lines: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tqdm.std.time", lambda: 7.0)
    for _ in progress(range(9), desc="Checking"):
        pass
    assert said(capsys) == []


@pytest.mark.usefixtures("lines")
def test_whoever_turned_bars_off_sees_no_lines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(BARS, "_hf_datasets_progress_bars_disabled", True)
    for _ in progress(range(9), desc="Checking"):
        pass
    assert said(capsys) == []


def test_the_bars_of_datasets_follow(lines: None) -> None:
    assert type(progress()) is datasets.builder.hf_tqdm is not tqdm
    show_progress("nothing")
    assert datasets.builder.hf_tqdm(range(3)).disable
    show_progress("bars")
    assert datasets.builder.hf_tqdm is tqdm


BUILD = """
import sys
from itertools import count
from dancereid_pipeline.cli.main import main
import dancereid, tqdm.std
seconds = count(0, 10)
tqdm.std.time = lambda: float(next(seconds))
sys.exit(main(sys.argv[1:]))
"""


def test_a_build_in_a_log_has_lines_and_quiet_has_none(tmp_path: os.PathLike[str]) -> None:
    words = ["extract", "--config", "demo", "--model", "colour", "--output", "f.parquet"]
    words += ["--cache-dir", "cache", "--stride", "20"]
    bars = {**os.environ, "HF_DATASETS_DISABLE_PROGRESS_BARS": "0"}

    def errors(*more: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", BUILD, *words, *more],
            cwd=tmp_path, env=bars, capture_output=True, text=True, check=True,
        )  # fmt: skip
        return done.stderr

    told = errors()
    assert "\r" not in told
    assert len(set(told.splitlines())) == len(told.splitlines())
    for what in ("Generating trainval split: ", "Generating test split: ", "Extracting: "):
        assert f"{what}" in told
    assert "Extracting: 37 of 37 images, 100 %, " in told
    assert errors("--quiet") == ""


def test_a_short_command_says_nothing_of_its_progress(tmp_path: os.PathLike[str]) -> None:
    bars = {**os.environ, "HF_DATASETS_DISABLE_PROGRESS_BARS": "0"}
    done = run("cache", "--cache-dir", tmp_path, env=bars)
    assert (done.returncode, done.stderr) == (0, "")
