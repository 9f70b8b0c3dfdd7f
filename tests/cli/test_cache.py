"""`dancereid cache`: shows and clears what is ours, and nothing else."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path
from typing import Any

import datasets
import pytest
from filelock import FileLock

import dancereid
from dancereid_pipeline.cli.main import main
from tests.support.command import refusal
from tests.support.readers import files

# Beside what is ours, under names much like ours.
FOREIGN_DOWNLOADS = (
    "thesis.txt",
    "annotation.json.bak",
    "annotation-notes.json",
    "npy-notes.json",
    "npy/a_matching.npy",
    "npy_old.zip",
    "videos/holiday.mp4",
)
FOREIGN_BUILDS = (
    "thesis.txt",
    "dancereid/thesis.txt",
    "others/default/0.0.0/others-train.arrow",
    "others/default/0.0.0/dataset_info.json",
)


def put(folder: Path, names: tuple[str, ...]) -> dict[str, bytes]:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text('{"bytes": 1, "builder_name": "parquet"}')
    return {name: (folder / name).read_bytes() for name in names}


def shown(*arguments: object, capsys: pytest.CaptureFixture[str]) -> Any:
    assert main(["cache", *map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.fixture
def places(remote: dict[str, str]) -> dict[str, Path]:
    """The download folder and the cache of a load that fetched all."""
    dancereid.load_dataset(**remote)
    return {name: Path(remote[f"{name}_dir"]) for name in ("download", "cache")}


class Terminal(io.StringIO):
    """What somebody types."""

    def isatty(self) -> bool:
        return True


def flags(places: dict[str, Path]) -> tuple[object, ...]:
    return ("--download-dir", places["download"], "--cache-dir", places["cache"])


def test_it_shows_what_is_there(
    places: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    before = shown(*flags(places), capsys=capsys)
    put(places["download"], FOREIGN_DOWNLOADS)
    put(places["cache"], FOREIGN_BUILDS)
    assert shown(*flags(places), capsys=capsys) == before
    names = [entry["name"].partition("-")[0] for entry in before["downloads"]["entries"]]
    assert names == ["annotation", "tracks npy", "videos (4 files)"]
    (build,) = before["builds"]["entries"]
    assert build["name"].startswith("dancereid/paper-")
    arrows = sum(path.stat().st_size for path in places["cache"].rglob("*.arrow"))
    assert build["bytes"] > arrows > 10_000
    assert before["builds"]["bytes"] == build["bytes"]
    assert main(["cache", *map(str, flags(places))]) == 0
    said = capsys.readouterr().out
    assert f"Fetched, in {places['download']}: " in said
    assert "  annotation-" in said
    assert f"Built, in {places['cache']}: " in said


def test_downloads_are_cleared_and_other_files_stay(
    places: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    foreign = put(places["download"], FOREIGN_DOWNLOADS)
    built = files(places["cache"])
    assert main(["cache", *map(str, flags(places)), "--clear", "downloads", "--yes"]) == 0
    assert "Removed " in capsys.readouterr().err
    assert files(places["download"]) == foreign
    assert files(places["cache"]) == built
    assert shown(*flags(places), capsys=capsys)["downloads"]["entries"] == []


def test_with_nothing_else_in_it_the_download_folder_goes_too(places: dict[str, Path]) -> None:
    assert main(["cache", *map(str, flags(places)), "--clear", "downloads", "--yes"]) == 0
    assert not places["download"].exists()


def test_a_clip_and_an_annotation_that_were_put_there_by_hand_stay(
    places: dict[str, Path], small: Path
) -> None:
    videos = places["download"] / "videos"
    shutil.copy(small / "annotation.json", places["download"] / "annotation.json")
    clip = next(videos.glob("*.mp4"))
    shutil.copy(clip, videos / "mine")
    (videos / "mine").replace(clip)  # another file of the name: not what was fetched
    assert main(["cache", *map(str, flags(places)), "--clear", "downloads", "--yes"]) == 0
    assert sorted(files(places["download"])) == ["annotation.json", f"videos/{clip.name}"]


def test_builds_are_cleared_whole_or_broken_off_and_other_files_stay(
    places: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    foreign = put(places["cache"], FOREIGN_BUILDS)
    fetched = files(places["download"])
    broken = places["cache"] / "dancereid" / "paper-0123456789abcdef" / "1.0.0.incomplete"
    put(broken, ("dancereid-test.arrow", "outcomes/aaa.json"))
    assert len(shown(*flags(places), capsys=capsys)["builds"]["entries"]) == 2
    assert main(["cache", *map(str, flags(places)), "--clear", "builds", "--yes"]) == 0
    left = files(places["cache"])
    assert {name for name in left if not name.endswith(".lock")} == set(foreign)
    assert files(places["download"]) == fetched


def test_what_datasets_built_of_a_prepared_folder_is_not_ours(
    prepared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cache = tmp_path / "cache"
    datasets.load_dataset(str(prepared), "paper", cache_dir=str(cache))
    before = files(cache)
    assert any("dancereid/" in name for name in before)
    assert main(["cache", "--cache-dir", str(cache), "--clear", "builds", "--yes"]) == 0
    assert "There is nothing to remove." in capsys.readouterr().err
    assert files(cache) == before


def test_what_another_process_is_at_work_on_stays(
    places: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    before = files(places["cache"])
    (lock,) = places["cache"].glob("dancereid/*/*_builder.lock")
    with FileLock(lock):
        words = ["cache", *flags(places), "--clear", "builds", "--yes", "--quiet"]
        assert main([str(word) for word in words]) == 1
    assert "another process is using it" in capsys.readouterr().err
    assert files(places["cache"]) == before


def test_it_asks_or_wants_yes(
    places: dict[str, Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = ["cache", *flags(places), "--clear", "builds"]
    before = files(places["cache"])
    monkeypatch.setattr("sys.stdin", io.StringIO())
    code, line = refusal(words, capsys)
    assert (code, files(places["cache"])) == (2, before)
    assert "add --yes where nobody can be asked" in line
    for answer, removed in (("n\n", False), ("\n", False), ("y\n", True)):
        monkeypatch.setattr("sys.stdin", Terminal(answer))
        assert main([str(word) for word in words]) == (0 if removed else 1)
        said = capsys.readouterr()
        assert "Remove these 0.1 MB? [y/N]" in said.out
        assert said.err == ("Removed 0.1 MB.\n" if removed else "Nothing was removed.\n")
        assert (files(places["cache"]) != before) is removed
