"""A bbox -> the window around it -> the crop; keypoints -> crop pixels.

The formulas are those of the published generator: `crop_window` gives the same rows and
columns, `resize` the same pixels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Window:
    """The part of a frame that becomes a crop.

    A window that would cross an edge of the frame is moved inside. So its edges may be
    fractional; its pixels are those between the truncated edges.

    Attributes:
        top, bottom, left, right: its edges in source pixels. It has the rows `[top, bottom)`
            and the columns `[left, right)`.
    """

    top: float
    bottom: float
    left: float
    right: float

    @property
    def pixels(self) -> tuple[int, int, int, int]:
        """(top, bottom, left, right) as whole numbers: the slice that is cut, never empty."""
        top, left = int(self.top), int(self.left)
        # A bbox less than a pixel high or wide may have no pixel between its edges.
        return top, max(int(self.bottom), top + 1), left, max(int(self.right), left + 1)


def crop_window(
    bbox: NDArray[np.float64], frame_size: tuple[int, int], image_size: tuple[int, int]
) -> Window | None:
    """The window around a bbox. It has the crop's aspect ratio if it fits into the frame.

    Args:
        bbox: x1, y1, x2, y2 in source pixels, `[4]`.
        frame_size: height and width of the frame, in pixels.
        image_size: height and width of the crop, in pixels.

    Returns:
        The window, inside the frame; None if the bbox has no area inside the frame.
    """
    x1, y1, x2, y2 = (float(edge) for edge in bbox)
    frame_height, frame_width = frame_size
    if min(x2, frame_width) <= max(x1, 0) or min(y2, frame_height) <= max(y1, 0):
        return None
    height, width = image_size
    long = max(y2 - y1, (x2 - x1) * height / width)
    top, bottom = _extent((y1 + y2) / 2, long, frame_height)
    left, right = _extent((x1 + x2) / 2, long * width / height, frame_width)
    return Window(top, bottom, left, right)


def _extent(centre: float, length: float, frame: int) -> tuple[float, float]:
    """Start and end of the window along one axis, on which the frame has `frame` pixels."""
    start: float = max(0, math.trunc(centre - length / 2))
    end: float = min(frame - 1, math.trunc(centre + length / 2))
    if start == 0:
        end = min(length, frame - 1)
    elif end == frame - 1:
        start = max(frame - length, 0)
    return start, end


def resize(part: NDArray[np.uint8], image_size: tuple[int, int]) -> NDArray[np.uint8]:
    """The crop from a part of a frame.

    Args:
        part: uint8 `[rows, columns, 3]`, in OpenCV's order (blue, green, red).
        image_size: height and width of the crop, in pixels.

    Returns:
        uint8 `[height, width, 3]`, red, green, blue.
    """
    height, width = image_size
    crop = cv2.resize(part, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.cvtColor(crop, cv2.COLOR_BGR2RGB), np.uint8)


def exact_keypoints(
    keypoints: NDArray[np.float64], window: Window, image_size: tuple[int, int]
) -> NDArray[np.float64]:
    """Keypoints in crop pixels, where the crop shows them.

    `x' = (x - left) * width / columns`, `y' = (y - top) * height / rows`, with `left`, `top`,
    `columns` and `rows` of the window's pixels.

    Args:
        keypoints: x, y in source pixels, `[17, 2]`.
        window: the window of the crop.
        image_size: height and width of the crop, in pixels.

    Returns:
        x, y in crop pixels, float64 `[17, 2]`. A joint may lie outside the crop.
    """
    height, width = image_size
    top, bottom, left, right = window.pixels
    scale = np.array([width / (right - left), height / (bottom - top)])
    mapped: NDArray[np.float64] = (keypoints - np.array([left, top])) * scale
    return mapped


def published_keypoints(
    keypoints: NDArray[np.float64], window: Window, image_size: tuple[int, int]
) -> NDArray[np.float64]:
    """Keypoints in crop pixels, as the published files have them.

    `x' = (x - m_x) * height / rows + width / 2`, `y' = (y - m_y) * width / columns + height / 2`,
    where m is the middle of the window, not truncated. The published generator swaps the two
    scales. This shifts joints where a window was cut at an edge of the frame.

    Arguments and result are those of `exact_keypoints`.
    """
    height, width = image_size
    top, bottom, left, right = window.pixels
    middle = np.array([(window.left + window.right) / 2, (window.top + window.bottom) / 2])
    scale = np.array([height / (bottom - top), width / (right - left)])
    mapped: NDArray[np.float64] = (keypoints - middle) * scale + [width / 2, height / 2]
    return mapped


KEYPOINT_MAPPINGS = {"exact": exact_keypoints, "published": published_keypoints}
