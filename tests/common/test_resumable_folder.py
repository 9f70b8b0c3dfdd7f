"""A folder that is made part by part, wherever a run of it ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from dancereid_pipeline.common.errors import SourceError
from dancereid_pipeline.common.files import UNFINISHED, recover_folder
from dancereid_pipeline.common.resumable_folder import ResumableFolder
from tests.support.every_step import ended_at_every_step
from tests.support.file_work import make
from tests.support.readers import files

WHOLE = {"images/first.jpg": b"first", "images/second.jpg": b"second"}


@pytest.mark.parametrize("how", ["kill", "fail"])
@pytest.mark.parametrize("old", [{}, {"old": b"old"}], ids=["new", "replacing"])
def test_wherever_a_run_ends_the_next_one_makes_the_same(
    tmp_path: Path, how: str, old: dict[str, bytes]
) -> None:
    start = tmp_path / "start"
    start.mkdir()
    for name, content in old.items():
        (start / "out").mkdir()
        (start / "out" / name).write_bytes(content)
    runs = ended_at_every_step("tests.support.file_work:make", start, tmp_path / "runs", how)
    assert files(runs[-1] / "out") == WHOLE
    continued = 0
    for place in runs:
        continued += (place / "out.unfinished" / "done" / "first.json").is_file()
        recover_folder(place / "out")
        assert files(place / "out") in (old, WHOLE)
        make(place)
        assert files(place / "out") == WHOLE
        assert {p.name for p in place.iterdir() if UNFINISHED not in p.name} == {"out"}
    assert 10 < continued < len(runs)


def test_a_start_from_nothing_that_is_killed_leaves_nothing_to_trust(tmp_path: Path) -> None:
    start = tmp_path / "start"
    start.mkdir()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(ResumableFolder, "finish", lambda self: None)
        make(start)
    work = "tests.support.file_work:make_otherwise"
    runs = ended_at_every_step(work, start, tmp_path / "runs", "kill")
    for place in runs:
        make(place)
        assert files(place / "out") == WHOLE
    assert len(runs) > 20


def begun(tmp_path: Path) -> ResumableFolder:
    """A folder with one part that is done, and one that is not."""
    making = ResumableFolder(tmp_path / "out")
    making.path.mkdir(exist_ok=True)
    making.begin({"stride": 5, "inputs": "1234"}, [], force=False)
    (making.begin_part("first") / "0.jpg").write_text("first")
    making.keep("first", {"any": ["JSON", 1, None]})
    (making.begin_part("second") / "0.jpg").write_text("half")
    return making


def test_a_run_that_is_asked_for_the_same_continues(tmp_path: Path) -> None:
    begun(tmp_path)
    again = ResumableFolder(tmp_path / "out")
    again.begin({"stride": 5, "inputs": "1234"}, [], force=False)
    assert again.done("first") == {"any": ["JSON", 1, None]}
    assert again.done("second") is None
    assert list(again.begin_part("second").iterdir()) == []
    assert files(again.part("first")) == {"0.jpg": b"first"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"stride": 6}, "begun with stride=5, not 6"),
        ({"inputs": "5678"}, "begun with other inputs, or another version of this code"),
        ({"stride": 6, "inputs": "5678"}, "begun with stride=5, not 6"),
    ],
)
def test_a_run_that_is_asked_for_something_else_is_refused_or_starts_again(
    tmp_path: Path, changes: dict[str, object], said: str
) -> None:
    making = begun(tmp_path)
    before = files(making.path)
    asked = {"stride": 5, "inputs": "1234", **changes}
    with pytest.raises(SourceError, match=rf"{said}\. Ask for the same to continue it; --force"):
        making.begin(asked, [], force=False)
    assert files(making.path) == before
    making.begin(asked, [], force=True)
    assert making.done("first") is None
    assert list((making.path / "parts").iterdir()) == []


def test_a_target_that_a_killed_run_took_away_is_back_and_refused(tmp_path: Path) -> None:
    making = begun(tmp_path)
    old = tmp_path / ".replaced-out"  # killed between taking it away and naming the new one
    old.mkdir()
    (old / "mine").write_text("mine")
    with pytest.raises(SourceError, match="out is there already"):
        making.begin({"stride": 5, "inputs": "1234"}, ["mine"], force=False)
    assert files(tmp_path / "out") == {"mine": b"mine"}


def test_a_file_of_a_part_that_is_nowhere_is_not_passed_over(tmp_path: Path) -> None:
    making = begun(tmp_path)
    making.take_in("first", {"0.jpg": "images/0.jpg"})
    making.take_in("first", {"0.jpg": "images/0.jpg"})  # as by a run that continues
    assert files(making.folder) == {"images/0.jpg": b"first"}
    with pytest.raises(FileNotFoundError):
        making.take_in("first", {"1.jpg": "images/1.jpg"})
