"""Jumps, swaps, and people who are twice in a frame."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dancereid_pipeline.checks.finding import Kind
from dancereid_pipeline.checks.moves import Doubtful, doubtful_detections, move_findings
from dancereid_pipeline.formats.npy_tracks import Tracks, read_tracks
from tests.support.calls import counted_calls

FRAMES, PEOPLE = 20, 3


def standing(frames: int = FRAMES, people: int = PEOPLE) -> Tracks:
    """People of 100 pixels who stand 60 pixels apart, and sway a little."""
    frame, person = np.repeat(np.arange(frames), people), np.tile(np.arange(people), frames)
    x, y = 60.0 * person + 3 * np.sin(frame), np.full(len(frame), 20.0)
    bbox = np.stack([x, y, x + 40, y + 100], axis=1)
    keypoints = np.linspace(bbox[:, :2] + 5, bbox[:, 2:] - 5, 17, axis=1)
    # Each person has another pose.
    keypoints[:, :, 0] += 8 * np.sin(person[:, None] + np.arange(17))
    return Tracks(frame, person, bbox, keypoints, frames)


def rows(tracks: Tracks, person: int, start: int, stop: int = FRAMES) -> np.ndarray:
    inside = (tracks.frame >= start) & (tracks.frame < stop)
    return np.flatnonzero((tracks.person == person) & inside)


def exchange(tracks: Tracks, one: int, two: int, start: int) -> Tracks:
    """Two people with each other's detections from a frame on."""
    bbox, keypoints = tracks.bbox.copy(), tracks.keypoints.copy()
    a, b = rows(tracks, one, start), rows(tracks, two, start)
    for column in (bbox, keypoints):
        column[np.concatenate([a, b])] = column[np.concatenate([b, a])]
    return replace(tracks, bbox=bbox, keypoints=keypoints)


def test_nothing_is_doubtful_in_people_who_sway() -> None:
    assert doubtful_detections(standing()) == []
    assert doubtful_detections(replace(standing(), keypoints=standing().keypoints * np.nan)) == []
    assert doubtful_detections(standing().take(np.arange(0))) == []
    assert doubtful_detections(standing().take(np.arange(1))) == []


def test_a_jump_is_found_once_where_it_is() -> None:
    tracks = standing()
    moved = rows(tracks, 1, 7)
    tracks.bbox[moved] += 55
    tracks.keypoints[moved] += 55
    assert doubtful_detections(tracks) == [Doubtful(Kind.JUMP, 7, 1)]


def test_a_jump_needs_bbox_and_joints() -> None:
    for name in ("bbox", "keypoints"):
        tracks = standing()
        getattr(tracks, name)[rows(tracks, 1, 7)] += 70
        assert doubtful_detections(tracks) == []
    tracks = standing()
    tracks.bbox[rows(tracks, 1, 7)] += 70
    tracks.keypoints[:] = np.nan
    assert doubtful_detections(tracks) == [Doubtful(Kind.JUMP, 7, 1)]


def test_a_gap_is_no_jump() -> None:
    tracks = standing()
    moved = rows(tracks, 1, 7)
    tracks.bbox[moved] += 70
    tracks.keypoints[moved] += 70
    gap = np.delete(np.arange(len(tracks.frame)), rows(tracks, 1, 6, 7))
    assert doubtful_detections(tracks.take(gap)) == []


@pytest.mark.parametrize("joints", [True, False])
def test_two_people_who_are_swapped_are_named(joints: bool) -> None:
    tracks = exchange(standing(), 0, 2, 11)
    if not joints:
        tracks.keypoints[:] = np.nan
    assert doubtful_detections(tracks) == [
        Doubtful(Kind.SWAPPED, 11, 0, 2), Doubtful(Kind.SWAPPED, 11, 2, 0),
    ]  # fmt: skip


def test_a_swap_of_people_in_the_same_bbox_is_seen_by_their_joints() -> None:
    tracks = standing(people=2)
    second = rows(tracks, 1, 0)
    tracks.bbox[second, 0::2] -= 55  # nearly where the first person is
    tracks.keypoints[second, :, 0] -= 55
    tracks.keypoints[second] = tracks.keypoints[second, ::-1]  # upside down
    assert doubtful_detections(tracks) == []
    swapped = exchange(tracks, 0, 1, 5)
    assert [(d.kind, d.frame) for d in doubtful_detections(swapped)] == [(Kind.SWAPPED, 5)] * 2


def test_somebody_who_is_twice_in_a_frame() -> None:
    tracks = standing()
    copied, original = rows(tracks, 2, 4, 6), rows(tracks, 0, 4, 6)
    tracks.bbox[copied] = tracks.bbox[original] + 0.5
    tracks.keypoints[copied] = tracks.keypoints[original] + 0.5
    found = [d for d in doubtful_detections(tracks) if d.kind is Kind.TWICE]
    assert found == [Doubtful(Kind.TWICE, 4, 2, 0), Doubtful(Kind.TWICE, 5, 2, 0)]
    tracks.keypoints[copied] = tracks.keypoints[copied, ::-1]  # another pose in the same bbox
    assert [d for d in doubtful_detections(tracks) if d.kind is Kind.TWICE] == []


def test_a_finding_for_each_kind() -> None:
    tracks = exchange(standing(), 0, 2, 11)
    moved = rows(tracks, 1, 7)
    tracks.bbox[moved] += 300
    tracks.keypoints[moved] += 300
    found = list(move_findings("vid", tracks))
    assert [(f.kind, f.frame, f.person) for f in found] == [
        (Kind.JUMP, 7, 1), (Kind.SWAPPED, 11, 0),
    ]  # fmt: skip
    assert found[1].message == "2 of 60 detections, first in frame 11, id 1 and id 3."
    assert found[1].advice


def crowd(people: int) -> Tracks:
    """Everybody jumps, in each frame, and all are in one place."""
    tracks = standing(frames=4, people=people)
    tracks.bbox[:] = tracks.bbox[0] + 200 * (tracks.frame % 2)[:, None]
    tracks.keypoints[:] = np.nan
    return tracks


def test_the_work_is_in_proportion_to_the_detections() -> None:
    small, large = (
        counted_calls(lambda n=n: doubtful_detections(crowd(n)))[1] for n in (300, 1200)
    )
    assert small > 300
    assert large < 5 * small


def test_real_pedestrians_and_the_golden_clip_do_not_jump(real_footage: Path, golden: Path) -> None:
    for folder in (real_footage, golden):
        annotation = json.loads((folder / "annotation.json").read_text())
        (npy,) = (folder / "npy").glob("*.npy")
        (people,) = (people for video, people in annotation.items() if video in npy.name)
        tracks = read_tracks(npy.read_bytes(), "")
        order = np.lexsort((tracks.person, tracks.frame))
        kept = [
            row
            for row in order
            if int(tracks.frame[row]) in people.get(str(tracks.person[row]), ())
        ]
        assert len(kept) > 100
        assert doubtful_detections(tracks.take(np.array(kept))) == []
