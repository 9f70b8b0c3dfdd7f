from __future__ import annotations

import contextlib
import copyreg
import io
import os
import pickle
import pickletools
import struct
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dancereid_pipeline.errors import Reason, TracksError
from dancereid_pipeline.tracks import Tracks, read_tracks, write_tracks
from tests.support.data import detection, tracks


def npy(pickled: bytes, header: str | None = None, version: bytes = b"\x01\x00") -> bytes:
    """An npy file around a pickle."""
    text = header or "{'descr': '|O', 'fortran_order': False, 'shape': (), }"
    encoded = text.ljust(117).encode() + b"\n"
    size = struct.pack("<H" if version[0] == 1 else "<I", len(encoded))
    return b"\x93NUMPY" + version + size + encoded + pickled


def saved(frames: Any, protocol: int = 4) -> bytes:
    """An npy file as NumPy pickles it."""
    array = np.empty((), object)
    array[()] = frames
    return npy(pickle.dumps(array, protocol=protocol))


def read(content: bytes) -> Tracks:
    return read_tracks(content, "some.npy")


def refused(content: bytes) -> str:
    with pytest.raises(TracksError) as error:
        read(content)
    assert error.value.reason is Reason.BAD_TRACKS
    assert "some.npy" in str(error.value)
    return str(error.value)


# -- what is read


def test_columns_of_a_hand_made_file() -> None:
    pose = np.arange(34.0).reshape(17, 2)
    found = read(
        saved(
            {
                1: {"x": detection(4, 1, pose_pos=pose, box_pos=[1.5, 3.5, 2.0, 9.0])},
                0: {},
                2: {},
            }
        )
    )
    assert found.frame.tolist() == [1]
    assert found.person.tolist() == [4]  # the file says 5: ids there are from 1
    assert found.box.tolist() == [[1.5, 2.0, 3.5, 9.0]]  # the file's order is x1, x2, y1, y2
    assert (found.keypoints == pose).all()
    assert found.frame_count == 3
    assert (found.box.dtype, found.keypoints.shape) == (np.float64, (1, 17, 2))


@pytest.mark.parametrize("name", ["golden/edge_landscape", "real_footage"])
def test_the_same_as_numpy_reads(request: pytest.FixtureRequest, name: str) -> None:
    folder: Path = request.getfixturevalue(name.split("/")[0])
    (path,) = (folder / "npy").iterdir()
    found = read_tracks(path.read_bytes(), str(path))
    frames = np.load(path, allow_pickle=True).item()
    rows = [(frame, d) for frame in sorted(frames) for d in frames[frame].values()]
    assert len(rows) > 300
    assert found.frame.tolist() == [frame for frame, _ in rows]
    assert found.person.tolist() == [d["id"] - 1 for _, d in rows]
    assert (found.box[:, [0, 2, 1, 3]] == [d["box_pos"] for _, d in rows]).all()
    assert (found.keypoints == [d["pose_pos"] for _, d in rows]).all()


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("kind", ["<f8", "<f4", "<f2", ">f8", ">f4", "<i8", "<u2"])
def test_every_pickle_protocol_and_width_of_number(protocol: int, kind: str) -> None:
    box, pose = np.array([1, 30, 2, 60], kind), np.arange(34).reshape(17, 2).astype(kind)
    frames = {np.int64(0): {np.int32(7): detection(0, 0, box_pos=box, pose_pos=pose)}}
    found = read(saved(frames, protocol))
    assert found.box.tolist() == [[1, 2, 30, 60]]
    assert (found.keypoints[0] == np.arange(34).reshape(17, 2)).all()


@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_names_of_older_numpy_are_known(protocol: int) -> None:
    content = saved({0: {0: detection(0, 0, id=np.int64(3), box_score=np.float32(0.5))}}, protocol)
    old = content.replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
    if protocol == 4:  # the name's length stands before it
        old = old.replace(b"\x8c\x16numpy.core", b"\x8c\x15numpy.core")
        old = _without_frames(old)
    assert read(old).person.tolist() == [2]


def _without_frames(content: bytes) -> bytes:
    """The npy file with FRAME opcodes taken out: their lengths no longer fit."""
    start = content.index(b"\n") + 1
    data, place = content[start:], 0
    kept = bytearray()
    positions = [p for op, _, p in pickletools.genops(data) if op.name == "FRAME"]
    for position in positions:
        kept += data[place:position]
        place = position + 9
    return content[:start] + bytes(kept + data[place:])


@pytest.mark.parametrize(
    "box", [[1, 30, 2, 60], (1.0, 30.0, 2.0, 60.0), [np.float32(1), np.float64(30), 2, np.int8(60)]]
)
def test_boxes_may_be_lists_and_scalars(box: Any) -> None:
    assert read(saved({0: {0: detection(0, 0, box_pos=box)}})).box.tolist() == [[1, 2, 30, 60]]


def test_poses_may_be_lists_of_lists_and_of_arrays() -> None:
    pose = np.arange(34.0).reshape(17, 2)
    for spelled in (pose.tolist(), list(pose), tuple(map(tuple, pose.tolist()))):
        found = read(saved({0: {0: detection(0, 0, pose_pos=spelled)}}))
        assert (found.keypoints[0] == pose).all()


def test_fortran_order_and_ordered_dicts() -> None:
    pose = np.asfortranarray(np.arange(34.0).reshape(17, 2))
    found = read(saved(OrderedDict({0: OrderedDict({0: detection(0, 0, pose_pos=pose)})})))
    assert (found.keypoints[0] == pose).all()


@pytest.mark.parametrize("version", [b"\x01\x00", b"\x02\x00", b"\x03\x00"])
def test_every_version_of_the_npy_header(version: bytes) -> None:
    pickled = saved(tracks(2))[128:]
    assert len(read(npy(pickled, version=version)).frame) == 4


def test_what_is_written_is_read_back_and_by_numpy(tmp_path: Path) -> None:
    path = tmp_path / "some.npy"
    write_tracks(path, tracks(3))
    assert np.load(path, allow_pickle=True).item().keys() == {0, 1, 2}
    assert read(path.read_bytes()).person.tolist() == [0, 1] * 3


# -- what is not one


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "0 bytes"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"\x93NUMPY", "cut off"),
        (saved(tracks(2))[:90], "cut off"),
        (npy(b"", "{'descr': '|O', 'fortran_order': False, 'shape': (), }"), "cut off"),
        (npy(b".", "{'descr': '<f8', 'fortran_order': False, 'shape': (), }"), "<f8"),
        (npy(b".", "{'descr': '|O', 'fortran_order': False, 'shape': (10**10,), }"), "header"),
        (npy(b".", "{'descr': '|O', 'fortran_order': False, 'shape': (10000000000,)}"), "shape"),
        (npy(b".", "__import__('os').system('true')"), "npy header says"),
        (npy(b".", "(" * 100), "npy header says"),
        (npy(pickle.dumps({0: {}})), "0-d object array"),
        (npy(pickle.dumps(np.zeros(3))), "0-d object array"),
        (saved([1, 2]), "no dict in a 0-d object array"),
        (saved({}), "expected a dict of frames"),
    ],
)
def test_other_files_are_refused(content: bytes, says: str) -> None:
    assert says in refused(content)


@given(st.integers(0, 2000), st.data())
def test_a_file_cut_off_anywhere_is_refused(cut: int, data: st.DataObject) -> None:
    content = saved(tracks(3))
    refused(content[: min(cut, len(content) - 1)])


@given(st.binary(max_size=300))
def test_random_bytes_are_refused(noise: bytes) -> None:
    refused(noise)
    refused(npy(noise))


@given(st.data())
def test_flipped_bytes_are_read_or_refused_and_nothing_else(data: st.DataObject) -> None:
    content = bytearray(saved(tracks(2)))
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=4)):
        content[place] = data.draw(st.integers(0, 255))
    with contextlib.suppress(TracksError):
        assert isinstance(read(bytes(content)), Tracks)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"id": 0}, "expected an id from 1, got 0"),
        ({"id": -3}, "got -3"),
        ({"id": True}, "got True"),
        ({"id": 1.0}, "got 1.0"),
        ({"id": None}, "got None"),
        ({"id": 2**40}, "expected an id"),
        ({"box_pos": [1, 2, 3]}, "expected box_pos as numbers (4,), got a list of 3"),
        ({"box_pos": [1, 2, 3, float("nan")]}, "box_pos holds NaN"),
        ({"box_pos": "1234"}, "expected box_pos as numbers"),
        ({"box_pos": None}, "expected box_pos as numbers"),
        ({"box_pos": [1, 2, [3], 4]}, "expected box_pos as numbers"),
        ({"box_pos": [True, False, True, True]}, "expected box_pos as numbers"),
        ({"pose_pos": np.zeros((17, 3))}, "pose_pos of shape (17, 2), got (17, 3)"),
        ({"pose_pos": np.full((17, 2), np.inf)}, "pose_pos holds NaN, infinity"),
        ({"pose_pos": np.zeros((2, 17))}, "got (2, 17)"),
        ({"pose_pos": np.full((17, 2), 1e300)}, "a number that is no pixel's"),
        ({"box_pos": [-1.7e308, 1.7e308, 0, 10]}, "a number that is no pixel's"),
        ({"box_pos": [10**400, 1, 2, 3]}, "expected box_pos as numbers"),
        ({"pose_pos": [[1, 2]] * 16}, "got a list of 16"),
        ({"pose_pos": [[1, 2, 3]] * 17}, "expected pose_pos as numbers (17, 2)"),
        ({"box_pos": ["x" * 10**6] * 4}, "expected box_pos as numbers"),
    ],
)
def test_errors_name_frame_and_detection(changes: dict[str, Any], says: str) -> None:
    frames = tracks(3)
    frames[2]["left one"] = detection(1, 2, **changes)  # type: ignore[index]
    message = refused(saved(frames))
    assert says in message
    assert "frame 2, detection 'left one'" in message


@pytest.mark.parametrize("key", ["id", "box_pos", "pose_pos"])
def test_a_missing_key_is_named(key: str) -> None:
    frames = tracks(2)
    del frames[1][0][key]
    assert f"frame 1, detection 0: '{key}' is missing" in refused(saved(frames))


@pytest.mark.parametrize("frame", [-1, "0", 1.5, None, True, 2**70])
def test_frames_are_whole_numbers(frame: Any) -> None:
    assert "frames as whole numbers" in refused(saved({frame: {}}))


def test_detections_are_dicts() -> None:
    assert "frame 0: expected a dict of detections" in refused(saved({0: [detection(0, 0)]}))
    assert "frame 0, detection 1: expected a dict" in refused(saved({0: {1: [1, 2]}}))


# -- what would do harm


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
        b"\x8f(K\x01\x90.",  # a set
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
    message = refused(_without_frames(huge))
    assert "expected box_pos as numbers" in message


def test_object_arrays_inside_are_refused() -> None:
    inner = np.empty(4, object)
    inner[:] = [1.0, 2.0, 3.0, 4.0]
    assert "array of objects" in refused(saved({0: {0: detection(0, 0, box_pos=inner)}}))
    assert "array of objects" in refused(saved({0: {0: detection(0, 0, anything=inner)}}))


@pytest.mark.parametrize("depth", [10_000, 300_000])
def test_deep_nesting_is_refused_and_nothing_overflows(depth: int) -> None:
    nested = b"]" * depth + b"a" * (depth - 1)
    refused(npy(b"\x80\x04" + nested + b"."))
    content = saved({0: {0: detection(0, 0, box_pos="here")}})
    place = _without_frames(content)
    assert place.count(b"\x8c\x04here\x94") == 1
    assert "box_pos" in refused(place.replace(b"\x8c\x04here\x94", nested + b"\x94"))


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
    content = npy(b"\x80\x04}" + before + b"}" + key + b"K\x01s.")
    assert "neither number nor text" in refused(content)


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
    assert tracks_found.box.tolist() == [[1.0, 2.0, 3.0, 4.0]]
    assert tracks_found.keypoints[0, 1].tolist() == [2.0, 3.0]


def test_the_python_unpickler_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pickle, "loads", None)
    monkeypatch.setattr(np, "load", None)
    monkeypatch.setattr(io, "open", None)
    assert len(read(saved(tracks(2))).frame) == 4
