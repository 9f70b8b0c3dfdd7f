"""Fetches a file from Google Drive with gdown, which continues an interrupted transfer.

This module adds limits on all waits, silence, and short errors.
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

from ..common.address import without_secrets
from ..common.errors import PublicTracebackError, SourceError
from .failures import CLIENT_ERRORS, causes, short_message
from .limits import MAX_FILE_BYTES, OnBytes, TimeLimit, TooLargeError, check_size
from .settings import Network

if TYPE_CHECKING:
    import requests

_HOSTS = frozenset({"drive.google.com", "docs.google.com", "drive.usercontent.google.com"})
_FILE = re.compile(r"/file(?:/u/[0-9]+)?/d/([A-Za-z0-9_-]{10,})(?:/|$)")
_BY_QUERY = re.compile(r"(?:/u/[0-9]+)?/(?:uc|open|download)/?")
_ID = re.compile(r"[A-Za-z0-9_-]{10,}")
_TIMEOUTS_S = (30.0, 60.0)  # to connect, and between two bytes
_RETRIES = 5  # of a connection that breaks
_PAUSES_S = (2.0, 10.0)  # before the second and the third request
_START_S = 600.0  # until the first bytes: gdown would follow a page that links to itself for ever
_QUOTA = re.compile(r"too\s+many\s+users|\bquota\b", re.IGNORECASE)
_MISFIT = re.compile("did not honor the requested byte range|exceeds the announced byte range")


def drive_id(address: str) -> str | None:
    """The id of the file in a link; None if the link is not to a file on Google Drive."""
    try:
        parts = urlsplit(address)
        host = parts.hostname
    except ValueError:  # brackets without an IPv6 address
        return None
    if parts.scheme not in ("http", "https") or host not in _HOSTS:
        return None
    if match := _FILE.match(parts.path):
        return match[1]
    ids = parse_qs(parts.query).get("id", []) if _BY_QUERY.fullmatch(parts.path) else []
    return ids[0] if len(ids) == 1 and _ID.fullmatch(ids[0]) else None


def download_drive(
    file_id: str,
    network: Network,
    cookies: Path | None,
    progress: OnBytes,
    path: Path,
    most: int = MAX_FILE_BYTES,
) -> None:
    """Fetches a file from Google Drive. It is at `path` when it is complete, but not checked.

    An unfinished download is kept beside `path`; the next call for the same id and path continues
    it. There must not be two such calls at the same time.

    Args:
        file_id: the file's id, as `drive_id` finds it.
        network: proxy (a proxy of the environment comes first), rate and time limit.
        cookies: a cookies.txt that gdown may write to; None for none.
        progress: called after every block. If it raises, the transfer ends and this function raises
            the same.
        path: the path of the file; its folder is made.
        most: the size in bytes that the file may have.

    Raises:
        SourceError: the file is not available; the message gives the cause.
        VideoError: it takes too long, or is too large.
    """
    from gdown.exceptions import DownloadCancelled, DownloadError

    # The id is in the name: a part of one file must not be continued with another file.
    whole = path.with_name(f"{path.name}.{file_id}")
    part = whole.with_name(f"{whole.name}.partial.part")
    raised: list[BaseException] = []
    proxy = network.proxy and network.proxy.with_secrets()
    request: dict[str, Any] = {"id": file_id, "proxy": proxy, "speed": network.rate}
    # Without cookies, gdown must not keep any: it would write them into the user's home.
    request |= {"cookies_file": cookies and str(cookies), "use_cookies": cookies is not None}
    limit = TimeLimit(network.time_limit)

    def on_bytes(received: int, in_all: int | None) -> None:
        check_size(received, in_all, most)
        progress(received, in_all)
        limit.check()

    ask = partial(_ask, whole, on_bytes, limit, raised, **request)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not whole.exists():  # else an earlier run ended before it renamed the file
            # gdown continues a file of such a name, with any 8 letters before `.part`. It refuses
            # two of them; and only the owner can read a file that gdown makes itself.
            for other in path.parent.glob(f"{glob.escape(whole.name)}????????.part"):
                if other != part:
                    other.unlink()
            part.touch()
            try:
                _ask_thrice(ask, part)
            except TooLargeError:
                part.unlink()
                raise
            finally:
                if part.exists() and not part.stat().st_size:
                    part.unlink()
        whole.replace(path)
    except (DownloadError, DownloadCancelled, *CLIENT_ERRORS) as error:
        if error in raised:
            raise
        raise SourceError(
            f"Google Drive, file {file_id}: {_reason(error, path)}."
        ) from PublicTracebackError.of(error)


def _ask_thrice(ask: Callable[[], None], part: Path) -> None:
    """Asks up to three times; the third time from the start if the part cannot be continued."""
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


def _ask(
    whole: Path,
    progress: OnBytes,
    limit: TimeLimit,
    raised: list[BaseException],
    **request: Any,
) -> None:
    """Calls gdown and limits its waits; adds what `progress` raises to `raised`."""
    import gdown

    cancel = threading.Event()
    timer = threading.Timer(_START_S, cancel.set)
    timer.daemon = True

    def on_block(done: int, total: int | None) -> None:
        timer.cancel()
        try:
            progress(done, total)
        except BaseException as error:
            raised.append(error)
            raise

    request |= {
        "timeout": _TIMEOUTS_S,
        "retries": _RETRIES,
        "progress": on_block,
        "cancel": cancel,
    }
    timer.start()
    try:
        # Even with quiet=True, gdown prints the proxy with its password.
        with contextlib.redirect_stderr(io.StringIO()):
            limit.run(
                partial(gdown.download, output=str(whole), resume=True, quiet=True, **request)
            )
    finally:
        timer.cancel()
        cancel.set()  # for a thread that was left behind


def _reason(error: Exception, path: Path) -> str:
    """The cause of an error, as a part of a sentence."""
    import requests
    from gdown.exceptions import DownloadCancelled, DownloadError, FileURLRetrievalError

    *_, bottom = causes(error)
    if isinstance(error, FileURLRetrievalError):
        if _QUOTA.search(str(error)):
            return "its quota is used up: too many people have downloaded it lately"
        return "it gives no link to the file: it is not public, is gone, or was requested too often"
    if isinstance(error, DownloadCancelled):
        return f"no byte arrived within {_START_S:g} s"
    if isinstance(error, requests.HTTPError):
        return f"it answers with HTTP {_status(error)}"
    if isinstance(error, requests.exceptions.ProxyError):
        return f"the proxy cannot reach it ({short_message(bottom)})"
    if isinstance(error, DownloadError | requests.RequestException):
        return f"the transfer failed ({short_message(bottom)})"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename or path}: cannot be written ({error.strerror})"
    return f"gdown cannot read the answer ({type(error).__name__}: {without_secrets(str(error))})"


def _status(error: requests.HTTPError) -> int:
    return 0 if error.response is None else error.response.status_code
