"""One task after the other, or in several processes side by side."""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import threading
import traceback
from collections.abc import Callable, Generator, Iterator, Sequence
from multiprocessing.connection import wait
from typing import Any, TypeVar

from .cpu import share_cores
from .errors import DanceReIDError

T = TypeVar("T")
_STEP, _DONE = "step", "done"


class _OverThereError(Exception):
    """The traceback in the other process, for whoever looks for a fault of this package."""


def side_by_side(
    task: Callable[[T], Iterator[None]], inputs: Sequence[T], processes: int
) -> Generator[tuple[int, bool], None, None]:
    """Does a task for each of the inputs, beginning in their order.

    Processes are spawned, since a fork of one that has threads (as Arrow's, OpenCV's) may
    hang. Each ends when this one does, in whatever way.

    Args:
        task: gives None for every step it has taken. For several processes it must be
            possible to pickle it, and the inputs.
        inputs: of the task.
        processes: how many; with 1 all is done in this one.

    Yields:
        (place of the input, False) for every step, (place of the input, True) when done.

    Raises:
        DanceReIDError: a process was killed.
        Exception: whatever the task raised, in whichever process; the others are ended.
    """
    if min(processes, len(inputs)) < 2:
        for place, value in enumerate(inputs):
            for _ in task(value):
                yield place, False
            yield place, True
        return
    context = multiprocessing.get_context("spawn")
    busy: dict[Any, int] = {}
    helpers = []
    try:
        for place in range(min(processes, len(inputs))):
            ours, theirs = context.Pipe()
            # Only the other process may hold its end: that is how each notices the other's end.
            with theirs, _deaf_to_ctrl_c():
                given_to = (task, theirs, min(processes, len(inputs)))
                helpers.append(context.Process(target=_help, args=given_to, daemon=True))
                helpers[-1].start()
            _give(ours, place, inputs, busy)
        given = len(busy)
        while busy:
            for connection in wait(list(busy)):
                place, message = busy[connection], _receive(connection)
                if message == _DONE:
                    del busy[connection]
                    if given < len(inputs):
                        _give(connection, given, inputs, busy)
                        given += 1
                yield place, message == _DONE
    finally:
        for helper in helpers:
            helper.terminate()
            helper.join()


@contextlib.contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """What is started here never hears of Ctrl-C, which reaches every process of a terminal.

    The process that started it does, and ends it. Only a main thread can see to that.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _give(connection: Any, place: int, inputs: Sequence[Any], busy: dict[Any, int]) -> None:
    busy[connection] = place
    # A process that was killed is noticed when its answer does not come.
    with contextlib.suppress(ConnectionError):
        connection.send(inputs[place])


def _receive(connection: Any) -> str:
    """What a process says; raises what it raised."""
    try:
        message = connection.recv()
    except (EOFError, ConnectionError) as error:
        raise DanceReIDError(
            "One of the processes was ended from outside, maybe for want of memory. Run it again, "
            "it goes on from there; with fewer processes, if that was it."
        ) from error
    if isinstance(message, tuple):
        raise message[0] from _OverThereError(message[1])
    return str(message)


def _help(task: Callable[[Any], Iterator[None]], connection: Any, processes: int) -> None:
    """Does the task for what comes, until the other end is closed; one of so many processes."""
    share_cores(processes)
    with contextlib.suppress(EOFError, ConnectionError):
        while True:
            value = connection.recv()
            try:
                for _ in task(value):
                    connection.send(_STEP)
            except Exception as error:  # noqa: BLE001  # whatever it is, it is raised over there
                connection.send((error, traceback.format_exc()))
            else:
                connection.send(_DONE)
