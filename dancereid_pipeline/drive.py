"""A file on Google Drive, fetched by gdown: quietly, gone on with if it broke off, and no more.

gdown finds its way through Drive's pages and goes on after a break. What a build needs besides
is here: to be told what is wrong, to come to an end, and to keep off the user's own files.
"""

from __future__ import annotations

import contextlib
import glob
import html
import importlib
import re
import shutil
import tempfile
import textwrap
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from http.cookiejar import MozillaCookieJar
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit
from urllib.request import getproxies, proxy_bypass

from .errors import SourceError

if TYPE_CHECKING:
    import requests

_HOSTS = frozenset({"drive.google.com", "docs.google.com", "drive.usercontent.google.com"})
_FILE = re.compile(r"/file(?:/u/[0-9]+)?/d/([A-Za-z0-9_-]{10,})(?:/|$)")
_BY_QUERY = re.compile(r"(?:/u/[0-9]+)?/(?:uc|open|download)/?")
_ID = re.compile(r"[A-Za-z0-9_-]{10,}")
_TIMEOUTS_S = (30.0, 60.0)  # to connect, and between two bytes
_RETRIES = 5  # of a connection that breaks
_PAUSES_S = (2.0, 10.0)  # before asking again when Drive itself fails
_START_S = 600.0  # until the first bytes: gdown would follow a page that leads to itself for ever
_QUOTA = ("too many users", "quota exceeded")
_PRIVATE = ("you need access", "request access")


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
    file_id: str,
    path: Path,
    *,
    cookies_file: Path | None,
    proxy: str | None,
    rate: int | None,
    progress: Callable[[int, int | None], None],
) -> None:
    """Fetches a file from Google Drive; it is at `path` only when it is whole.

    What came before a break, or before the process was ended, is kept beside `path` and gone
    on with by the next call for the same id and path. Two calls for them at once must not be.

    Args:
        file_id: the file's id, as `drive_id` finds it.
        path: where it goes; its folder is made.
        cookies_file: a cookies.txt of a signed-in browser, only read; None for none.
        proxy: address of a proxy; None for what the environment says.
        rate: bytes a second at most; None for no limit.
        progress: called with the bytes there and those of the whole (None if not known),
            after every block. Whatever it raises ends the transfer.

    Raises:
        SourceError: it cannot be had; the message says why in short.
    """
    from gdown.exceptions import DownloadCancelled, DownloadError

    # With the id, since a part of one file must not be gone on with from another.
    whole = path.with_name(f"{path.name}.{file_id}")
    _refuse_other_proxy(proxy)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _own_copy(cookies_file) as cookies:
            # Without cookies none are kept either: gdown writes its own into the user's home.
            asked = {"use_cookies": cookies is not None, "cookies_file": cookies}
            _fetch(partial(_ask, file_id, whole, progress, proxy=proxy, speed=rate, **asked), whole)
        if _is_page(whole):
            whole.unlink()
            raise SourceError(f"Google Drive, file {file_id}: a page came in place of the file.")
        whole.replace(path)
    except (DownloadError, DownloadCancelled, OSError, KeyError, ValueError) as error:
        raise SourceError(f"Google Drive, file {file_id}: {_reason(error, path)}.") from error


def _refuse_other_proxy(proxy: str | None) -> None:
    """Refuses two proxies: requests takes the environment's, whichever it is given."""
    other = getproxies().get("https", proxy)
    if proxy and other != proxy and not proxy_bypass("drive.google.com"):
        raise SourceError(
            "proxy: for Google Drive, HTTPS_PROXY or the system's settings name another one, and "
            "that would be taken. Unset it, or name the same one."
        )


@contextlib.contextmanager
def _own_copy(cookies_file: Path | None) -> Iterator[str | None]:
    """A copy of the cookies: gdown writes what it ends with into the file that it is given."""
    if cookies_file is None:
        yield None
        return
    try:
        with warnings.catch_warnings():
            # It shows the traceback of a line that it cannot read, and raises as well.
            warnings.simplefilter("ignore")
            # gdown would go on without them.
            MozillaCookieJar(cookies_file).load(ignore_discard=True, ignore_expires=True)
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(
            f"{cookies_file}: expected a cookies.txt in Netscape's format ({error})."
        ) from error
    with tempfile.TemporaryDirectory(prefix="dancereid-") as folder:
        yield shutil.copyfile(cookies_file, f"{folder}/cookies.txt")


def _fetch(ask: Callable[[], None], whole: Path) -> None:
    """Asks until Drive gives the file, or says no."""
    import requests
    from gdown.exceptions import DownloadError

    if whole.exists():  # the process was ended before it could be given its name
        return
    for pause in (*_PAUSES_S, None):
        part = _one_part(whole)
        try:
            ask()
            return
        except (DownloadError, requests.RequestException) as error:
            if pause is None:
                raise
            if _is_passing(error):
                time.sleep(pause)
            elif _is_misfit(error):
                part.unlink()
            else:
                raise


def _one_part(whole: Path) -> Path:
    """The only file that gdown will go on with: its own naming, with 8 letters of any kind.

    Made here, since one made by gdown is readable by its owner only; the only one, since
    gdown refuses to choose.
    """
    part = whole.with_name(f"{whole.name}.partial.part")
    for other in whole.parent.glob(f"{glob.escape(whole.name)}????????.part"):
        if other != part:
            other.unlink()
    part.touch()
    return part


def _ask(
    file_id: str, whole: Path, progress: Callable[[int, int | None], None], **asked: Any
) -> None:
    """One call of gdown, which ends even if the pages that it follows do not."""
    import gdown

    cancel = threading.Event()
    patience = threading.Timer(_START_S, cancel.set)
    patience.daemon = True

    def moved(done: int, total: int | None) -> None:
        patience.cancel()
        progress(done, total)

    patience.start()
    try:
        with _silence():
            gdown.download(
                id=file_id,
                output=str(whole),
                quiet=True,
                resume=True,
                progress=moved,
                timeout=_TIMEOUTS_S,
                retries=_RETRIES,
                cancel=cancel,
                **asked,
            )
    finally:
        patience.cancel()


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Quiet, gdown still prints the proxy, with its password."""
    module = vars(importlib.import_module("gdown.download"))
    # Its own `print`, not sys.stderr: other threads and `progress` may have something to say.
    module["print"] = lambda *_, **__: None
    try:
        yield
    finally:
        module.pop("print", None)


def _answer(error: Exception) -> requests.Response | None:
    """Drive's answer that gdown gave up on; None if it was not an answer that made it.

    gdown says the same of a file that is gone, private or refused, and of any answer to a
    request for the rest of a file. Only the answer tells them apart, and it is nowhere but
    in the frames of the error.
    """
    import requests
    from gdown.exceptions import DownloadError

    if isinstance(error, requests.HTTPError):
        return error.response
    if not isinstance(error, DownloadError) or error.__cause__ is not None:
        return None
    frames = [frame.f_locals for frame, _ in traceback.walk_tb(error.__traceback__)]
    found = [f["res"] for f in frames if isinstance(f.get("res"), requests.Response)]
    return found[-1] if found else None


def _is_passing(error: Exception) -> bool:
    """Whether it may well be better in a few seconds."""
    import requests
    from gdown.exceptions import DownloadError

    if isinstance(error, requests.exceptions.ProxyError):
        # gdown tries a broken connection again, but behind a proxy each counts as the proxy's.
        return isinstance(_bottom(error), ConnectionResetError)
    answer = _answer(error)
    if answer is None:
        return False
    # In place of the rest of a file, a page may only mean that the link to it has grown old.
    # What is wrong with the file, if anything, is said when it is asked for from the start.
    old_link = type(error) is DownloadError and _is_refusal(answer) and answer.status_code != 429
    return old_link or _is_failing(answer)


def _is_failing(answer: requests.Response) -> bool:
    """Whether Drive itself fails. After an HTTP 500 gdown asks for `/open`, and shows only that."""
    asked = [urlsplit(a.url).path for a in (*answer.history, answer)]
    return answer.status_code >= 500 or "/open" in asked


def _is_misfit(error: Exception) -> bool:
    """Whether the file is to be had, but not the rest of the part that is there."""
    from gdown.exceptions import DownloadError

    if type(error) is not DownloadError or error.__cause__ is not None:
        return False
    answer = _answer(error)
    return answer is None or not _is_refusal(answer)


def _is_refusal(answer: requests.Response) -> bool:
    # 416: the part is as long as the file, or longer.
    refused = answer.status_code >= 400 and answer.status_code != 416
    return refused or "text/html" in answer.headers.get("Content-Type", "")


def _reason(error: Exception, path: Path) -> str:
    """What went wrong, in half a sentence."""
    import requests
    from gdown.exceptions import DownloadCancelled, DownloadError, FileURLRetrievalError

    answer = _answer(error)
    if answer is not None and (isinstance(error, FileURLRetrievalError) or _is_refusal(answer)):
        return _refusal(answer)
    if _is_misfit(error):
        return "what came does not fit together with what was announced"
    if isinstance(error, DownloadCancelled):
        return f"not a byte of it came within {_START_S:g} s"
    if isinstance(error, requests.exceptions.ProxyError):
        return f"the proxy does not lead there ({_told(error)})"
    if isinstance(error, DownloadError | requests.RequestException):
        return f"the transfer failed ({_told(error)})"
    if isinstance(error, OSError):
        return f"{error.filename or path}: cannot be written ({error.strerror or error})"
    return f"gdown cannot read Drive's answer ({type(error).__name__}: {error})"


def _refusal(answer: requests.Response) -> str:
    """Why Drive gave a page, or nothing, in place of the file."""
    page = html.unescape(answer.text)
    says, status = page.lower(), answer.status_code
    host = urlsplit(answer.url).hostname
    if any(words in says for words in _QUOTA):
        return "its quota is used up, too many people have downloaded it lately"
    if status in (404, 410):
        return f"there is no such file, or no more (HTTP {status})"
    if status == 429:
        return "Google takes no more requests from here for a while (HTTP 429)"
    if _is_failing(answer):
        return f"Google Drive itself fails (HTTP {max(status, 500)})"
    if status in (401, 403) or host == "accounts.google.com" or any(w in says for w in _PRIVATE):
        return f"it is not public, Google asks for a sign-in or for permission (HTTP {status})"
    words = re.search(r'class="uc-error-subcaption">(.*?)</p>|<title>(.*?)</title>', page, re.S)
    shown = re.sub(r"<[^>]*>", " ", (words[1] or words[2] or "") if words else "no title")
    return f"a page came in place of the file ({textwrap.shorten(shown, 120)}, HTTP {status})"


def _bottom(error: BaseException) -> BaseException:
    """The error below those of urllib3 and requests, which put it here or there."""
    deeper = error.__cause__ or next((a for a in error.args if isinstance(a, Exception)), None)
    return error if deeper is None else _bottom(deeper)


def _told(error: Exception) -> str:
    bottom = _bottom(error)
    text = bottom.strerror if isinstance(bottom, OSError) else None
    return textwrap.shorten(text or str(bottom) or type(bottom).__name__, 120)


def _is_page(file: Path) -> bool:
    """Whether it is HTML: gdown believes the headers that come with a file."""
    with file.open("rb") as opened:
        return opened.read(512).lstrip().lower().startswith((b"<!doctype html", b"<html"))
