"""`dancereid.write_annotation` takes what a build can read, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dancereid
from dancereid_pipeline.catalogue.catalogue import Catalogue
from dancereid_pipeline.common.errors import AnnotationError, OptionError
from dancereid_pipeline.formats.annotation import Annotation


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "new" / "annotation.json"
    frames = {np.int64(0): np.array([4, 2]), 17: range(3), 3: []}
    dancereid.write_annotation(path, {"a": frames, "b": {"5": (1,)}})
    (tmp_path / "catalogue.csv").write_text("video_id,people,split\na,3,test\nb,1,test\n")
    found = Annotation.read(path, Catalogue.read(tmp_path / "catalogue.csv")).videos
    assert found["a"].people.tolist() == [0, 3, 17]
    assert [f.tolist() for f in found["a"].frames] == [[2, 4], [], [0, 1, 2]]
    assert (found["b"].people.tolist(), found["b"].frames[0].tolist()) == ([5], [1])


@pytest.mark.parametrize(
    ("videos", "says"),
    [
        ([], "got a list at the top"),
        ({"a": [1]}, "video 'a': expected a video id and its people"),
        ({1: {}}, "video 1: expected a video id"),
        ({"a": {-1: [0]}}, "video 'a': expected a person's id as a decimal number, got '-1'"),
        ({"a": {True: [0]}}, "got 'True'"),
        ({"a": {0.0: [0]}}, "got '0.0'"),
        ({"a": {0: 5}}, "person 0: expected a list of frames, got a int"),
        ({"a": {0: "123"}}, "person 0: expected a list of frames, got a str"),
        ({"a": {0: [1.0]}}, "expected frames as whole numbers from 0, got '1.0'"),
        ({"a": {0: np.array([1.5])}}, "expected frames as whole numbers from 0"),
        ({"a": {0: [-1]}}, "got '-1'"),
        ({"a": {0: [True]}}, "got 'True'"),
        ({"a": {0: [3, 3]}}, "frame 3 is listed twice"),
    ],
)
def test_what_cannot_be_read_is_not_written(tmp_path: Path, videos: Any, says: str) -> None:
    path = tmp_path / "annotation.json"
    path.write_text("before")
    with pytest.raises(AnnotationError) as error:
        dancereid.write_annotation(path, videos)
    assert says in str(error.value)
    assert "annotation.json (not written)" in str(error.value)
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_path_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="path"):
        dancereid.write_annotation(3, {})  # type: ignore[arg-type]
