"""What can be said of an output before the work that it is for."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from ..common.errors import OptionError, SourceError

_PICTURES = (".png", ".jpg", ".jpeg", ".webp")


def check_folder(path: Path) -> None:
    """Refuses a folder that cannot be written to, or made. Leaves nothing behind.

    Raises:
        SourceError: it cannot.
    """
    path = path.expanduser().absolute()
    # A link counts even if it leads nowhere: no folder can be made in its place.
    nearest = next(p for p in (path, *path.parents) if os.path.lexists(p))
    try:
        with tempfile.TemporaryFile(dir=nearest):
            pass
    except OSError as error:
        raise SourceError(
            f"{path}: cannot be written to ({nearest}: {error.strerror or error}). Make it "
            "writable, or name another folder."
        ) from error


def check_file(flag: str, path: Path, endings: tuple[str, ...] = ()) -> None:
    """Refuses the path of a file that cannot be written.

    Args:
        flag: what named it.
        path: the file; one that is there will be overwritten.
        endings: which of these its name must have; any if empty.

    Raises:
        OptionError: it has another ending.
        SourceError: something else than a file is there, or the folder cannot be written to.
    """
    path = path.expanduser()
    if endings and path.suffix.lower() not in endings:
        raise OptionError(
            f"{flag}: expected a name that ends in {' or '.join(endings)}, got '{path}'."
        )
    if path.exists() and not path.is_file():
        raise SourceError(f"{path}: expected the name of a file, and it is none. Name another.")
    check_folder(path.parent)


def check_picture(flag: str, path: Path) -> None:
    """Refuses the path of a picture that cannot be written; raises as `check_file`."""
    check_file(flag, path, _PICTURES)
