"""The limits of tracklets, from the annotation alone."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dancereid_pipeline.build.options import SampleOptions
from dancereid_pipeline.build.units import Tracklet, planned_tracklets
from dancereid_pipeline.formats.annotation import VideoAnnotation


def annotation(*frames: list[int]) -> VideoAnnotation:
    return VideoAnnotation(np.arange(len(frames)), tuple(np.array(f, np.int64) for f in frames))


def spans(*frames: list[int], **options: int) -> list[tuple[int, int, int]]:
    """Person, first and last frame of each tracklet, by person."""
    found = planned_tracklets(annotation(*frames), SampleOptions(unit="tracklet", **options))
    assert found == sorted(found)
    return sorted((t.person, t.first, t.last) for t in found)


@pytest.mark.parametrize(
    ("frames", "options", "expected"),
    [
        ([0, 5, 10], {}, [(0, 10)]),
        # Frame 15 lacks the person: a gap of 5 frames, beyond the stride of 5.
        ([5, 10, 20, 25], {}, [(5, 10), (20, 25)]),
        ([5, 10, 20, 25], {"max_gap": 4}, [(5, 10), (20, 25)]),
        ([5, 10, 20, 25], {"max_gap": 5}, [(5, 25)]),
        # At stride 1, frames 3 and 4 are missing: a gap of 2.
        ([1, 2, 5], {"stride": 1}, [(1, 2), (5, 5)]),
        ([1, 2, 5], {"stride": 1, "max_gap": 1}, [(1, 2), (5, 5)]),
        ([1, 2, 5], {"stride": 1, "max_gap": 2}, [(1, 5)]),
        # Frames that 5 does not divide are not taken, and break nothing.
        ([0, 1, 3, 5, 7, 10], {}, [(0, 10)]),
        ([], {}, []),
        ([3], {}, []),
        (list(range(10)), {"stride": 1, "max_length": 4}, [(0, 3), (4, 7), (8, 9)]),
        (list(range(8)), {"stride": 1, "max_length": 4}, [(0, 3), (4, 7)]),
        # Each begins with the last crop of the one before; none has only that one.
        (list(range(10)), {"stride": 1, "max_length": 4, "overlap": 1}, [(0, 3), (3, 6), (6, 9)]),
        (list(range(5)), {"stride": 1, "max_length": 4, "overlap": 3}, [(0, 3), (1, 4)]),
        ([0, 1], {"stride": 1, "max_length": 4, "overlap": 3}, [(0, 1)]),
    ],
)
def test_gaps_lengths_and_overlaps_worked_by_hand(
    frames: list[int], options: dict[str, int], expected: list[tuple[int, int]]
) -> None:
    assert spans(frames, **options) == [(0, *span) for span in expected]


def test_the_one_that_ends_first_comes_first() -> None:
    found = planned_tracklets(annotation([0, 5, 15], [5, 10]), SampleOptions(unit="tracklet"))
    assert found == [
        Tracklet(last=5, person=0, first=0, needed_from=15),
        Tracklet(last=10, person=1, first=5, needed_from=2**31),
        Tracklet(last=15, person=0, first=15, needed_from=2**31),
    ]


@given(
    frames=st.lists(st.integers(0, 120), unique=True).map(sorted),
    gap=st.integers(0, 12),
    length=st.integers(1, 9),
    overlap=st.integers(0, 8),
    stride=st.integers(1, 6),
)
def test_every_crop_is_in_a_tracklet(
    frames: list[int], gap: int, length: int, overlap: int, stride: int
) -> None:
    overlap = min(overlap, length - 1)
    taken = [f for f in frames if f % stride == 0]
    options = {"stride": stride, "max_gap": gap, "max_length": length, "overlap": overlap}
    parts = [
        [f for f in taken if first <= f <= last] for _, first, last in spans(frames, **options)
    ]
    assert sorted({f for part in parts for f in part}) == taken
    if overlap == 0:
        assert [f for part in parts for f in part] == taken
    assert all(len(part) <= length for part in parts)
    assert all(b - a - stride <= gap for part in parts for a, b in pairwise(part))
    assert len({part[0] for part in parts}) == len(parts)  # so keys are unique
    for before, after in pairwise(parts):
        common = len(set(before) & set(after))
        assert common in (0, overlap)
        if common == 0 and overlap == 0 and len(before) < length:
            assert after[0] - before[-1] - stride > gap
