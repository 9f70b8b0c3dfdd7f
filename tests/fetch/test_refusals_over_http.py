"""Refusals as yt-dlp raises them over real connections."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from yt_dlp.networking import Request
from yt_dlp.utils import (
    ExtractorError,
)

from dancereid_pipeline.common.reasons import Reason
from dancereid_pipeline.transfer.failures import causes, reason_of, short_message
from tests.support.data.messages import (
    BLOCKED,
    BOT,
    COOKIES,
    LIMITED,
    NETWORK,
    PRIVATE,
    REMOVED,
    UNAVAILABLE,
)
from tests.support.servers.refusing import RefusalIE, refused

LOOP = "/loop"


class Handler(BaseHTTPRequestHandler):
    """Answers /404 with 404, /loop with itself, /closed with nothing, /short with too little."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.close_connection = True
        what = self.path.strip("/")
        if what == "closed":
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        if what == "slow":
            time.sleep(1)
            return
        self.send_response(302 if self.path == LOOP else 200 if what == "short" else int(what))
        self.send_header("Location", LOOP)
        self.send_header("Content-Length", "7" if what == "short" else "0")
        self.end_headers()
        if what == "short":
            self.wfile.write(b"\0video"[:5])

    def log_message(self, *args: object) -> None: ...


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


@pytest.fixture
def nobody() -> str:
    """An address where nothing listens."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{sock.getsockname()[1]}"


ANSWERS = [
    ("/401", PRIVATE), ("/403", UNAVAILABLE), ("/404", REMOVED), ("/410", REMOVED),
    ("/429", LIMITED), ("/451", BLOCKED), ("/500", NETWORK), ("/503", NETWORK),
    ("/407", NETWORK), ("/closed", NETWORK), ("/slow", NETWORK), (LOOP, NETWORK),
]  # fmt: skip


def patience(path: str) -> float:
    return 0.3 if path == "/slow" else 20


@pytest.mark.parametrize("client", [set(), {"prefer-legacy-http-handler"}], ids=["new", "old"])
@pytest.mark.parametrize(("path", "reason"), ANSWERS)
def test_answers_to_the_page(path: str, reason: Reason, client: set[str], server: str) -> None:
    def page(extractor: RefusalIE) -> Any:
        return extractor._download_webpage(server + path, "ZhuDSdmby8k")

    error = refused(page, compat_opts=client, socket_timeout=patience(path))
    assert reason_of(error) is reason
    assert short_message(error).startswith("Unable to download webpage: ")


@pytest.mark.parametrize(("path", "reason"), [*ANSWERS, ("/short", NETWORK)])
def test_answers_to_the_clip(path: str, reason: Reason, server: str, tmp_path: Path) -> None:
    def clip(extractor: RefusalIE) -> Any:
        return {"id": "a", "title": "a", "url": server + path, "ext": "mp4"}

    outtmpl = str(tmp_path / "clip.mp4")
    error = refused(clip, download=True, outtmpl=outtmpl, socket_timeout=patience(path))
    assert reason_of(error) is reason


def test_words_on_a_page_that_is_not_there_either(server: str) -> None:
    def page(extractor: RefusalIE) -> Any:
        try:
            extractor._download_webpage(f"{server}/404", "ZhuDSdmby8k")
        except ExtractorError as error:
            raise ExtractorError(f"Sign in to confirm you\u2019re not a bot. {COOKIES}") from error

    error = refused(page)
    assert 404 in [getattr(cause, "status", None) for cause in causes(error)]
    assert reason_of(error) is BOT
    assert short_message(error) == "Sign in to confirm you\u2019re not a bot"


@pytest.mark.parametrize("client", [set(), {"prefer-legacy-http-handler"}], ids=["new", "old"])
@pytest.mark.parametrize("way", ["direct", "proxy", "tls"])
def test_no_connection(way: str, client: set[str], nobody: str, server: str) -> None:
    address = {
        "direct": f"{nobody}/a.mp4",
        "proxy": "http://mirror.invalid/a.mp4",
        "tls": f"{server}/a.mp4".replace("http:", "https:"),
    }[way]
    proxy = nobody.replace("//", "//me:secret@") if way == "proxy" else ""
    error = refused(
        lambda ie: ie._download_webpage(Request(address), "a"), proxy=proxy, compat_opts=client
    )
    assert reason_of(error) is NETWORK
    assert "secret" not in short_message(error)
