"""Runs tasks one after another, or in several processes side by side."""

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


class _RemoteTracebackError(Exception):
    """Its text is the traceback in the other process."""


def side_by_side(
    task: Callable[[T], Iterator[None]], inputs: Sequence[T], processes: int
) -> Generator[tuple[int, bool], None, None]:
    """Runs a task for each of the inputs. Tasks begin in the order of the inputs.

    Processes are spawned, since a fork of a process with threads (Arrow and OpenCV have some)
    may hang. They end when this process ends, also when it is killed.

    Args:
        task: a generator function, which yields None after every step. With several processes,
            the task and the inputs must be picklable.
        inputs: what the task is called with, one after another.
        processes: number of processes; with 1 the tasks run in this process.

    Yields:
        (index of the input, False) after every step, (index of the input, True) at the end.

    Raises:
        DanceReIDError: a process was killed.
        Exception: what a task raised, in any process; the other processes are ended.
    """
    if min(processes, len(inputs)) < 2:
        for index, value in enumerate(inputs):
            for _ in task(value):
                yield index, False
            yield index, True
        return
    context = multiprocessing.get_context("spawn")
    busy: dict[Any, int] = {}  # connection to a process -> index of its input
    workers = []
    try:
        for index in range(min(processes, len(inputs))):
            ours, theirs = context.Pipe()
            # Each process holds one end only, so it notices when the other process is gone.
            with theirs, ctrl_c_ignored():
                arguments = (task, theirs, min(processes, len(inputs)))
                workers.append(context.Process(target=_work, args=arguments, daemon=True))
                workers[-1].start()
            _send(ours, index, inputs, busy)
        sent = len(busy)
        while busy:
            for connection in wait(list(busy)):
                index, message = busy[connection], _receive(connection)
                if message == _DONE:
                    del busy[connection]
                    if sent < len(inputs):
                        _send(connection, sent, inputs, busy)
                        sent += 1
                yield index, message == _DONE
    finally:
        for worker in workers:
            worker.terminate()
            worker.join()


@contextlib.contextmanager
def ctrl_c_ignored() -> Iterator[None]:
    """Processes that are started in this context ignore Ctrl-C.

    A terminal sends it to all its processes; the one that started the others ends them. Only a
    main thread can arrange that.
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
    # If the process was killed, `_receive` notices.
    with contextlib.suppress(ConnectionError):
        connection.send(inputs[index])


def _receive(connection: Any) -> str:
    """The next message of a process: _STEP or _DONE. Raises what the task raised."""
    try:
        message = connection.recv()
    except (EOFError, ConnectionError) as error:
        raise DanceReIDError(
            "One of the processes was ended from outside, maybe because memory ran out. Run it "
            "again: it continues from there. If memory ran out, use fewer processes."
        ) from error
    if isinstance(message, tuple):
        raise message[0] from _RemoteTracebackError(message[1])
    return str(message)


def _work(task: Callable[[Any], Iterator[None]], connection: Any, processes: int) -> None:
    """Runs the task for each input that it receives, until the other end is closed."""
    share_cores(processes)
    with contextlib.suppress(EOFError, ConnectionError):
        while True:
            value = connection.recv()
            try:
                for _ in task(value):
                    connection.send(_STEP)
            except Exception as error:  # noqa: BLE001  # the other process raises it
                connection.send((error, traceback.format_exc()))
            else:
                connection.send(_DONE)
