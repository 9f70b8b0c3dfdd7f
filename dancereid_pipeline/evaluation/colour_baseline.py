"""Colours of clothes, stripe by stripe down the body: features that need no training."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

# Hue, saturation, value. Twice as many bins of each gain nothing on the demo's trainval.
_BINS = (8, 4, 4)
_RANGES = (0, 180, 0, 256, 0, 256)  # OpenCV's for 8 bits: a hue is two degrees
STRIPES = ("head", "trunk", "thighs", "shins")
COLUMNS = len(STRIPES) * _BINS[0] * _BINS[1] * _BINS[2]
# Widths of the stripes, in lengths of the trunk; the trunk's own is that of the shoulders.
_HEAD, _LEAST_TRUNK, _THIGH, _SHIN = 0.5, 0.4, 0.3, 0.25


def colour_features(crop: NDArray[np.uint8], keypoints: NDArray[np.float64]) -> NDArray[np.float32]:
    """Histograms of the colours of head, trunk, thighs and shins.

    A stripe follows the body along its joints, so that most of what it covers is the dancer,
    bent, upside down or upright. Each one's histogram over hue, saturation and value sums up
    to 1, and its square root is taken: the squared Euclidean distance of two features is then
    the mean over the stripes of `2 - 2 BC`, BC being the Bhattacharyya coefficient of the two
    histograms (twice the squared Hellinger distance). Without the root the few largest bins
    would decide.

    Source: stripes: Gray, Tao, "Viewpoint Invariant Pedestrian Recognition with an Ensemble of
    Localized Features", ECCV 2008; the root: Arandjelović, Zisserman, "Three things everyone
    should know to improve object retrieval", CVPR 2012.

    Args:
        crop: uint8 `[height, width, 3]`, red, green, blue.
        keypoints: x, y in crop pixels, `[17, 2]`, COCO order.

    Returns:
        float32 `[COLUMNS]`, from 0 to 1, of length 1; shorter where a stripe lies outside of the
        crop, whose columns are 0.
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
    """Where the stripes of a body are.

    Args:
        keypoints: x, y in pixels, `[17, 2]`, COCO order.
        size: height and width of the picture.

    Returns:
        For each of `STRIPES`, uint8 `[height, width]`: 255 on the stripe, 0 elsewhere.
    """
    joints = np.clip(keypoints, -1e4, 1e4)  # OpenCV's coordinates are short
    head = joints[:5].mean(axis=0)
    shoulders, hips = (joints[5] + joints[6]) / 2, (joints[11] + joints[12]) / 2
    # Seen from above, or badly tracked, a trunk may have no length; a body still has some width.
    trunk = max(float(np.linalg.norm(shoulders - hips)), size[0] / 10)
    width = max(float(np.linalg.norm(joints[5] - joints[6])), _LEAST_TRUNK * trunk)
    return [
        _stripe([(head, head)], _HEAD * trunk, size),
        _stripe([(shoulders, hips)], width, size),
        _stripe([(joints[11], joints[13]), (joints[12], joints[14])], _THIGH * trunk, size),
        _stripe([(joints[13], joints[15]), (joints[14], joints[16])], _SHIN * trunk, size),
    ]


def _stripe(
    lines: list[tuple[NDArray[np.float64], NDArray[np.float64]]],
    width: float,
    size: tuple[int, ...],
) -> NDArray[np.uint8]:
    mask = np.zeros(size, np.uint8)
    for start, end in lines:
        first, last = (np.rint(point).astype(int).tolist() for point in (start, end))
        # OpenCV draws no line wider than 32,767.
        cv2.line(mask, first, last, 255, min(max(1, round(width)), 2**15 - 1))
    return mask
