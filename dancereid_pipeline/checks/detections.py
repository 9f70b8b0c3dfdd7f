"""Which detections the annotation keeps, and what is doubtful in them.

Nothing is decoded, and all is computed on whole columns: the published data has 300,000
detections. So it takes a small part of the time in which the tracks are read.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ..formats.annotation import VideoAnnotation
from ..formats.npy_tracks import Tracks, sorted_detections
from .finding import Finding, Kind

# Less than this part of the joints inside their bbox, in half of the detections, is doubtful. A
# detector that works has nearly all inside: the published data would not be usable otherwise. Of
# bboxes in another order, nearly none are.
_JOINTS_INSIDE = 0.5
# Another order is the right one if, in half of the detections, so many of the joints are inside.
_HOLDS_JOINTS = 0.9
# "Nearly all" bboxes are wider than tall. Dancers lie, bend and stretch their arms, but not in
# nineteen of twenty images of a whole video.
_NEARLY_ALL = 0.95
# With fewer detections, a share means nothing: one person who lies for a second.
_ENOUGH = 20
# The ids are off by one if with the next id (nearly) all annotated detections are in the tracks,
# and as they are, at least one of twenty is not. In the published data, all but a few are there.
_FOUND_IF_SHIFTED = 0.99
_FOUND_AS_IT_IS = 0.95
# So many frames more or less are normal at the end of a clip: the published annotation of
# 7jRvxkYuYvk lists one frame past the last. `clip_checks` allows a clip as many.
_TAIL_FRAMES = 5
# Other orders in which tools write a bbox: the four numbers that they write -> x1, y1, x2, y2.
_ORDERS: dict[str, list[list[float]]] = {
    "x1, y1, x2, y2": [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]],
    "x, y, width, height": [[1, 0, 0, 0], [0, 1, 0, 0], [1, 0, 1, 0], [0, 1, 0, 1]],
    "centre x, centre y, width, height": [
        [1, 0, -0.5, 0], [0, 1, 0, -0.5], [1, 0, 0.5, 0], [0, 1, 0, 0.5],
    ],
    "y1, x1, y2, x2": [[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0]],
    "y1, y2, x1, x2": [[0, 0, 1, 0], [1, 0, 0, 0], [0, 0, 0, 1], [0, 1, 0, 0]],
}  # fmt: skip


def kept_detections(tracks: Tracks, annotation: VideoAnnotation, stride: int, name: str) -> Tracks:
    """The detections that annotation and stride keep, sorted by frame and then by person.

    Args:
        tracks: the detections.
        annotation: the valid ones.
        stride: keep frames whose number is divisible by this.
        name: the tracks' name in errors.

    Raises:
        TracksError: a kept person is twice in a frame.
    """
    keep = np.zeros(len(tracks.frame), bool)
    for person, frames in zip(annotation.people, annotation.frames, strict=True):
        of_person = tracks.person == person
        keep |= of_person & np.isin(tracks.frame, frames[frames % stride == 0])
    return sorted_detections(tracks, np.flatnonzero(keep), name)


def doubts(
    video_id: str, tracks: Tracks, kept: Tracks, annotation: VideoAnnotation, stride: int
) -> tuple[Finding, ...]:
    """What is doubtful in the tracks and the annotation of a video.

    A joint that is NaN, or at 0, 0, was not seen: it is neither inside nor outside.

    Args:
        video_id: the video id.
        tracks: the detections in annotated frames, or all.
        kept: those of them that the annotation keeps, as `kept_detections` gives them.
        annotation: the annotation of the video.
        stride: the stride of `kept`.
    """
    return (
        *_people(video_id, tracks, kept, annotation, stride),
        *_past_tracks(video_id, tracks, annotation),
        *_bboxes(video_id, kept),
    )


def _people(
    video_id: str, tracks: Tracks, kept: Tracks, annotation: VideoAnnotation, stride: int
) -> Iterator[Finding]:
    """Compares the people of the annotation with those of the tracks."""
    annotated = annotation.count(stride)
    if len(kept.frame) >= _FOUND_AS_IT_IS * annotated:
        return
    frames = [of_person[of_person % stride == 0] for of_person in annotation.frames]
    person = np.repeat(annotation.people, [len(of_person) for of_person in frames])
    frame = np.concatenate(frames)
    there = _keys(tracks.person, tracks.frame)
    for shift, word in ((-1, "lower"), (1, "higher")):
        found = int(np.isin(_keys(person + shift, frame), there).sum())
        if found >= _FOUND_IF_SHIFTED * annotated:
            yield Finding(
                Kind.IDS_SHIFTED,
                video_id,
                f"The tracks have {len(kept.frame):,} of the {annotated:,} annotated detections. "
                f"If each person of the annotation had a number that is one {word}, they would "
                f"have {found:,}.",
            )
            return
    absent = np.setdiff1d(person, kept.person)
    if absent.size:
        count = int((person == absent[0]).sum())
        yield Finding(
            Kind.ABSENT,
            video_id,
            f"{len(absent):,} of {len(np.unique(person)):,} annotated people are not in the "
            f"tracks, first person {absent[0]}: annotated in {count:,} frames, but the tracks have "
            f"no id {absent[0] + 1} there.",
            person=int(absent[0]),
        )


def _keys(person: NDArray[np.int64], frame: NDArray[np.int64]) -> NDArray[np.int64]:
    """One number for each (person, frame): both are below 2**31."""
    return (person << 32) + frame


def _past_tracks(video_id: str, tracks: Tracks, annotation: VideoAnnotation) -> Iterator[Finding]:
    last = max((int(frames[-1]) for frames in annotation.frames if len(frames)), default=0)
    if last - (tracks.frame_count - 1) > _TAIL_FRAMES:
        yield Finding(
            Kind.PAST_TRACKS,
            video_id,
            f"The annotation lists frames up to {last:,}, but the last frame of the tracks is "
            f"{tracks.frame_count - 1:,}.",
            frame=last,
        )


def _bboxes(video_id: str, kept: Tracks) -> Iterator[Finding]:
    """Looks at the bboxes of the kept detections, and at the joints in them."""
    total = len(kept.frame)
    inside = _joints_inside(kept.bbox, kept.keypoints)
    median = float(np.median(inside[inside >= 0])) if (inside >= 0).any() else 1.0
    if median < _JOINTS_INSIDE:
        order = _better_order(kept)
        row = int(np.flatnonzero((inside >= 0) & (inside <= median))[0])
        most = f"at most {median:.0%} of the joints lie" if median else "no joint lies"
        share = (
            f"In half of the {total:,} detections, {most} in the bbox, first in "
            f"{_where(kept, row)}."
        )
        yield Finding(
            Kind.BBOX_ORDER if order else Kind.JOINTS_OUTSIDE,
            video_id,
            f"{share} Read as {order}, the bboxes hold the joints." if order else share,
            *_detection(kept, row),
        )
        if order:
            return
    size = kept.bbox[:, 2:] - kept.bbox[:, :2]
    flat = np.flatnonzero((size <= 0).any(axis=1))
    if flat.size:
        yield Finding(
            Kind.NO_AREA,
            video_id,
            f"{len(flat):,} of {total:,} bboxes have x2 <= x1 or y2 <= y1, first in "
            f"{_where(kept, flat[0])}.",
            *_detection(kept, flat[0]),
        )
    wide = np.flatnonzero(size[:, 0] > size[:, 1])
    if total >= _ENOUGH and len(wide) >= _NEARLY_ALL * total:
        yield Finding(
            Kind.WIDE,
            video_id,
            f"{len(wide):,} of {total:,} bboxes are wider than tall, first in "
            f"{_where(kept, wide[0])}.",
            *_detection(kept, wide[0]),
        )


def rows_with_joints_outside(kept: Tracks) -> NDArray[np.int64]:
    """The indices of detections that have less than half of their seen joints in the bbox."""
    inside = _joints_inside(kept.bbox, kept.keypoints)
    return np.flatnonzero((inside >= 0) & (inside < _JOINTS_INSIDE))


def _joints_inside(
    bbox: NDArray[np.float64], keypoints: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The part of the seen joints that is in the bbox, for each detection; -1 if none was seen."""
    seen = np.isfinite(keypoints).all(axis=2) & keypoints.any(axis=2)
    corners = bbox[:, np.newaxis]
    inside = ((keypoints >= corners[..., :2]) & (keypoints <= corners[..., 2:])).all(axis=2) & seen
    count = seen.sum(axis=1)
    return np.where(count > 0, inside.sum(axis=1) / np.maximum(count, 1), -1)


def _better_order(kept: Tracks) -> str:
    """The order in which the bboxes hold nearly all joints; "" if there is none.

    If several do, it is that of the smallest bboxes: a bbox with x2, y2 taken for width and height
    is too large, and so holds the joints, too.
    """
    numbers = kept.bbox[:, [0, 2, 1, 3]]  # as in the file
    areas = {}
    for order, corners in _ORDERS.items():
        bbox = numbers @ np.array(corners).T
        inside = _joints_inside(bbox, kept.keypoints)
        if np.median(inside[inside >= 0]) >= _HOLDS_JOINTS:
            areas[order] = float(np.median(np.prod(bbox[:, 2:] - bbox[:, :2], axis=1)))
    return min(areas, key=areas.__getitem__, default="")


def _detection(kept: Tracks, row: int) -> tuple[int, int]:
    return int(kept.frame[row]), int(kept.person[row])


def _where(kept: Tracks, row: int) -> str:
    frame, person = _detection(kept, row)
    return f"frame {frame}, id {person + 1}"
