"""Draws the joints and bones of a pose on its crop, as the published generator does."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import ImageColor

from ..formats.pose import BONES

# A CSS colour for each of COCO's 17 joints: nose, eyes and ears, then left and right in turn.
_JOINT_COLOURS = ("green", *["blue"] * 4, *["yellow", "orange"] * 3, *["purple", "red"] * 3)
_RADIUS = 5
_LINE_WIDTH = 2


def draw_skeleton(
    crop: NDArray[np.uint8], keypoints: NDArray[np.float64], person: int
) -> NDArray[np.uint8]:
    """A copy of the crop with the pose drawn on it.

    Args:
        crop: uint8 `[height, width, 3]`, red, green, blue.
        keypoints: x, y in crop pixels, `[17, 2]`. A joint is drawn if its x and y, truncated,
            are above 0; NaN is not. A bone is drawn if both its joints are.
        person: the person in the video; it gives the colour of the bones.

    Returns:
        uint8 `[height, width, 3]`, red, green, blue.
    """
    drawing = crop.copy()
    # The limit is far outside any crop, but fits OpenCV's 32-bit coordinates.
    points = np.nan_to_num(np.clip(keypoints, -1e6, 1e6)).astype(np.int64)  # NaN becomes 0
    drawn = [x > 0 and y > 0 for x, y in points.tolist()]
    for point, shown, name in zip(points.tolist(), drawn, _JOINT_COLOURS, strict=True):
        if shown:
            cv2.circle(drawing, point, _RADIUS, ImageColor.getrgb(name), thickness=cv2.FILLED)
    names = list(ImageColor.colormap)
    colour = ImageColor.getrgb(names[10 * person % len(names)])
    for start, end in BONES:
        if drawn[start] and drawn[end]:
            cv2.line(drawing, points[start].tolist(), points[end].tolist(), colour, _LINE_WIDTH)
    return drawing
