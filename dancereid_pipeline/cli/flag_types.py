"""Types of flags, for `add_argument(type=...)`."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..common.errors import OptionError
from ..common.validation import checked_path


def local_path(text: str) -> Path:
    """A path on this machine: `~` is replaced, and an address is refused."""
    try:
        return checked_path("path", text)
    except OptionError as error:
        raise argparse.ArgumentTypeError(str(error).removeprefix("path: ")) from error


def video_id(text: str) -> str:
    """A video id; `spare_ids` puts a space before one that begins with a dash."""
    return text.removeprefix(" ")
