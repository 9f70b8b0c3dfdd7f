from __future__ import annotations

import contextlib
import gc
import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dancereid_pipeline.common.errors import TracksError
from dancereid_pipeline.formats import safe_pickle as pickles
from dancereid_pipeline.formats.npy_tracks import Tracks, read_tracks
from tests.support.data.folders import detection, tracks
from tests.support.data.npys import npy, read, refused, saved, without_frames

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
    assert found.bbox.tolist() == [[1.5, 2.0, 3.5, 9.0]]  # the file's order is x1, x2, y1, y2
    assert (found.keypoints == pose).all()
    assert found.frame_count == 3
    assert (found.bbox.dtype, found.keypoints.shape) == (np.float64, (1, 17, 2))


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
    assert (found.bbox[:, [0, 2, 1, 3]] == [d["box_pos"] for _, d in rows]).all()
    assert (found.keypoints == [d["pose_pos"] for _, d in rows]).all()


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("kind", ["<f8", "<f4", "<f2", ">f8", ">f4", "<i8", "<u2"])
def test_every_pickle_protocol_and_width_of_number(protocol: int, kind: str) -> None:
    box, pose = np.array([1, 30, 2, 60], kind), np.arange(34).reshape(17, 2).astype(kind)
    frames = {np.int64(0): {np.int32(7): detection(0, 0, box_pos=box, pose_pos=pose)}}
    found = read(saved(frames, protocol))
    assert found.bbox.tolist() == [[1, 2, 30, 60]]
    assert (found.keypoints[0] == np.arange(34).reshape(17, 2)).all()


@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_names_of_older_numpy_are_known(protocol: int) -> None:
    content = saved({0: {0: detection(0, 0, id=np.int64(3), box_score=np.float32(0.5))}}, protocol)
    old = content.replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
    if protocol == 4:  # the name's length stands before it
        old = old.replace(b"\x8c\x16numpy.core", b"\x8c\x15numpy.core")
        old = without_frames(old)
    assert read(old).person.tolist() == [2]


@pytest.mark.parametrize(
    "box", [[1, 30, 2, 60], (1.0, 30.0, 2.0, 60.0), [np.float32(1), np.float64(30), 2, np.int8(60)]]
)
def test_boxes_may_be_lists_and_scalars(box: Any) -> None:
    assert read(saved({0: {0: detection(0, 0, box_pos=box)}})).bbox.tolist() == [[1, 2, 30, 60]]


def test_poses_may_be_lists_of_lists_and_of_arrays() -> None:
    pose = np.arange(34.0).reshape(17, 2)
    for spelled in (pose.tolist(), list(pose), tuple(map(tuple, pose.tolist()))):
        found = read(saved({0: {0: detection(0, 0, pose_pos=spelled)}}))
        assert (found.keypoints[0] == pose).all()


def test_fortran_order_and_ordered_dicts() -> None:
    pose = np.asfortranarray(np.arange(34.0).reshape(17, 2))
    found = read(saved(OrderedDict({0: OrderedDict({0: detection(0, 0, pose_pos=pose)})})))
    assert (found.keypoints[0] == pose).all()


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_an_array_may_be_shared_by_detections(protocol: int) -> None:
    frames: dict[int, Any] = {}
    poses = [np.full((17, 2), float(number)) for number in range(300)]
    for frame in range(900):
        frames[frame] = {0: detection(0, frame, pose_pos=poses[frame % len(poses)])}
    found = read(saved(frames, protocol))
    assert found.keypoints[:, 0, 0].tolist() == [frame % 300 for frame in range(900)]


@pytest.mark.parametrize("frames", [100, 3000])
@pytest.mark.parametrize("protocol", [2, 4])
def test_a_person_who_does_not_move_may_share_bbox_and_pose(frames: int, protocol: int) -> None:
    still = detection(0, 0)
    fields = {"id": 1, "box_pos": still["box_pos"], "pose_pos": still["pose_pos"]}
    found = read(saved({frame: {0: dict(fields)} for frame in range(frames)}, protocol))
    assert (found.bbox[:, 0] == still["box_pos"][0]).tolist() == [True] * frames


_NUMBERS = st.floats(-1e5, 1e5)
_ARRAYS = st.builds(
    lambda numbers, kind, order: np.array(numbers, kind, order=order),
    st.lists(_NUMBERS, min_size=4, max_size=4),
    st.sampled_from(["<f8", ">f8", "<f4", "<i4"]),
    st.sampled_from("CF"),
)


@given(
    boxes=st.lists(_ARRAYS, min_size=1, max_size=4),
    # Enough that most arrays come after the 256 objects that are always remembered.
    picked=st.lists(st.integers(0, 3), min_size=20, max_size=30),
    order=st.sampled_from("CF"),
    protocol=st.sampled_from([2, 3, 4, 5]),
)
def test_arrays_made_at_once_are_those_made_step_by_step(
    boxes: list[Any], picked: list[int], order: Any, protocol: int
) -> None:
    # Poses of their own: one that is shared would be fetched, and never be made at once.
    poses = [np.array(np.arange(34.0).reshape(17, 2) + n, order=order) for n in range(len(picked))]
    frames = {
        frame: {0: detection(0, frame, box_pos=boxes[pick % len(boxes)], pose_pos=poses[frame])}
        for frame, pick in enumerate(picked)
    }
    content = saved(frames, protocol)
    found = read(content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pickles, "usual_array", lambda *_: None)
        step_by_step = read(content)
    expected = [boxes[pick % len(boxes)].astype(float) for pick in picked]
    for tracks_read in (found, step_by_step):
        assert (tracks_read.bbox[:, [0, 2, 1, 3]] == expected).all()
        assert (tracks_read.keypoints == poses).all()


@pytest.mark.parametrize("was_on", [True, False])
def test_garbage_is_collected_after_reading_as_it_was_before(was_on: bool) -> None:
    try:
        (gc.enable if was_on else gc.disable)()
        read(saved(tracks(2)))
        assert gc.isenabled() is was_on
        refused(saved(tracks(2))[:-40])
        assert gc.isenabled() is was_on
    finally:
        gc.enable()


def test_only_detections_in_wanted_frames_are_kept() -> None:
    content = saved(tracks(9))
    found, every = read_tracks(content, "some.npy", frames=np.array([3, 7, 99])), read(content)
    assert found.frame.tolist() == [3, 3, 7, 7]
    assert (found.bbox == every.bbox[[6, 7, 14, 15]]).all()
    assert (found.keypoints == every.keypoints[[6, 7, 14, 15]]).all()
    assert found.frame_count == every.frame_count == 9


def test_what_is_not_wanted_is_checked_all_the_same() -> None:
    frames = tracks(3000)  # more than are checked at once
    frames[2990]["left one"] = detection(1, 2990, box_pos=[1, 2, 3, float("nan")])  # type: ignore[index]
    with pytest.raises(TracksError, match="frame 2990, detection 'left one': box_pos holds NaN"):
        read_tracks(saved(frames), "some.npy", frames=np.array([3]))
    del frames[2990]["left one"]  # type: ignore[arg-type]
    assert read(saved(frames)).frame.tolist() == [frame for frame in range(3000) for _ in range(2)]


@pytest.mark.parametrize("version", [b"\x01\x00", b"\x02\x00", b"\x03\x00"])
def test_every_version_of_the_npy_header(version: bytes) -> None:
    pickled = saved(tracks(2))[128:]
    assert len(read(npy(pickled, version=version)).frame) == 4


# -- joints that were not seen, and scores


def test_a_joint_with_one_nan_is_not_seen() -> None:
    pose = np.arange(34.0).reshape(17, 2)
    pose[9, 0] = np.nan
    for spelled in (pose, pose.astype("f4"), pose.tolist()):
        found = read(saved({0: {0: detection(0, 0, pose_pos=spelled)}})).keypoints[0]
        assert np.isnan(found[9]).all()
        others = np.arange(17) != 9
        assert (found[others] == np.arange(34.0).reshape(17, 2)[others]).all()


@pytest.mark.parametrize("kind", [np.float64, np.float32, list])
def test_a_third_column_of_scores_is_dropped(kind: Any) -> None:
    pose = np.arange(51.0).reshape(17, 3)
    spelled = pose.tolist() if kind is list else np.asfortranarray(pose, dtype=kind)
    found = read(saved({0: {0: detection(0, 0, pose_pos=spelled)}}))
    assert found.scored
    assert (found.keypoints[0] == pose[:, :2]).all()
    assert not read(saved(tracks(1))).scored


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
        (saved([1, 2]), "not a dict in a 0-d object array"),
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
    for offset in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=4)):
        content[offset] = data.draw(st.integers(0, 255))
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
        ({"box_pos": [1, 2, 3, float("nan")]}, "box_pos holds NaN or infinity"),
        ({"box_pos": [1, 2, 3, float("nan")]}, "(id 2)"),
        ({"box_pos": "1234"}, "expected box_pos as numbers"),
        ({"box_pos": None}, "expected box_pos as numbers"),
        ({"box_pos": [1, 2, [3], 4]}, "expected box_pos as numbers"),
        ({"box_pos": [True, False, True, True]}, "expected box_pos as numbers"),
        ({"pose_pos": np.zeros((17, 4))}, "numbers (17, 2), got an array of shape (17, 4)"),
        ({"pose_pos": np.full((17, 2), np.inf)}, "pose_pos holds infinity"),
        ({"pose_pos": [[1, np.nan]] * 16 + [[np.inf, np.nan]]}, "pose_pos holds infinity"),
        ({"pose_pos": np.zeros((2, 17))}, "got an array of shape (2, 17)"),
        ({"pose_pos": np.zeros((17, 2), bool)}, "got an array of shape (17, 2)"),
        ({"pose_pos": np.full((17, 2), "x")}, "got an array of shape (17, 2), not of numbers"),
        ({"pose_pos": np.full((17, 2), 1e300)}, "a number too large for a pixel"),
        ({"box_pos": [-1.7e308, 1.7e308, 0, 10]}, "a number too large for a pixel"),
        ({"box_pos": [10**400, 1, 2, 3]}, "expected box_pos as numbers"),
        ({"pose_pos": [[1, 2]] * 16}, "got a list of 16"),
        ({"pose_pos": [[1, 2, 3]] * 16 + [[1, 2]]}, "expected pose_pos as numbers (17, 2)"),
        ({"box_pos": {1, 2, 3}}, "numbers (4,), got a set"),
        ({"box_pos": complex(1, 2)}, "numbers (4,), got a complex"),
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
