"""Preparing into a folder that has something already: what is replaced, and what is never lost."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import datasets
import pytest
from datasets import load_dataset

import dancereid
from dancereid_pipeline.common.errors import SourceError
from dancereid_pipeline.common.reasons import Reason
from dancereid_pipeline.common.storage import Storage
from dancereid_pipeline.publish.found_records import PARTS
from dancereid_pipeline.publish.merge import alone_in, merge_config
from dancereid_pipeline.publish.prepare import prepare
from dancereid_pipeline.shards.build_record import RECORD
from tests.support.data.folders import all_contents, load, prepared_files
from tests.support.every_step import ended_at_every_step


def test_the_same_again_changes_nothing(ds: datasets.DatasetDict, output: Path) -> None:
    before = prepared_files(output)
    prepare(ds, output)
    assert prepared_files(output) == before


def test_other_data_replaces_a_config_only_if_told_to(
    ds: datasets.DatasetDict, output: Path, small: Path, cache: str
) -> None:
    fewer = load(small, cache, videos=["aaa", "bbb"])
    before = prepared_files(output)
    with pytest.raises(SourceError, match=r"holds another build: paper: 4 videos, 42 images, fi"):
        prepare(fewer, output)
    assert prepared_files(output) == before
    assert prepare(fewer, output, force=True).images == 18
    assert all_contents(load_dataset(str(output), streaming=True)) == all_contents(fewer)
    assert len(list(output.rglob("*.parquet"))) == 2


def test_configs_stand_side_by_side(output: Path, built: dict[str, list[str]], cache: str) -> None:
    demo = dancereid.load_dataset("demo", cache_dir=cache)
    before = prepared_files(output / "paper")
    prepare(demo, output)
    assert prepared_files(output / "paper") == before
    assert all_contents(load_dataset(str(output), streaming=True)) == built  # the first is default
    loaded = load_dataset(str(output), "demo", cache_dir=cache)
    assert all_contents(loaded) == all_contents(demo)
    assert dancereid.coverage(loaded).config == "demo"


@pytest.mark.parametrize("name", ["README.md", "croissant.json", "paper/mine.txt"])
def test_files_from_elsewhere_are_left_alone(
    ds: datasets.DatasetDict, tmp_path: Path, name: str
) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("mine")
    with pytest.raises(SourceError, match="this project did not write it"):
        prepare(ds, tmp_path, force=True)
    assert list(prepared_files(tmp_path)) == ["cache"] or path.read_text() == "mine"
    assert not list(tmp_path.rglob("*.parquet"))


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_what_breaks_off_leaves_what_was_there(
    ds: datasets.DatasetDict, output: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    before = prepared_files(output)
    (output / ".unfinished-killed").mkdir()
    (output / ".unfinished-killed" / "left").write_text("by a run that was killed")

    def fail(*_: Any, **__: Any) -> None:
        raise error

    with monkeypatch.context() as patched:
        patched.setattr("dancereid_pipeline.shards.build_shard.shard_figures", fail)
        with pytest.raises((KeyboardInterrupt, SourceError), match=r"No space|^$"):
            prepare(ds, output, force=True)
    assert prepared_files(output) == before
    prepare(ds, output, force=True)
    assert sorted(prepared_files(output)) == sorted(before)


def merge_there(folder: Path) -> None:
    """Work for `every_step`: what `prepare` does at its end."""
    merge_config(Storage.of(folder / "dancereid"), "paper")


@pytest.fixture
def both(output: Path, small: Path, cache: str, tmp_path: Path) -> list[dict[str, bytes]]:
    """A prepared folder `start/dancereid` before and after a merge of the parts in it."""
    new = tmp_path / "other" / "dancereid"  # the folder's name is in the card
    prepare(load(small, cache, videos=["aaa", "bbb"]), new)
    start = tmp_path / "start" / "dancereid"
    shutil.copytree(output, start)
    parts = [p for p in (new / "paper").iterdir() if p.name[0].isdigit() or p.suffix == ".parquet"]
    (start / f"{PARTS}paper").mkdir()
    for path in parts:
        shutil.copy(path, start / f"{PARTS}paper")
    return [whole_files(output), whole_files(new)]


def whole_files(folder: Path) -> dict[str, bytes]:
    """The files of a prepared folder; without the date in records, which a merge sets."""
    return {
        name: re.sub(rb'"made": "[^"]*"', b"", content)
        for name, content in prepared_files(folder).items()
        if not name.startswith(".")
    }


@pytest.mark.parametrize("how", [pytest.param("kill", marks=pytest.mark.slow), "fail"])
def test_wherever_a_merge_ends_the_old_or_the_new_config_is_there_with_its_card(
    both: list[dict[str, bytes]], tmp_path: Path, how: str
) -> None:
    assert both[0]["README.md"] != both[1]["README.md"]
    work = f"{__name__}:merge_there"
    runs = ended_at_every_step(work, tmp_path / "start", tmp_path / "runs", how)
    found = []
    for folder in runs:
        left = whole_files(folder / "dancereid")
        if "README.md" in left:  # data and card never disagree
            assert left in both
        with alone_in(Storage.of(folder / "dancereid"), "paper"):
            pass  # it ends a merge that was begun
        found.append(both.index(whole_files(folder / "dancereid")))
    assert how == "fail" or found == sorted(found)  # a library may do without a file
    assert set(found) == {0, 1}


def test_a_part_of_another_build_is_refused(
    ds: datasets.DatasetDict, output: Path, tmp_path: Path, small: Path, cache: str
) -> None:
    prepare(load(small, cache, stride=3), tmp_path / "other")
    (output / f"{PARTS}paper").mkdir()
    shutil.copy(tmp_path / "other" / "paper" / "001-bbb.json", output / f"{PARTS}paper")
    before = prepared_files(output)
    with pytest.raises(SourceError, match=r"found 1; 000-aaa is of another build \(stride=5, not"):
        merge_config(Storage.of(output), "paper")
    assert prepared_files(output) == before


def test_the_same_data_with_other_reasons_is_told_anew(
    folder: Path, cache: str, tmp_path: Path
) -> None:
    (folder / "videos" / "000_aaa.mp4").unlink()
    first = prepare(load(folder, cache), tmp_path / "out")
    (folder / "npy" / "333_00_aaa_matching.npy").unlink()
    (folder / "videos" / "000_aaa.mp4").write_bytes(b"no clip")
    again = prepare(load(folder, cache), tmp_path / "out")
    assert (first.coverage.outcomes[0].reason, again.coverage.outcomes[0].reason) == (
        Reason.NO_CLIP,
        Reason.NO_TRACKS,
    )
    assert (again.made, again.shards) == (first.made, first.shards)
    assert "| no tracks |" in (tmp_path / "out" / "README.md").read_text()


def test_a_broken_record_of_another_config_is_said_before_anything_is_replaced(
    ds: datasets.DatasetDict, output: Path, cache: str
) -> None:
    prepare(dancereid.load_dataset("demo", cache_dir=cache), output)
    (output / "demo" / RECORD).write_text("{")
    before = prepared_files(output)
    with pytest.raises(SourceError, match=r"demo/build.json: is not the record"):
        prepare(ds, output, force=True)
    assert prepared_files(output) == before
