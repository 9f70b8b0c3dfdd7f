"""Small npy files that ask for much work or memory."""

from __future__ import annotations

import struct
import sys
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.data.npys import npy, refused

SIZE = 20_000


def _text(text: bytes) -> bytes:
    return b"\x8c" + bytes([len(text)]) + text


def _number(value: int) -> bytes:
    return b"J" + struct.pack("<i", value)


_RECONSTRUCT = _text(b"numpy._core.multiarray") + _text(b"_reconstruct") + b"\x93"
_EMPTY = _RECONSTRUCT + _text(b"numpy") + _text(b"ndarray") + b"\x93K\x00\x85C\x01b\x87R"
_DTYPE = _text(b"numpy") + _text(b"dtype") + b"\x93"
_LIST = b"](" + 17 * b"](K\x01K\x01e" + b"e"
_DETECTION = (
    b"}("
    + (_text(b"id") + b"K\x01")
    + (_text(b"box_pos") + b"](" + 4 * b"K\x01" + b"e")
    + (_text(b"pose_pos") + _LIST)
    + b"u"
)


def _file(items: bytes) -> bytes:
    """An npy file; its outermost dict has the items that these opcodes set."""
    dtype = _DTYPE + _text(b"O8") + b"\x89\x88\x87R"
    return npy(b"\x80\x04" + _EMPTY + b"(K\x01)" + dtype + b"\x89]}" + items + b"atb.")


def shared_frames(size: int) -> bytes:
    """A frame with many references to one detection, and many references to that frame."""
    count = size // 2 // 7
    detections = b"".join(_number(key) + b"h\x01" for key in range(1, count))
    frames = b"".join(_number(frame) + b"h\x02" for frame in range(1, count))
    return _file(b"(K\x00}(K\x00" + _DETECTION + b"q\x01" + detections + b"uq\x02" + frames + b"u")


def tuple_keys(size: int) -> bytes:
    """A long tuple that is a key many times, and hashed each time."""
    key = b"(" + b"N" * (size // 2) + b"tq\x03"
    return _file(b"(K\x01}" + key + b"K\x01s" + b"h\x03K\x01s" * (size // 2 // 5) + b"u")


def dtype_flags(size: int) -> bytes:
    """A long tuple that holds the arguments of many calls."""
    arguments = b"(" + _text(b"f8") + b"N" * (size // 2) + b"tq\x03"
    calls = b"K\x05h\x04h\x03R" * (size // 2 // 7)
    return _file(b"(K\x01}(K\x01" + arguments + b"K\x02" + _DTYPE + b"q\x04" + calls + b"uu")


def empty_lists(size: int) -> bytes:
    return _file(b"(K\x00](" + b"]" * size + b"eu")


def empty_dicts(size: int) -> bytes:
    return _file(b"(K\x00](" + b"}" * size + b"eu")


def nested(size: int) -> bytes:
    return _file(b"(K\x00N" + b"\x85" * size + b"u")


@pytest.mark.parametrize("times", [1, 2, 4])
@pytest.mark.parametrize(
    ("bomb", "says"),
    [
        (shared_frames, "more detections than its size allows"),
        (tuple_keys, "a key that is neither a number nor text"),
        (dtype_flags, "too many arguments"),
        (empty_lists, "more lists, tuples and dicts than its size allows"),
        (empty_dicts, "more lists, tuples and dicts than its size allows"),
        (nested, "more lists, tuples and dicts than its size allows"),
    ],
)
def test_work_and_memory_are_in_proportion_to_the_file(
    bomb: Callable[[int], bytes], says: str, times: int
) -> None:
    content = bomb(times * SIZE)
    calls = 0

    def count(_frame: Any, event: str, _function: Any) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        message = refused(content)
    finally:
        sys.setprofile(None)
    assert says in message
    assert calls < 20 * len(content)

    tracemalloc.start()
    try:
        refused(content)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # Each kind may hold some objects of a fixed size, such as the table of opcodes.
    assert peak < 40 * len(content) + 500_000
