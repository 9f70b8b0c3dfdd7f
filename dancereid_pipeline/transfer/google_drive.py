"""A file on Google Drive, fetched by gdown, which continues a transfer that was interrupted.

This module adds that every wait ends, that nothing is printed, and that errors are short.
"""

from __future__ import annotations

import contextlib
import glob
import io
import re
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from ..common.errors import SourceError
from .failures import causes, told
from .http_client import OnBytes
from .settings import Network

if TYPE_CHECKING:
    import requests

_HOSTS = frozenset({"drive.google.com", "docs.google.com", "drive.usercontent.google.com"})
_FILE = re.compile(r"/file(?:/u/[0-9]+)?/d/([A-Za-z0-9_-]{10,})(?:/|$)")
_BY_QUERY = re.compile(r"(?:/u/[0-9]+)?/(?:uc|open|download)/?")
_ID = re.compile(r"[A-Za-z0-9_-]{10,}")
_TIMEOUTS_S = (30.0, 60.0)  # to connect, and between two bytes
_RETRIES = 5  # of a connection that breaks
_PAUSES_S = (2.0, 10.0)  # before asking a second and a third time
_START_S = 600.0  # until the first bytes: gdown would follow a page that links to itself for ever
_QUOTA = re.compile(r"too\s+many\s+users|\bquota\b", re.IGNORECASE)
_MISFIT = re.compile("did not honor the requested byte range|exceeds the announced byte range")


def drive_id(address: str) -> str | None:
    """The id of the file that a link leads to; None if it is no link to a file on Google Drive."""
    try:
        parts = urlsplit(address)
        host = parts.hostname
    except ValueError:  # brackets that are no IPv6 address
        return None
    if parts.scheme not in ("http", "https") or host not in _HOSTS:
        return None
    if match := _FILE.match(parts.path):
        return match[1]
    ids = parse_qs(parts.query).get("id", []) if _BY_QUERY.fullmatch(parts.path) else []
    return ids[0] if len(ids) == 1 and _ID.fullmatch(ids[0]) else None


def download_drive(
    file_id: str, network: Network, cookies: Path | None, progress: OnBytes, path: Path
) -> None:
    """Fetches a file from Google Drive. It is at `path` when it is whole, but not checked.

    The bytes that come before that are kept beside `path`; the next call for the same id and
    path continues them. There must not be two such calls at once.

    Args:
        file_id: the file's id, as `drive_id` finds it.
        network: proxy (if the environment names one, that is used) and rate.
        cookies: a cookies.txt that gdown may write to; None for none.
        progress: called after every block; what it raises ends the transfer, and is raised here.
        path: the path that it gets; its folder is made.

    Raises:
        SourceError: it is not available; the message says why in short.
    """
    from gdown.exceptions import DownloadCancelled, DownloadError

    # With the id, since a part of one file must not be continued with another file.
    whole = path.with_name(f"{path.name}.{file_id}")
    part = whole.with_name(f"{whole.name}.partial.part")
    ended: list[BaseException] = []
    asked: dict[str, Any] = {"id": file_id, "proxy": network.proxy, "speed": network.rate}
    # Without cookies none are kept either: gdown would write its own into the user's home.
    asked |= {"cookies_file": cookies and str(cookies), "use_cookies": cookies is not None}
    ask = partial(_ask, whole, progress, ended, **asked)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not whole.exists():  # else a run ended before the file had its name
            # gdown continues a file of such a name, with any 8 letters before `.part`. With two of
            # them it refuses to choose, and the one that it makes can be read by its owner only.
            for other in path.parent.glob(f"{glob.escape(whole.name)}????????.part"):
                if other != part:
                    other.unlink()
            part.touch()
            try:
                _ask_thrice(ask, part)
            finally:
                if part.exists() and not part.stat().st_size:
                    part.unlink()
        whole.replace(path)
    except (DownloadError, DownloadCancelled, OSError, KeyError, ValueError) as error:
        if error in ended:
            raise
        raise SourceError(f"Google Drive, file {file_id}: {_reason(error, path)}.") from error


def _ask_thrice(ask: Callable[[], None], part: Path) -> None:
    """Asks up to three times; the last time from the start if the rest of the part was refused."""
    import requests
    from gdown.exceptions import DownloadError, FileURLRetrievalError

    misfit = False
    for pause in _PAUSES_S:
        try:
            ask()
            return
        # gdown itself tries a broken connection again, but not if the proxy is the cause.
        except (DownloadError, requests.HTTPError, requests.exceptions.ProxyError) as error:
            refused = isinstance(error, requests.HTTPError) and _status(error) < 500
            quota = isinstance(error, FileURLRetrievalError) and _QUOTA.search(str(error))
            given_up = isinstance(error.__cause__, requests.RequestException)  # after its retries
            if refused or quota or given_up:
                raise
            misfit = _MISFIT.search(str(error)) is not None
        time.sleep(pause)
    if misfit:
        part.write_bytes(b"")
    ask()


def _ask(whole: Path, progress: OnBytes, ended: list[BaseException], **asked: Any) -> None:
    """Calls gdown, with an end to its waiting; `ended` gets what `progress` raises."""
    import gdown

    cancel = threading.Event()
    patience = threading.Timer(_START_S, cancel.set)
    patience.daemon = True

    def moved(done: int, total: int | None) -> None:
        patience.cancel()
        try:
            progress(done, total)
        except BaseException as error:
            ended.append(error)
            raise

    asked |= {"timeout": _TIMEOUTS_S, "retries": _RETRIES, "progress": moved, "cancel": cancel}
    patience.start()
    try:
        # Even if it is quiet, gdown prints the proxy, with its password.
        with contextlib.redirect_stderr(io.StringIO()):
            gdown.download(output=str(whole), resume=True, quiet=True, **asked)
    finally:
        patience.cancel()


def _reason(error: Exception, path: Path) -> str:
    """The cause of an error, in half a sentence."""
    import requests
    from gdown.exceptions import DownloadCancelled, DownloadError, FileURLRetrievalError

    *_, bottom = causes(error)
    if isinstance(error, FileURLRetrievalError):
        if _QUOTA.search(str(error)):
            return "its quota is used up, too many people have downloaded it lately"
        return "it gives no link to the file: it is not public, is gone, or was asked for too often"
    if isinstance(error, DownloadCancelled):
        return f"not a byte of it came within {_START_S:g} s"
    if isinstance(error, requests.HTTPError):
        return f"it answers with HTTP {_status(error)}"
    if isinstance(error, requests.exceptions.ProxyError):
        return f"the proxy does not lead there ({told(bottom)})"
    if isinstance(error, DownloadError | requests.RequestException):
        return f"the transfer failed ({told(bottom)})"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename or path}: cannot be written ({error.strerror})"
    return f"gdown cannot read what came ({type(error).__name__}: {error})"


def _status(error: requests.HTTPError) -> int:
    return 0 if error.response is None else error.response.status_code
