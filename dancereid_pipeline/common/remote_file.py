"""What files that are elsewhere share, as open files of Python: an offset, and an end."""

from __future__ import annotations

import errno
import io
from abc import abstractmethod
from collections.abc import Callable
from contextlib import ExitStack
from typing import TypeVar

from .errors import InterruptedReadError

T = TypeVar("T")


class RemoteFile(io.RawIOBase):
    """An open file whose bytes come from elsewhere. Subclasses say how they come.

    Attributes:
        held: what is let go of when it is closed.
    """

    def __init__(self) -> None:
        self.held = ExitStack()
        self._position = 0
        self._error: Exception | None = None  # why bytes did not come; none is asked for after that

    @abstractmethod
    def size(self) -> int:
        """Its size in bytes."""

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """The offset of the next byte."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Goes to an offset.

        Raises:
            OSError: it is before the beginning of the file.
        """
        if whence == io.SEEK_CUR:
            offset += self._position
        elif whence == io.SEEK_END:
            offset += self.size()
        if offset < 0:
            raise OSError(errno.EINVAL, "an offset before the beginning of the file")
        self._position = offset
        return offset

    def close(self) -> None:
        """Lets go of what it holds."""
        self.held.close()
        super().close()

    def _got(self, ask: Callable[[], T]) -> T:
        """Asks for bytes, for FFmpeg: it reads on after an error, which is raised again then."""
        if self._error is None:
            try:
                return ask()
            except (KeyboardInterrupt, SystemExit) as interrupt:
                # PyAV lets nothing but an `Exception` through FFmpeg.
                self._error = InterruptedReadError(interrupt)
            except Exception as error:  # noqa: BLE001  # raised below
                self._error = error
        raise self._error
