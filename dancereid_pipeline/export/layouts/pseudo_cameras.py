"""What stands for a camera where a layout wants one: a sixth of the video's time.

Readers of re-ID data leave out of a query's gallery what shows the same person at the
same camera, since that is too easy. In a video from one camera what is too easy is what was
seen a moment before or after. So a video's time, from its first image to its last, is cut into
six parts of equal length, the same for everyone in it, and each counts as a camera: six, since
that is what Market-1501 has and its readers insist on.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

CAMERAS = 6


@dataclass(frozen=True)
class Cameras:
    """The six parts of a video's time.

    Attributes:
        first: the first frame that has an image.
        last: the last one.
    """

    first: int
    last: int

    @classmethod
    def of(cls, frames: Iterable[int]) -> Cameras:
        """Those of a video with images of these frames, which are in order."""
        frames = list(frames)
        return cls(frames[0], frames[-1]) if frames else cls(0, 0)

    def at(self, frame: int) -> int:
        """The camera of a frame, 0 to 5."""
        return (frame - self.first) * CAMERAS // self._length

    def in_the_middle(self, frame: int) -> bool:
        """Whether a frame is in the middle third of its camera's time.

        From there to another camera's time it is at least an 18th of the video.
        """
        return (frame - self.first) * CAMERAS * 3 // self._length % 3 == 1

    def off_the_middle(self, frame: int) -> int:
        """How far a frame is from the middle of its camera's time, in 12ths of a frame."""
        middle = (2 * self.at(frame) + 1) * self._length
        return abs((frame - self.first) * CAMERAS * 2 - middle)

    @property
    def _length(self) -> int:
        return self.last - self.first + 1
