"""yt-dlp as the client for everything that is fetched, except from Google Drive.

So proxy, cookies, rate, retries and resuming work in the same way for the annotation, an archive
on a mirror, and a clip on YouTube.
"""

from __future__ import annotations

import contextlib
import functools
import io
import logging
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ..common.address import without_secrets
from ..common.errors import PublicTracebackError, SourceError
from .cookies import COOKIES_WANTED, read_cookies
from .failures import asked_to_wait_s, short_message
from .limits import MAX_FILE_BYTES, MAX_PAGE_BYTES, OnBytes, TimeLimit, check_size
from .settings import Network

logger = logging.getLogger("dancereid")
_RETRIES = 5
_TIMEOUT_S = 30.0


def retry_wait_s(n: int) -> float:
    """Seconds before a broken transfer is continued: 0 for attempt 0, then 2, 4, ... 60."""
    return min(2.0**n, 60.0) if n else 0.0  # yt-dlp calls it by this name of its argument


@contextlib.contextmanager
def cookies_copy(network: Network) -> Iterator[Path | None]:
    """A copy of the cookies, as a cookies.txt that may be overwritten; None without cookies."""
    if network.cookies is None:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="dancereid-") as folder, client(network) as ydl:
        path = Path(folder, "cookies.txt")
        ydl.cookiejar.save(str(path))
        yield path


@contextlib.contextmanager
def client(
    network: Network, on_bytes: OnBytes | None = None, most: int = MAX_FILE_BYTES, **params: Any
) -> Iterator[Any]:
    """A `yt_dlp.YoutubeDL` with the settings of `network`.

    Args:
        network: cookies, proxy, rate and time limit. The time begins now; `limit.restart()` of
            the client lets it begin again.
        on_bytes: called after every block.
        most: the size in bytes that a file may have.
        **params: further parameters of `YoutubeDL`.

    Raises:
        SourceError: the cookies cannot be read.
    """
    # Imported here: it takes half a second, and files in a folder do not need it.
    from yt_dlp import YoutubeDL
    from yt_dlp.networking.exceptions import HTTPError, RequestError
    from yt_dlp.utils import YoutubeDLError

    class Client(YoutubeDL):
        limit = TimeLimit(network.time_limit)
        answer_headers: Mapping[str, str] = MappingProxyType({})  # of the last answer

        def urlopen(self, req: Any) -> Any:
            try:
                answer = super().urlopen(req)
            except HTTPError as error:
                # After a 503, yt-dlp would repeat the request and ignore Retry-After.
                if error.status == 503 and asked_to_wait_s(error) is not None:
                    raise RequestError(cause=error) from error
                raise
            self.answer_headers = answer.headers
            answer.read = functools.partial(_read, answer.read, self.limit)
            return answer

    def hook(status: dict[str, Any]) -> None:
        if status["status"] == "downloading":
            received, in_all = status["downloaded_bytes"], status.get("total_bytes")
            check_size(received, in_all, most)
            if on_bytes:
                on_bytes(received, in_all)

    settings: dict[str, Any] = {
        "logger": _Log(),
        "noprogress": True,
        "noplaylist": True,
        "updatetime": False,
        "retries": _RETRIES,
        "fragment_retries": _RETRIES,
        "socket_timeout": _TIMEOUT_S,
        "retry_sleep_functions": dict.fromkeys(("http", "fragment", "extractor"), retry_wait_s),
        "progress_hooks": [hook],
        # yt-dlp's default is only deno; any of these works.
        "js_runtimes": {name: {} for name in ("deno", "node", "bun", "quickjs")},
        "ratelimit": network.rate,
        "proxy": network.proxy and network.proxy.with_secrets(),
        "cookiesfrombrowser": network.browser,
    }
    try:
        if network.cookies and not network.browser:
            # A text stream: yt-dlp overwrites a cookie file, and this one belongs to the user.
            settings["cookiefile"] = io.StringIO(read_cookies(network.cookies))
        ydl = Client({**settings, **params})
        _ = ydl.cookiejar  # reads the cookies
    except (YoutubeDLError, OSError, ValueError, RuntimeError) as error:
        raise SourceError(
            f"cookies={network.cookies!r} cannot be read: {short_message(error)}. {COOKIES_WANTED}"
        ) from PublicTracebackError.of(error)
    with ydl:
        yield ydl


def _read(read: Callable[[int], bytes], limit: TimeLimit, amt: int | None = None) -> bytes:
    """Reads a block, or a whole page without `amt`, which is yt-dlp's name for the amount.

    Raises:
        VideoError: the time is over, or the page is too large.
    """
    if amt is not None:
        block = read(amt)
        limit.check()
        return block
    page = b""
    while block := _read(read, limit, 1 << 16):
        page += block
        check_size(len(page), None, MAX_PAGE_BYTES)
    return page


class _Log:
    """Writes the messages of yt-dlp into the log of this project."""

    def debug(self, message: str) -> None:
        # Retries may take half a minute, so the user sees why.
        level = logging.WARNING if "Retrying (" in message else logging.DEBUG
        logger.log(level, "%s", without_secrets(" ".join(message.split())))

    def warning(self, message: str) -> None:
        logger.info("yt-dlp: %s", without_secrets(message))

    def error(self, message: str) -> None:
        logger.debug("%s", without_secrets(message))  # raised as well
