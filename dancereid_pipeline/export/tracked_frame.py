"""What a layout of tracking receives: detections in pixels of the video, and whole frames."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..formats.clip_facts import ClipFacts


@dataclass(frozen=True)
class Detection:
    """One person in one frame, in pixels of the video.

    Attributes:
        frame: index of the frame in the tracks, from 0.
        person: the person in the video, from 0.
        bbox: x1, y1, x2, y2, float64 `[4]`.
        keypoints: x, y, float64 `[17, 2]`; NaN for a joint that was not seen.
        clip: the clip's properties at the rate of the tracks.
    """

    frame: int
    person: int
    bbox: NDArray[np.float64]
    keypoints: NDArray[np.float64]
    clip: ClipFacts


@dataclass(frozen=True)
class WholeFrame:
    """A whole frame.

    Attributes:
        frame: its index in the tracks, from 0.
        jpeg: the frame as JPEG.
    """

    frame: int
    jpeg: bytes
