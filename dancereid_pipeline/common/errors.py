"""Every error a user can meet: one small family.

Each message says what was expected, what came, where, and what to do next.
"""

from __future__ import annotations

from .reasons import Reason


class DanceReIDError(Exception):
    """Whatever this project raises because of its input."""


class OptionError(DanceReIDError):
    """An option has a value that it cannot have."""


class CatalogueError(DanceReIDError):
    """The catalogue (a CSV, one row a video) is not one."""


class SourceError(DanceReIDError):
    """A folder, an archive or a file that a build needs is not there or cannot be read."""


class AnnotationError(DanceReIDError):
    """annotation.json is not one, or does not fit the catalogue."""


class VideoError(DanceReIDError):
    """One video cannot be used, or only in part. Never more than that video's outcome.

    Attributes:
        reason: the entry of the closed list that coverage reports.
        since: when that was first found, UTC, ISO 8601; "" where nobody noted it.
    """

    def __init__(self, reason: Reason, message: str, *, since: str = "") -> None:
        super().__init__(reason, message)
        self.reason = reason
        self.since = since

    def __str__(self) -> str:
        return str(self.args[1])


class TracksError(VideoError):
    """An npy file of pose tracks is not one."""

    def __init__(self, message: str) -> None:
        super().__init__(Reason.BAD_TRACKS, message)

    def __reduce__(self) -> tuple[type[TracksError], tuple[str]]:
        # The default would call the class with both of `args`.
        return type(self), (str(self),)


class MissingVideosError(DanceReIDError):
    """Videos are missing and `missing="error"` was asked for, or none is left at all."""


class CountMismatchError(DanceReIDError):
    """A build whose every video was used holds other counts than it must."""


class FeaturesError(DanceReIDError):
    """Features of images cannot be scored: broken, or not those of the dataset."""


class HubError(DanceReIDError):
    """The Hub refuses, cannot be reached, or gives back something else than was pushed."""


class InterruptedReadError(Exception):
    """Carries an interrupt (Ctrl-C, say) through a library that would swallow it.

    Attributes:
        interrupt: what is to be raised on the other side.
    """

    def __init__(self, interrupt: BaseException) -> None:
        super().__init__(interrupt)
        self.interrupt = interrupt
