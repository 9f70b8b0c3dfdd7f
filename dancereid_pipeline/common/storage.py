"""A folder of files at a local path, or at an address that fsspec knows: s3://, gs://, memory://.

A file that is put there is whole, or is not there: a local one is renamed at its end, and a store
takes an object whole. A store has no rename, so nothing here depends on one.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import fsspec

from .address import without_secrets
from .errors import DanceReIDError, OptionError
from .files import beside, give_name
from .validation import checked_path

_TRIED = ".dancereid-writable"


@contextmanager
def _own_errors() -> Iterator[None]:
    """Turns an error of a store's library, whatever its type, into an `OSError`."""
    try:
        yield
    except (OSError, DanceReIDError):
        raise
    except Exception as error:  # each library has its own
        text = " ".join(str(error).split())[:300]
        raise OSError(f"{type(error).__name__}: {text}") from error


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
        protocol, is_address, _ = str(folder).partition("://")
        if isinstance(folder, Path) or not is_address:
            if options:
                raise OptionError(
                    f"storage options ({', '.join(options)}): {folder} is a path on this machine. "
                    "Leave them out, or name an address (s3://...)."
                )
            return cls(checked_path("output", folder).absolute().as_posix())
        _require(protocol, without_secrets(folder))
        return cls(folder.rstrip("/"), options or {})

    def __str__(self) -> str:
        return self.address

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

    @_own_errors()
    def names(self) -> set[str]:
        """The names of the files in it; none if the folder does not exist."""
        fs, path = self._found()
        if not fs.isdir(path):
            return set()
        entries = fs.ls(path, detail=True)
        return {e["name"].rpartition("/")[2] for e in entries if e["type"] == "file"}

    @_own_errors()
    def read(self, name: str) -> bytes:
        """The content of a file."""
        fs, path = self._found(name)
        content: bytes = fs.cat_file(path)
        return content

    @_own_errors()
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

    @_own_errors()
    def put(self, file: Path, name: str) -> None:
        """Takes a local file of `temporary` in, under a name; a file of that name is replaced."""
        if self.local is not None:
            give_name(file, self.local / name)
            return
        fs, path = self._found(name)
        fs.put_file(str(file), path)

    @_own_errors()
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

    @_own_errors()
    def remove(self, name: str) -> None:
        """Removes a file, if it is there."""
        fs, path = self._found(name)
        if fs.exists(path):
            fs.rm_file(path)

    @_own_errors()
    def remove_all(self) -> None:
        """Removes the folder and all that is in it."""
        fs, path = self._found()
        if fs.exists(path):
            fs.rm(path, recursive=True)

    def _found(self, name: str = "") -> tuple[Any, str]:
        """The file system of fsspec, and the path there of a file in this folder."""
        fs, path = fsspec.core.url_to_fs(self.address, **self.options)
        return fs, f"{path}/{name}" if name else path


def _require(protocol: str, address: str) -> None:
    """Refuses an address that cannot be written to, or whose library is not installed."""
    if protocol in ("hf", "http", "https", "file"):
        other = {
            "hf": "To write to the Hub, use dancereid push (push_to_hub)",
            "file": "Name the path alone",
        }
        raise OptionError(
            f"{address}: cannot be written to. {other.get(protocol, 'It can only be read')}."
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
