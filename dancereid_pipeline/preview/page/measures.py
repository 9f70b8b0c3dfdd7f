"""What figures and findings count, image by image, from the plain values alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .dataset_rows import Rows, Track

# Neighbours that differ by less are nearly the same picture: the box's middle by this part of its
# height, and the joints, on average, by this part of the crop's.
_SAME_PLACE = 0.02
_SAME_POSE = 0.01
# Boxes that end at exactly the same furthest place, as many, end at the picture's edge: a detector
# cuts its boxes there, and people do not stop at the same hundredth of a pixel three times.
_AT_EDGE = 3


def outside(rows: Rows, image_size: tuple[int, int], margin: float = 0) -> NDArray[np.bool_]:
    """Which joints lie outside their crop, by more than `margin` crops, `[N, 17]`.

    Args:
        rows: the images.
        image_size: height and width of a crop.
        margin: 0.5 tells joints that are more than half a crop away.
    """
    height, width = image_size
    place = rows.joints / np.array([width, height], np.float32)
    inside = (place >= -margin) & (place < 1 + margin)
    return np.logical_not(np.all(inside, axis=-1))


def box_heights(rows: Rows) -> NDArray[np.float32]:
    """In source pixels, `[N]`."""
    return rows.box[:, 3] - rows.box[:, 1]


def nearly_same(rows: Rows, track: Track, image_size: tuple[int, int]) -> NDArray[np.bool_]:
    """Of a person's neighbouring images, whether they are nearly the same: one fewer than images.

    Told from box and pose: a person who stands still before a still camera.
    """
    box, joints = rows.box[track.rows], rows.joints[track.rows]
    middle = (box[:, :2] + box[:, 2:]) / 2
    with np.errstate(invalid="ignore"):  # joints that are nowhere are not near each other
        moved = np.linalg.norm(np.diff(middle, axis=0), axis=1)
        posed = np.linalg.norm(np.diff(joints, axis=0), axis=2).mean(axis=1)
    same_place = moved < _SAME_PLACE * box_heights(rows)[track.rows][1:]
    return same_place & (posed < _SAME_POSE * image_size[0])


def cut_at_edge(rows: Rows) -> tuple[NDArray[np.bool_], int]:
    """Which boxes reach an edge of their picture, `[N]`; in how many videos all edges are known.

    The left and top edge is 0. How large a picture is, the data does not say; the right and
    bottom edge is told from boxes that end there.
    """
    cut: NDArray[np.bool_] = np.asarray((rows.box[:, :2] <= 0).any(axis=1))
    known = 0
    for video in range(len(rows.videos)):
        of_video = np.flatnonzero(rows.video == video)
        ends = rows.box[of_video, 2:]
        reach = ends == ends.max(axis=0)
        is_edge = reach.sum(axis=0) >= _AT_EDGE
        cut[of_video] |= (reach & is_edge).any(axis=1)
        known += bool(is_edge.all())
    return cut, known
