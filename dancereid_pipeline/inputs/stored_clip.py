"""A clip in a store, which is read by ranges, or copied to this machine where that must be."""

from __future__ import annotations

from typing import Any

from ..common.store_path import StoreFile, StorePath
from ..formats.video import Clip


class _ClipFile(StoreFile):
    """A clip in a store as an open file: a `GrowingFile`, but all of it is there."""

    may_guess = False

    def readinto(self, buffer: Any) -> int:
        """Reads the next bytes."""
        return self._got(lambda: super(_ClipFile, self).readinto(buffer))

    def end(self, _error: BaseException | None) -> None:
        """Closes it."""
        self.close()


def open_stored_clip(path: StorePath) -> Clip:
    """Opens a clip in a store. Use it in a `with` statement.

    Raises:
        VideoError: it is not a video.
        SourceError: it cannot be read.
    """
    file = _ClipFile(path)
    try:
        return Clip(str(path), file)
    except BaseException:
        file.close()
        raise
