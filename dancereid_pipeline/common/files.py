"""What is done to folders that several processes may write, some of them killed in between."""

from __future__ import annotations

import hashlib
import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path

from filelock import FileLock, Timeout

from .errors import SourceError

logger = logging.getLogger("dancereid")

LOCKS = ".locks"


@contextmanager
def usable(folder: Path) -> Iterator[None]:
    """Turns what the disk refuses into a `SourceError`."""
    try:
        yield
    except OSError as error:
        raise SourceError(
            f"{folder}: cannot be used ({error}). Make room there and get leave to read and write, "
            "or name another folder."
        ) from error


def lock(folder: Path, name: str) -> FileLock:
    """A lock between processes, not taken yet. It ends with the process that holds it."""
    (folder / LOCKS).mkdir(parents=True, exist_ok=True)
    # Not of a thread: what holds it may be cleared away by another one.
    return FileLock(folder / LOCKS / f"{name}.lock", thread_local=False)


@contextmanager
def alone(folder: Path, name: str) -> Iterator[str | None]:
    """Waits until no other process is at the same work.

    Gives the time at which the waiting began, None if there was none.
    """
    working, since = lock(folder, name), None
    try:
        working.acquire(timeout=0)
    except Timeout:
        since = now()
        logger.warning("Another process is at work in %s; waiting for it.", folder)
        working.acquire()
    try:
        yield since
    finally:
        working.release()


def now() -> str:
    """The time as entries have it: UTC, seconds."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def sha256(path: Path) -> str:
    """Of a file's content, hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


@contextmanager
def replaced(path: Path) -> Iterator[Path]:
    """Gives a place to write a file, which gets its name when it is whole.

    Raises:
        SourceError: something else than a file has the name, or the disk refuses.
    """
    if path.exists() and not path.is_file():
        raise SourceError(
            f"{path}: expected the name of a file, but it is there and is none. Name another."
        )
    with usable(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        # In a folder of its own, so that the name and its ending stay what they are.
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".unfinished-") as folder:
            unfinished = Path(folder) / path.name
            yield unfinished
            unfinished.replace(path)


def make_folder(folder: Path) -> None:
    """Makes a folder to keep things in.

    Raises:
        SourceError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SourceError(
            f"{folder}: cannot be made ({error.strerror}). Name another folder."
        ) from error


def start_of(path: Path) -> str:
    """What a file is, for somebody who expected another."""
    with path.open("rb") as file:
        start = file.read(40)
    page = " (a web page)" if start.lstrip().lower().startswith((b"<!doctype", b"<html")) else ""
    return f"{path.stat().st_size:,} bytes that begin with {start!r}{page}"
