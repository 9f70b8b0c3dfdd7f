"""Measures of each image for figures and findings, from the columns without the images."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from .dataset_rows import Rows, Track

# Two images are nearly the same if the middle of the bbox moves by less than this part of its
# height, and the joints, on average, by less than this part of the crop's height.
_SAME_POSITION = 0.02
_SAME_POSE = 0.01
# If this many bboxes end at exactly the same largest coordinate, it is the frame's edge: detectors
# cut bboxes there, and people do not stop at the same hundredth of a pixel three times.
_AT_EDGE = 3


def outside(rows: Rows, image_size: tuple[int, int], margin: float = 0) -> NDArray[np.bool_]:
    """Finds joints that are outside their crop. A joint that was not seen is not.

    Args:
        rows: the images.
        image_size: height and width of a crop, in pixels.
        margin: how far outside, in crop sizes; with 0.5, at least half a crop away.

    Returns:
        Whether each joint is outside, `[N, 17]`.
    """
    height, width = image_size
    position = rows.keypoints / np.array([width, height], np.float32)
    inside = (position >= -margin) & (position < 1 + margin)
    return np.logical_not(np.all(inside, axis=-1)) & ~unseen(rows)


def unseen(rows: Rows) -> NDArray[np.bool_]:
    """Whether each joint was not seen (NaN), `[N, 17]`."""
    return np.asarray(np.isnan(rows.keypoints).any(axis=-1))


def bbox_heights(rows: Rows) -> NDArray[np.float32]:
    """Heights of the bboxes in pixels of the video, `[N]`."""
    return rows.bbox[:, 3] - rows.bbox[:, 1]


def nearly_same(rows: Rows, track: Track, image_size: tuple[int, int]) -> NDArray[np.bool_]:
    """Compares each image of a track with the next one, by bbox and the joints seen in both.

    They are nearly the same if the person and the camera do not move.

    Returns:
        Whether they are nearly the same; one value less than there are images.
    """
    bbox, keypoints = rows.bbox[track.rows], rows.keypoints[track.rows]
    middle = (bbox[:, :2] + bbox[:, 2:]) / 2
    with np.errstate(invalid="ignore"):  # a joint that is not finite is not near another one
        moved = np.linalg.norm(np.diff(middle, axis=0), axis=1)
        apart = np.linalg.norm(np.diff(keypoints, axis=0), axis=2)
    missing = unseen(rows)[track.rows]
    seen = ~(missing[1:] | missing[:-1])
    posed = np.where(seen, apart, 0).sum(axis=1) / np.maximum(seen.sum(axis=1), 1)
    same_position = moved < _SAME_POSITION * bbox_heights(rows)[track.rows][1:]
    return same_position & (posed < _SAME_POSE * image_size[0])


def cut_at_edge(rows: Rows, sizes: Mapping[str, tuple[int, int]]) -> tuple[NDArray[np.bool_], int]:
    """Finds bboxes that reach an edge of their frame.

    The left and the top edge are 0. Where the size of the frames is not known, the right and the
    bottom edge are known only if several bboxes end at the same coordinate.

    Args:
        rows: the images.
        sizes: width and height of the frames of a video in pixels, by video id, where known.

    Returns:
        Whether each bbox reaches an edge, `[N]`; the number of videos whose edges are all known.
    """
    cut: NDArray[np.bool_] = np.asarray((rows.bbox[:, :2] <= 0).any(axis=1))
    known = 0
    for video, name in enumerate(rows.videos):
        of_video = np.flatnonzero(rows.video == video)
        ends = rows.bbox[of_video, 2:]
        if name in sizes:
            last = np.array(sizes[name]) - 1  # index of the last pixel
            cut[of_video] |= (ends >= last).any(axis=1)
            known += 1
            continue
        reach = ends == ends.max(axis=0)
        is_edge = reach.sum(axis=0) >= _AT_EDGE
        cut[of_video] |= (reach & is_edge).any(axis=1)
        known += bool(is_edge.all())
    return cut, known
