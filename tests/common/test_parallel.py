"""Tasks in several processes: steps, errors, and processes that are killed."""

from __future__ import annotations

import atexit
import os
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from dancereid_pipeline.common.errors import DanceReIDError, OptionError
from dancereid_pipeline.common.parallel import side_by_side
from tests.conftest import PROJECT


def steps(count: int) -> Generator[None, None, str]:
    """Takes so many steps. Below 0 it raises an error, or kills its process."""
    if count == -1:
        raise OptionError("raised in a task")
    if count == -9:
        os.kill(os.getpid(), signal.SIGKILL)
    for _ in range(count):
        yield
    return f"{count} steps"


@pytest.mark.parametrize("processes", [1, 2])
def test_every_step_is_yielded_and_then_the_end(processes: int) -> None:
    events = list(side_by_side(steps, [3, 0, 2], processes))
    for index, count in enumerate([3, 0, 2]):
        of_task = [tuple(rest) for i, *rest in events if i == index]
        assert of_task == [(False, None)] * count + [(True, f"{count} steps")]
    if processes == 1:
        order = [index for index, *_ in events]
        assert order == sorted(order)


def test_an_error_of_a_task_is_raised() -> None:
    for processes in (1, 2):
        with pytest.raises(OptionError, match="raised in a task"):
            list(side_by_side(steps, [2, -1], processes))


def test_a_process_that_is_killed_twice_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(DanceReIDError, match=r"ended from outside, twice.*Run it again"):
        list(side_by_side(steps, [1, -9], 2))


def dies_once(path: Path) -> Generator[None, None, str]:
    """Kills its process after a step, unless it did so before."""
    yield
    if not path.exists():
        path.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return path.name


def test_the_task_of_a_killed_process_runs_once_more(tmp_path: Path) -> None:
    inputs = [tmp_path / name for name in "abc"]
    events = list(side_by_side(dies_once, inputs, 2))
    assert sorted(result for _, is_done, result in events if is_done) == ["a", "b", "c"]
    assert all(path.exists() for path in inputs)


def test_no_process_is_left_when_the_steps_are_not_read_to_their_end() -> None:
    import multiprocessing

    with closing(side_by_side(steps, [10**9, 10**9], 2)) as events:
        assert next(events)[1] is False
        assert len(multiprocessing.active_children()) == 2
    assert multiprocessing.active_children() == []


def swallows(work: tuple[bool, Path]) -> Generator[None, None, None]:
    """Waits for ever, whatever is raised to end it; or raises an error when another one waits."""
    waits, mark = work
    while waits:
        with suppress(SystemExit):
            mark.touch()
            signal.pause()
    while not mark.exists():
        yield
    raise OptionError("raised in a task")


def test_a_task_that_does_not_end_is_killed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import multiprocessing

    monkeypatch.setattr("dancereid_pipeline.common.parallel._GRACE_S", 0.5)
    works = [(True, tmp_path / "mark"), (False, tmp_path / "mark")]
    with pytest.raises(OptionError, match="raised in a task"):
        list(side_by_side(swallows, works, 2))
    assert multiprocessing.active_children() == []


def is_told_to_end_at_exit(work: tuple[bool, Path]) -> Generator[None, None, None]:
    """Its process is told to end when it exits; or waits for the other process to do that."""
    exits, mark = work
    if exits:
        atexit.register(mark.touch)
        atexit.register(os.kill, os.getpid(), signal.SIGTERM)
    while not exits and not mark.exists():
        yield


def test_a_process_that_exits_when_it_is_told_to_prints_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    works = [(True, tmp_path / "mark"), (False, tmp_path / "mark")]
    events = list(side_by_side(is_told_to_end_at_exit, works, 2))
    assert [index for index, is_done, _ in events if is_done] == [0, 1]
    assert capfd.readouterr() == ("", "")


def test_a_killed_process_is_noticed_while_large_inputs_wait() -> None:
    waiting = [bytes(10**6)] * 8  # more than a pipe holds
    with pytest.raises(DanceReIDError, match="ended from outside"):
        list(side_by_side(end_or_wait, [b"", *waiting], 2))


def end_or_wait(value: bytes) -> Generator[None, None, None]:
    """Kills its process where the value is empty; else takes steps for ever."""
    if not value:
        os.kill(os.getpid(), signal.SIGKILL)
    while True:
        yield


# Its two tasks print a line and take steps for ever. It ends as the signal says.
PARENT = """
import signal
from tests.common.test_parallel import announce
from dancereid_pipeline.common.parallel import side_by_side
if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # its own parent may ignore it
    for _ in side_by_side(announce, ["one", "two"], 2):
        pass
"""


def announce(name: str) -> Generator[None, None, None]:
    os.write(1, f"{name}\n".encode())  # in one go, as the other process writes there too
    while True:
        yield


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_when_the_parent_ends_every_process_ends(end: signal.Signals) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT],
        cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    assert parent.stdout is not None
    assert {parent.stdout.readline(), parent.stdout.readline()} == {"one\n", "two\n"}
    if end == signal.SIGINT:
        os.killpg(parent.pid, end)  # as Ctrl-C: to every process of the terminal
    else:
        parent.send_signal(end)
    # This returns when nobody holds the other ends any more.
    _, errors = parent.communicate()
    assert parent.returncode == -end
    assert errors.count("Traceback") == (end == signal.SIGINT)
    assert errors.count("KeyboardInterrupt") == (end == signal.SIGINT)
