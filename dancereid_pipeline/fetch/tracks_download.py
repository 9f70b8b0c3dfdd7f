"""Fetches the archive of tracks from Google Drive or another address."""

from __future__ import annotations

import functools
from pathlib import Path

from ..common.address import Address
from ..common.errors import SourceError
from ..common.files import now, sha256, start_of, write_json
from ..formats.track_archive import MAX_UNPACKED_BYTES, UNREADABLE_SUFFIXES, kind, tracks_in
from ..transfer.download import fetch
from ..transfer.settings import Network


def fetch_archive(address: Address, stem: Path, network: Network) -> Path:
    """Fetches an archive of tracks. Its first bytes show its kind, and so its ending.

    Args:
        address: the address of the archive, or its link on Google Drive.
        stem: the path of the archive without its ending. `STEM.json` gets a record of it.
        network: the settings of the request.

    Returns:
        The path of the archive.

    Raises:
        SourceError: the archive is not available, or the file is not an archive.
    """
    fetched = stem.with_name(f"{stem.name}.fetched")
    if not fetched.is_file():  # else an earlier run ended before it renamed the archive
        check = functools.partial(_check_archive, address)
        fetch(address, fetched, network, check=check, what="Tracks", most=MAX_UNPACKED_BYTES)
    record = {
        "address": address,
        "when": now(),
        "bytes": fetched.stat().st_size,
        "sha256": sha256(fetched),
    }
    write_json(stem.with_name(f"{stem.name}.json"), record)
    return fetched.replace(stem.with_name(f"{stem.name}{kind(fetched)}"))


def _check_archive(address: Address, path: Path) -> None:
    if kind(path) is None:
        raise SourceError(f"{address}: expected an archive, got {start_of(path)}")
    if kind(path) not in UNREADABLE_SUFFIXES and not tracks_in(path):
        raise SourceError(f"{address}: expected npy files in the archive, found none")
