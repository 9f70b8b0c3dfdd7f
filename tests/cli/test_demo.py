"""`dancereid demo` as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from tests.support.command import refusal, run


def test_it_prints_and_draws(tmp_path: Path) -> None:
    picture = tmp_path / "new" / "demo.png"
    done = run("demo", "--output", picture)
    assert done.returncode == 0, done.stderr
    assert "4 of 4 videos, 12 of 12 people" in done.stdout
    assert "  keypoints  " in done.stdout
    assert str(picture) in done.stdout
    assert Image.open(picture).width > 1000
    done = run("demo", "--json", "--quiet", cwd=tmp_path)
    # The Hub's client 1.0 says that the folder of the script has no dataset card.
    errors = [line for line in done.stderr.splitlines() if not line.startswith("Repo card meta")]
    assert (done.returncode, errors) == (0, [])
    said = json.loads(done.stdout)
    assert said["picture"] == str(tmp_path / "out" / "demo.png")
    assert len(said["coverage"]["outcomes"]) == 4


@pytest.mark.parametrize(
    ("output", "code", "said"),
    [
        ("x.none", 2, "--output: expected a name that ends in .png or"),
        ("taken/x.png", 1, "taken: cannot be written to ("),
    ],
)
def test_a_picture_that_cannot_be_written_is_refused(
    tmp_path: Path,
    output: str,
    code: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("taken").write_text("mine")
    got, line = refusal(["demo", "--output", output], capsys)
    assert got == code
    assert said in line
