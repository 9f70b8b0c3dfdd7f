"""Archives of npy files: what kind one is, what is in it, and one member's bytes.

Nothing is ever unpacked to disk, so no member's name or link can lead anywhere.
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
from pathlib import Path, PurePosixPath
from typing import IO, Any

from ..common.errors import SourceError, VideoError
from ..common.reasons import Reason

ARCHIVE_SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.xz", ".tar.bz2")
# Kinds that Python cannot read; told apart to say so.
UNREADABLE_SUFFIXES = (".rar", ".7z")
# The largest real one holds 33,132 boxes: some 25 MB.
MAX_TRACKS_BYTES = 256 << 20
# Of all that an archive says it unpacks to; the real one holds 33 npy files.
MAX_UNPACKED_BYTES = 16 << 30
# What a broken archive, or one that this Python cannot unpack, is known to raise.
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
# (place of the mark, the mark, ending); of the formats' own specifications.
_MARKS = (
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
    """An npy file of tracks, by itself or inside an archive.

    Attributes:
        path: the file, or the archive.
        member: the name inside the archive, or None.
        size: bytes, unpacked.
        changed_ns: when the file (or the archive) was last changed.
    """

    path: Path
    member: str | None
    size: int
    changed_ns: int

    @property
    def name(self) -> str:
        """Its path inside the archive, or its file name."""
        return self.member or self.path.name

    def __str__(self) -> str:
        return f"{self.path}::{self.member}" if self.member else str(self.path)

    def read(self) -> bytes:
        """The npy file's bytes, unpacked in memory: nothing is written.

        Raises:
            VideoError: too large, unreadable, or a broken archive.
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
    """Refuses tracks that are too large to be any, before they are unpacked."""
    if size > MAX_TRACKS_BYTES:
        raise VideoError(
            Reason.BAD_TRACKS,
            f"{name}: {size:,} bytes, more than the {MAX_TRACKS_BYTES:,} that tracks "
            "may have. Is this the right file?",
        )


def _is_tracks(name: str) -> bool:
    """Whether a member is an npy file; not what macOS adds, which starts with a dot."""
    return name.lower().endswith(".npy") and not PurePosixPath(name).name.startswith(".")


def kind(path: Path) -> str | None:
    """The ending that fits a file's first bytes, as ".zip" or ".rar"; None if it is no archive."""
    with path.open("rb") as file:
        start = file.read(512)
    return next((s for place, mark, s in _MARKS if start[place:].startswith(mark)), None)


def tracks_in(archive: Path) -> list[TracksFile]:
    """The regular npy files in an archive. Links and the like are not looked at.

    Raises:
        SourceError: it cannot be read, or unpacks to more than any such archive can.
    """
    changed_ns = archive.stat().st_mtime_ns
    try:
        members = _listed(archive, changed_ns)
        return [TracksFile(archive, name, size, changed_ns) for name, size in members]
    except ARCHIVE_ERRORS as error:
        raise SourceError(
            f"{archive}: cannot be read as an archive ({error}). Get it again, or unpack it into "
            "a folder, and use that instead."
        ) from error


@lru_cache(maxsize=4)
def _listed(archive: Path, changed_ns: int) -> list[tuple[str, int]]:  # noqa: ARG001  # of the key
    """The members; to list those of a tar.gz takes unpacking all of it, so it is done once."""
    return list(_members(archive))


def _members(archive: Path) -> Iterator[tuple[str, int]]:
    """(name, bytes unpacked) of the regular npy files in an archive."""
    if kind(archive) == ".zip":
        with zipfile.ZipFile(archive) as opened:
            yield from _zipped_tracks(opened)
    else:
        with _open_tar(archive) as (opened_tar, unpacked):
            yield from ((i.name, i.size) for i in _regular(opened_tar) if _is_tracks(i.name))
            # Up to the end: a checksum of the whole, as gzip has it, is compared only there.
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
    for info in archive:
        if info.size < 0:  # the next one would be looked for before it, for ever
            raise ValueError(f"{info.name} has {info.size} bytes")
        if info.isreg():
            yield info


@contextlib.contextmanager
def _open_tar(archive: Path) -> Iterator[tuple[tarfile.TarFile, io.RawIOBase]]:
    """A tar, and the stream of it: what it is packed in is taken off."""
    packed = kind(archive)
    if packed in UNREADABLE_SUFFIXES:
        raise ValueError(f"Python cannot unpack a {packed}")
    with _UNPACK.get(packed, open)(archive, "rb") as opened:
        unpacked = _Bounded(opened)
        # "r:", since any further packing would be taken off without a bound.
        with tarfile.open(fileobj=unpacked, mode="r:") as opened_tar:
            yield opened_tar, unpacked


class _Bounded(io.RawIOBase):
    """A stream that ends in an error where a bomb would go on.

    Skipping a member of a tar.gz means unpacking it, and a long name is read as a whole.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def read(self, size: int = -1) -> bytes:
        self._check(self._stream.tell() + size, size)
        return self._stream.read(size)

    def seek(self, place: int, whence: int = io.SEEK_SET) -> int:
        self._check(place, 0)
        return self._stream.seek(place, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def _check(self, place: int, size: int) -> None:
        if place > MAX_UNPACKED_BYTES or not 0 <= size <= MAX_TRACKS_BYTES:
            raise ValueError(
                f"it unpacks to more than the {MAX_UNPACKED_BYTES:,} bytes that an archive of "
                f"tracks may, or a part of it to more than {MAX_TRACKS_BYTES:,}"
            )


def _read_member(archive: Path, member: str) -> bytes:
    if kind(archive) == ".zip":
        with zipfile.ZipFile(archive) as opened:
            return _read_zipped(opened, member)
    with _open_tar(archive) as (opened_tar, _):
        for info in _regular(opened_tar):
            file = opened_tar.extractfile(info) if info.name == member else None
            if file is not None:
                _check_size(f"{archive}::{member}", info.size)
                return file.read()
    raise KeyError(member)


def _read_zipped(archive: zipfile.ZipFile, member: str) -> bytes:
    """A member's bytes. Its checksum is compared.

    Raises:
        VideoError: too large.
    """
    info = archive.getinfo(member)
    _check_size(member, info.file_size)
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        # Of these, `zipfile` unpacks all that comes, however little is asked for.
        raise ValueError(f"packed with method {info.compress_type}, and not deflated as usual")
    with archive.open(info) as file:
        content = file.read(info.file_size)
    if len(content) != info.file_size:
        raise ValueError(f"{len(content):,} bytes, not {info.file_size:,} as it says")
    return content
