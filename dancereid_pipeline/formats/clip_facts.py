"""What is worth knowing of a clip besides its frames."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ClipFacts:
    """The properties of a clip.

    Attributes:
        frames: number of frames that a decoder gives from first to last.
        width: in pixels.
        height: in pixels.
        fps: frames per second, 0 if the file does not say.
        codec: as FFmpeg names it: "h264", "vp9", "av1".
    """

    frames: int
    width: int
    height: int
    fps: float
    codec: str

    def __str__(self) -> str:
        rate = f"{self.fps:g} frames per second, " if self.fps else ""
        return f"{self.width} x {self.height} pixels, {rate}{self.frames:,} frames, {self.codec}"
