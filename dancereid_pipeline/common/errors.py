"""All errors that a user can meet, as one family.

Each message says what was expected, what was found, where, and what to do next.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from .address import without_secrets
from .reasons import Reason

KEPT = "what was done so far is kept"  # of interrupted work that the next run continues


class DanceReIDError(Exception):
    """The base of all errors that this project raises because of its input."""


class OptionError(DanceReIDError):
    """An option has a value that is not allowed."""


class CatalogueError(DanceReIDError):
    """The catalogue (a CSV file with a row for each video) is not valid."""


class SourceError(DanceReIDError):
    """A folder, an archive or a file that a build needs is missing or cannot be read."""


class AnnotationError(DanceReIDError):
    """annotation.json is not valid or does not fit the catalogue."""


class VideoError(DanceReIDError):
    """One video cannot be used, or only a part of it. A build records it as the video's outcome.

    Attributes:
        reason: the reason that coverage reports, from the closed list.
        since: time at which this reason was first found, UTC, ISO 8601; "" if unknown.
    """

    def __init__(self, reason: Reason, message: str, *, since: str = "") -> None:
        super().__init__(reason, message)
        self.reason = reason
        self.since = since

    def __str__(self) -> str:
        return str(self.args[1])


class TracksError(VideoError):
    """An npy file does not hold valid pose tracks."""

    def __init__(self, message: str) -> None:
        super().__init__(Reason.BAD_TRACKS, message)

    def __reduce__(self) -> tuple[type[TracksError], tuple[str]]:
        # The default would call the class with both of `args`.
        return type(self), (str(self),)


class MissingVideosError(DanceReIDError):
    """Videos are missing, and `missing` is "error"; or no video at all can be used."""


class CountMismatchError(DanceReIDError):
    """All videos were used, but the number of images is not the published one."""


class FeaturesError(DanceReIDError):
    """Features cannot be scored: they are broken or belong to other images."""


class HubError(DanceReIDError):
    """The Hub refuses a request, cannot be reached, or returns other data than was pushed."""


class PublicTracebackError(Exception):
    """Stands for an error of another program as a cause. Its text is the traceback, no secrets."""

    @classmethod
    def of(cls, error: BaseException) -> PublicTracebackError:
        """The traceback of an error and of its causes."""
        return cls(without_secrets("".join(traceback.format_exception(error)).rstrip()))


class InterruptedReadError(Exception):
    """Carries an interrupt (Ctrl-C, for example) through a library that would swallow it.

    Attributes:
        interrupt: the exception to raise again behind that library.
    """

    def __init__(self, interrupt: BaseException) -> None:
        super().__init__(interrupt)
        self.interrupt = interrupt


@contextmanager
def interruptible(kept: str, where: Callable[[], bool] = lambda: True) -> Iterator[None]:
    """Says with an interrupt (Ctrl-C) what of the work inside is kept.

    Args:
        kept: what is kept, for the user.
        where: whether there is any of it.
    """
    try:
        yield
    except KeyboardInterrupt as interrupt:
        if interrupt.args or not where():  # said already; or nothing is kept
            raise
        raise KeyboardInterrupt(kept) from interrupt
