"""Tasks in several processes: steps, faults, and processes that are no more."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import closing

import pytest

from dancereid_pipeline.common.errors import DanceReIDError, OptionError
from dancereid_pipeline.common.parallel import side_by_side


def steps(count: int) -> Iterator[None]:
    """So many steps; faults for what is below 0."""
    if count == -1:
        raise OptionError("said over there")
    if count == -9:
        os.kill(os.getpid(), signal.SIGKILL)
    for _ in range(count):
        yield


@pytest.mark.parametrize("processes", [1, 2])
def test_every_step_is_told_and_then_the_end(processes: int) -> None:
    events = list(side_by_side(steps, [3, 0, 2], processes))
    for place, count in enumerate([3, 0, 2]):
        of_task = [is_done for p, is_done in events if p == place]
        assert of_task == [False] * count + [True]
    if processes == 1:
        assert events == sorted(events)


def test_what_a_task_raises_is_raised() -> None:
    for processes in (1, 2):
        with pytest.raises(OptionError, match="said over there"):
            list(side_by_side(steps, [2, -1], processes))


def test_a_process_that_was_killed_is_told() -> None:
    with pytest.raises(DanceReIDError, match=r"ended from outside.*Run it again"):
        list(side_by_side(steps, [1, -9], 2))


def test_whoever_stops_early_leaves_no_process() -> None:
    import multiprocessing

    with closing(side_by_side(steps, [10**9, 10**9], 2)) as events:
        assert next(events)[1] is False
        assert len(multiprocessing.active_children()) == 2
    assert multiprocessing.active_children() == []
