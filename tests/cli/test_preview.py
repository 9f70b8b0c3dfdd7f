"""`dancereid preview` as a user runs it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from PIL import Image

from dancereid_pipeline.common.package_files import install_command
from tests.support.command import refusal, run


@pytest.mark.usefixtures("demo_built")
def test_a_page_and_a_contact_sheet(demo_cache: str, tmp_path: Path) -> None:
    page, sheet = tmp_path / "new" / "report.html", tmp_path / "sheet.png"
    flags = ("--config", "demo", "--cache-dir", demo_cache, "--split", "test", "--people", 2)
    done = run(
        *("preview", *flags, "--output", page, "--contact-sheet", sheet, "--no-skeletons"),
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        f"{sheet}: 1076 x 408 pixels",
        f"{page}: 0.2 MB, opens in any browser",
    ]
    assert Image.open(sheet).size == (1076, 408)
    assert page.read_text().count('<article class="person"') == 2
    assert [path.name for path in page.parent.iterdir()] == ["report.html"]
    page.write_text("old")
    done = run("preview", "--dataset", tmp_path / "none", "--output", page)
    assert (done.returncode, done.stdout) == (1, "")
    start = f"dancereid preview: {tmp_path / 'none'}: there is no such folder. Expected"
    assert done.stderr.startswith(start)
    assert page.read_text() == "old"


@pytest.mark.usefixtures("demo_built")
def test_a_stream_for_a_program(demo_cache: str, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.png"
    where = ("--config", "demo", "--cache-dir", demo_cache, "--contact-sheet", sheet)
    done = run("preview", *where, "--streaming", "-j", 2, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"contact_sheet": str(sheet)}
    assert Image.open(sheet).width > 1000


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        ([], 2, "expected --output report.html, or --contact-sheet"),
        (["--contact-sheet", "x.png", "--open"], 2, "--open: expected also --output"),
        (["--output", "x", "--config", "demo", "paper"], 2, "unrecognized arguments: paper"),
        (["--output", "x", "--dataset", "y", "--stride", "2"], 2, "so --stride cannot be given"),
        (["--output", "x", "--people", "0"], 2, "people: expected a whole number from 1"),
        (["--output", "x", "--split", "extra"], 2, "--split: config 'demo' has trainval and test"),
        (["--contact-sheet", "x.none"], 2, "--contact-sheet: expected a name that ends in .png"),
        (["--contact-sheet", "taken/x.png"], 1, "taken: cannot be written to ("),
        (["--output", "taken/x.html"], 1, "taken: cannot be written to ("),
        (["--output", "."], 1, ".: expected the path of a file"),
    ],
)
def test_what_can_be_refused_before_a_build_is(
    arguments: list[str],
    code: int,
    says: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("taken").write_text("mine")
    own = ["--cache-dir", "cache", *(["--config", "demo"] if "--dataset" not in arguments else [])]
    got, line = refusal(["preview", *own, *arguments], capsys)
    assert got == code
    assert says in line
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_without_what_draws_a_page_nothing_is_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "jinja2", None)
    own = ("--config", "demo", "--cache-dir", "cache", "--output", "x.html")
    code, line = refusal(["preview", *own], capsys)
    assert code == 1
    assert "extra 'preview', and jinja2 cannot be imported" in line
    assert line.endswith(f"{install_command('preview')}\n")
    assert list(tmp_path.iterdir()) == []
