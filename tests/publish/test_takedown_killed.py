"""Takedowns of a folder and of a store end early, wherever they can, and are run again."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from dancereid_pipeline.publish.merge import merge
from dancereid_pipeline.publish.prepare import prepare
from dancereid_pipeline.publish.prepared_folder import Prepared
from dancereid_pipeline.publish.takedown import take_down
from tests.publish.test_prepare_again import whole_files
from tests.support.data.folders import load, prepared_files
from tests.support.every_step import ended_at_every_step

KILLS = int(os.environ.get("DANCEREID_TEST_KILLS", "3"))


Files = dict[str, bytes]


def take_video(folder: Path | str) -> None:
    """Work for `every_step`: a video of two configs."""
    take_down(f"{folder}/dancereid", ["ccc"])


def take_person(folder: Path | str) -> None:
    """Work for `every_step`: a person of a video that stays."""
    take_down(f"{folder}/dancereid", ["ccc"], person=4)


def take_all(folder: Path | str) -> None:
    """Work for `every_step`: everything in one of two configs."""
    take_down(f"{folder}/dancereid", ["aaa", "bbb"])


@pytest.fixture(scope="module")
def start(small: Path, prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the prepared folder `dancereid`: all videos, and two of them as `full`."""
    folder = tmp_path_factory.mktemp("start")
    shutil.copytree(prepared, folder / "dancereid")
    cache = str(tmp_path_factory.mktemp("cache"))
    prepare(load(small, cache, name="full", videos=["aaa", "bbb"]), folder / "dancereid")
    return folder


def configs_of(files: Files) -> dict[str, Files]:
    """The files of each config, and those that describe both."""
    found: dict[str, Files] = {}
    for name, content in files.items():
        found.setdefault(name.partition("/")[0] if "/" in name else "", {})[name] = content
    return found


def check_between(files: Files, before: Files, after: Files) -> None:
    """What has a card is whole: each config is that of before or that of after."""
    if "README.md" not in files:
        return
    old, new, found = map(configs_of, (before, after, files))
    for config in old.keys() | found.keys():
        if config:
            assert found.get(config, {}) in (old.get(config, {}), new.get(config, {}))
    assert {f"config_name: {c}".encode() in files["README.md"] for c in found if c} == {True}


@pytest.mark.slow
@pytest.mark.parametrize("work", [take_video, take_person, take_all])
def test_killed_at_any_file_operation_it_is_ended_by_another_run(
    start: Path, tmp_path: Path, work: Callable[[Path], None]
) -> None:
    whole = tmp_path / "whole"
    shutil.copytree(start, whole)
    work(whole)
    before, after = whole_files(start / "dancereid"), whole_files(whole / "dancereid")
    assert before != after
    runs = ended_at_every_step(
        f"{__name__}:{work.__name__}", start, tmp_path / "runs", "kill", KILLS
    )
    between = 0
    for folder in runs[:-1]:
        found = whole_files(folder / "dancereid")
        check_between(found, before, after)
        between += found not in (before, after)
        work(folder)
        assert whole_files(folder / "dancereid") == after
        Prepared.read(folder / "dancereid").check()
        hidden = [n for n in prepared_files(folder / "dancereid") if n.startswith(".")]
        assert hidden == [n for n in prepared_files(whole / "dancereid") if n.startswith(".")]
    assert between > 0


class Died(BaseException):
    """The end of a process. What it would do to the store afterwards is not done."""


def in_store(
    monkeypatch: pytest.MonkeyPatch, work: Callable[[str], None], step: int
) -> tuple[bool, Files]:
    """Does it in a store, until it has changed that so often; whether it came so far, and what is
    there."""
    count = itertools.count()
    fs = MemoryFileSystem()
    with monkeypatch.context() as patched:
        for name in ("put_file", "cp_file", "rm_file"):
            usual = getattr(MemoryFileSystem, name)

            def change(*args: Any, usual: Any = usual, **options: Any) -> Any:
                if next(count) >= step:
                    raise Died
                return usual(*args, **options)

            patched.setattr(MemoryFileSystem, name, change)
        try:
            work("memory://killed")
            ended = False
        except Died:
            ended = True
    root = "/killed/dancereid/"
    names = fs.find(root)
    found = {name.removeprefix(root): fs.cat_file(name) for name in names}
    return ended, {name: content for name, content in found.items() if not name.startswith(".")}


@pytest.mark.parametrize("work", [take_video, take_person, take_all])
def test_in_a_store_too(
    start: Path, monkeypatch: pytest.MonkeyPatch, work: Callable[[Path | str], None]
) -> None:
    """After each change of the store, without a lock and without a rename."""
    monkeypatch.setattr("dancereid_pipeline.publish.merge.now", lambda: "2026-01-01T00:00:00+00:00")
    fs = MemoryFileSystem()

    def put() -> Files:
        fs.rm("/killed", recursive=True)
        fs.put(str(start), "/killed", recursive=True)
        return in_store(monkeypatch, lambda _: None, 0)[1]

    fs.makedirs("/killed", exist_ok=True)
    before = put()
    _, after = in_store(monkeypatch, work, 10**9)
    steps = between = 0
    ended = True
    while ended:
        put()
        ended, found = in_store(monkeypatch, work, steps)
        check_between(found, before, after)
        between += found not in (before, after)
        assert in_store(monkeypatch, work, 10**9)[1] == after
        steps += 1
    assert between > 5


@pytest.mark.slow
def test_a_merge_ends_it_too(start: Path, tmp_path: Path) -> None:
    """Whoever works on the folder next ends it; of several videos, those that were taken out."""
    runs = ended_at_every_step(f"{__name__}:take_all", start, tmp_path / "runs", "kill", 4)
    after = whole_files(runs[-1] / "dancereid")
    ends = []
    for folder in runs[:-1]:
        merge(folder / "dancereid")
        ends.append(whole_files(folder / "dancereid"))
        assert "README.md" in ends[-1]
        Prepared.read(folder / "dancereid").check()
        take_all(folder)
        assert whole_files(folder / "dancereid") == after
    assert ends[-1] == after
