"""An address -> a file: temporary name, check, move. yt-dlp is the client for all of it.

One client means that proxy, cookies, rate, retries and resuming are the same for the
annotation, an archive on a mirror, and a clip on YouTube.
"""

from __future__ import annotations

import contextlib
import errno
import io
import logging
import os
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from datasets import config as datasets_config
from datasets.utils import tqdm

from ..common.errors import Reason, SourceError, VideoError
from .cookies import COOKIES_WANTED, read_cookies
from .failures import causes, reason_of, told
from .settings import Network, public

logger = logging.getLogger("dancereid")

# What a server that says "Retry-After" is waited for; longer is the user's decision.
MAX_WAIT_S = 60.0
_WAITS = 3
_RETRIES = 5
_BEYOND = re.compile(r"bytes \*/([0-9]+)")
_TIMEOUT_S = 30.0
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # the last on file systems with 4 GiB at most
_UNWRITABLE = (*_FULL, errno.EROFS, errno.EACCES, errno.EPERM)

# (bytes there, bytes of the whole or None): called as they come; may raise to end it.
OnBytes = Callable[[int, int | None], None]


class Pause(Exception):  # noqa: N818  # no error: whoever raises it goes on later
    """Raised by an `OnBytes` to end a transfer; what came stays, to be gone on with."""


OFFLINE = "offline mode is on (HF_HUB_OFFLINE or HF_DATASETS_OFFLINE)"


def offline() -> bool:
    """Whether `datasets` was told to stay off the network (HF_HUB_OFFLINE, HF_DATASETS_OFFLINE)."""
    return bool(datasets_config.HF_HUB_OFFLINE)


def refuse_offline(address: str, target: Path) -> None:
    """Raises a `SourceError` in offline mode."""
    if offline():
        raise SourceError(
            f"{public(address)}: is needed, is not in {target.parent}, and {OFFLINE}. Turn it off "
            "once, or bring the files."
        )


def retry_wait_s(attempt: int) -> float:
    """Seconds before a transfer that broke is gone on with: none at first, then 2, 4, ... 60."""
    return min(2.0**attempt, 60.0) if attempt else 0.0


def sleep(seconds: float) -> None:
    """Waits, for a server that asked for it, or between two videos."""
    time.sleep(seconds)


@contextlib.contextmanager
def cookies_copy(network: Network) -> Iterator[Path | None]:
    """The cookies as a cookies.txt that may be written to; None if there are none."""
    if network.cookies is None:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="dancereid-") as folder, client(network) as ydl:
        path = Path(folder, "cookies.txt")
        ydl.cookiejar.save(str(path))
        yield path


@contextlib.contextmanager
def client(network: Network, on_bytes: OnBytes | None = None, **params: Any) -> Iterator[Any]:
    """A `yt_dlp.YoutubeDL` that asks as `network` says.

    Args:
        network: cookies, proxy and rate.
        on_bytes: told of every block that arrives.
        **params: further parameters of `YoutubeDL`.

    Raises:
        SourceError: the cookies cannot be read.
    """
    # Here: importing it takes half a second, and what is in a folder needs none of it.
    from yt_dlp import YoutubeDL
    from yt_dlp.networking.exceptions import HTTPError, RequestError
    from yt_dlp.utils import YoutubeDLError

    class Client(YoutubeDL):
        def urlopen(self, req: Any) -> Any:
            try:
                return super().urlopen(req)
            except HTTPError as error:
                # After a 503 yt-dlp would go on asking, and forget when the server asked it to.
                if error.status == 503 and _asked_to_wait_s(error) is not None:
                    raise RequestError(cause=error) from error
                raise

    def hook(status: dict[str, Any]) -> None:
        if on_bytes and status["status"] == "downloading":
            on_bytes(status["downloaded_bytes"], status.get("total_bytes"))

    settings: dict[str, Any] = {
        "logger": _Log(),
        "noprogress": True,
        "noplaylist": True,
        "updatetime": False,
        "retries": _RETRIES,
        "fragment_retries": _RETRIES,
        "socket_timeout": _TIMEOUT_S,
        "retry_sleep_functions": dict.fromkeys(("http", "fragment", "extractor"), _retry_wait_s),
        "progress_hooks": [hook],
        # Of itself yt-dlp uses only deno; whichever of them is there will do.
        "js_runtimes": {name: {} for name in ("deno", "node", "bun", "quickjs")},
        "ratelimit": network.rate,
        "proxy": network.proxy,
        "cookiesfrombrowser": network.browser,
    }
    try:
        if network.cookies and not network.browser:
            # A text stream, since yt-dlp writes back what it ends with, and the file is not ours.
            settings["cookiefile"] = io.StringIO(read_cookies(network.cookies))
        ydl = Client({**settings, **params})
        _ = ydl.cookiejar  # reads them
    except (YoutubeDLError, OSError, ValueError, RuntimeError) as error:
        raise SourceError(
            f"cookies={network.cookies!r} cannot be read: {told(error)}. {COOKIES_WANTED}"
        ) from error
    with ydl:
        yield ydl


def fetch(
    address: str, target: Path, network: Network, *, check: Callable[[Path], None], what: str
) -> None:
    """Fetches one file, with a progress bar; it appears as `target` only when it is whole.

    Args:
        address: where it is.
        target: where it goes; its folder is made.
        network: how to ask.
        check: looks at the file while it has another name; raises a `SourceError` of what
            is wrong with it.
        what: its name for the progress bar.

    Raises:
        SourceError: it cannot be had, or is not what it must be. Nothing is left at `target`.
    """
    refuse_offline(address, target)
    with progress_bar(what) as on_bytes, client(network, on_bytes) as ydl:
        try:
            download_checked(ydl, {"url": address}, target, check, download)
        except VideoError as error:
            raise SourceError(f"{public(address)}: {error}") from error


def download_checked(
    ydl: Any,
    info: dict[str, Any],
    target: Path,
    check: Callable[[Path], None],
    transfer: Callable[[Any, dict[str, Any], Path], None],
) -> None:
    """Brings what `info` describes to `target`: temporary name, check, move.

    What an earlier run left is gone on with. Should the whole then not be what it must be
    (the file there has changed meanwhile, say), it is fetched anew, once.

    Raises:
        VideoError: it cannot be had.
        DanceReIDError: of `check`.
    """
    unchecked = target.with_name(f"{target.name}.unchecked")
    part = unchecked.with_name(f"{unchecked.name}.part")
    make_folder(target.parent)
    while True:
        resumed = unchecked.exists() or part.exists()
        transfer(ydl, info, unchecked)
        try:
            check(unchecked)
            break
        except (SourceError, VideoError):
            unchecked.unlink()
            if not resumed:
                raise
    with unchecked.open("rb+") as file:
        os.fsync(file.fileno())
    unchecked.replace(target)


def download(ydl: Any, info: dict[str, Any], path: Path) -> None:
    """Downloads what `info` describes to `path`, by way of `path.part`, going on with that.

    Raises:
        VideoError: it cannot be had, with the reason.
        SourceError: this machine cannot write it.
        Pause: of the client's `OnBytes`.
    """
    from yt_dlp.utils import YoutubeDLError

    part = path.with_name(f"{path.name}.part")
    waits = 0
    while True:
        try:
            done, _ = ydl.dl(str(path), info)
        except (YoutubeDLError, OSError) as error:
            whole = _asked_beyond(error)
            if whole is not None and part.exists():
                # There is no more to come: the part is whole, or of another file.
                if part.stat().st_size == whole:
                    part.replace(path)
                    return
                part.unlink()
                continue
            seconds = _asked_to_wait_s(error)
            if seconds is None or seconds > MAX_WAIT_S or waits == _WAITS:
                raise refused(error, path) from error
            waits += 1
            sleep(seconds)
        else:
            if not done:
                raise VideoError(Reason.NETWORK, "the transfer ended without a word")
            return


def refused(error: Exception, path: Path) -> VideoError | SourceError:
    """What an error of yt-dlp comes to: a video's refusal, or a fault of this machine."""
    from yt_dlp.networking.exceptions import TransportError

    for cause in causes(error):
        if isinstance(cause, TransportError):
            break  # what is below is about a connection, which may be "not permitted" too
        if isinstance(cause, OSError) and cause.errno in _UNWRITABLE:
            return SourceError(
                f"{path}: cannot be written ({cause.strerror}). "
                + ("Make room there" if cause.errno in _FULL else "Get leave to write there")
                + ", or name another folder; what has come so far is kept."
            )
    wait = _asked_to_wait_s(error)
    hint = f"; the server asks to wait {wait:,.0f} s" if wait else ""
    return VideoError(reason_of(error), told(error) + hint)


def make_folder(folder: Path) -> None:
    """Makes a folder to keep things in.

    Raises:
        SourceError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SourceError(
            f"{folder}: cannot be made ({error.strerror}). Name another folder."
        ) from error


@contextlib.contextmanager
def progress_bar(what: str) -> Iterator[OnBytes]:
    """A bar with bytes, rate and time left; gives what is to be told of the bytes."""
    with tqdm(desc=what, unit="B", unit_scale=True, unit_divisor=1024) as bar:

        def on_bytes(there: int, whole: int | None) -> None:
            if bar.total != whole:
                bar.total = whole
            if there < bar.n or not bar.n:
                # Gone on with, or begun anew: neither is the speed of this run.
                bar.initial = bar.n = bar.last_print_n = there
            bar.update(there - bar.n)
            if there == whole:
                bar.close()  # what comes next, checking say, has one of its own

        yield on_bytes


def start_of(path: Path) -> str:
    """What a file is, for somebody who expected another."""
    with path.open("rb") as file:
        start = file.read(40)
    page = " (a web page)" if start.lstrip().lower().startswith((b"<!doctype", b"<html")) else ""
    return f"{path.stat().st_size:,} bytes that begin with {start!r}{page}"


def _retry_wait_s(n: int) -> float:
    return retry_wait_s(n)  # yt-dlp calls it by this name of its argument


def _asked_to_wait_s(error: BaseException) -> float | None:
    """Seconds of the server's Retry-After, or None. Its other form, a date, is for days."""
    for cause in causes(error):
        if getattr(cause, "status", None) in (429, 503):
            response = getattr(cause, "response", None)  # as yt-dlp's HTTPError has it
            text = response.headers.get("Retry-After") if response else None
            return float(text) if text and text.isascii() and text.isdigit() else None
    return None


def _asked_beyond(error: BaseException) -> int | None:
    """Bytes that the file has, 0 if not told, where some behind them were asked for; else None."""
    for cause in causes(error):
        if getattr(cause, "status", None) == 416 and (answer := getattr(cause, "response", None)):
            size = _BEYOND.fullmatch(answer.headers.get("Content-Range") or "")
            return int(size[1]) if size else 0
    return None


class _Log:
    """Where yt-dlp's own words go: into this project's log, under their own levels."""

    def debug(self, message: str) -> None:
        # Half a minute may pass over its retries; whoever waits is told why.
        level = logging.WARNING if "Retrying (" in message else logging.DEBUG
        logger.log(level, "%s", " ".join(message.split()))

    def warning(self, message: str) -> None:
        logger.info("yt-dlp: %s", message)

    def error(self, message: str) -> None:
        logger.debug("%s", message)  # raised as well
