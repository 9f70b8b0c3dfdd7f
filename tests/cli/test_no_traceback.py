"""Every command, with every flag that takes a value, given what cannot be: no traceback."""

from __future__ import annotations

import argparse
import importlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dancereid_pipeline.cli.main import COMMANDS, main, module_of
from tests.conftest import PROJECT
from tests.support.command import command, hear_ctrl_c

TRAINING = ["--output", "run", "--dataset", "data", "--backbone", "small", "--weights", "none"]
TRAINING += ["--steps", "1"]
# What each command does in a moment, in a folder with `f.npy`, a prepared `data` and a `mot`. A new
# command needs an entry.
BASES: dict[str, list[str]] = {
    "demo": ["--output", "people.png"],
    "doctor": ["--download-dir", "downloads"],
    "check": ["{demo}", "--catalogue", "{demo}/video_data.csv", "--config", "demo"],
    "import": ["mot", "--from", "mot", "--split", "test", "--output", "imported"],
    "fetch": ["--catalogue", "{demo}/video_data.csv", "--download-dir", "downloads"],
    "prepare": ["--output", "new"],
    "merge": ["parts"],
    "push": ["somebody/something", "--dataset", "data"],
    "takedown": ["data", "aaa", "--dry-run"],
    "preview": ["--dataset", "data", "--output", "page.html"],
    "export": ["--dataset", "data", "--output", "exported"],
    "train": ["--method", "softmax", *TRAINING],
    "reproduce": ["--methods", "softmax", *TRAINING],
    "extract": ["--model", "colour", "--dataset", "data", "--output", "features.parquet"],
    "evaluate": ["f.npy", "--dataset", "data"],
    "cache": ["--cache-dir", "cache", "--download-dir", "downloads"],
}
# Without PyTorch, these would refuse everything for that reason alone.
EACH = [
    pytest.param(name, marks=pytest.mark.slow) if name in ("train", "reproduce") else name
    for name in COMMANDS
]
# Where all of the wrong paths must be refused, in whichever command.
INPUTS = {"dataset", "features", "data_dir", "catalogue", "csv", "annotation", "archive"} | {
    "source",
    "results",
    "folders",
}
OUTPUTS = {"output", "show", "contact_sheet", "cache_dir", "download_dir"}
REPORTS = {"doctor", "check"}  # they print what is wrong
PATHS = {"missing", "folder", "empty", "rubbish.npy", "rubbish.npz", "rubbish.parquet"}
PATHS |= {"rubbish.csv", "rubbish.json", "rubbish.zip", "taken/below", "\udcff\udcfe", "n" * 5000}
WORDS = {"", "x", "-1", "nan", "1e99", "9" * 30, "\x00"}


def parser_of(name: str) -> argparse.ArgumentParser:
    """The flags of a command."""
    parser = argparse.ArgumentParser()
    importlib.import_module(f"dancereid_pipeline.cli.{module_of(name)}").add_flags(parser)
    return parser


def with_values(name: str) -> Iterator[argparse.Action]:
    """The flags and arguments of a command that take a value."""
    for action in parser_of(name)._actions:
        if action.nargs != 0 and not isinstance(action, argparse._HelpAction):
            yield action


def values_of(action: argparse.Action) -> set[str]:
    """Wrong values of a flag."""
    if action.dest in OUTPUTS:
        return {"folder", "taken/below", "\udcff\udcfe", "n" * 5000}
    return PATHS if action.dest in INPUTS | {"folder", "model", "weights"} else WORDS


@pytest.fixture
def place(tmp_path: Path, prepared: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with what the commands read, and with what nobody can read."""
    monkeypatch.chdir(tmp_path)
    # A command that fails collects garbage: with all that the other tests have imported, for long.
    monkeypatch.setattr("gc.collect", lambda: 0)
    (tmp_path / "data").symlink_to(prepared)
    shutil.copytree(prepared, "parts")
    np.save("f.npy", np.random.default_rng(0).normal(size=(24, 4)))
    (tmp_path / "mot" / "seq1" / "gt").mkdir(parents=True)
    (tmp_path / "mot" / "seq1" / "gt" / "gt.txt").write_text("1,1,1,1,9,9\n")
    (tmp_path / "mot" / "seq1" / "img1").mkdir()
    Image.new("RGB", (16, 16)).save(tmp_path / "mot" / "seq1" / "img1" / "1.png")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "mine").write_text("mine")
    (tmp_path / "empty").touch()
    (tmp_path / "taken").write_text("mine")
    rubbish = np.random.default_rng(1).bytes(5000)
    for path in PATHS:
        if path.startswith("rubbish"):
            magic = {".zip": b"PK\x03\x04", ".npz": b"PK\x03\x04", ".parquet": b"PAR1"}
            (tmp_path / path).write_bytes(magic.get(Path(path).suffix, b"") + rubbish)
    if hasattr(os, "geteuid") and os.geteuid() != 0:
        (tmp_path / "empty").chmod(0)
    return tmp_path


def words_of(name: str, action: argparse.Action, value: str, demo: Path) -> list[str]:
    """The words of a command, with a value for one of its flags or arguments."""
    base = [word.replace("{demo}", str(demo)) for word in BASES[name]]
    if action.option_strings:
        flag = action.option_strings[-1]
        if flag in base:
            start = base.index(flag)
            del base[start : start + 2]
        many = action.nargs if isinstance(action.nargs, int) else 1
        if flag in ("--data-dir", "--annotation", "--archive", "--video-url"):  # with no --dataset
            for other in ("--dataset", "data"):
                base = [word for word in base if word != other]
            base += ["--config", "paper"] if "--config" not in base else []
        return [name, *base, flag, *[value] * many]
    if base and not base[0].startswith("-"):
        base = base[1:]
    return [name, *(["videos"] if action.dest == "csv" else []), value, *base]


def outcome(words: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """The exit code of a command that runs in this process, and what it says."""
    try:
        code = main([*words, "--quiet"])
    except SystemExit as ended:  # of argparse
        code = int(ended.code or 0)
    said = capsys.readouterr()
    return code, said.out + said.err


@pytest.mark.parametrize("name", EACH)
def test_a_wrong_value_of_any_flag_is_a_line(
    name: str, place: Path, demo: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("HOME", str(place))
    monkeypatch.setattr("webbrowser.open", lambda _: True)
    tried, faults = 0, []
    for action in with_values(name):
        for value in sorted(values_of(action)):
            words = words_of(name, action, value, demo)
            tried += 1
            try:
                code, said = outcome(words, capsys)
            except Exception as error:  # noqa: BLE001  # whatever it is, it is a fault
                faults.append(f"{words!r:.200}: {error!r:.300}")
                continue
            refused = action.dest in INPUTS or (action.choices and action.dest != "split")
            line = f"dancereid {name}: " in said or name in REPORTS
            if "Traceback" in said or (code and not line):
                faults.append(f"{words!r:.200}: {said[-300:]}")
            elif refused and not code:
                faults.append(f"{words!r:.200}: exit code 0")
    assert faults == []
    assert (place / "taken").read_text() == "mine"
    assert (place / "folder" / "mine").read_text() == "mine"
    assert tried >= 6 or name == "demo"


INTERRUPT = """
import os, signal, sys
def hook(event, arguments):
    if event == "open" and str(arguments[0]).endswith({marks!r}) and not done:
        done.append(1)
        os.kill(os.getpid(), signal.SIGINT)
done = []
sys.addaudithook(hook)
"""
# The first of these that a command opens is where it is interrupted.
MARKS = (
    "gt.txt",
    "annotation.json",
    "build.json",
    "f.npy",
    "video_data.csv",
    "dataset_info.json",
    "000-aaa.json",
)


@pytest.mark.parametrize("name", EACH)
def test_ctrl_c_is_a_line(name: str, place: Path, demo: Path) -> None:
    # The doctor tries whether it can write below the current folder.
    marks = (str(place),) if name == "doctor" else MARKS
    (place / "sitecustomize.py").write_text(INTERRUPT.format(marks=marks))
    info = place / "cache" / "dancereid" / "demo-1" / "1.0.0" / "dataset_info.json"
    info.parent.mkdir(parents=True)
    info.write_text("{}")
    words = [word.replace("{demo}", str(demo)) for word in BASES[name]]
    done = subprocess.run(
        command(name, *words, "--quiet"), cwd=place, capture_output=True, text=True, check=False,
        preexec_fn=hear_ctrl_c,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(place), str(PROJECT)])},
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr.startswith(f"dancereid {name}: interrupted")
    assert done.stderr.count("\n") == 1


def test_every_command_is_tried() -> None:
    assert [*BASES] == [*COMMANDS]
