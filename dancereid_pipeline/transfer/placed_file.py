"""What files that are somewhere else have in common: a place, and ways to move it."""

from __future__ import annotations

import errno
import io


class PlacedFile(io.RawIOBase):
    """A seekable file to read. Who derives from it reads at `place`, and moves it."""

    def __init__(self) -> None:
        self.place = 0

    def whole_size(self) -> int:
        """Bytes of the file."""
        raise NotImplementedError

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """The place of the next byte."""
        return self.place

    def seek(self, place: int, whence: int = io.SEEK_SET) -> int:
        """Goes to a place.

        Raises:
            OSError: it is before the file, as of a file on disk.
        """
        if whence == io.SEEK_CUR:
            place += self.place
        elif whence == io.SEEK_END:
            place += self.whole_size()
        if place < 0:
            raise OSError(errno.EINVAL, "a place before the file")
        self.place = place
        return place
