"""Archives of npy files: the kind of an archive, its members, and the bytes of a member.

Nothing is unpacked to disk, so the name of a member or a link cannot do harm.
"""

from __future__ import annotations

import bz2
import contextlib
import gzip
import io
import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath
from typing import IO, Any

from ..common.errors import SourceError, VideoError
from ..common.reasons import Reason
from ..common.store_path import AnyPath, file_state

ARCHIVE_SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.xz", ".tar.bz2")
# Python cannot read these kinds; they are recognized for the error message.
UNREADABLE_SUFFIXES = (".rar", ".7z")
# DanceReID's largest npy file holds 33,132 detections, about 25 MB.
# Others may be larger: the limit is an hour of 30 frames a second, with 8 detections in each, of
# 600 bytes. A detection with the scores of its joints takes some 560.
MAX_TRACKS_BYTES = 3600 * 30 * 8 * 600
# The limit for a whole archive; DanceReID's archive holds 33 npy files.
MAX_UNPACKED_BYTES = 16 << 30
# The headers of a tar all together: room for 16,000 members with long names.
MAX_HEADER_BYTES = 16 << 20
# The errors that are known for broken archives, and for those that this Python cannot unpack.
ARCHIVE_ERRORS = (
    OSError,
    EOFError,
    KeyError,
    ValueError,
    RuntimeError,
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
)
_UNPACK: dict[str | None, Any] = {
    ".tar.gz": gzip.open,
    ".tar.xz": lzma.open,
    ".tar.bz2": bz2.open,
}
# (offset, the bytes there, ending), from the specifications of the formats.
_SIGNATURES = (
    (0, b"PK\x03\x04", ".zip"),
    (0, b"PK\x05\x06", ".zip"),  # an empty one
    (257, b"ustar", ".tar"),
    (0, b"\x1f\x8b", ".tar.gz"),
    (0, b"\xfd7zXZ\x00", ".tar.xz"),
    (0, b"BZh", ".tar.bz2"),
    (0, b"Rar!\x1a\x07", ".rar"),
    (0, b"7z\xbc\xaf\x27\x1c", ".7z"),
)


@dataclass(frozen=True)
class TracksFile:
    """An npy file of tracks, in a folder or inside an archive.

    Attributes:
        path: path of the file, or of the archive.
        member: name of the file inside the archive; None if it is in a folder.
        size: size of the npy file in bytes, unpacked.
        changed: time of the last change of the file or the archive, in nanoseconds; in a store,
            what it has instead, such as a checksum.
    """

    path: AnyPath
    member: str | None
    size: int
    changed: int | str

    @property
    def name(self) -> str:
        """Its path inside the archive, or its file name."""
        return self.member or self.path.name

    def __str__(self) -> str:
        return f"{self.path}::{self.member}" if self.member else str(self.path)

    def read(self) -> bytes:
        """The bytes of the npy file, unpacked in memory.

        Raises:
            VideoError: the file is too large or cannot be read, or the archive is broken.
        """
        _check_size(str(self), self.size)
        try:
            if self.member is None:
                return self.path.read_bytes()
            return _read_member(self.path, self.member)
        except ARCHIVE_ERRORS as error:
            raise VideoError(
                Reason.BAD_TRACKS, f"{self}: cannot be read ({error}). Get the file again."
            ) from error


def _check_size(name: str, size: int) -> None:
    """Refuses a file that is too large for tracks, before it is unpacked."""
    if size > MAX_TRACKS_BYTES:
        raise VideoError(
            Reason.BAD_TRACKS,
            f"{name}: {size:,} bytes, more than the {MAX_TRACKS_BYTES:,} that tracks "
            "may have. Check that it is the right file, and get it again.",
        )


def _is_tracks(name: str) -> bool:
    """Whether a member is an npy file. The files that macOS adds start with a dot: they are not."""
    return name.lower().endswith(".npy") and not PurePosixPath(name).name.startswith(".")


def kind(path: AnyPath) -> str | None:
    """The kind of an archive by its first bytes, as ".zip" or ".rar"; None if it is not one."""
    with path.open("rb") as file:
        start = file.read(512)
    return next((s for at, signature, s in _SIGNATURES if start.startswith(signature, at)), None)


def tracks_in(archive: AnyPath) -> list[TracksFile]:
    """The regular npy files in an archive. Links, devices and so on are ignored.

    Raises:
        SourceError: the archive cannot be read, or unpacks to more than `MAX_UNPACKED_BYTES`.
    """
    _, changed = file_state(archive)
    try:
        members = _listed(archive, changed)
        return [TracksFile(archive, name, size, changed) for name, size in members]
    except ARCHIVE_ERRORS as error:
        raise SourceError(
            f"{archive}: cannot be read as an archive ({error}). Get it again, or unpack it into a "
            "folder and use the folder instead."
        ) from error


@lru_cache(maxsize=4)
def _listed(archive: AnyPath, changed: int | str) -> list[tuple[str, int]]:  # noqa: ARG001  # of the key
    """The members. They are listed once, since to list those of a tar.gz unpacks all of it."""
    return list(_members(archive))


def _members(archive: AnyPath) -> Iterator[tuple[str, int]]:
    """Yields (name, bytes unpacked) of the regular npy files in an archive."""
    if kind(archive) == ".zip":
        with archive.open("rb") as file, zipfile.ZipFile(file) as opened:
            yield from _zipped_tracks(opened)
    else:
        with _open_tar(archive) as (opened_tar, unpacked):
            yield from ((i.name, i.size) for i in _regular(opened_tar) if _is_tracks(i.name))
            # Read up to the end: only there, gzip compares its checksum of the whole.
            unpacked.left = MAX_UNPACKED_BYTES
            while unpacked.read(1 << 20):
                pass


def _zipped_tracks(archive: zipfile.ZipFile) -> list[tuple[str, int]]:
    """(name, bytes unpacked) of the regular npy files in a zip."""
    return [
        (i.filename, i.file_size)
        for i in archive.infolist()
        if _is_tracks(i.filename) and not stat.S_ISLNK(i.external_attr >> 16)
    ]


def _regular(archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """The regular files in a tar."""
    while (info := archive.next()) is not None:
        # Else it would keep all of them. The stubs do not know the list.
        archive.members.clear()  # type: ignore[attr-defined]
        if info.size < 0:  # the next member would be before it: an endless loop
            raise ValueError(f"{info.name} has {info.size} bytes")
        if info.isreg():
            yield info


@contextlib.contextmanager
def _open_tar(archive: AnyPath) -> Iterator[tuple[tarfile.TarFile, _Bounded]]:
    """Opens a tar, and gives it and its unpacked bytes as a stream."""
    packed = kind(archive)
    if packed in UNREADABLE_SUFFIXES:
        raise ValueError(f"Python cannot unpack a {packed}")
    unpack = _UNPACK.get(packed, contextlib.nullcontext)
    with archive.open("rb") as file, unpack(file) as opened:
        unpacked = _Bounded(opened)
        # "r:" reads only a plain tar: packed once more, it would be unpacked without a limit.
        with tarfile.open(fileobj=unpacked, mode="r:") as opened_tar:
            yield opened_tar, unpacked


class _Bounded(io.RawIOBase):
    """A stream that raises an error at the limits, so that an archive bomb does no harm.

    To skip a member of a tar.gz is to unpack it, and a long name is read as a whole.

    Attributes:
        left: how many bytes may still be read. Those of the members are not: they are skipped.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.left = MAX_HEADER_BYTES

    def read(self, size: int = -1) -> bytes:
        self._check(self._stream.tell() + size)
        if not 0 <= size <= self.left:
            raise ValueError(f"its headers have more than {MAX_HEADER_BYTES:,} bytes")
        content = self._stream.read(size)
        self.left -= len(content)
        return content

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._check(offset)
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def _check(self, offset: int) -> None:
        if offset > MAX_UNPACKED_BYTES:
            raise ValueError(
                f"it unpacks to more than the {MAX_UNPACKED_BYTES:,} bytes that an archive of "
                "tracks may have"
            )


def _read_member(archive: AnyPath, member: str) -> bytes:
    if kind(archive) == ".zip":
        with archive.open("rb") as file, zipfile.ZipFile(file) as opened:
            return _read_zipped(opened, member)
    with _open_tar(archive) as (opened_tar, unpacked):
        for info in _regular(opened_tar):
            found = opened_tar.extractfile(info) if info.name == member else None
            if found is not None:
                _check_size(f"{archive}::{member}", info.size)
                unpacked.left = info.size
                return found.read()
    raise KeyError(member)


def _read_zipped(archive: zipfile.ZipFile, member: str) -> bytes:
    """The bytes of a member, which must have its checksum.

    Raises:
        VideoError: it is too large.
    """
    info = archive.getinfo(member)
    _check_size(member, info.file_size)
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        # With other methods, `zipfile` unpacks all bytes, even if few are asked for.
        raise ValueError(f"packed with method {info.compress_type}, and not deflated as usual")
    with archive.open(info) as file:
        content = file.read(info.file_size)
    if len(content) != info.file_size:
        raise ValueError(f"{len(content):,} bytes, not {info.file_size:,} as the archive says")
    return content
