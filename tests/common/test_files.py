"""Files and folders that get their name when they are whole, whatever ends the work in between."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from dancereid_pipeline.common.errors import SourceError
from dancereid_pipeline.common.files import (
    UNFINISHED,
    alone,
    beside,
    lock,
    recover_folder,
    replace_folder,
    replaced,
    sha256,
    usable,
    write_json,
)
from tests.conftest import PROJECT
from tests.support.every_step import ended_at_every_step
from tests.support.file_work import OLD, swap
from tests.support.readers import files
from tests.support.servers.pages import hearing

WORK = "tests.support.file_work"


def named(folder: Path) -> dict[str, bytes]:
    """The files of a folder, but for those that a killed process may leave."""
    return {name: content for name, content in files(folder).items() if UNFINISHED not in name}


# -- files


@pytest.mark.parametrize("exists", [True, False])
@pytest.mark.parametrize("how", ["kill", "fail"])
@pytest.mark.parametrize("work", ["write_new_json", "write_new_text"])
def test_a_file_is_the_old_or_the_new_one_wherever_its_writing_ends(
    tmp_path: Path, work: str, how: str, exists: bool
) -> None:
    start = tmp_path / "start"
    start.mkdir()
    if exists:
        (start / "a.json").write_text(json.dumps(OLD))
    runs = ended_at_every_step(f"{WORK}:{work}", start, tmp_path / "runs", how)
    found = []
    for folder in runs:
        left = named(folder)
        assert set(left) <= {"a.json"}
        found.append(json.loads(left["a.json"])["version"] if left else "none")
    before = "old" if exists else "none"
    assert set(found) == {before, "new"}
    assert found[-1] == "new"
    if how == "kill":  # a failure, too, but for one that does not matter: the folder is there
        assert found == sorted(found, key=[before, "new"].index)
    assert len(found) > 5
    assert files(runs[-1]) == named(runs[-1])


HALF = """
import sys
from pathlib import Path
from dancereid_pipeline.common.files import replaced
with replaced(Path(sys.argv[1])) as unfinished, unfinished.open("w") as file:
    file.write("half")
    file.flush()
    print(unfinished, flush=True)
    sys.stdin.read()
"""


def test_a_kill_while_a_file_is_half_written_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text("old")
    command = [sys.executable, "-c", HALF, str(path)]
    with subprocess.Popen(
        command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        unfinished = Path(process.stdout.readline().strip())
        assert unfinished.read_text() == "half"
        process.kill()
    assert path.read_text() == "old"
    with replaced(path) as again:  # nor is what is left in the way of the next one
        again.write_text("new")
    assert path.read_text() == "new"


def test_what_is_written_is_on_the_disk_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = []
    fsync = os.fsync

    def note(descriptor: int) -> None:
        fsync(descriptor)
        synced.append((os.fstat(descriptor).st_size, (tmp_path / "a.json").exists()))

    monkeypatch.setattr(os, "fsync", note)
    write_json(tmp_path / "a.json", OLD)
    assert synced == [((tmp_path / "a.json").stat().st_size, False)]
    assert json.loads((tmp_path / "a.json").read_text()) == OLD


def test_a_file_can_be_read_by_whom_the_user_lets(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("")
    write_json(tmp_path / "a.json", OLD)
    assert (tmp_path / "a.json").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_two_that_write_the_same_file_do_not_mix(tmp_path: Path) -> None:
    path = tmp_path / "deeper" / "page.png"
    with replaced(path) as one, replaced(path) as other:
        assert one.name == other.name == "page.png"
        one.write_text("one")
        other.write_text("other")
    assert path.read_text() == "one"  # the last to end
    assert [p.name for p in path.parent.iterdir()] == ["page.png"]


def test_what_is_not_written_in_the_end_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "page.png"

    def interrupted() -> None:
        with replaced(path) as unfinished:
            unfinished.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    with pytest.raises(SourceError, match="cannot be used"), replaced(path):
        pass  # nothing is written at all
    with beside(path) as unfinished:
        unfinished.mkdir()
        (unfinished / "file").write_text("")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_no_file_to_replace(tmp_path: Path) -> None:
    expected = r"expected the name of a file.*Name another"
    with pytest.raises(SourceError, match=expected), replaced(tmp_path):
        raise AssertionError
    assert list(tmp_path.iterdir()) == []


def test_what_the_disk_refuses_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SourceError) as error, usable(tmp_path, "or wait"):
        raise OSError(28, "No space left on device")
    assert str(error.value) == (
        f"{tmp_path}: cannot be used ([Errno 28] No space left on device). "
        "Make room there and get permission to read and write, or wait."
    )


def test_a_checksum_is_of_all_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(bytes(3 << 20))
    # head -c 3145728 /dev/zero | sha256sum
    assert sha256(tmp_path / "a") == (
        "bbd05cf6097ac9b1f89ea29d2542c1b7b67ee46848393895f5a9e43fa1f621e5"
    )


# -- folders


def swapped(place: Path) -> str:
    """Which folder has the name, whole."""
    found = {p.name: p.read_text() for p in (place / "paper").iterdir()}
    versions = {
        "old": {"a": "old", "b": "old", "only_old": "old"},
        "new": {"a": "new", "b": "new", "only_new": "new"},
    }
    return next(name for name, expected in versions.items() if found == expected)


@pytest.fixture
def start(tmp_path: Path) -> Path:
    """A folder that is to be replaced by another one."""
    for name, version in (("paper", "old"), ("made", "new")):
        (tmp_path / "start" / name).mkdir(parents=True)
        for file in ("a", "b", f"only_{version}"):
            (tmp_path / "start" / name / file).write_text(version)
    return tmp_path / "start"


def test_killed_anywhere_a_swap_leaves_the_old_or_the_new_folder_whole(
    tmp_path: Path, start: Path
) -> None:
    runs = ended_at_every_step(f"{WORK}:swap", start, tmp_path / "runs", "kill")
    missing, found = 0, []
    for place in runs:
        missing += not (place / "paper").exists()
        if (place / "paper").exists():
            assert swapped(place) in ("old", "new")
        recover_folder(place / "paper")
        recover_folder(place / "paper")  # nor does it hurt to recover again
        found.append(swapped(place))
        if found[-1] == "old":
            swap(place)
            assert swapped(place) == "new"
        assert {p.name for p in place.iterdir() if UNFINISHED not in p.name} == {"paper"}
    assert missing == 1  # between taking away the old one and naming the new one
    assert found == sorted(found, key=["old", "new"].index)
    assert set(found) == {"old", "new"}
    assert len(runs) > 5
    assert [p.name for p in runs[-1].iterdir()] == ["paper"]


def test_whatever_fails_in_a_swap_the_old_or_the_new_folder_is_whole_at_once(
    tmp_path: Path, start: Path
) -> None:
    runs = ended_at_every_step(f"{WORK}:swap", start, tmp_path / "runs", "fail")
    found = [swapped(place) for place in runs]
    assert found == sorted(found, key=["old", "new"].index)
    assert set(found) == {"old", "new"}
    for place, version in zip(runs, found, strict=True):
        if version == "old":
            assert len(list((place / "made").iterdir())) == 3
    assert len(runs) > 5


def test_a_folder_that_was_half_removed_never_comes_back(tmp_path: Path, start: Path) -> None:
    runs = ended_at_every_step(f"{WORK}:swap", start, tmp_path / "runs", "kill")
    gone = 0
    for place in runs:
        if (place / "made").exists():
            continue
        shutil.rmtree(place / "paper")  # as a user may
        recover_folder(place / "paper")
        gone += not (place / "paper").exists()
        assert not (place / "paper").exists() or swapped(place) == "old"
    assert gone > 3


@pytest.mark.parametrize("how", ["kill", "fail"])
@pytest.mark.parametrize("named", [False, True])
def test_a_recovery_that_is_ended_loses_nothing_either(
    tmp_path: Path, start: Path, how: str, named: bool
) -> None:
    # Killed between the two moves of an earlier swap, or behind them.
    (start / "paper").rename(start / ".replaced-paper")
    if named:
        shutil.copytree(start / ".replaced-paper", start / "paper")
    runs = ended_at_every_step(f"{WORK}:swap", start, tmp_path / "runs", how)
    found = []
    for place in runs:
        recover_folder(place / "paper")
        found.append(swapped(place))
    assert found == sorted(found, key=["old", "new"].index)
    assert set(found) == {"old", "new"}


def test_a_folder_whose_name_is_free_gets_it(tmp_path: Path, start: Path) -> None:
    replace_folder(start / "made", start / "other")
    assert {p.name for p in start.iterdir()} == {"paper", "other"}
    with pytest.raises(FileNotFoundError):
        replace_folder(start / "nowhere", start / "paper")
    assert swapped(start) == "old"
    assert {p.name for p in start.iterdir()} == {"paper", "other"}


# -- locks


def test_a_lock_is_of_one_name_in_one_folder(tmp_path: Path) -> None:
    with lock(tmp_path, "a"):
        for other in (lock(tmp_path, "b"), lock(tmp_path / "deeper", "a")):
            with other.acquire(timeout=0):
                assert other.is_locked
        with pytest.raises(TimeoutError):
            lock(tmp_path, "a").acquire(timeout=0)
    taken = lock(tmp_path, "a")
    with taken.acquire(timeout=0):
        assert taken.is_locked


def test_the_second_at_the_same_work_says_so_and_waits(tmp_path: Path) -> None:
    order: list[tuple[str, str | None]] = []

    def second() -> None:
        with alone(tmp_path, "work") as since:
            order.append(("second", since))

    thread = threading.Thread(target=second)
    with hearing() as said, alone(tmp_path, "work") as since:
        order.append(("first", since))
        thread.start()
        message = said.get(timeout=60)
        order.append(("first is done", None))
    thread.join()
    assert [what for what, _ in order] == ["first", "first is done", "second"]
    assert order[0][1] is None
    assert order[2][1] is not None
    assert message == f"Another process is at work in {tmp_path}; waiting for it."
