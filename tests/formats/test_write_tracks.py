"""`write_tracks` writes what a build can read, and nothing else."""

from __future__ import annotations

import tempfile
from collections import ChainMap, OrderedDict, defaultdict
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dancereid_pipeline.common.errors import OptionError, SourceError, TracksError
from dancereid_pipeline.formats.npy_tracks import write_tracks
from tests.support.data.folders import detection, tracks
from tests.support.data.npys import read, saved


def test_what_is_written_is_read_back_and_by_numpy(tmp_path: Path) -> None:
    path = tmp_path / "some.npy"
    write_tracks(path, tracks(3))
    assert np.load(path, allow_pickle=True).item().keys() == {0, 1, 2}
    assert read(path.read_bytes()).person.tolist() == [0, 1] * 3


_NUMBERS = st.floats(-1e5, 1e5)
_BOXES = st.lists(_NUMBERS | st.integers(-(10**5), 10**5), min_size=4, max_size=4)
_JOINT = st.lists(_NUMBERS | st.just(np.nan), min_size=2, max_size=2)
_DETECTIONS = st.fixed_dictionaries(
    {
        "id": st.integers(1, 2**31 - 1) | st.integers(1, 99).map(np.int16),
        "box_pos": st.one_of(_BOXES, _BOXES.map(tuple), _BOXES.map(np.array)),
        "pose_pos": st.lists(_JOINT, min_size=17, max_size=17).flatmap(
            lambda pose: st.sampled_from([pose, np.array(pose), np.c_[pose, np.ones(17)]])
        ),
    },
    optional={"name": st.text(), "seen": st.sets(st.integers()), "day": st.dates()},
)
_OF_FRAME = st.dictionaries(st.text() | st.dates(), _DETECTIONS, max_size=3).filter(
    lambda of_frame: len({int(d["id"]) for d in of_frame.values()}) == len(of_frame)
)
_FRAMES = st.dictionaries(st.integers(0, 2**31 - 1), _OF_FRAME, min_size=1, max_size=4)


@given(_FRAMES, st.sampled_from([dict, OrderedDict, MappingProxyType, ChainMap]))
def test_whatever_is_written_is_read_back(frames: Any, kind: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/some.npy"
        write_tracks(path, kind({frame: kind(of_frame) for frame, of_frame in frames.items()}))
        found = read(Path(path).read_bytes())
    rows = [d for frame in sorted(frames) for d in frames[frame].values()]
    assert found.frame.tolist() == [f for f in sorted(frames) for _ in frames[f]]
    assert found.person.tolist() == [int(d["id"]) - 1 for d in rows]
    assert found.bbox[:, [0, 2, 1, 3]].tolist() == [list(d["box_pos"]) for d in rows]
    pose = np.array([np.array(d["pose_pos"])[:, :2] for d in rows]).reshape(-1, 17, 2)
    pose[np.isnan(pose).any(axis=2)] = np.nan
    assert np.array_equal(found.keypoints, pose, equal_nan=True)
    assert found.frame_count == max(frames) + 1


def test_defaultdicts_are_written_and_read(tmp_path: Path) -> None:
    inner = {frame: defaultdict(dict, of_frame) for frame, of_frame in tracks(3).items()}
    outer = defaultdict(dict, inner)
    write_tracks(tmp_path / "written.npy", outer)
    for content in (saved(outer), saved(inner, 2), (tmp_path / "written.npy").read_bytes()):
        assert (read(content).bbox == read(saved(tracks(3))).bbox).all()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"id": 0}, "expected an id from 1, got 0"),
        ({"id": "1"}, "expected an id from 1, got '1'"),
        ({"box_pos": None}, "expected box_pos as numbers (4,), got None"),
        ({"box_pos": [1, 2, np.nan, 4]}, "box_pos holds NaN"),
        ({"pose_pos": np.ones((17, 4))}, "expected pose_pos as numbers (17, 2)"),
        ({"pose_pos": np.full((17, 2), np.inf)}, "pose_pos holds infinity"),
        ({"pose_pos": np.ones((17, 2), complex)}, "expected pose_pos as numbers (17, 2)"),
    ],
)
def test_what_cannot_be_read_is_not_written(
    tmp_path: Path, changes: dict[str, Any], says: str
) -> None:
    path = tmp_path / "some.npy"
    path.write_bytes(b"before")
    with pytest.raises(TracksError, match="frame 1, detection 7") as error:
        write_tracks(path, {0: {}, 1: {7: detection(0, 1, **changes)}})
    assert says in str(error.value)
    assert [file.name for file in tmp_path.iterdir()] == ["some.npy"]
    assert path.read_bytes() == b"before"


@pytest.mark.parametrize(
    ("frames", "says"),
    [
        ({}, "expected a dict of frames"),
        ([1, 2], "not a dict"),
        ({-1: {}}, "frames as whole numbers"),
        (
            {0: {}, 3: {"a": detection(4, 3), "b": detection(4, 3)}},
            "frame 3: expected each id once",
        ),
        ({0: [1]}, "expected a dict of detections, got a list of 1"),
        ({0: {0: {"id": 1, "box_pos": [1, 2, 3, 4]}}}, "'pose_pos' is missing"),
        ({0: {0: {"id": lambda: 1}}}, "cannot be written"),
        ({0: {0: detection(0, 0, other=ValueError("x"))}}, "near the field 'other'"),
    ],
)
def test_other_things_are_not_written(tmp_path: Path, frames: Any, says: str) -> None:
    with pytest.raises(TracksError) as error:
        write_tracks(tmp_path / "some.npy", frames)
    assert says in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_a_path_may_be_text_with_a_tilde(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    write_tracks("~/new/some.npy", tracks(1))
    assert len(read((tmp_path / "new" / "some.npy").read_bytes()).frame) == 2
    with pytest.raises(OptionError, match="expected a path, got 3"):
        write_tracks(3, tracks(1))  # type: ignore[arg-type]
    with pytest.raises(SourceError, match="expected the name of a file"):
        write_tracks(tmp_path, tracks(1))
