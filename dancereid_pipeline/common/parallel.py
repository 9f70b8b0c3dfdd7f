"""Runs tasks one after another, or in several processes side by side."""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import threading
import traceback
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import wait
from typing import Any, TypeVar

from .cpu import share_cores
from .errors import DanceReIDError

T = TypeVar("T")
R = TypeVar("R")
_STEP, _DONE = "step", "done"
_GRACE_S = 5.0  # for a process to remove its temporary files


class _RemoteTracebackError(Exception):
    """Its text is the traceback in the other process."""


def side_by_side(
    task: Callable[[T], Generator[None, None, R]], inputs: Sequence[T], processes: int
) -> Generator[tuple[int, bool, R | None], None, None]:
    """Runs a task for each of the inputs. Tasks begin in the order of the inputs.

    Processes are spawned, since a fork of a process with threads (Arrow and OpenCV have some)
    may hang. They end when this process ends, also when it is killed. If a process is killed, its
    task is run once more, in another process.

    Args:
        task: a generator function, which yields None after every step. With several processes,
            the task, the inputs and what it returns must be picklable. If it may be killed, it must
            be able to run again.
        inputs: what the task is called with, one after another.
        processes: number of processes; with 1 the tasks run in this process.

    Yields:
        (index of the input, False, None) after every step, (index of the input, True, what the task
        returned) at the end.

    Raises:
        DanceReIDError: a task's process was killed twice.
        Exception: what a task raised, in any process; the other processes are ended.
    """
    if min(processes, len(inputs)) < 2:
        for index, value in enumerate(inputs):
            for _ in (running := _Returning(task(value))):
                yield index, False, None
            yield index, True, running.result
        return
    with _Workers(task, inputs, min(processes, len(inputs))) as workers:
        while workers.busy:
            for connection in wait(list(workers.busy)):
                index, message = workers.busy[connection], workers.receive(connection)
                if message is not None:
                    yield index, message != _STEP, None if message == _STEP else message[1]


class _Returning:
    """Iterates over a generator; `result` is what it returned, at the end."""

    def __init__(self, steps: Generator[None, None, Any]) -> None:
        self._steps = steps
        self.result: Any = None

    def __iter__(self) -> Generator[None, None, None]:
        self.result = yield from self._steps


class _Workers:
    """Processes that run a task, each for one input after another.

    Attributes:
        busy: connection to a process -> index of the input that it works on.
    """

    def __init__(self, task: Callable[[Any], Any], inputs: Sequence[Any], processes: int) -> None:
        self.busy: dict[Any, int] = {}
        self._task, self._inputs, self._processes = task, inputs, processes
        self._started: list[Any] = []
        self._waiting = iter(range(len(inputs)))
        self._killed: set[int] = set()  # indices of the inputs whose process was killed

    def __enter__(self) -> _Workers:
        try:
            for _ in range(self._processes):
                self._send(self._start(), next(self._waiting))
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._started:
            worker.terminate()
        for worker in self._started:
            worker.join(_GRACE_S)
            worker.kill()  # if it still runs: a library may swallow the exception that ends it
            worker.join()

    def receive(self, connection: Any) -> Any:
        """The next message of a process: _STEP, or (_DONE, what the task returned), after which
        it is given the next input. None if it was killed, and its task begins again.

        Raises what the task raised.
        """
        index = self.busy[connection]
        try:
            message = connection.recv()
        except (EOFError, ConnectionError) as error:
            del self.busy[connection]
            if index in self._killed:
                raise DanceReIDError(
                    "One of the processes was ended from outside, twice for the same video, maybe "
                    "because memory ran out. Run it again: it continues from there. If memory ran "
                    "out, use fewer processes."
                ) from error
            self._killed.add(index)
            self._send(self._start(), index)
            return None
        if isinstance(message, _Failure):
            raise message.error from _RemoteTracebackError(message.traceback)
        if message != _STEP:
            del self.busy[connection]
            if (following := next(self._waiting, None)) is not None:
                self._send(connection, following)
        return message

    def _start(self) -> Any:
        """Starts a process; gives the connection to it."""
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        # Each process holds one end only, so it notices when the other process is gone.
        with theirs, ctrl_c_ignored():
            arguments = (self._task, theirs, self._processes)
            self._started.append(context.Process(target=_work, args=arguments, daemon=True))
            self._started[-1].start()
        return ours

    def _send(self, connection: Any, index: int) -> None:
        self.busy[connection] = index
        # If the process was killed, `receive` notices.
        with contextlib.suppress(ConnectionError):
            connection.send(self._inputs[index])


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


@dataclass(frozen=True)
class _Failure:
    """What a task raised, and its traceback there."""

    error: Exception
    traceback: str


def _work(task: Callable[[Any], Any], connection: Any, processes: int) -> None:
    """Runs the task for each input that it receives, until the other end is closed."""
    is_ending = threading.Event()

    def end(*_: object) -> None:
        """Ends the process by an exception, so that its tasks remove their temporary files."""
        is_ending.set()  # a library may swallow the exception
        raise SystemExit

    signal.signal(signal.SIGTERM, end)
    share_cores(processes)
    with contextlib.suppress(EOFError, ConnectionError):
        while not is_ending.is_set():
            value = connection.recv()
            try:
                for _ in (running := _Returning(task(value))):
                    connection.send(_STEP)
            except Exception as error:  # noqa: BLE001  # the other process raises it
                connection.send(_Failure(error, traceback.format_exc()))
            else:
                connection.send((_DONE, running.result))
    # It ends by itself, since it has no more work. Raised in what Python calls at exit, the
    # exception would only be printed.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
