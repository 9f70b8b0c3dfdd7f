"""Answers of servers that want to keep a client busy, or to fill its disk or its memory."""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Iterator

from tests.support.servers.web import Answer, redirect

_OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n"
_BLOCK = bytes(1 << 16)


def _endless(start: bytes, part: bytes, *, pause_s: float = 0) -> Answer:
    """A beginning, then the same again and again."""
    return Answer(
        raw=lambda: itertools.chain([start], itertools.repeat(part)), pause_s=pause_s, always=True
    )


def _slowly(start: bytes, part: bytes) -> Answer:
    """The same, a little now and then: each wait of the client for a byte is short."""
    return _endless(start, part, pause_s=0.02)


def _with(header: str, value: str) -> Answer:
    """Some bytes with a header, and the end of the connection."""
    headers = {header: value, "Connection": "close"}
    return Answer(headers=headers, body=b"[" * 9000, always=True)


def _zeros() -> Iterator[bytes]:
    """A gzip'd answer of zeros: a thousand times as much as is sent."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    yield _OK + b"Content-Encoding: gzip\r\nConnection: close\r\n\r\n"
    while True:
        yield packer.compress(_BLOCK * 16) + packer.flush(zlib.Z_SYNC_FLUSH)


# What takes longer than any time limit.
SLOW: dict[str, Answer] = {
    "two bytes at a time": _slowly(_OK + b"Content-Length: 9000000\r\n\r\n", b"ab"),
    "slow headers": _slowly(_OK + b"X-Long: ", b"ab"),
    "a slow status": _slowly(b"HTTP/1.1 200 ", b"ab"),
    "slow sizes of chunks": _slowly(_OK + b"Transfer-Encoding: chunked\r\n\r\n1;", b"ab"),
    "go on without end": _slowly(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
}
# What is larger than any file may be.
LARGE: dict[str, Answer] = {
    "3 GiB": _with("Content-Length", str(3 << 30)),
    "no length and no end": _endless(_OK + b"Connection: close\r\n\r\n", _BLOCK),
    "chunks without end": _endless(
        _OK + b"Transfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + _BLOCK + b"\r\n"
    ),
    "gzip'd zeros without end": Answer(raw=_zeros, always=True),
}


# What is no answer, or not all of one.
BROKEN: dict[str, Answer] = {
    "headers without end": _endless(_OK, b"X-Many: x\r\n"),
    "a header without end": _endless(_OK + b"X-Long: ", b"x" * 9000),
    "no number as length": _with("Content-Length", "abc"),
    "a negative length": _with("Content-Length", "-1"),
    "two lengths": _with("Content-Length", "1, 2"),
    "no size of a chunk": _endless(_OK + b"Transfer-Encoding: chunked\r\n\r\n", b"zz\r\n"),
    "no gzip": _with("Content-Encoding", "gzip"),
    "shorter than its length": Answer(length=90_000, body=b"[" * 9000, always=True),
    "an odd range": Answer(
        status=206, headers={"Content-Range": "bytes 0-x/*"}, body=b"[" * 9000, always=True
    ),
    "a closed connection": Answer(drop=True, always=True),
    "half a status": Answer(raw=lambda: [b"HTTP/1.1 2"], always=True),
    "no HTTP": Answer(raw=lambda: [b"220 mail.lab ESMTP\r\n"], always=True),
    "a redirect to itself": redirect("?again", always=True),
    "a redirect to nowhere": redirect("http://[::/x", always=True),
    "a redirect to a bad name": redirect("http://a..b/x", always=True),
    "a redirect to another scheme": redirect("ftp://127.0.0.1/x", always=True),
    "a redirect to a file": redirect("file:///etc/passwd", always=True),
}
