"""Runs tasks one after the other, or in several processes at the same time."""

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


class _WorkerTracebackError(Exception):
    """The traceback of another process, so that a fault of this package can be found."""


def side_by_side(
    task: Callable[[T], Iterator[None]], inputs: Sequence[T], processes: int
) -> Generator[tuple[int, bool], None, None]:
    """Runs a task on each of the inputs. The tasks start in the order of the inputs.

    The processes are spawned: a fork may hang in a process that has threads (as Arrow and
    OpenCV have). Each of them ends when this process ends, even if it is killed.

    Args:
        task: yields None after each of its steps. For several processes, the task and the
            inputs must be picklable.
        inputs: one for each run of the task.
        processes: how many; with 1 all tasks run in this process.

    Yields:
        (index of the input, False) after each step, and (index of the input, True) at the end
        of each task.

    Raises:
        DanceReIDError: a process was killed.
        Exception: any error of a task; the other processes are ended.
    """
    processes = min(processes, len(inputs))
    if processes < 2:
        for index, value in enumerate(inputs):
            for _ in task(value):
                yield index, False
            yield index, True
        return
    context = multiprocessing.get_context("spawn")
    busy: dict[Any, int] = {}  # the index of its input, for each connection
    workers = []
    try:
        for index in range(processes):
            ours, theirs = context.Pipe()
            # No other process may hold this end: so each side notices when the other ends.
            with theirs, _ignoring_ctrl_c():
                args = (task, theirs, processes)
                workers.append(context.Process(target=_work, args=args, daemon=True))
                workers[-1].start()
            _send(ours, index, inputs, busy)
        started = processes
        while busy:
            for connection in wait(list(busy)):
                index, message = busy[connection], _receive(connection)
                if message == _DONE:
                    del busy[connection]
                    if started < len(inputs):
                        _send(connection, started, inputs, busy)
                        started += 1
                yield index, message == _DONE
    finally:
        for worker in workers:
            worker.terminate()
            worker.join()


@contextlib.contextmanager
def _ignoring_ctrl_c() -> Iterator[None]:
    """Processes that start meanwhile ignore Ctrl-C, which reaches all processes of a terminal.

    The process that started them handles it, and ends them. Only a main thread can set this.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _send(connection: Any, index: int, inputs: Sequence[Any], busy: dict[Any, int]) -> None:
    busy[connection] = index
    # If the process was killed, `_receive` finds out.
    with contextlib.suppress(ConnectionError):
        connection.send(inputs[index])


def _receive(connection: Any) -> str:
    """The next message of a process; raises the error that the process met."""
    try:
        message = connection.recv()
    except (EOFError, ConnectionError) as error:
        raise DanceReIDError(
            "One of the processes was ended from outside, perhaps because memory ran out. Run it "
            "again: it continues from there. If memory was the cause, use fewer processes."
        ) from error
    if isinstance(message, tuple):
        raise message[0] from _WorkerTracebackError(message[1])
    return str(message)


def _work(task: Callable[[Any], Iterator[None]], connection: Any, processes: int) -> None:
    """Runs the task on each input that arrives, until the connection is closed."""
    share_cores(processes)
    with contextlib.suppress(EOFError, ConnectionError):
        while True:
            value = connection.recv()
            try:
                for _ in task(value):
                    connection.send(_STEP)
            except Exception as error:  # noqa: BLE001  # it is raised in the other process
                connection.send((error, traceback.format_exc()))
            else:
                connection.send(_DONE)
