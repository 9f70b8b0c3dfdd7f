"""Requests to the Hugging Face Hub: which kinds there are, and how it says yes and no."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from urllib.parse import unquote

from tests.support.servers.web import Answer, Request

_TYPE = {"Content-Type": "application/json; charset=utf-8"}
_API = r"/api/(?:datasets|models)/(?P<repo>[^/]+/[^/]+)"
_REPO = r"(?:/datasets)?/(?P<repo>[^/]+/[^/]+?)"
_OBJECT = r"/objects/(?P<repo>[^/]+/[^/]+)/(?P<oid>\w{64})"

# Kinds of requests. Those of the last three go to the storage, which is another address.
_ROUTES = {
    "whoami": ("GET", r"/api/whoami-v2"),
    "create": ("POST", r"/api/repos/create"),
    "validate": ("POST", r"/api/validate-yaml"),
    "settings": ("PUT", _API + r"/settings"),
    "info": ("GET", _API + r"(?:/revision/(?P<revision>[^/]+))?"),
    "refs": ("GET", _API + r"/refs"),
    "commits": ("GET", _API + r"/commits/(?P<revision>[^/]+)"),
    "discussions": ("GET", _API + r"/discussions"),
    "branch": ("POST", _API + r"/branch/(?P<name>[^/]+)"),
    "tag": ("POST", _API + r"/tag/(?P<revision>[^/]+)"),
    "untag": ("DELETE", _API + r"/tag/(?P<name>[^/]+)"),
    "unbranch": ("DELETE", _API + r"/branch/(?P<name>[^/]+)"),
    "squash": ("POST", _API + r"/super-squash/(?P<revision>[^/]+)"),
    "lfs_files": ("GET", _API + r"/lfs-files"),
    "purge": ("POST", _API + r"/lfs-files/batch"),
    "preupload": ("POST", _API + r"/preupload/(?P<revision>[^/]+)"),
    "commit": ("POST", _API + r"/commit/(?P<revision>[^/]+)"),
    "tree": ("GET", _API + r"/tree/(?P<revision>[^/]+)(?:/(?P<path>.+))?"),
    "paths": ("POST", _API + r"/paths-info/(?P<revision>[^/]+)"),
    "resolve": ("GET", _REPO + r"/resolve/(?P<revision>[^/]+)/(?P<path>.+)"),
    "batch": ("POST", _REPO + r"\.git/info/lfs/objects/batch"),
    "verify": ("POST", _REPO + r"\.git/info/lfs/objects/verify"),
    "complete": ("POST", r"/api/complete_multipart" + _OBJECT),
    "upload": ("PUT", _OBJECT),
    "part": ("PUT", _OBJECT + r"/(?P<number>\d+)"),
    "object": ("GET", _OBJECT),
}


@dataclass
class HubRequest(Request):
    """What was asked of the Hub.

    `kind` is one of those above, "viewer" for the dataset viewer's server, which knows nothing,
    or "unknown"; `fault` is what a test wants to come of it, or the usual `Answer()`.
    """

    kind: str = "unknown"
    names: dict[str, str] = field(default_factory=dict)  # what the path names
    body: bytearray = field(default_factory=bytearray)  # as much of it as was received
    fault: Answer = field(default_factory=Answer)

    @property
    def authorization(self) -> str | None:
        return self.headers.get("Authorization")

    @property
    def received(self) -> int:
        return len(self.body)

    def recognise(self) -> None:
        if self.host.startswith("datasets-server."):
            self.kind = "viewer"
        method = "GET" if self.method == "HEAD" else self.method
        for kind, (expected, pattern) in _ROUTES.items():
            match = re.fullmatch(pattern, self.path) if method == expected else None
            if match is not None:
                self.kind = kind
                self.names = {k: unquote(v) for k, v in match.groupdict().items() if v is not None}


def refusal(
    status: int, message: str, code: str | None = None, *, always: bool = False, **headers: str
) -> Answer:
    """How the Hub says no: in its headers and in the body."""
    told = {**_TYPE, "X-Error-Message": message, "X-Error-Code": code, **headers}
    body = json.dumps({"error": message}).encode()
    return Answer(status=status, headers=told, body=body, always=always)


def json_answer(data: object, status: int = 200, **headers: str) -> Answer:
    body = json.dumps(data).encode()
    return Answer(status=status, headers={**_TYPE, **headers}, body=body)
