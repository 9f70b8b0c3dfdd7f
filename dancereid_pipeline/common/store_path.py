"""A file or a folder at an address that fsspec knows (s3://, gs://, hf://), used like a `Path`."""

from __future__ import annotations

import errno
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, TypeAlias

import fsspec

from .address import Address
from .errors import OptionError, SourceError
from .files import replaced, usable
from .remote_file import RemoteFile
from .storage import Storage, require_store, store_errors
from .validation import checked_path

# What a store knows of a file that changes with its content, by the names in fsspec's `info`.
_STATES = (
    *("ETag", "etag", "md5Hash", "content_md5", "blob_id", "mtime", "LastModified"),
    *("last_modified", "updated", "modify", "modificationTime", "modified", "created"),
)
_IN_STORE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")  # a drive has one letter
_BLOCK_BYTES = 4 << 20  # that one request asks for, of a file that is read in parts


@contextmanager
def _readable(path: StorePath) -> Iterator[None]:
    """Turns what a store refuses into a `SourceError`; a file that is not there is not refused."""
    try:
        with store_errors():
            yield
    except FileNotFoundError:
        raise
    except OSError as error:
        if getattr(getattr(error, "response", None), "status_code", None) == 404:
            raise FileNotFoundError(errno.ENOENT, "is not there", str(path)) from error  # older Hub
        raise SourceError(
            f"{path}: cannot be read ({error}). Check the address, the credentials "
            "(--storage-option, storage_options=) and the connection, then run it again."
        ) from error


@dataclass(frozen=True, order=True)
class StorePath:
    """A file or a folder in a store, to read. It can be sent to another process.

    What the store refuses is raised as `SourceError`. Only what is not there is a
    `FileNotFoundError`, as of a `Path`.

    Attributes:
        address: its address; its text shows no secrets.
        options: what fsspec is called with; it may have secrets.
        size: of a file in a listing: its size in bytes.
        state: of a file in a listing: a text that changes with its content; "" if none is known.
    """

    address: Address
    options: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)
    size: int | None = None
    state: str = ""

    def __str__(self) -> str:
        return str(self.address)

    def __truediv__(self, name: str) -> StorePath:
        # The name as it is: a "?" or a "#" in it is no secret.
        address = Address(f"{self.address.with_secrets()}/{name}", f"{self.address}/{name}")
        return StorePath(address, self.options)

    @property
    def name(self) -> str:
        """The last part of the address."""
        return self.address.with_secrets().rpartition("/")[2]

    @property
    def stem(self) -> str:
        """The name without its ending."""
        return PurePosixPath(self.name).stem

    @property
    def suffix(self) -> str:
        """The ending of the name."""
        return PurePosixPath(self.name).suffix

    @property
    def parent(self) -> StorePath:
        """The folder that it is in."""
        return StorePath(Address(self.address.with_secrets().rpartition("/")[0]), self.options)

    @property
    def storage(self) -> Storage:
        """The folder at the address, to write into."""
        return Storage(self.address.with_secrets(), self.options)

    def absolute(self) -> StorePath:
        """It is."""
        return self

    def is_dir(self) -> bool:
        """Whether it is a folder."""
        return self.size is None and self._info().get("type") == "directory"

    def is_file(self) -> bool:
        """Whether it is a file."""
        return self.size is not None or self._info().get("type") == "file"

    def exists(self) -> bool:
        """Whether it is there now, whatever a listing said."""
        return bool(self._info())

    def entries(self) -> tuple[list[StorePath], list[StorePath]]:
        """The folders in a folder, and the files with their sizes."""
        with _readable(self):
            fs, path = self.found()
            fs.invalidate_cache()
            folders, files = [], []
            for info in fs.ls(path, detail=True):
                name = info["name"].rstrip("/").rpartition("/")[2]
                if info["name"].strip("/") == path.strip("/"):
                    continue  # a store may have an object for the folder itself
                child = self / name
                if info["type"] == "directory":
                    folders.append(child)
                else:
                    files.append(child._described(info))
        return folders, files

    def described(self) -> StorePath:
        """The same file with its size and its state.

        Raises:
            FileNotFoundError: it is not there.
        """
        if self.size is not None:
            return self
        info = self._info()
        if info.get("type") != "file":
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(self))
        return self._described(info)

    def open(self, _mode: str = "rb") -> StoreFile:
        """Opens a file, of which parts are fetched when they are read."""
        return StoreFile(self)

    def read_bytes(self) -> bytes:
        """The content of a file."""
        with _readable(self):
            fs, path = self.found()
            content: bytes = fs.cat_file(path)
        return content

    @contextmanager
    def copied(self) -> Iterator[Path]:
        """A copy on this machine, of the same name; it is removed at the end."""
        with tempfile.TemporaryDirectory(prefix="dancereid-") as folder:
            copy = Path(folder) / self.name
            with _readable(self):
                fs, path = self.found()
                fs.get_file(path, str(copy))
            yield copy

    def _described(self, info: Mapping[str, Any]) -> StorePath:
        state = next((str(info[key]) for key in _STATES if info.get(key)), "")
        return StorePath(self.address, self.options, int(info["size"] or 0), state)

    def _info(self) -> Mapping[str, Any]:
        """What the store knows of it; empty if it is not there."""
        with _readable(self):
            fs, path = self.found()
            fs.invalidate_cache()  # of listings, which may be of before
            try:
                info: Mapping[str, Any] = fs.info(path)
            except FileNotFoundError:
                return {}
        return info

    def found(self) -> tuple[Any, str]:
        """The file system of fsspec, and the path there."""
        fs, path = fsspec.core.url_to_fs(self.address.with_secrets(), **self.options)
        return fs, path


AnyPath: TypeAlias = Path | StorePath


class StoreFile(RemoteFile):
    """An open file in a store: read by ranges, or from a copy where the store has no ranges.

    Args:
        path: the file.

    Raises:
        FileNotFoundError: it is not there.
        SourceError: it cannot be read.
    """

    def __init__(self, path: StorePath) -> None:
        super().__init__()
        self._path = path.described()
        self._copy: Path | None = None
        self._start, self._block = 0, b""  # the part that came last, and its offset

    def size(self) -> int:
        """Its size in bytes."""
        return self._path.size or 0

    def whole(self) -> Path:
        """Copies all of it to this machine, and reads there; the copy goes when it is closed."""
        if self._copy is None:
            self._copy = self.held.enter_context(self._path.copied())
        return self._copy

    def read(self, size: int | None = -1) -> bytes:
        """The next bytes; all that are left if `size` is -1."""
        left = max(self.size() - self._position, 0)
        content: bytes = super().read(left if size is None or size < 0 else min(size, left))
        return content

    def readinto(self, buffer: Any) -> int:
        """Reads the next bytes: as many as there is room for, or all that are left."""
        view, done = memoryview(buffer).cast("B"), 0
        while done < len(view) and self._position < self.size():
            offset = self._position - self._start
            if not 0 <= offset < len(self._block):
                offset, self._start = 0, self._position
                self._block = self._range(self._start, min(self._start + _BLOCK_BYTES, self.size()))
            part = self._block[offset : offset + len(view) - done]
            view[done : done + len(part)] = part
            done += len(part)
            self._position += len(part)
        return done

    def _range(self, start: int, stop: int) -> bytes:
        """The bytes from `start` up to `stop`."""
        if self._copy is None:
            with _readable(self._path):
                fs, name = self._path.found()
                try:
                    content: bytes = fs.cat_file(name, start=start, end=stop)
                except (NotImplementedError, ValueError):
                    content = b""
            if len(content) == stop - start:
                return content
        with self.whole().open("rb") as file:  # the store has no ranges
            file.seek(start)
            content = file.read(stop - start)
        if len(content) != stop - start:
            raise SourceError(
                f"{self._path}: expected {self.size():,} bytes, as the store says, but it ends "
                "before. Was it changed meanwhile? Run it again."
            )
        return content


def input_path(name: str, value: object, options: Mapping[str, Any] | None = None) -> AnyPath:
    """A path on this machine, or an address in a store, to read.

    Args:
        name: of the option, for errors.
        value: the path or the address.
        options: what fsspec is called with for an address.

    Raises:
        OptionError: it is neither, or cannot be read by fsspec.
        DanceReIDError: the library for the address is not installed.
    """
    if isinstance(value, StorePath):
        return value
    if not isinstance(value, str) or not _IN_STORE.match(value):
        return checked_path(name, value)
    address = Address(value.rstrip("/"))
    if address.startswith(("http://", "https://")):
        raise OptionError(
            f"{name}: expected a path, or an address in a store (s3://, gs://, hf://), got "
            f"{address}. Of the web, only annotation, archive and video_url are read."
        )
    try:
        require_store(value, write=False)
    except OptionError as error:
        raise OptionError(f"{name}: expected what can be read. {error}") from error
    return StorePath(address, options or {})


def output_path(name: str, value: object, options: Mapping[str, Any] | None = None) -> AnyPath:
    """A path on this machine, or an address in a store, to write a file to; as `input_path`."""
    if isinstance(value, StorePath):
        return value
    if isinstance(value, str) and _IN_STORE.match(value):
        return StorePath(Address(Storage.of(value, options).address), options or {})
    return checked_path(name, value)


@contextmanager
def written(path: AnyPath) -> Iterator[Path]:
    """Gives a path on this machine to write a file to; at the end, the file is put to `path`.

    Raises:
        SourceError: something that is no file is there, or it cannot be written.
    """
    if isinstance(path, Path):
        with replaced(path) as unfinished:
            yield unfinished
        return
    with usable(path), path.parent.storage.temporary() as folder:
        yield folder / path.name
        path.parent.storage.put(folder / path.name, path.name)


def names_in(folder: AnyPath) -> list[str]:
    """The names of the files and folders in a folder; in a store, of the files."""
    if isinstance(folder, StorePath):
        return [file.name for file in folder.entries()[1]]
    return os.listdir(folder)  # noqa: PTH208  # a Path for each takes ten times as long


def file_state(path: AnyPath) -> tuple[int, int | str]:
    """The size of a file, in bytes, and the time of its last change, in nanoseconds.

    In a store, what it has instead of the time, such as a checksum.
    """
    if isinstance(path, StorePath):
        found = path.described()
        return found.size or 0, found.state
    status = path.stat()
    return status.st_size, status.st_mtime_ns
