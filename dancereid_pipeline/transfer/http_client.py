"""yt-dlp as the client of all that is fetched.

One client means that proxy, cookies, rate, retries and resuming are the same for the
annotation, an archive on a mirror, and a clip on YouTube.
"""

from __future__ import annotations

import contextlib
import io
import logging
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ..common.errors import SourceError
from .cookies import COOKIES_WANTED, read_cookies
from .failures import asked_to_wait_s, told
from .settings import Network

logger = logging.getLogger("dancereid")
_RETRIES = 5
_TIMEOUT_S = 30.0
# (bytes there, bytes of the whole or None): called as they come; may raise to end it.
OnBytes = Callable[[int, int | None], None]


def retry_wait_s(attempt: int) -> float:
    """Seconds before a transfer that broke is gone on with: none at first, then 2, 4, ... 60."""
    return min(2.0**attempt, 60.0) if attempt else 0.0


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
        answer_headers: Mapping[str, str] = MappingProxyType({})  # of the last answer

        def urlopen(self, req: Any) -> Any:
            try:
                answer = super().urlopen(req)
            except HTTPError as error:
                # After a 503 yt-dlp would go on asking, and forget when the server asked it to.
                if error.status == 503 and asked_to_wait_s(error) is not None:
                    raise RequestError(cause=error) from error
                raise
            self.answer_headers = answer.headers
            return answer

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


def _retry_wait_s(n: int) -> float:
    return retry_wait_s(n)  # yt-dlp calls it by this name of its argument


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
