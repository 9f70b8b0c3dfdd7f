"""Where a person's detections jump from one frame to the next, or are those of another person.

It looks at neighbouring frames only, so it needs all annotated frames. All but the swaps of two
people is computed on whole columns; a swap is looked for among those who move much, and at most
so many of them in a frame, so that the work stays in proportion to the detections.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..formats.npy_tracks import Tracks
from .finding import Finding, Kind

# From one frame to the next, a person moves by a few hundredths of the own height; the fastest in
# the demo and in real footage of pedestrians stay below a third. Half a height is a jump.
_FAR = 0.5
# Two people are swapped if each moves so much, and the two together would move less than half as
# much if they were exchanged.
_MUCH = 0.1
_BETTER = 0.5
_MOST_IN_FRAME = 20  # so many of those who move much are compared, in a frame
_FEW_JOINTS = 3  # with fewer joints in both frames, the bboxes' centres are compared
# Two bboxes of one frame show the same person if they overlap so much, and the joints are so near.
_SAME_OVERLAP = 0.9
_SAME_JOINTS = 0.05
_NEIGHBOURS = 3  # compared with each detection, in order of x1


@dataclass(frozen=True)
class Doubtful:
    """A doubtful detection.

    Attributes:
        kind: what is doubtful.
        frame: its frame.
        person: the person in the video, from 0.
        other: the person whose detections it may be; None if it is nobody's.
    """

    kind: Kind
    frame: int
    person: int
    other: int | None = None


def doubtful_detections(kept: Tracks) -> list[Doubtful]:
    """The detections that jump, are swapped, or show somebody twice, in order of their frames.

    Args:
        kept: all annotated detections of a video, sorted by frame and then by person.
    """
    found = [*_jumps(kept), *_twice(kept)]
    return sorted(found, key=lambda d: (d.frame, d.person, d.kind.value))


def move_findings(video_id: str, kept: Tracks) -> Iterator[Finding]:
    """A finding for each kind of doubtful detection.

    Args:
        video_id: the video id.
        kept: as for `doubtful_detections`.
    """
    found = doubtful_detections(kept)
    for kind in (Kind.JUMP, Kind.SWAPPED, Kind.TWICE):
        of_kind = [one for one in found if one.kind is kind]
        if of_kind:
            first = of_kind[0]
            other = "" if first.other is None else f" and id {first.other + 1}"
            yield Finding(
                kind,
                video_id,
                f"{len(of_kind):,} of {len(kept.frame):,} detections, first in frame "
                f"{first.frame}, id {first.person + 1}{other}.",
                first.frame,
                first.person,
            )


def _jumps(kept: Tracks) -> Iterator[Doubtful]:
    """Detections that are far from the person's last frame, or nearer to somebody else's."""
    order = np.lexsort((kept.frame, kept.person))
    before, after = order[:-1], order[1:]
    next_frame = kept.frame[after] == kept.frame[before] + 1
    follows = (kept.person[after] == kept.person[before]) & next_frame
    before, after = before[follows], after[follows]
    moved = _moves(kept, before, after)
    much = np.flatnonzero(moved > _MUCH)
    much = much[np.argsort(kept.frame[after[much]], kind="stable")]
    swapped: dict[int, int] = {}
    starts = np.flatnonzero(np.diff(kept.frame[after[much]], prepend=-1))
    for in_frame in np.split(much, starts[1:]) if len(much) else ():
        swapped |= _swaps(kept, before, after, moved, in_frame[:_MOST_IN_FRAME])
    # Both must be far: joints alone may be guesses, and a bbox alone may change its size.
    far = np.flatnonzero(np.minimum(moved, _centre_moves(kept, before, after)) > _FAR)
    for row in np.unique([*far, *swapped]).astype(int).tolist():
        detection = int(after[row])
        other = swapped.get(row)
        yield Doubtful(
            Kind.JUMP if other is None else Kind.SWAPPED,
            int(kept.frame[detection]),
            int(kept.person[detection]),
            other,
        )


def _swaps(
    kept: Tracks,
    before: NDArray[np.int64],
    after: NDArray[np.int64],
    moved: NDArray[np.float64],
    rows: NDArray[np.int64],
) -> dict[int, int]:
    """Those among `rows`, all of one frame, who are swapped with another one: row -> person."""
    one, two = np.triu_indices(len(rows), 1)
    one, two = rows[one], rows[two]
    crossed = _moves(kept, before[one], after[two]) + _moves(kept, before[two], after[one])
    better = crossed < _BETTER * (moved[one] + moved[two])
    found: dict[int, int] = {}
    for a, b in zip(one[better].tolist(), two[better].tolist(), strict=True):
        found[a], found[b] = int(kept.person[after[b]]), int(kept.person[after[a]])
    return found


def _moves(
    kept: Tracks, before: NDArray[np.int64], after: NDArray[np.int64]
) -> NDArray[np.float64]:
    """How far detections are from others: of the joints, as a part of the height, `[n]`."""
    joints = np.linalg.norm(kept.keypoints[after] - kept.keypoints[before], axis=2)
    seen = np.isfinite(joints)
    count = seen.sum(axis=1)
    mean = np.where(seen, joints, 0).sum(axis=1) / np.maximum(count, 1)
    centres = _centre_moves(kept, before, after)
    return np.where(count >= _FEW_JOINTS, mean / _heights(kept, before, after), centres)


def _centre_moves(
    kept: Tracks, before: NDArray[np.int64], after: NDArray[np.int64]
) -> NDArray[np.float64]:
    """The same for the centres of the bboxes."""
    one, two = kept.bbox[before], kept.bbox[after]
    centres = (two[:, :2] + two[:, 2:] - one[:, :2] - one[:, 2:]) / 2
    return np.linalg.norm(centres, axis=1) / _heights(kept, before, after)


def _heights(
    kept: Tracks, before: NDArray[np.int64], after: NDArray[np.int64]
) -> NDArray[np.float64]:
    """The larger height of two bboxes, at least 1."""
    sizes = [kept.bbox[rows, 3] - kept.bbox[rows, 1] for rows in (before, after)]
    return np.maximum(np.maximum(*sizes), 1)


def _twice(kept: Tracks) -> Iterator[Doubtful]:
    """Detections that are nearly those of another person in the same frame."""
    order = np.lexsort((kept.bbox[:, 0], kept.frame))
    for step in range(1, _NEIGHBOURS + 1):
        one, two = order[:-step], order[step:]
        same = kept.frame[one] == kept.frame[two]
        one, two = one[same], two[same]
        near = (_overlaps(kept.bbox[one], kept.bbox[two]) >= _SAME_OVERLAP) & (
            _moves(kept, one, two) <= _SAME_JOINTS
        )
        for a, b in zip(one[near].tolist(), two[near].tolist(), strict=True):
            first, second = sorted((int(kept.person[a]), int(kept.person[b])))
            yield Doubtful(Kind.TWICE, int(kept.frame[a]), second, first)


def _overlaps(one: NDArray[np.float64], two: NDArray[np.float64]) -> NDArray[np.float64]:
    """Intersection over union of pairs of bboxes, `[n]`."""
    low, high = np.maximum(one[:, :2], two[:, :2]), np.minimum(one[:, 2:], two[:, 2:])
    both = np.prod(np.clip(high - low, 0, None), axis=1)
    areas = [np.prod(np.clip(b[:, 2:] - b[:, :2], 0, None), axis=1) for b in (one, two)]
    return both / np.maximum(areas[0] + areas[1] - both, 1e-9)
