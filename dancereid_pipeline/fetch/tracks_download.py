"""The archive of tracks -> a file, from Google Drive or any other address."""

from __future__ import annotations

import functools
import json
from pathlib import Path

from ..common.address import public
from ..common.errors import SourceError
from ..common.files import now, sha256, start_of
from ..common.offline import refuse_offline
from ..formats.track_archive import UNREADABLE_SUFFIXES, kind, tracks_in
from ..transfer.download import fetch, progress_bar
from ..transfer.google_drive import download_drive, drive_id
from ..transfer.http_client import cookies_copy
from ..transfer.settings import Network


def fetch_archive(address: str, stem: Path, network: Network) -> Path:
    """Fetches an archive of tracks; what kind it is, its first bytes tell.

    Args:
        address: of the archive, or its link on Google Drive.
        stem: its path without an ending. Beside it, `STEM.json` records what was got.
        network: how to ask.

    Returns:
        Its path.

    Raises:
        SourceError: it cannot be had, or is no archive.
    """
    fetched = stem.with_name(f"{stem.name}.fetched")
    check = functools.partial(_check_archive, address)
    file_id = drive_id(address)
    if fetched.is_file():
        pass  # whole, by a run that ended just there
    elif file_id is None:
        fetch(address, fetched, network, check=check, what="Tracks")
    else:
        refuse_offline(address, fetched)
        unchecked = stem.with_name(f"{stem.name}.unchecked")
        with progress_bar("Tracks") as on_bytes, cookies_copy(network) as cookies:
            download_drive(
                *(file_id, unchecked),
                cookies_file=cookies,
                proxy=network.proxy,
                rate=network.rate,
                progress=on_bytes,
            )
        try:
            check(unchecked)
        except SourceError:
            unchecked.unlink()
            raise
        unchecked.replace(fetched)
    record = {
        "address": public(address),
        "when": now(),
        "bytes": fetched.stat().st_size,
        "sha256": sha256(fetched),
    }
    stem.with_name(f"{stem.name}.json").write_text(json.dumps(record, indent=1) + "\n")
    return fetched.replace(stem.with_name(f"{stem.name}{kind(fetched)}"))


def _check_archive(address: str, path: Path) -> None:
    if kind(path) is None:
        raise SourceError(f"{public(address)}: expected an archive, got {start_of(path)}")
    if kind(path) not in UNREADABLE_SUFFIXES and not tracks_in(path):
        raise SourceError(f"{public(address)}: expected npy files in the archive, found none")
