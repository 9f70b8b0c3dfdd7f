"""A box -> the window around it -> the crop; keypoints -> crop pixels.

The formulas are those of the published generator, figure for figure: `window` gives
the same rows and columns, `resize` the same pixels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Window:
    """The part of a picture that becomes a crop.

    A window at an edge of the frame is slid inside, so `top` and `left`, or `bottom`
    and `right`, may be fractional; pixels are those between the truncated edges.

    Attributes:
        top, bottom, left, right: in source pixels, `[top, bottom)` and `[left, right)`.
    """

    top: float
    bottom: float
    left: float
    right: float

    @property
    def pixels(self) -> tuple[int, int, int, int]:
        """(top, bottom, left, right), whole: the slice that is cut. Never empty."""
        top, left = int(self.top), int(self.left)
        # A box under a pixel high or wide would leave nothing between its edges.
        return top, max(int(self.bottom), top + 1), left, max(int(self.right), left + 1)


def window(
    box: NDArray[np.float64], frame_size: tuple[int, int], image_size: tuple[int, int]
) -> Window | None:
    """The window around a box, of the crop's aspect where the frame has room for it.

    Args:
        box: x1, y1, x2, y2 in source pixels, `[4]`.
        frame_size: height and width of the picture.
        image_size: height and width of the crop.

    Returns:
        The window, inside the frame; None if the box has no area inside the frame.
    """
    x1, y1, x2, y2 = (float(edge) for edge in box)
    frame_height, frame_width = frame_size
    if min(x2, frame_width) <= max(x1, 0) or min(y2, frame_height) <= max(y1, 0):
        return None
    height, width = image_size
    long = max(y2 - y1, (x2 - x1) * height / width)
    top, bottom = _extent((y1 + y2) / 2, long, frame_height)
    left, right = _extent((x1 + x2) / 2, long * width / height, frame_width)
    return Window(top, bottom, left, right)


def _extent(centre: float, length: float, frame: int) -> tuple[float, float]:
    """Start and end along one axis of a frame of `frame` pixels."""
    start: float = max(0, math.trunc(centre - length / 2))
    end: float = min(frame - 1, math.trunc(centre + length / 2))
    if start == 0:
        end = min(length, frame - 1)
    elif end == frame - 1:
        start = max(frame - length, 0)
    return start, end


def resize(part: NDArray[np.uint8], image_size: tuple[int, int]) -> NDArray[np.uint8]:
    """The crop of a part of a picture.

    Args:
        part: uint8 `[rows, columns, 3]`, in OpenCV's order (blue, green, red).
        image_size: height and width of the crop.

    Returns:
        uint8 `[height, width, 3]`, red, green, blue.
    """
    height, width = image_size
    crop = cv2.resize(part, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.cvtColor(crop, cv2.COLOR_BGR2RGB), np.uint8)


def exact_keypoints(
    keypoints: NDArray[np.float64], window: Window, image_size: tuple[int, int]
) -> NDArray[np.float64]:
    """Keypoints in crop pixels, where the crop really shows them.

    `x' = (x - left) * width / columns`, `y' = (y - top) * height / rows`, with the
    whole-pixel window.

    Args:
        keypoints: x, y in source pixels, `[17, 2]`.
        window: the crop's window.
        image_size: height and width of the crop.

    Returns:
        x, y in crop pixels, float64 `[17, 2]`; outside the crop where the joint is.
    """
    height, width = image_size
    top, bottom, left, right = window.pixels
    scale = np.array([width / (right - left), height / (bottom - top)])
    mapped: NDArray[np.float64] = (keypoints - np.array([left, top])) * scale
    return mapped


def published_keypoints(
    keypoints: NDArray[np.float64], window: Window, image_size: tuple[int, int]
) -> NDArray[np.float64]:
    """Keypoints in crop pixels as the published files have them.

    From the window's middle m, not truncated: `x' = (x - m_x) * height / rows + width / 2`,
    `y' = (y - m_y) * width / columns + height / 2`. The two scales are swapped, which
    moves joints wherever the window was cut at an edge of the frame.

    Args and result are those of `exact_keypoints`.
    """
    height, width = image_size
    top, bottom, left, right = window.pixels
    middle = np.array([(window.left + window.right) / 2, (window.top + window.bottom) / 2])
    scale = np.array([height / (bottom - top), width / (right - left)])
    mapped: NDArray[np.float64] = (keypoints - middle) * scale + [width / 2, height / 2]
    return mapped


KEYPOINT_MAPPINGS = {"exact": exact_keypoints, "published": published_keypoints}
