"""A zip on a server that gives ranges of bytes: one member of it, without the rest."""

from __future__ import annotations

import os
import threading
import zipfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..common.errors import Reason, VideoError
from ..formats.track_archive import (
    ARCHIVE_ERRORS,
    MAX_TRACKS_BYTES,
    check_size,
    read_zipped,
    zipped_tracks,
)
from ..transfer.download import NoRangesError, client, make_folder, read_range, refused
from ..transfer.placed_file import PlacedFile
from ..transfer.settings import Network

# Of the end of a zip, which is read first; the directory of 33 npy files is in it.
_BLOCK_BYTES = 8 << 10


@dataclass(frozen=True)
class RemoteTracks:
    """A video's npy file inside a zip on a server; kept in a folder once it was read.

    Attributes:
        address: of the zip.
        member: its name there.
        size: bytes, unpacked.
        network: how to ask.
        kept: where it is kept.
    """

    address: str
    member: str
    size: int
    network: Network
    kept: Path

    @property
    def name(self) -> str:
        """Its path inside the archive."""
        return self.member

    def __str__(self) -> str:
        return f"{self.address}::{self.member}"

    def read(self) -> bytes:
        """The npy file's bytes.

        Raises:
            VideoError: too large, damaged, or not to be had.
            SourceError: this machine cannot keep it.
        """
        if self.kept.is_file():
            return self.kept.read_bytes()
        check_size(str(self), self.size)
        try:
            with RemoteZip(self.address, self.network) as archive:
                content = archive.read(self.member)
        except (NoRangesError, *ARCHIVE_ERRORS) as error:
            raise VideoError(
                Reason.BAD_TRACKS,
                f"{self}: cannot be read ({error}). Get the archive in another way, and pass "
                "archive= with its path.",
            ) from error
        self._keep(content)
        return content

    def _keep(self, content: bytes) -> None:
        make_folder(self.kept.parent)
        # Processes and threads may read the same video: each has a file of its own at first.
        mine = f".{self.kept.name}.{os.getpid()}.{threading.get_ident()}"
        temporary = self.kept.with_name(mine)
        try:
            temporary.write_bytes(content)
            temporary.replace(self.kept)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise refused(error, self.kept) from error


class RemoteZip:
    """An open zip on a server. Use it in a `with` statement.

    Args:
        address: of the zip.
        network: how to ask.

    Raises:
        VideoError: the server cannot be asked.
        NoRangesError: it gives only whole files.
        zipfile.BadZipFile: it is no zip.
    """

    def __init__(self, address: str, network: Network) -> None:
        with ExitStack() as stack:
            ydl = stack.enter_context(client(network))
            self._file = _RangeFile(ydl, address)
            self._zip = stack.enter_context(zipfile.ZipFile(self._file))
            self._stack = stack.pop_all()

    def __enter__(self) -> RemoteZip:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def tracks(self) -> list[tuple[str, int]]:
        """(name, bytes unpacked) of the npy files in it."""
        return zipped_tracks(self._zip)

    def read(self, member: str) -> bytes:
        """A member's bytes, asked for at once; its checksum is compared.

        Raises:
            VideoError: too large, or not to be had.
            NoRangesError: the server gives only whole files by now.
            KeyError, ValueError, zipfile.BadZipFile: it is not there, or damaged.
        """
        info = self._zip.getinfo(member)
        offsets = [i.header_offset for i in self._zip.infolist()]
        after = [o for o in (*offsets, self._zip.start_dir) if o > info.header_offset]
        self._file.hold(info.header_offset, min(after, default=self._file.size))
        return read_zipped(self._zip, member)


class _RangeFile(PlacedFile):
    """A file on a server, read by ranges. One range is held at a time.

    Attributes:
        size: of the file, in bytes.
    """

    def __init__(self, ydl: Any, address: str) -> None:
        super().__init__()
        self._ydl = ydl
        self._address = address
        # The end comes first: a zip's directory is there.
        self._held, self._start, self.size = read_range(ydl, address, None, _BLOCK_BYTES)

    def whole_size(self) -> int:
        return self.size

    def read(self, size: int = -1) -> bytes:
        end = self.size if size < 0 else min(self.place + size, self.size)
        if end <= self.place:
            return b""
        if not self._start <= self.place or end > self._start + len(self._held):
            self.hold(self.place, end)
        content = self._held[self.place - self._start : end - self._start]
        self.place += len(content)
        return content

    def hold(self, start: int, end: int) -> None:
        """Fetches the bytes `[start, end)`."""
        if not 0 <= start < end <= self.size:
            raise ValueError(f"a part from {start:,} to {end:,}, and it has {self.size:,} bytes")
        if end - start > MAX_TRACKS_BYTES:
            raise ValueError(f"a part of {end - start:,} bytes, more than any tracks have")
        self._held, self._start, size = read_range(self._ydl, self._address, start, end - start)
        if size != self.size:
            raise ValueError("it changed while it was read")
