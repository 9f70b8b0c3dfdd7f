"""npy files that would do harm, if what is in them were run."""

from __future__ import annotations

import copyreg
import io
import os
import pickle
import struct
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pytest

from tests.support.data.folders import detection, tracks
from tests.support.data.npys import npy, read, refused, saved, without_frames


class Calls:
    """Pickles as a call."""

    def __init__(self, function: Any, *args: Any) -> None:
        self.reduced = (function, args)

    def __reduce__(self) -> Any:
        return self.reduced


@pytest.fixture
def untouched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing may have been run: every payload here would make a file."""
    monkeypatch.chdir(tmp_path)
    yield
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
@pytest.mark.usefixtures("untouched")
def test_a_call_is_refused_wherever_it_stands(protocol: int) -> None:
    touch = Calls(os.system, "touch touched")
    for frames in (touch, {0: touch}, {0: {0: touch}}, {0: {0: detection(0, 0, other=touch)}}):
        assert "refused" in refused(saved(frames, protocol))
    refused(npy(pickle.dumps(touch, protocol)))


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("os", "system"),
        ("builtins", "eval"),
        ("builtins", "getattr"),
        ("numpy", "load"),
        ("numpy", "ndarray.tofile"),
        ("numpy", "dtype.__class__"),
        ("numpy.core.multiarray", "_reconstruct.__globals__"),
        ("numpy.core.multiarray", "fromfile"),
        ("numpy._core.numeric", "fromfunction"),
        ("numpy", "core.multiarray.scalar"),
        ("_codecs", "decode"),
        ("collections", "OrderedDict.fromkeys"),
        ("collections", "namedtuple"),
        ("copyreg", "_reconstructor"),
        ("numpy.ma.core", "_mareconstruct"),
    ],
)
@pytest.mark.usefixtures("untouched")
def test_a_name_that_only_looks_allowed_is_refused(module: str, name: str) -> None:
    old = b"\x80\x02" + f"c{module}\n{name}\n)R.".encode()
    assert f"it asks for {module}.{name}" in refused(npy(old))
    names = b"".join(b"\x8c" + bytes([len(n)]) + n.encode() for n in (module, name))
    assert f"it asks for {module}.{name}" in refused(npy(b"\x80\x04" + names + b"\x93)R."))


@pytest.mark.parametrize("opcode", [b"\x82\xf0", b"\x83\xf0\x00", b"\x84\xf0\x00\x00\x00"])
@pytest.mark.usefixtures("untouched")
def test_the_extension_registry_is_refused(opcode: bytes) -> None:
    copyreg.add_extension("os", "system", 0xF0)
    try:
        # Asked for once by anyone, it stands in a cache that no allow-list sees.
        pickle.loads(b"\x80\x02" + opcode + b".")
        call = b"\x80\x02" + opcode + b"X\x0d\x00\x00\x00touch touched\x85R."
        assert "is not for data" in refused(npy(call))
    finally:
        copyreg.remove_extension("os", "system", 0xF0)
        copyreg.clear_extension_cache()


@pytest.mark.parametrize(
    "opcodes",
    [
        b"(Vtouch touched\nios\nsystem\n.",  # INST
        b"(]X\x0d\x00\x00\x00touch touchedo.",  # OBJ
        b"Psomewhere\n.",  # PERSID
        b"Nq\x00Q.",  # BINPERSID
        b"cnumpy\nndarray\n)\x81.",  # NEWOBJ
        b"\x97.",  # NEXT_BUFFER
    ],
)
@pytest.mark.usefixtures("untouched")
def test_opcodes_that_data_does_not_need_are_refused(opcodes: bytes) -> None:
    assert "is not for data" in refused(npy(b"\x80\x04" + opcodes))


ARRAY = b"cnumpy.core.multiarray\n_reconstruct\n"
NDARRAY = b"cnumpy\nndarray\n"
DTYPE = b"cnumpy\ndtype\n"


@pytest.mark.parametrize(
    "opcodes",
    [
        # an array made with a shape of 10 GB rather than empty
        ARRAY + NDARRAY + b"\x8a\x05\x00\xe4\x0bT\x02\x85C\x01b\x87R.",
        # numpy.ndarray called: memory nobody filled
        NDARRAY + b"\x8a\x05\x00\xe4\x0bT\x02\x85\x85R.",
        # a scalar of a huge dtype, without bytes
        b"cnumpy.core.multiarray\nscalar\n" + DTYPE + b"X\x0b\x00\x00\x00V9999999999\x85R\x85R.",
        # a dtype of fields, and one whose state sets flags that corrupt memory
        DTYPE + b"X\x05\x00\x00\x00f8,f8\x85R.",
        DTYPE + b"X\x02\x00\x00\x00f8\x85R}b.",
        # attributes set on an allowed function
        ARRAY + b"N}}X\x08\x00\x00\x00__code__Ns\x87b.",
        # bytes, text, a long and a memo index of 10 GB
        b"\x8e\x00\xe4\x0bT\x02\x00\x00\x00abc.",
        b"\x8d\x00\xe4\x0bT\x02\x00\x00\x00abc.",
        b"\x8b\xff\xff\xff\x7fabc.",
        b"Nr\xff\xff\xff\xff.",
        # a name that is a tuple, 10,000 and a million deep
        b")" + b"\x85" * 10_000 + b"\x8c\x01a\x93.",
        b")" + b"\x85" * 1_000_000 + b"\x8c\x01a\x93.",
        # one text made into bytes again and again
        b"X\x40\x42\x0f\x00"
        + b"x" * 10**6
        + b"\x94"
        + b"c_codecs\nencode\nh\x00\x85R0".replace(b"0", b"") * 3
        + b".",
        # a frame beyond the end
        b"\x95\xff\xff\xff\xff\xff\xff\xff\x7fN.",
        # nothing on the stack to work with
        b"R.",
        b"..",
        b"tttt.",
        b"h\x05.",
    ],
)
def test_claims_and_tricks_are_refused(opcodes: bytes) -> None:
    assert "refused to read its pickle" in refused(npy(b"\x80\x04" + opcodes))


def test_a_list_that_doubles_is_not_followed() -> None:
    doubled: list = [1.0, 2.0]
    for _ in range(40):  # a trillion numbers, if anyone counted; a kilobyte as a pickle
        doubled = [doubled, doubled]
    assert "box_pos" in refused(saved({0: {0: detection(0, 0, box_pos=doubled * 2)}}))
    assert "pose_pos" in refused(saved({0: {0: detection(0, 0, pose_pos=[doubled] * 17)}}))


def test_a_shape_that_the_data_does_not_have_is_refused() -> None:
    content = saved({0: {0: detection(0, 0, box_pos=np.zeros(4))}})
    assert content.count(b"K\x04\x85") == 1
    huge = content.replace(b"K\x04\x85", b"\x8a\x05\x00\xe4\x0bT\x02\x85")
    message = refused(without_frames(huge))
    assert "expected box_pos as numbers" in message


_PLAIN: dict[str, Any] = {
    "text": "name",
    "lone surrogate": "\ud800",
    "dates": [date(2026, 1, 2), datetime(2026, 1, 2, tzinfo=timezone.utc), timedelta(1)],
    "complex": [1j, np.complex64(1j), np.array([1j])],
    "bytearray": [bytearray(b"abc"), b"", b"abc", bytearray()],
    "sets": [{1, "a"}, frozenset({2}), set(), {frozenset({3})}],
    "structured": np.zeros(3, [("x", "f4"), ("name", "U5")]),
    "scalars": [np.str_("a"), np.datetime64("2026-01-02"), np.bool_(True), np.zeros(1, "i4,f8")[0]],
    "arrays": [np.array(["a", "b"]), np.array(["2026"], "M8[D]"), np.array([None, {}, "x"])],
    "containers": [deque([1, 2], 3), Counter("aab"), OrderedDict(a=1), defaultdict(list, a=[1])],
    "numbers": [Decimal("1.5"), Fraction(1, 3), 10**700, -(10**30), range(3), slice(1), None],
    "path": PurePosixPath(*"abcdefghijkl"),
    "keys": {date(2026, 1, 1): 1, frozenset(): 2, (date(2026, 1, 1), 3): 3},
    "class": dict,
}


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("field", _PLAIN)
def test_plain_data_in_other_fields_is_ignored(field: str, protocol: int) -> None:
    found = read(
        saved({0: {0: detection(0, 0, **{field: _PLAIN[field]}), 1: detection(1, 0)}}, protocol)
    )
    assert (
        found.keypoints
        == read(saved({0: dict(enumerate([detection(0, 0), detection(1, 0)]))})).keypoints
    ).all()
    assert found.person.tolist() == [0, 1]


@pytest.mark.parametrize("field", ["id", "box_pos", "pose_pos"])
@pytest.mark.parametrize("value", _PLAIN)
def test_messages_show_no_class_of_the_reader(field: str, value: str) -> None:
    message = refused(saved({0: {"who": detection(0, 0, **{field: _PLAIN[value]})}}))
    assert field.removesuffix("_pos") in message
    assert "frame 0, detection 'who'" in message
    assert not [name for name in ("Raw", "Plain", "_Root", "Name", "object at") if name in message]


@pytest.mark.usefixtures("untouched")
def test_a_refusal_names_the_field() -> None:
    touch = Calls(os.system, "touch touched")
    message = refused(saved({0: {0: detection(0, 0, other=touch)}}))
    assert "it asks for posix.system, near the field 'other'" in message.replace("nt.s", "posix.s")


def test_dates_as_keys_are_different_keys() -> None:
    frames = {0: {date(2026, 1, day): detection(day, 0) for day in range(1, 9)}}
    assert read(saved(frames)).person.tolist() == list(range(1, 9))


def test_a_bbox_of_objects_is_refused() -> None:
    inner = np.empty(4, object)
    inner[:] = [1.0, 2.0, 3.0, 4.0]
    assert "not of numbers" in refused(saved({0: {0: detection(0, 0, box_pos=inner)}}))


@pytest.mark.parametrize("depth", [10_000, 300_000])
def test_deep_nesting_is_refused_and_nothing_overflows(depth: int) -> None:
    nested = b"]" * depth + b"a" * (depth - 1)
    large = bytes(8 * depth)  # so that the size of the file allows so many lists
    assert "not a dict" in refused(npy(b"\x80\x04" + nested + b"." + large))
    content = saved({0: {0: detection(0, 0, box_pos="here")}})
    unframed = without_frames(content)
    assert unframed.count(b"\x8c\x04here\x94") == 1
    assert "box_pos" in refused(unframed.replace(b"\x8c\x04here\x94", nested + b"\x94") + large)


DOUBLED = b"".join(b"h%ch%c\x86\x94a" % (i, i) for i in range(90))


@pytest.mark.parametrize(
    "before_and_key",
    [
        (b"", b")" + b"\x85" * 1_000_000),  # a million tuples, each in the next
        (b"])\x94a" + DOUBLED, b"hZ"),  # each twice in the next
    ],
    ids=["would overflow the stack", "would take forever to hash"],
)
def test_keys_that_would_hang_or_crash_are_refused(before_and_key: tuple[bytes, bytes]) -> None:
    before, key = before_and_key
    content = npy(b"\x80\x04}" + before + b"}" + key + b"K\x01s." + bytes(8 * len(key)))
    assert "neither a number nor text" in refused(content)


def test_a_pickle_of_python_2() -> None:
    """There, bytes and text are one type, and arrays' bytes are spelled as text."""

    def text(value: bytes) -> bytes:
        return b"U" + bytes([len(value)]) + value

    def array(dtype: bytes, shape: bytes, data: bytes) -> bytes:
        made = ARRAY + NDARRAY + b"K\x00\x85" + text(b"b") + b"\x87R"
        dtype = DTYPE + text(dtype) + b"K\x00K\x01\x87R(K\x03" + text(b"<") + b"NNNtb"
        return made + b"(K\x01" + shape + dtype + b"\x89" + data + b"tb"

    numbers = text(np.array([1.0, 3.0, 2.0, 4.0]).tobytes())
    pose = b"T" + struct.pack("<I", 272) + np.arange(34.0).tobytes()
    found = (
        b"}(" + text(b"id") + b"K\x02" + text(b"box_pos") + array(b"f8", b"K\x04\x85", numbers)
        + text(b"pose_pos") + array(b"f8", b"K\x11K\x02\x86", pose) + b"u"
    )  # fmt: skip
    frames = b"]}K\x00}K\x00" + found + b"ssa"
    outer = (
        ARRAY + NDARRAY + b"K\x00\x85" + text(b"b") + b"\x87R(K\x01)"
        + DTYPE + text(b"O8") + b"K\x00K\x01\x87R(K\x03" + text(b"|") + b"NNNtb\x89"
        + frames + b"tb."
    )  # fmt: skip
    tracks_found = read(npy(b"\x80\x02" + outer))
    assert tracks_found.bbox.tolist() == [[1.0, 2.0, 3.0, 4.0]]
    assert tracks_found.keypoints[0, 1].tolist() == [2.0, 3.0]


def test_the_python_unpickler_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pickle, "loads", None)
    monkeypatch.setattr(np, "load", None)
    monkeypatch.setattr(io, "open", None)
    assert len(read(saved(tracks(2))).frame) == 4
