"""Checks the path of an output before the work begins."""

from __future__ import annotations

from pathlib import Path

from ..common.errors import OptionError, SourceError
from ..common.files import check_writable, usable
from ..common.store_path import AnyPath, StorePath

_PICTURES = (".png", ".jpg", ".jpeg", ".webp")


def check_folder(path: Path) -> None:
    """Refuses a folder that cannot be made or written to. Leaves nothing behind.

    Raises:
        SourceError: the folder cannot be made or written to.
    """
    path = path.absolute()
    try:
        check_writable(path)
    except OSError as error:
        raise SourceError(
            f"{path}: cannot be written to ({error.filename}: {error.strerror or error}). Make it "
            "writable, or name another folder."
        ) from error


def check_file(flag: str, path: AnyPath, endings: tuple[str, ...] = ()) -> None:
    """Refuses the path of a file that cannot be written.

    Args:
        flag: the flag that named the file.
        path: the path of the file; the command will overwrite an existing file.
        endings: the endings that its name may have; empty for any.

    Raises:
        OptionError: the name has another ending.
        SourceError: the path is not that of a file, or its folder cannot be written to.
    """
    if endings and path.suffix.lower() not in endings:
        raise OptionError(
            f"{flag}: expected a name that ends in {' or '.join(endings)}, got '{path}'."
        )
    if isinstance(path, StorePath):
        with usable(path):
            path.parent.storage.check_writable()
        return
    if path.exists() and not path.is_file():
        raise SourceError(
            f"{path}: expected the path of a file, got a folder or a device. Name another file."
        )
    check_folder(path.parent)


def check_picture(flag: str, path: AnyPath) -> None:
    """Refuses the path of a picture that cannot be written; raises as `check_file`."""
    check_file(flag, path, _PICTURES)
