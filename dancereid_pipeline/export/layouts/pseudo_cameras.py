"""Pseudo cameras for layouts that need cameras: each is a sixth of the video's time.

Readers of re-ID data leave images of the same person at the same camera out of a query's gallery,
since they are too easy. In a video from one camera, images from a moment before or after are too
easy. So the time of a video, from its first image to its last, is divided into six parts of equal
length, the same for all people in it, and each part counts as a camera. There are six, since
Market-1501 has six cameras and its readers expect that number.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

CAMERAS = 6


@dataclass(frozen=True)
class Cameras:
    """The six pseudo cameras of a video.

    Attributes:
        first: the first frame that has an image.
        last: the last frame that has an image.
    """

    first: int
    last: int

    @classmethod
    def of(cls, frames: Iterable[int]) -> Cameras:
        """The cameras of a video that has images at these frames, in ascending order."""
        frames = list(frames)
        return cls(frames[0], frames[-1]) if frames else cls(0, 0)

    def at(self, frame: int) -> int:
        """The camera of a frame, 0 to 5."""
        return (frame - self.first) * CAMERAS // self._length

    def in_middle_third(self, frame: int) -> bool:
        """Whether a frame is in the middle third of its camera's time.

        Such a frame is at least an 18th of the video away from another camera's time.
        """
        return (frame - self.first) * CAMERAS * 3 // self._length % 3 == 1

    def distance_to_middle(self, frame: int) -> int:
        """The distance of a frame from the middle of its camera's time, in 12ths of a frame."""
        middle = (2 * self.at(frame) + 1) * self._length
        return abs((frame - self.first) * CAMERAS * 2 - middle)

    @property
    def _length(self) -> int:
        return self.last - self.first + 1
