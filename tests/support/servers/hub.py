"""A stand-in for the Hugging Face Hub on the loopback, to which its real clients talk.

    with Hub() as hub:
        hub.answers["upload"] = [Answer(), Broken(after=1000)]
        subprocess.run(program, env=hub.environment(tmp_path / "home", token="hf_write"))
        assert hub.repos["dancer/waltz"].files["README.md"] == b"..."

It has dataset repositories, their visibility and gate, branches, tags, pull requests, commits, LFS
(in parts, too), trees, and files at any revision. It has no Xet (the client takes to LFS only with
`HF_HUB_DISABLE_XET`, as `environment` sets it), no merging of pull requests, and no deletion of
repositories. `HubApi` says what can be looked at.

Tokens are "hf_write", "hf_read", "hf_fine" and "hf_fine_read" (fine-grained) and "hf_expired", all
of the user dancer, who may write to the organization studio, too; and a stranger's "hf_stranger".

Faults are `answers` by kind of request (see `hub_requests`), used up one by one, as a `Site` has
them by path: `Answer()` is the usual one, `refusal(403, "...")` the Hub's own no,
`Answer(drop=True)` hangs up before anything is done, `Answer(cut=0)` when all is done, and `Broken`
while it listens.
"""

from __future__ import annotations

import os
import socket
import threading
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from tests.support.servers import web
from tests.support.servers.hub_api import HubApi
from tests.support.servers.hub_requests import HubRequest
from tests.support.servers.web import Answer, Site

PROJECT = Path(__file__).resolve().parents[3]

# The clients wait for up to 23 s before they give up; not here. Python runs this as it starts.
_NO_WAITS = """
import sys, time
_sleep = time.sleep
def sleep(seconds):
    caller = sys._getframe(1).f_globals.get("__name__", "")
    if not caller.startswith(("huggingface_hub.", "datasets.")):
        _sleep(seconds)
time.sleep = sleep
"""


@dataclass(frozen=True, kw_only=True)
class Broken(Answer):
    """Hangs up when so many bytes of what is sent have come; with a `hold`, when that is over."""

    after: int


class Hub(HubApi, Site):
    """The Hub, and its storage: at another address, lest clients take that for the Hub."""

    def __init__(self) -> None:
        Site.__init__(self)
        self._storage = web._Server(self)
        for server in self._servers:
            server.RequestHandlerClass = _Handler
        HubApi.__init__(self, self.url, f"http://127.0.0.1:{self._storage.server_port}")
        self.stopped = False

    @property
    def _servers(self) -> tuple[web._Server, web._Server]:
        return self._server, self._storage

    def of(self, *kinds: str) -> list[HubRequest]:
        """The requests of these kinds."""
        return [request for request in list(self.requests) if request.kind in kinds]

    def environment(self, home: Path, token: str | None = None) -> dict[str, str]:
        """What a process is to have in its environment to ask this Hub, and nobody else.

        Its caches go below `home`. The dataset viewer's server has a name that cannot be
        resolved: the Hub is the proxy that leads there, and says that it knows nothing.
        """
        home.mkdir(parents=True, exist_ok=True)
        (home / "sitecustomize.py").write_text(_NO_WAITS)
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("HF_", "HUGGING_FACE_")) and not name.lower().endswith("_proxy")
        }
        if token is not None:
            kept["HF_TOKEN"] = token
        return {
            **kept,
            **{"HF_ENDPOINT": self.url, "HF_HOME": str(home / "huggingface")},
            **{"HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_TELEMETRY": "1"},
            **{"http_proxy": self.url, "no_proxy": "127.0.0.1"},
            "PYTHONPATH": os.pathsep.join([str(home), str(PROJECT)]),
        }

    def stop(self) -> None:
        """From now on connections are refused, and those that are open end."""
        self.stopped = True
        for server in self._servers:
            server.shutdown()
            server.server_close()

    def answer(self, request: HubRequest) -> Answer:
        fault = request.fault
        if fault.drop or fault.status != 200 or fault.body is not None:
            return fault
        return replace(self.usual(request), hold=fault.hold, cut=fault.cut)

    def __enter__(self) -> Hub:
        for server in self._servers:
            threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()


class _Handler(web._Handler):
    def do_GET(self) -> None:
        hub: Hub = self.server.site
        request = self._request()
        if hub.stopped:
            self._hang_up()
            return
        request.fault = hub.scripted(request.kind) or Answer()
        hub.requests.append(request)
        if not self._receive(request):
            self._hang_up()
            return
        answer = hub.answer(request)
        if answer.drop:
            self._hang_up()
            return
        status, own, body = answer.status, {}, answer.body or b""
        if status == 200 and "Accept-Ranges" in answer.headers:
            status, own, body = self._part(request.path, body, True)
        own["X-Request-Id"] = f"Root=1-{len(hub.requests):08x}"
        self._send(request, answer, status, own, body)

    do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815  # as the base class wants them named

    def _request(self) -> HubRequest:
        target = urlsplit(self.path)
        headers = {name.title(): value for name, value in self.headers.items()}
        query = {name: values[-1] for name, values in parse_qs(target.query).items()}
        host, wanted = self.headers.get("Host", ""), self.headers.get("Range")
        request = HubRequest(self.command, host, target.path, query, wanted, headers)
        request.recognise()
        return request

    def _receive(self, request: HubRequest) -> bool:
        """Takes what is sent, or as much as the test wants; whether that was all."""
        fault, length = request.fault, int(self.headers.get("Content-Length", 0))
        stop = min(fault.after, length) if isinstance(fault, Broken) else length
        while request.received < stop:
            block = self.rfile.read(min(1 << 16, stop - request.received))
            if not block:
                return False  # the client went away
            request.body += block
        if isinstance(fault, Broken) and fault.hold is not None:
            fault.hold.reached.set()
            fault.hold.go_on.wait(web.HOLD_S)
        return not isinstance(fault, Broken)

    def _hang_up(self) -> None:
        self.close_connection = True
        with suppress(OSError):  # the client may have been faster
            self.connection.shutdown(socket.SHUT_RDWR)
