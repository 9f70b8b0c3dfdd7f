"""`dancereid prepare` as a user runs it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.support.command import refusal, run


def test_a_folder_is_prepared_and_another_build_replaces_it_only_by_force(
    small: Path, tmp_path: Path
) -> None:
    output = tmp_path / "dancereid"
    options = ["--data-dir", small, "--catalogue", small / "catalogue.csv"]
    done = run("prepare", "--output", output, *options, "-j", 2)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{output}: 0.")
    assert "\n  paper: 4 videos, 42 images, fingerprint " in done.stdout
    assert f'\n  load_dataset("{output}", "paper")\n' in done.stdout
    done = run("prepare", "--output", output, *options, "--stride", 3, "--json", "--force")
    (said,) = json.loads(done.stdout)
    assert said["coverage"]["options"]["stride"] == 3
    assert said["statistics"]["test"]["images"] == 40


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([], 2, "the following arguments are required: --output (see dancereid prepare --help)"),
        (["--output", "new", "--stride", "0"], 2, "stride: expected a whole number from 1 to 1"),
        (["--output", "new", "--config", "x"], 2, "config: expected one of paper, full"),
        (["--output", "new", "--videos", "zzz"], 2, "videos=['zzz']: expected"),
        (["--output", "taken"], 1, "taken: cannot be written to ("),
        (["--output", "taken/new"], 1, "taken/new: cannot be written to ("),
        (["--output", "thesis"], 1, "thesis/README.md exists, and this project did not write it"),
        (
            ["--output", "before", "--stride", "3"],
            1,
            "before/paper holds another build, made wit",
        ),
        (
            ["--output", "before", "--videos", "aaa"],
            1,
            "another build, which has video bbb, too",
        ),
        (["--output", "before", "--config", "full", "paper", "--stride", "3"], 1, "another build"),
    ],
)
def test_what_can_be_refused_before_a_build_is(
    arguments: list[str],
    code: int,
    said: str,
    small: Path,
    prepared: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("taken").write_text("mine")
    Path("thesis").mkdir()
    Path("thesis/README.md").write_text("mine")
    shutil.copytree(prepared, "before")
    own = ("--data-dir", small, "--catalogue", small / "catalogue.csv")
    got, line = refusal(["prepare", *own, *arguments], capsys)
    assert got == code
    assert said in line
    assert sorted(path.name for path in Path().iterdir()) == ["before", "taken", "thesis"]
