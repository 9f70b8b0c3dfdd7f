"""A real HTTP server on the loopback that answers well, or as badly as a test scripts it."""

from __future__ import annotations

import hashlib
import mimetypes
import re
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

HOLD_S = 60.0  # no test waits for this: it ends a wait that a failing test left behind


@dataclass(frozen=True)
class Hold:
    """Sends `after` bytes of a body, says so in `reached`, and waits for `go_on`."""

    after: int
    reached: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What to say to one request. By default: what is in `files`, or that it is not there."""

    status: int = 200  # with any other, the body is this answer's own
    headers: Mapping[str, str | None] = field(default_factory=dict)  # None leaves one out
    body: bytes | None = None  # instead of a file's content
    file: str | None = None  # which file's content, if not that of the path asked for
    length: int | None = None  # what Content-Length says, whatever the body
    cut: int | None = None  # bytes of the body after which the connection is closed
    drop: bool = False  # close the connection before saying anything
    hold: Hold | None = None
    chunked: bool = False  # without a Content-Length
    always: bool = False  # for this and every later request, not for one
    raw: Callable[[], Iterable[bytes]] | None = None  # all that is sent, instead of an HTTP answer
    pause_s: float = 0  # between the parts of `raw`


def page(html: str, *, status: int = 200, always: bool = False) -> Answer:
    headers = {"Content-Type": "text/html; charset=utf-8"}
    return Answer(status=status, headers=headers, body=html.encode(), always=always)


def redirect(address: str, *, status: int = 302, always: bool = False) -> Answer:
    return Answer(status=status, headers={"Location": address}, body=b"", always=always)


@dataclass
class Request:
    """What was asked for, and the bytes of body that were promised (0 for HEAD) and written."""

    method: str
    host: str
    path: str  # without the query
    query: dict[str, str]
    range: str | None
    headers: dict[str, str]
    asked: int = 0
    sent: int = 0


class Site:
    """A server, from `with` to its end. With `tls` a proxy too, which is every host itself."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.files: dict[str, bytes] = {}  # content by path
        self.answers: dict[str, list[Answer]] = {}  # by path; used up before `files` is asked
        self.ranges = True  # whether Range is understood
        self.requests: list[Request] = []  # in order
        self.tls = tls
        self.over = threading.Event()  # when nobody needs it any more
        self._lock = threading.Lock()
        self._server = _Server(self)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def address(self, path: str) -> str:
        return f"{self.url}/{path.lstrip('/')}"

    def asked(self, path_prefix: str = "") -> int:
        """Bytes of body that answers promised below a path."""
        return sum(r.asked for r in list(self.requests) if r.path.startswith(path_prefix))

    def answer(self, request: Request) -> Answer:
        """What to say; a stand-in for a certain site has its own."""
        return self.scripted(request.path) or Answer()

    def scripted(self, key: str) -> Answer | None:
        with self._lock:
            queue = self.answers.get(key)
            if not queue:
                return None
            return queue[0] if queue[0].always else queue.pop(0)

    def __enter__(self) -> Site:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self.over.set()
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True  # a client may keep its connection open for longer than the test

    def __init__(self, site: Site) -> None:
        self.site = site
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        # A client that went away is no fault of the server's; anything else is.
        if not isinstance(sys.exc_info()[1], ConnectionError | TimeoutError | ssl.SSLError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    timeout = HOLD_S
    disable_nagle_algorithm = True  # it waits for the client between headers and body

    def do_CONNECT(self) -> None:
        if self.server.site.tls is None:
            self.send_error(405)
            return
        self.send_response(200, "Connection established")
        self.end_headers()
        self.connection = self.server.site.tls.wrap_socket(self.connection, server_side=True)
        self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", 0)
        self.close_connection = False

    def finish(self) -> None:
        super().finish()
        if isinstance(self.connection, ssl.SSLSocket):  # the server knows only the plain one
            self.connection.close()

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        target, headers = urlsplit(self.path), dict(self.headers.items())
        query = {name: values[-1] for name, values in parse_qs(target.query).items()}
        host, wanted = self.headers.get("Host", ""), self.headers.get("Range")
        request = Request(self.command, host, target.path, query, wanted, headers)
        site = self.server.site
        site.requests.append(request)
        answer = site.answer(request)
        path = answer.file or request.path
        own = {"Content-Type": "text/plain"}
        if answer.drop:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
        elif answer.raw is not None:
            self.close_connection = True
            for part in answer.raw():
                if site.over.wait(answer.pause_s):
                    return
                self.wfile.write(part)
        elif answer.body is not None or answer.status != 200:
            self._send(request, answer, answer.status, own, answer.body or b"")
        elif path in site.files:
            self._send(request, answer, *self._part(path, site.files[path], site.ranges))
        else:
            self._send(request, answer, 404, own, b"not here")

    def _part(self, path: str, content: bytes, ranges: bool) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body: the file, or the part of it that Range names."""
        kind = mimetypes.guess_type(path)[0] or "application/octet-stream"
        tag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
        headers = {"Content-Type": kind, "ETag": tag}
        if not ranges:
            return 200, headers, content
        headers["Accept-Ranges"] = "bytes"
        match = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range", ""))
        if match is None or not any(match.groups()) or self.headers.get("If-Range", tag) != tag:
            return 200, headers, content
        size = len(content)
        # Without a start: the last so many bytes.
        start = int(match[1]) if match[1] else max(size - int(match[2]), 0)
        stop = min(int(match[2] or size) + 1, size) if match[1] else size
        if start >= stop:
            return 416, {**headers, "Content-Range": f"bytes */{size}"}, b""
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
        return 206, headers, content[start:stop]

    def _send(
        self, request: Request, answer: Answer, status: int, headers: dict[str, str], body: bytes
    ) -> None:
        length = len(body) if answer.length is None else answer.length
        name = "Transfer-Encoding" if answer.chunked else "Content-Length"
        how = {name: "chunked" if answer.chunked else str(length)}
        request.asked = 0 if request.method == "HEAD" else length
        self.send_response(status)
        for name, value in {**headers, **how, **answer.headers}.items():
            if value is not None:
                self.send_header(name, value)
        self.end_headers()
        if request.method == "HEAD":
            return
        stop = len(body) if answer.cut is None else min(answer.cut, len(body))
        # Less than was promised, or more: nothing can follow on this connection.
        self.close_connection |= stop != length
        pause = stop if answer.hold is None else min(answer.hold.after, stop)
        self._write(request, body[:pause], answer.chunked)
        if answer.hold is not None:
            answer.hold.reached.set()
            answer.hold.go_on.wait(HOLD_S)
        self._write(request, body[pause:stop], answer.chunked)
        if answer.chunked and stop == len(body):
            self.wfile.write(b"0\r\n\r\n")

    def _write(self, request: Request, data: bytes, chunked: bool) -> None:
        for start in range(0, len(data), 1 << 16):
            block = data[start : start + (1 << 16)]
            request.sent += len(block)  # first, so that whoever has read it finds it counted
            self.wfile.write(b"%x\r\n%b\r\n" % (len(block), block) if chunked else block)

    def log_message(self, format: str, *args: object) -> None:
        """Requests are in `requests`; the terminal is the tests'."""
