"""Small npy files that ask for much work or memory."""

from __future__ import annotations

import itertools
import pickletools
import struct
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from dancereid_pipeline.common.errors import TracksError
from tests.support.calls import counted_calls
from tests.support.data.npys import npy, read

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


def marks(size: int) -> bytes:
    return _file(b"(" * size)


def widened(size: int) -> bytes:
    """A bbox of many int8, which float64 would make eight times as large."""
    dtype = _DTYPE + _text(b"i1") + b"\x89\x88\x87R"
    numbers = b"\x89B" + struct.pack("<I", size) + bytes(size)
    array = _EMPTY + b"(K\x01" + _number(size) + b"\x85" + dtype + numbers + b"tb"
    fields = _text(b"id") + b"K\x01" + _text(b"pose_pos") + b"N" + _text(b"box_pos") + array
    return _file(b"(K\x00}(K\x00}(" + fields + b"uuu")


def _gets(count: int) -> bytes:
    return b"".join(b"j" + struct.pack("<I", index) for index in range(count))


def gets_in_bytes(size: int) -> bytes:
    """Bytes that look like references to all entries of the memo."""
    return _file(b"(K\x00B" + struct.pack("<I", size // 5 * 5) + _gets(size // 5) + b"u")


def opcodes_in_bytes(size: int) -> bytes:
    return _file(b"(K\x00B" + struct.pack("<I", size) + b"j" * size + b"u")


def memo(size: int) -> bytes:
    """Many entries of the memo, and a reference to each."""
    return _file(b"(K\x00](" + b"N\x94" * (size // 7) + _gets(size // 7) + b"eu")


def puts(size: int) -> bytes:
    entries = b"".join(b"r" + struct.pack("<I", index) for index in range(size // 5))
    return _file(b"(K\x00N" + entries + b"u")


def empty_frames(size: int) -> bytes:
    return _file(b"(" + b"".join(_number(frame) + b"}" for frame in range(size // 6)) + b"u")


def detections(size: int) -> bytes:
    """As many detections as the size of the file allows, each the same one."""
    filling = b"\x8a\x05aaaaa"
    frames = b"".join(_number(f) + b"}" + filling + b"h\x01s" for f in range(1, size // 16))
    return _file(b"(K\x00}(K\x00" + _DETECTION + b"q\x01u" + frames + b"u")


def _items(item: bytes) -> Callable[[int], bytes]:
    return lambda size: _file(b"(K\x00](" + item * (size // len(item)) + b"eu")


def _work(content: bytes) -> tuple[str, int, int]:
    """What reading says; the number of calls that it makes; its peak of memory in bytes."""
    message, calls = counted_calls(lambda: said(content))
    tracemalloc.start()
    try:
        said(content)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return message, calls, peak


def said(content: bytes) -> str:
    try:
        return f"{len(read(content).frame)} detections"
    except TracksError as error:
        return str(error)


def assert_in_proportion(content: bytes, fixed: int = 250_000) -> str:
    """`fixed`: bytes of objects of a fixed size, such as the table of opcodes."""
    message, calls, peak = _work(content)
    assert calls < 20 * len(content)
    assert peak < 26 * len(content) + fixed
    return message


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
        (marks, "nested deeper than 1,000 levels"),
        (widened, "expected box_pos as numbers (4,), got an array of shape"),
        (gets_in_bytes, "expected a dict of detections"),
        (opcodes_in_bytes, "expected a dict of detections"),
        (memo, "refers to more objects again than its size allows"),
        (puts, "expected a dict of detections, got None"),
        (empty_frames, "0 detections"),
        (_items(b"G\x00\x00\x00\x00\x00\x00\x00\x01"), "got a list of"),  # numbers
        (_items(b"N"), "got a list of"),
        (_items(b"M\x01\x02"), "got a list of"),
        (_items(_text(b"ab")), "got a list of"),
        (_items(b"}K\x01Ns"), "more lists, tuples and dicts than its size allows"),
        (_items(b"]Na"), "more lists, tuples and dicts than its size allows"),
        (_items(b"\x8f"), "more lists, tuples and dicts than its size allows"),  # sets
    ],
)
def test_work_and_memory_are_in_proportion_to_the_file(
    bomb: Callable[[int], bytes], says: str, times: int
) -> None:
    assert says in assert_in_proportion(bomb(times * SIZE))


@pytest.mark.parametrize("times", [1, 2, 4])
def test_as_many_detections_as_the_size_allows(times: int) -> None:
    # 1,024 of them are checked together.
    found = assert_in_proportion(detections(times * SIZE), fixed=1_100_000)
    assert found == f"{times * SIZE // 16} detections"


def _argument(opcode: Any) -> bytes:
    if opcode.name == "GLOBAL":
        return b"numpy\ndtype\n"
    size = opcode.arg.n if opcode.arg else 0
    lengths = {pickletools.TAKEN_FROM_ARGUMENT1: 1, pickletools.TAKEN_FROM_ARGUMENT8U: 8}
    return b"0\n" if size == pickletools.UP_TO_NEWLINE else bytes(lengths.get(size, abs(size)))


@pytest.mark.parametrize("opcode", pickletools.opcodes, ids=lambda opcode: opcode.name)
def test_each_opcode_again_and_again(opcode: Any) -> None:
    once = opcode.code.encode("latin-1") + _argument(opcode)
    for before, each in itertools.product([b"", b"N" * SIZE], [b"", b"N", b"(NN"]):
        assert_in_proportion(_file(b"(" + before + (each + once) * (SIZE // len(each + once))))


def test_a_key_of_the_file_is_not_hashed_again_and_again() -> None:
    number = b"\x8b" + struct.pack("<I", SIZE) + b"\x01" * SIZE  # as long as half the file
    content = _file(b"(K\x01}" + number + b"q\x03K\x01s" + b"h\x03K\x01s" * (SIZE // 5) + b"u")
    assert "detection a huge int: expected a dict" in assert_in_proportion(content)
