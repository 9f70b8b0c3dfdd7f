"""A folder of files at a local path, or at an address that fsspec knows: s3://, gs://, memory://.

A file that is put there is whole, or is not there: a local one is renamed at its end, and a store
takes an object whole. A store has no rename, so nothing here depends on one.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import fsspec

from .address import without_secrets
from .errors import DanceReIDError, OptionError
from .files import beside, give_name
from .validation import checked_path

_T = TypeVar("_T")
_R = TypeVar("_R")

_REQUESTS = 16  # that a store answers at once
_TRIED = ".dancereid-writable"
_USER = re.compile(r"[^\s/:@'\"]+:[^\s/@'\"]*@")  # user and password of an address without its ://


@contextmanager
def store_errors() -> Iterator[None]:
    """Turns an error of a store's library, whatever its type, into an `OSError`."""
    try:
        yield
    except (OSError, DanceReIDError):
        raise
    except Exception as error:  # each library has its own
        text = _USER.sub("", without_secrets(" ".join(str(error).split())))
        raise OSError(f"{type(error).__name__}: {text[:300]}") from error


@dataclass(frozen=True)
class Storage:
    """A folder, which need not exist. It can be sent to another process.

    Attributes:
        address: a local path, absolute, or an address.
        options: what fsspec is called with; it may have secrets.
    """

    address: str
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, folder: str | Path, options: Mapping[str, Any] | None = None) -> Storage:
        """The folder at a path, or at an address.

        Raises:
            OptionError: it is neither a path nor an address that can be written to.
            DanceReIDError: the library for the address is not installed.
        """
        if isinstance(folder, Path) or "://" not in str(folder):
            if options:
                raise OptionError(
                    f"storage options ({', '.join(options)}): {folder} is a path on this machine. "
                    "Leave them out, or name an address (s3://...)."
                )
            return cls(checked_path("output", folder).absolute().as_posix())
        require_store(folder)
        return cls(folder.rstrip("/"), options or {})

    def __str__(self) -> str:
        return self.address if self.local else without_secrets(self.address)

    @property
    def name(self) -> str:
        """The last part of the address."""
        return self.address.rpartition("/")[2]

    @property
    def local(self) -> Path | None:
        """The path, if it is a local folder."""
        return None if "://" in self.address else Path(self.address)

    def folder(self, name: str) -> Storage:
        """A folder in this one."""
        return Storage(f"{self.address}/{name}", self.options)

    def check_writable(self) -> None:
        """Writes a file into a store, and removes it; a local folder is left alone.

        Raises:
            OSError: nothing can be written there.
        """
        if self.local is None:
            self.write(_TRIED, b"")
            self.remove(_TRIED)

    def names(self) -> set[str]:
        """The names of the files in it; none if the folder does not exist."""
        return self._names(folders=False)

    def folders(self) -> set[str]:
        """The names of the folders in it; none if the folder does not exist."""
        return self._names(folders=True)

    @store_errors()
    def _names(self, *, folders: bool) -> set[str]:
        fs, path = self._found()
        fs.invalidate_cache()  # of listings, which may be of before
        try:
            if self.local is not None:  # the Hub's cache has links, which fsspec does not follow
                found = self.local.iterdir()
                return {e.name for e in found if (e.is_dir() if folders else e.is_file())}
            entries = fs.ls(path, detail=True)
        except (FileNotFoundError, NotADirectoryError):
            return set()
        # A file at this path is listed as itself.
        kind = "directory" if folders else "file"
        paths = (e["name"].rstrip("/") for e in entries if e["type"] == kind)
        return {each.rpartition("/")[2] for each in paths if each != path}

    @store_errors()
    def read(self, name: str) -> bytes:
        """The content of a file."""
        fs, path = self._found(name)
        content: bytes = fs.cat_file(path)
        return content

    @store_errors()
    def open(self, name: str) -> Any:
        """A file, to read parts of it."""
        fs, path = self._found(name)
        return fs.open(path, "rb")

    def write(self, name: str, content: bytes) -> None:
        """Writes a file; one of its name is replaced."""
        with self.temporary() as folder:
            (folder / name).write_bytes(content)
            self.put(folder / name, name)

    @contextmanager
    def temporary(self) -> Iterator[Path]:
        """A local folder for files that are made for `put`; it is removed at the end.

        For a local folder it is in that, on the same disk, so that `put` need not copy.
        """
        if self.local is None:
            with tempfile.TemporaryDirectory(prefix="dancereid-") as folder:
                yield Path(folder)
            return
        self.local.mkdir(parents=True, exist_ok=True)
        with beside(self.local / "files") as path:
            path.mkdir()
            yield path

    @store_errors()
    def put(self, file: Path, name: str) -> None:
        """Takes a local file of `temporary` in, under a name; a file of that name is replaced."""
        if self.local is not None:
            give_name(file, self.local / name)
            return
        fs, path = self._found(name)
        fs.put_file(str(file), path)

    @store_errors()
    def move(self, name: str, to: Storage) -> None:
        """Moves a file into another folder of the same store; one of its name is replaced."""
        fs, path = self._found(name)
        if self.local is not None and to.local is not None:
            to.local.mkdir(parents=True, exist_ok=True)
            (self.local / name).replace(to.local / name)
            return
        try:
            fs.copy(path, to._found(name)[1])
        except FileNotFoundError:  # a store with folders; others take any name
            fs.makedirs(to._found()[1], exist_ok=True)
            fs.copy(path, to._found(name)[1])
        fs.rm_file(path)

    @store_errors()
    def remove(self, name: str) -> None:
        """Removes a file, if it is there."""
        fs, path = self._found(name)
        if fs.exists(path):
            fs.rm_file(path)

    @store_errors()
    def remove_all(self) -> None:
        """Removes the folder and all that is in it."""
        fs, path = self._found()
        if fs.exists(path):
            fs.rm(path, recursive=True)

    def for_each(self, task: Callable[[_T], _R], items: Iterable[_T]) -> list[_R]:
        """Calls a task for each item; several at once if it waits for a store's answers."""
        if self.local is not None:
            return [task(item) for item in items]
        pool = ThreadPoolExecutor(_REQUESTS)
        try:
            return list(pool.map(task, items))
        finally:
            pool.shutdown(cancel_futures=True)

    def _found(self, name: str = "") -> tuple[Any, str]:
        """The file system of fsspec, and the path there of a file in this folder."""
        fs, path = fsspec.core.url_to_fs(self.address, **self.options)
        return fs, f"{path}/{name}" if name else path


def require_store(whole_address: str, *, write: bool = True) -> None:
    """Refuses an address that cannot be used, or whose library is not installed.

    Raises:
        OptionError: fsspec does not know it, or it cannot be written to.
        DanceReIDError: its library is not installed.
    """
    protocol, address = whole_address.partition("://")[0], without_secrets(whole_address)
    if protocol == "file":
        raise OptionError(f"{address}: expected a path. Name the path alone.")
    if write and protocol in ("hf", "http", "https"):
        other = "To write to the Hub, use dancereid push (push_to_hub)"
        raise OptionError(
            f"{address}: cannot be written to. "
            f"{other if protocol == 'hf' else 'It can only be read'}."
        )
    if protocol not in fsspec.available_protocols():
        raise OptionError(
            f"{address}: expected a path, or an address that fsspec knows, as s3://bucket/folder "
            f"or gs://bucket/folder; it does not know '{protocol}'."
        )
    try:
        fsspec.get_filesystem_class(protocol)
    except ImportError as error:
        raise DanceReIDError(
            f"{address}: needs a library that is not installed ({error}). Install it with pip, "
            "for example: pip install s3fs"
        ) from error
