"""Tasks in several processes: their steps, their errors, and processes that were killed."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import closing

import pytest

from dancereid_pipeline.common.errors import DanceReIDError, OptionError
from dancereid_pipeline.common.parallel import side_by_side


def steps(count: int) -> Iterator[None]:
    """A task of so many steps; -1 raises an error, -9 kills the process."""
    if count == -1:
        raise OptionError("raised by the task")
    if count == -9:
        os.kill(os.getpid(), signal.SIGKILL)
    for _ in range(count):
        yield


@pytest.mark.parametrize("processes", [1, 2])
def test_each_step_gives_an_event_and_the_end_another(processes: int) -> None:
    events = list(side_by_side(steps, [3, 0, 2], processes))
    for index, count in enumerate([3, 0, 2]):
        of_task = [is_done for i, is_done in events if i == index]
        assert of_task == [False] * count + [True]
    if processes == 1:
        assert events == sorted(events)


def test_an_error_of_a_task_is_raised() -> None:
    for processes in (1, 2):
        with pytest.raises(OptionError, match="raised by the task"):
            list(side_by_side(steps, [2, -1], processes))


def test_a_killed_process_is_an_error() -> None:
    with pytest.raises(DanceReIDError, match=r"ended from outside.*Run it again"):
        list(side_by_side(steps, [1, -9], 2))


def test_a_reader_that_stops_early_leaves_no_process() -> None:
    import multiprocessing

    with closing(side_by_side(steps, [10**9, 10**9], 2)) as events:
        assert next(events)[1] is False
        assert len(multiprocessing.active_children()) == 2
    assert multiprocessing.active_children() == []
