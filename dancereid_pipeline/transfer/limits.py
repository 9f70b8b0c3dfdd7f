"""Limits on the time and the size of what is fetched. They hold whatever the server does."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import NoReturn, TypeAlias, TypeVar

from ..common.errors import VideoError
from ..common.reasons import Reason

# A page of a video site, or a program in it: YouTube's largest has 3 MB.
MAX_PAGE_BYTES = 64 << 20
# An hour of 1080p has 2 GB or so.
MAX_FILE_BYTES = 64 << 30
# Called with (bytes received, bytes in all or None) after each block; may raise to end it.
OnBytes: TypeAlias = Callable[[int, int | None], None]
_T = TypeVar("_T")


class TooLargeError(VideoError):
    """More bytes come, or are announced, than such a file may have."""


class TimeLimit:
    """A limit on the time that requests take together.

    A server that sends one byte now and then makes a client wait for ever, and nothing can end that
    wait. So the work has a thread of its own, which is left behind when its time is over: it ends
    at its next call of `check`, which comes before it writes anything.

    Args:
        seconds: the limit. The time begins now.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._left_behind: set[threading.Thread] = set()
        self.restart()

    def restart(self) -> None:
        """Lets the time begin again."""
        self._end = time.monotonic() + self._seconds

    def run(self, work: Callable[[], _T]) -> _T:
        """Does work in a thread and waits for its end.

        Returns:
            What the work returned.

        Raises:
            VideoError: the time is over.
            BaseException: what the work raised.
        """
        done: Future[_T] = Future()
        thread = threading.Thread(target=_fulfil, args=(done, work), daemon=True)
        thread.start()
        try:
            wait([done], max(self._end - time.monotonic(), 0))
        finally:  # also where Ctrl-C ends the wait
            if not done.done():
                self._left_behind.add(thread)
        return done.result() if done.done() else self._fail()

    def check(self) -> None:
        """Ends the work of this thread if its time is over.

        Raises:
            VideoError: it is.
        """
        if time.monotonic() > self._end or threading.current_thread() in self._left_behind:
            self._fail()

    def _fail(self) -> NoReturn:
        raise VideoError(
            Reason.NETWORK,
            f"took longer than {self._seconds:,g} s; what was fetched so far is kept",
        )


def _fulfil(done: Future[_T], work: Callable[[], _T]) -> None:
    try:
        done.set_result(work())
    except BaseException as error:  # noqa: BLE001  # raised where the result is waited for
        done.set_exception(error)


def check_size(received: int, in_all: int | None, most: int) -> None:
    """Refuses a file that is too large.

    Args:
        received: bytes that were received so far.
        in_all: bytes in all as the server says, if it does.
        most: bytes that such a file may have.

    Raises:
        TooLargeError: it is.
    """
    size = max(received, in_all or 0)
    if size > most:
        more = "" if size == in_all else " or more"
        raise TooLargeError(
            Reason.UNAVAILABLE,
            f"expected at most {most:,} bytes, got {size:,}{more}; it was not kept",
        )
