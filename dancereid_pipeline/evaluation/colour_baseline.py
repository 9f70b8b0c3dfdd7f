"""Features that need no training: the colours of a dancer's head, trunk, thighs and shins."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

# Bins of hue, saturation and value. Twice as many do not score better on the demo's trainval.
_BINS = (8, 4, 4)
_RANGES = (0, 180, 0, 256, 0, 256)  # of OpenCV with 8 bits, where 1 of hue is two degrees
STRIPES = ("head", "trunk", "thighs", "shins")
COLUMNS = len(STRIPES) * _BINS[0] * _BINS[1] * _BINS[2]
# Widths of the stripes, in lengths of the trunk. The trunk is as wide as the shoulders, at least
# _LEAST_TRUNK.
_HEAD, _LEAST_TRUNK, _THIGH, _SHIN = 0.5, 0.4, 0.3, 0.25


def colour_features(crop: NDArray[np.uint8], keypoints: NDArray[np.float64]) -> NDArray[np.float32]:
    """Computes colour histograms of head, trunk, thighs and shins.

    A stripe follows the joints, so most of its pixels show the dancer, also when the dancer bends
    or stands on the head. The histogram of each stripe over hue, saturation and value is divided
    by its sum, and then the square root is taken. So the squared Euclidean distance of two
    features is the mean over the stripes of `2 - 2 BC`, where BC is the Bhattacharyya coefficient
    of the two histograms (this is twice the squared Hellinger distance). Without the square root,
    the few largest bins would dominate.

    Source of the stripes: Gray, Tao, "Viewpoint Invariant Pedestrian Recognition with an Ensemble
    of Localized Features", ECCV 2008; of the square root: Arandjelović, Zisserman, "Three things
    everyone should know to improve object retrieval", CVPR 2012.

    Args:
        crop: RGB, uint8 `[height, width, 3]`.
        keypoints: x, y in crop pixels, `[17, 2]`, COCO order; NaN for a joint that was not seen.

    Returns:
        float32 `[COLUMNS]`, each from 0 to 1, with Euclidean norm 1. If a stripe lies outside the
        crop, or its joints were not seen, its columns are 0 and the norm is smaller.
    """
    hsv = cv2.cvtColor(crop, cv2.COLOR_RGB2HSV)
    histograms: list[NDArray[np.float32]] = []
    for mask in stripes(keypoints, crop.shape[:2]):
        histogram = cv2.calcHist([hsv], [0, 1, 2], mask, _BINS, _RANGES)
        histograms.append(np.asarray(histogram, np.float32).ravel())
    counts = np.stack(histograms)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    return np.sqrt(shares / len(STRIPES)).ravel()


def stripes(keypoints: NDArray[np.float64], size: tuple[int, ...]) -> list[NDArray[np.uint8]]:
    """Makes a mask of each stripe of a body.

    Args:
        keypoints: x, y in pixels, `[17, 2]`, COCO order.
        size: height and width of the image.

    Returns:
        A mask for each of `STRIPES`, uint8 `[height, width]`: 255 on the stripe, 0 elsewhere.
    """
    joints = np.clip(keypoints, -1e4, 1e4)  # OpenCV draws with 16-bit coordinates
    head, shoulders, hips = (_middle(joints[part]) for part in ([*range(5)], [5, 6], [11, 12]))
    # Seen from above, or with wrong joints, a trunk may have no length; the stripes keep a width.
    # Beside NaN, `max` gives its first argument.
    trunk = max(size[0] / 10, float(np.linalg.norm(shoulders - hips)))
    width = max(_LEAST_TRUNK * trunk, float(np.linalg.norm(joints[5] - joints[6])))
    return [
        _stripe([(head, head)], _HEAD * trunk, size),
        _stripe([(shoulders, hips)], width, size),
        _stripe([(joints[11], joints[13]), (joints[12], joints[14])], _THIGH * trunk, size),
        _stripe([(joints[13], joints[15]), (joints[14], joints[16])], _SHIN * trunk, size),
    ]


def _middle(joints: NDArray[np.float64]) -> NDArray[np.float64]:
    """The middle of the joints that were seen; NaN if there are none."""
    seen = joints[~np.isnan(joints).any(axis=1)]
    middle: NDArray[np.float64] = (seen if len(seen) else joints).mean(axis=0)
    return middle


def _stripe(
    lines: list[tuple[NDArray[np.float64], NDArray[np.float64]]],
    width: float,
    size: tuple[int, ...],
) -> NDArray[np.uint8]:
    mask = np.zeros(size, np.uint8)
    for start, end in lines:
        if np.isnan([start, end]).any():
            continue
        first, last = (np.rint(point).astype(int).tolist() for point in (start, end))
        # OpenCV draws no line wider than 32,767.
        cv2.line(mask, first, last, 255, min(max(1, round(width)), 2**15 - 1))
    return mask
