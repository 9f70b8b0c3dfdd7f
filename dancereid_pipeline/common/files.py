"""Files and folders that get their name when they are whole; locks between processes; checksums.

What the disk refuses is raised as `OSError` where nothing else is said.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from .errors import SourceError

logger = logging.getLogger("dancereid")

LOCKS = ".locks"
UNFINISHED = ".unfinished-"  # begins the names of folders for what is not whole yet
_REPLACED = ".replaced-"  # begins the name of a folder while another one takes its name


@contextmanager
def usable(folder: object, otherwise: str = "or name another folder") -> Iterator[None]:
    """Turns an `OSError` into a `SourceError`.

    Args:
        folder: the folder that the work inside uses: its path or its address.
        otherwise: what a user can do besides, for the message.
    """
    try:
        yield
    except OSError as error:
        raise SourceError(
            f"{folder}: cannot be used ({error}). Make room there and get permission to read and "
            f"write, {otherwise}."
        ) from error


def check_writable(folder: Path) -> Path:
    """Writes a temporary file into a folder, or into the nearest one above it that exists.

    Returns:
        The folder that it wrote into.

    Raises:
        OSError: nothing can be written there; `filename` is that folder.
    """
    # A link without a target counts, too: no folder can be made at its path.
    nearest = next((p for p in (folder, *folder.parents) if os.path.lexists(p)), folder)
    try:
        with tempfile.TemporaryFile(dir=nearest):
            return nearest
    except OSError as error:
        error.filename = str(nearest)
        raise


def lock(folder: Path, name: str) -> FileLock:
    """A lock between processes, not taken yet. It ends with the process that holds it."""
    (folder / LOCKS).mkdir(parents=True, exist_ok=True)
    # Not of a thread: what holds it may be cleared away by another one.
    return FileLock(folder / LOCKS / f"{name}.lock", thread_local=False)


@contextmanager
def alone(folder: Path, name: str) -> Iterator[str | None]:
    """Waits until no other process does the same work in a folder.

    Gives the time when the waiting began, None if there was none. `name` names the work.
    """
    working, since = lock(folder, name), None
    try:
        working.acquire(timeout=0)
    except Timeout:
        since = now()
        logger.warning("Another process is at work in %s; waiting for it.", folder)
        _wait(working)
    try:
        yield since
    finally:
        working.release()


def _wait(working: FileLock) -> None:
    """Waits for a lock, also if who holds it removes the folder at its end."""
    while not working.is_locked:
        try:
            working.acquire()
        except FileNotFoundError:
            Path(working.lock_file).parent.mkdir(parents=True, exist_ok=True)


def now() -> str:
    """The time: UTC, ISO 8601, to the second."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def sha256(path: Path) -> str:
    """The sha256 of a file's content, hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def start_of(path: Path) -> str:
    """A file's size and first bytes, for the message that another file was expected."""
    with path.open("rb") as file:
        start = file.read(40)
    page = " (a web page)" if start.lstrip().lower().startswith((b"<!doctype", b"<html")) else ""
    return f"{path.stat().st_size:,} bytes that begin with {start!r}{page}"


@contextmanager
def beside(path: Path) -> Iterator[Path]:
    """Gives another path of the same name on the same disk, to make a file or a folder there first.

    What is there at the end is removed, so move it to `path` before. Only a process that is
    killed leaves it there: beside `path`, in a folder whose name begins with `UNFINISHED`.
    """
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=UNFINISHED) as folder:
        yield Path(folder) / path.name


def remove_unfinished(folder: Path) -> None:
    """Removes what `beside` left in a folder when it was killed. Nobody else may write there."""
    for leftover in folder.glob(f"{UNFINISHED}*"):
        shutil.rmtree(leftover, ignore_errors=True)  # it may be gone: its run removes it at its end


def give_name(file: Path, path: Path) -> None:
    """Moves a whole file to its name on the same disk; a file that has the name is replaced."""
    with file.open("rb+") as opened:
        os.fsync(opened.fileno())  # else a power failure could leave the name with no content
    file.replace(path)


def write_json(path: Path, value: Any) -> None:
    """Writes a JSON file, all of it or nothing."""
    with beside(path) as unfinished:
        unfinished.write_text(json.dumps(value, indent=1) + "\n", "utf-8")
        give_name(unfinished, path)


@contextmanager
def replaced(path: Path) -> Iterator[Path]:
    """Gives another path to write a file to; at the end, the file is moved to `path`.

    Raises:
        SourceError: something that is no file is there, or the disk refuses.
    """
    if path.exists() and not path.is_file():
        raise SourceError(
            f"{path}: expected the name of a file, found something else there. Name another file."
        )
    with usable(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        with beside(path) as unfinished:
            yield unfinished
            give_name(unfinished, path)


def replace_folder(new: Path, path: Path) -> None:
    """Moves a whole folder to its name on the same disk; a folder that has the name is replaced.

    If it fails, the old folder or the new one has the name, whole. If the process is killed,
    that is so after `recover_folder`. No other process may do this at the same time.
    """
    recover_folder(path)
    try:
        if path.exists():
            path.rename(path.with_name(_REPLACED + path.name))
        new.rename(path)
    finally:
        recover_folder(path)


def recover_folder(path: Path) -> None:
    """Ends a `replace_folder` of this name that was killed: the old folder is back, or removed."""
    old = path.with_name(_REPLACED + path.name)
    if not old.exists():
        return
    if not path.exists():
        old.rename(path)
        return
    with beside(path) as removed:
        old.rename(removed)  # at once: a folder that is only half there must never come back
