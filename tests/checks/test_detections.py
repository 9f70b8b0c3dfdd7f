"""What is doubtful in tracks and annotation, and what is not."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import ArrayLike

from dancereid_pipeline.catalogue.catalogue import Catalogue
from dancereid_pipeline.checks.detections import doubts, kept_detections
from dancereid_pipeline.checks.finding import Finding, Kind
from dancereid_pipeline.common.errors import TracksError
from dancereid_pipeline.formats.annotation import Annotation, VideoAnnotation
from dancereid_pipeline.formats.npy_tracks import Tracks


def annotated(people: dict[int, ArrayLike]) -> VideoAnnotation:
    frames = tuple(np.asarray(of_person, np.int64) for of_person in people.values())
    return VideoAnnotation(np.array([*people], np.int64), frames)


def tracked(people: dict[int, ArrayLike], frame_count: int = 40) -> Tracks:
    """Standing people, whose joints lie in their bboxes."""
    annotation = annotated(people)
    frame = np.concatenate(annotation.frames)
    person = np.repeat(annotation.people, [len(frames) for frames in annotation.frames])
    order = np.argsort(frame, kind="stable")
    frame, person = frame[order], person[order]
    x, y = 300.0 + 50 * person + frame, 30.0 + frame
    bbox = np.stack([x, y, x + 40, y + 100], axis=1)
    keypoints = np.linspace(bbox[:, :2] + 5, bbox[:, 2:] - 5, 17, axis=1)
    return Tracks(frame, person, bbox, keypoints, frame_count)


def found(
    tracks: Tracks, people: dict[int, ArrayLike] | VideoAnnotation, stride: int = 1
) -> list[Finding]:
    annotation = people if isinstance(people, VideoAnnotation) else annotated(people)
    kept = kept_detections(tracks, annotation, stride, "some.npy")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return list(doubts("vid", tracks, kept, annotation, stride))


PEOPLE = {0: range(40), 1: range(40), 5: range(10, 20)}


@pytest.mark.parametrize("stride", [1, 5])
def test_nothing_is_doubtful_in_people_who_stand_in_their_bboxes(stride: int) -> None:
    assert found(tracked(PEOPLE), PEOPLE, stride) == []


@pytest.mark.parametrize("stride", [1, 5])
def test_the_published_annotation_is_not_doubtful(real_annotation: Path, stride: int) -> None:
    catalogue = Catalogue.read()
    videos = Annotation.read(real_annotation, catalogue).videos
    assert len(videos) == 33
    for video in catalogue:
        annotation = videos[video.video_id]
        last = max(int(frames[-1]) for frames in annotation.frames)
        count = video.frames or last + 1
        people = zip(annotation.people.tolist(), annotation.frames, strict=True)
        tracks = tracked({person: frames[frames < count] for person, frames in people}, count)
        assert found(tracks, annotation, stride) == []


@pytest.mark.parametrize(
    ("order", "written"),
    [
        ("x1, y1, x2, y2", lambda x1, y1, x2, y2: (x1, y1, x2, y2)),
        ("x, y, width, height", lambda x1, y1, x2, y2: (x1, y1, x2 - x1, y2 - y1)),
        (
            "centre x, centre y, width, height",
            lambda x1, y1, x2, y2: ((x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1),
        ),
        ("y1, x1, y2, x2", lambda x1, y1, x2, y2: (y1, x1, y2, x2)),
        ("y1, y2, x1, x2", lambda x1, y1, x2, y2: (y1, y2, x1, x2)),
    ],
)
def test_the_order_in_which_bboxes_were_written_is_named(order: str, written) -> None:
    tracks = tracked(PEOPLE)
    # read_tracks takes the four numbers for x1, x2, y1, y2.
    tracks.bbox[:] = np.stack(written(*tracks.bbox.T), axis=1)[:, [0, 2, 1, 3]]
    (finding,) = found(tracks, PEOPLE)
    assert (finding.kind, finding.frame, finding.person) == (Kind.BBOX_ORDER, 0, 0)
    assert f"Read as {order}, the bboxes hold the joints." in finding.message
    assert "first in frame 0, id 1" in finding.message
    assert "x1, x2, y1, y2" in finding.advice


def test_joints_that_lie_mostly_outside_their_bbox() -> None:
    tracks = tracked(PEOPLE)
    half = len(tracks.frame) // 2
    tracks.keypoints[:half, :9] += 1000  # more than half of the joints, in not more than half
    assert found(tracks, PEOPLE) == []
    tracks.keypoints[half : half + 1, :9] += 1000
    (finding,) = found(tracks, PEOPLE)
    assert finding.kind is Kind.JOINTS_OUTSIDE
    assert "at most 47% of the joints lie in the bbox" in finding.message


@pytest.mark.parametrize("unseen", [np.nan, 0.0])
@pytest.mark.parametrize("joints", [3, 16, 17])
def test_joints_that_were_not_seen_are_not_outside(unseen: float, joints: int) -> None:
    tracks = tracked(PEOPLE)
    tracks.keypoints[:, :joints] = unseen
    assert found(tracks, PEOPLE) == []


def test_joints_that_were_seen_count_also_beside_those_that_were_not() -> None:
    tracks = tracked(PEOPLE)
    tracks.keypoints[:, :10] = np.nan
    tracks.keypoints[:, 10:] += 1000
    assert [finding.kind for finding in found(tracks, PEOPLE)] == [Kind.JOINTS_OUTSIDE]


def test_a_bbox_without_an_area() -> None:
    tracks = tracked(PEOPLE)
    tracks.bbox[7, [0, 2]] = tracks.bbox[7, [2, 0]]
    (finding,) = found(tracks, PEOPLE)
    where = (tracks.frame[7], tracks.person[7])
    assert (finding.kind, finding.frame, finding.person) == (Kind.NO_AREA, *where)
    assert finding.message.startswith("1 of 90 bboxes have x2 <= x1 or y2 <= y1")


@pytest.mark.parametrize(("total", "wide", "kinds"), [
    (40, 38, [Kind.WIDE]), (40, 37, []), (20, 20, [Kind.WIDE]), (19, 19, []),
])  # fmt: skip
def test_bboxes_that_are_wider_than_tall_in_nearly_all_detections(
    total: int, wide: int, kinds: list[Kind]
) -> None:
    tracks = tracked({0: range(total)})
    tracks.bbox[total - wide :, 2] += 200
    findings = found(tracks, {0: range(total)})
    assert [finding.kind for finding in findings] == kinds
    assert [finding.frame for finding in findings] == [total - wide] * len(kinds)


@pytest.mark.parametrize("stride", [1, 5])
@pytest.mark.parametrize(("shift", "word"), [(1, "lower"), (-1, "higher")])
def test_ids_that_are_off_by_one(shift: int, word: str, stride: int) -> None:
    people = {person + shift: frames for person, frames in PEOPLE.items() if person + shift >= 0}
    (finding,) = found(tracked(PEOPLE), people, stride)
    assert finding.kind is Kind.IDS_SHIFTED
    assert f"a number that is one {word}" in finding.message


def test_people_who_are_not_in_the_tracks() -> None:
    (finding,) = found(tracked(PEOPLE), {0: range(40), 1: range(40), 8: range(30)})
    assert (finding.kind, finding.person) == (Kind.ABSENT, 8)
    assert "1 of 3 annotated people" in finding.message
    assert "annotated in 30 frames, but the tracks have no id 9 there" in finding.message


def test_frames_that_the_tracks_lack_are_counted_elsewhere_and_not_doubtful() -> None:
    assert found(tracked({0: range(0, 40, 2), 1: range(40)}), PEOPLE | {5: []}) == []


@pytest.mark.parametrize(("last", "kinds"), [(44, []), (45, [Kind.PAST_TRACKS])])
def test_an_annotation_that_is_longer_than_the_tracks(last: int, kinds: list[Kind]) -> None:
    findings = found(tracked(PEOPLE), {**PEOPLE, 5: [*range(10, 20), last]})
    assert [finding.kind for finding in findings] == kinds
    assert all("up to 45, but the last frame of the tracks is 39" in f.message for f in findings)


def test_an_annotation_without_a_frame_is_not_doubtful() -> None:
    assert found(tracked(PEOPLE), {0: []}) == []


def test_a_person_who_is_twice_in_a_kept_frame_is_an_error() -> None:
    tracks = tracked(PEOPLE)
    tracks.person[1] = tracks.person[0]  # of frame 0
    with pytest.raises(TracksError, match=r"some\.npy, frame 0: .* found 1 twice"):
        kept_detections(tracks, annotated(PEOPLE), 1, "some.npy")
    assert len(kept_detections(tracks, annotated({1: range(40)}), 1, "some.npy").frame) == 39


def test_each_kind_says_what_to_do() -> None:
    for kind in Kind:
        assert Finding(kind, "vid", "Why.").advice.endswith(".")
