"""A server that answers as S3 does, in its own process; and a proxy that spoils its answers."""

from __future__ import annotations

import http.client
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "s3cretkey"


def options(endpoint: str) -> dict[str, str]:
    """What fsspec is called with."""
    return {"endpoint_url": endpoint, "key": "me", "secret": KEY}


def flags(endpoint: str) -> list[str]:
    """The same as flags of the command."""
    given = options(endpoint).items()
    return [word for key, value in given for word in ("--storage-option", f"{key}={value}")]


@contextmanager
def s3_server() -> Iterator[str]:
    """The address of a server that has a bucket `data`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        for line in server.stderr:
            if "Running on" in line:
                break
        # Nobody reads the rest, and a full pipe would stop the server.
        drain = threading.Thread(target=server.stderr.read, daemon=True)
        drain.start()
        import s3fs

        s3fs.S3FileSystem(**options(f"http://127.0.0.1:{port}")).mkdir("data")
        yield f"http://127.0.0.1:{port}"
        server.kill()
        drain.join()


@dataclass
class Fault:
    """What becomes of requests.

    Attributes:
        kind: a status that is answered instead; "lost": the request is done, and 500 is answered;
            "drop": the connection is closed without an answer; "cut": half of the body comes;
            "slow": the body comes in small parts, with pauses.
        requests: a pattern of the requests that it is of, as `GET /data/in/videos/.*`.
        times: how many of them, for each path.
    """

    kind: str
    requests: str
    times: int = 1


class SpoiltS3:
    """A proxy before an S3 server, from `with` to its end.

    Attributes:
        faults: for each request, the first one that is not used up.
        done: the faults that were used, as `KIND METHOD PATH`, in order.
    """

    def __init__(self, behind: str) -> None:
        self.behind = behind.removeprefix("http://")
        self.faults: list[Fault] = []
        self.done: list[str] = []
        self.over = threading.Event()
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.proxy = self
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def fault(self, request: str) -> str:
        """The kind of the fault for a request; "" for none."""
        with self._lock:
            for fault in self.faults:
                name = f"{fault.kind} {request}"
                if re.fullmatch(fault.requests, request) and self.done.count(name) < fault.times:
                    self.done.append(name)
                    return fault.kind
        return ""

    def __enter__(self) -> SpoiltS3:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    proxy: SpoiltS3

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def _any(self) -> None:
        proxy = self.server.proxy
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        fault = proxy.fault(f"{self.command} {self.path.partition('?')[0]}")
        if fault == "drop":
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        if fault.isdigit():
            self._send(int(fault), {}, b"")
            return
        upstream = http.client.HTTPConnection(proxy.behind)
        upstream.request(self.command, self.path, body, dict(self.headers.items()))
        answer = upstream.getresponse()
        content, status = answer.read(), answer.status
        headers = dict(answer.getheaders())
        upstream.close()
        if fault == "lost":
            self._send(500, {}, b"")
        elif fault == "cut":
            self._send(status, headers, content, stop=len(content) // 2)
        elif fault == "slow":
            self._send(status, headers, content, pause_s=0.005)
        else:
            self._send(status, headers, content)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _any  # noqa: N815  # the base's names

    def _send(
        self,
        status: int,
        headers: dict[str, str],
        content: bytes,
        *,
        stop: int | None = None,
        pause_s: float = 0,
    ) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in ("content-length", "transfer-encoding", "connection", "date"):
                self.send_header(name, value)
        length = headers.get("Content-Length") if self.command == "HEAD" else None
        self.send_header("Content-Length", length or str(len(content)))
        self.end_headers()
        if stop is not None:
            self.close_connection = True
            content = content[:stop]
        step = len(content) // 20 + 1 if pause_s else len(content) or 1
        for start in range(0, len(content), step):
            self.server.proxy.over.wait(pause_s)
            self.wfile.write(content[start : start + step])

    def log_message(self, format: str, *args: object) -> None:
        """The terminal is the tests'."""
