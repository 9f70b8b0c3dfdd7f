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


def path_or_address(text: str) -> str:
    """A path on this machine, where `~` is replaced; or an address in a store."""
    return text if "://" in text else str(local_path(text))


def part(text: str) -> tuple[int, int]:
    """One of several parts: 3/40 is the third of 40."""
    number, slash, parts = text.partition("/")
    if slash and number.isdigit() and parts.isdigit() and 1 <= int(number) <= int(parts) <= 10**6:
        return int(number), int(parts)
    raise argparse.ArgumentTypeError(
        f"expected K/N, the K-th of N parts, from 1/N to N/N, for example 3/40, got '{text}'"
    )


def storage_option(text: str) -> tuple[str, str]:
    """An option of a store: key=value."""
    key, is_pair, value = text.partition("=")
    if not key or not is_pair:
        # Not the text itself: it may be a secret.
        raise argparse.ArgumentTypeError("expected KEY=VALUE, for example endpoint_url=ADDRESS")
    return key, value


def video_id(text: str) -> str:
    """A video id; `spare_ids` puts a space before one that begins with a dash."""
    return text.removeprefix(" ")
