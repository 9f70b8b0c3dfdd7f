"""How what a user asks for is checked: options, and the extras that they need."""

from __future__ import annotations

import contextlib
import importlib
import operator
import os
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

from .errors import DanceReIDError, OptionError
from .package_files import install_command

# `Path` makes one slash of two. A drive has one letter.
_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/")


def one_of(name: str, value: object, known: Collection[str]) -> None:
    """Checks that the value is one of the known ones.

    Raises:
        OptionError: it is not.
    """
    if not isinstance(value, str) or value not in known:
        raise OptionError(f"{name}: expected one of {', '.join(known)}, got {shown(value)}.")


def path_or_none(name: str, value: object) -> str | None:
    """A path as text; None if the value is None.

    Raises:
        OptionError: it is neither.
    """
    if value is None:
        return None
    if not isinstance(value, str | os.PathLike) or not os.fspath(value):
        raise OptionError(f"{name}: expected a path, got {shown(value)}.")
    return str(os.fspath(value))


def ids_or_none(name: str, value: object) -> tuple[str, ...] | None:
    """Video ids, sorted; None if the value is None.

    Raises:
        OptionError: it is not a list, a tuple or a set of texts.
    """
    if value is None:
        return None
    if not isinstance(value, list | tuple | set | frozenset) or not all(
        isinstance(video_id, str) for video_id in value
    ):
        raise OptionError(f"{name}: expected a list of video ids, got {shown(value)}.")
    return tuple(sorted(value))


def shown(value: object) -> str:
    """A short text of any value, for an error message."""
    if isinstance(value, int) and abs(value) >= 10**40:  # Python may refuse to print it
        return "a huge number"
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def whole_number(name: str, value: Any, least: int, most: int) -> int:
    """The value as a plain int.

    Raises:
        OptionError: it is not a whole number from `least` to `most`.
    """
    # bool is an int in Python, but True is not a number of frames.
    whole = hasattr(value, "__index__") and not isinstance(value, bool)
    if not whole or not least <= operator.index(value) <= most:
        raise OptionError(
            f"{name}: expected a whole number from {least} to {most}, got {shown(value)}."
        )
    return operator.index(value)


def checked_path(name: str, value: object) -> Path:
    """A path on this machine that the system can look up, with `~` replaced; nothing needs to
    be there.

    Raises:
        OptionError: it is not such a path.
    """
    text = path_or_none(name, value) or ""
    if address := _ADDRESS.match(text):
        raise OptionError(
            f"{name}: expected a path on this machine, got an address ({address[1]}://...). Name a "
            "path; copy to or from other storage with its own tools."
        )
    try:
        path = Path(text).expanduser()
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            path.stat()
    except (OSError, ValueError, RuntimeError) as error:  # too long, a NUL, an unknown user
        raise OptionError(
            f"{name}: expected a path, got {shown(value)} "
            f"({getattr(error, 'strerror', None) or error})."
        ) from error
    return path


def require_extra(extra: str, *modules: str) -> None:
    """Refuses to begin what would fail because a library is missing.

    Args:
        extra: the extra of this package that installs the modules.
        modules: what is needed.

    Raises:
        DanceReIDError: one of them is not installed, or cannot be imported.
    """
    for module in modules:
        try:
            importlib.import_module(module)
        except ImportError as error:
            raise DanceReIDError(
                f"This needs the extra '{extra}', and {module} cannot be imported ({error}). "
                f"Install the extra: {install_command(extra)}"
            ) from error
