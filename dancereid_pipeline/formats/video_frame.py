"""A decoded frame -> pixels: only the part that is needed is converted."""

from __future__ import annotations

from typing import Any

import av
import numpy as np
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from ..common.errors import VideoError
from ..common.reasons import Reason
from .container import error_text


class DecodedFrame:
    """A decoded frame of a clip, turned upright if the clip says so.

    Args:
        frame: the frame from the decoder.
        reformatter: shared by all frames of a clip, since making one takes time.
        name: the frame's name in errors.

    Attributes:
        height: height of the upright frame, in pixels.
        width: width of the upright frame, in pixels.
    """

    def __init__(self, frame: av.VideoFrame, reformatter: VideoReformatter, name: str) -> None:
        self._name = name
        self._frame = frame
        self._reformatter = reformatter
        self._quarter_turns = round(frame.rotation / 90) % 4
        sides = frame.height, frame.width
        self.height, self.width = sides[::-1] if self._quarter_turns % 2 else sides
        self._whole: NDArray[np.uint8] | None = None

    def bgr(self, top: int, bottom: int, left: int, right: int) -> NDArray[np.uint8]:
        """The pixels of rows `[top, bottom)` and columns `[left, right)`, as OpenCV reads them.

        They are the same as those cut from the whole frame. Where this is certain, only the
        part is converted.

        Returns:
            uint8 `[bottom - top, right - left, 3]`, blue, green, red.

        Raises:
            VideoError: FFmpeg cannot convert frames of this format.
        """
        if not self._can_be_cut:
            if self._whole is None:
                self._whole = np.rot90(self._convert(self._frame), self._quarter_turns)
            return self._whole[top:bottom, left:right]
        # Chroma has half the resolution: cut at even rows and columns.
        y, x = top - top % 2, left - left % 2
        part = _cut_yuv420(self._frame, y, bottom + bottom % 2, x, right + right % 2)
        return self._convert(part)[top - y : bottom - y, left - x : right - x]

    @property
    def _can_be_cut(self) -> bool:
        """Whether a part, converted alone, has the pixels of the converted whole.

        It has not if a frame is interlaced or of odd size: then FFmpeg interpolates chroma.
        """
        frame = self._frame
        usual = frame.format.name in ("yuv420p", "yuvj420p") and not frame.interlaced_frame
        return usual and not (frame.height | frame.width) & 1 and not self._quarter_turns

    def _convert(self, frame: av.VideoFrame) -> NDArray[np.uint8]:
        try:
            # One thread: to start more takes several times as long as to convert a crop.
            converted = self._reformatter.reformat(frame, format="bgr24", threads=1)
        except Exception as error:
            raise VideoError(
                Reason.NO_CODEC,
                f"{self._name}: FFmpeg cannot convert the pixel format {frame.format.name}, colour "
                f"space {frame.colorspace} ({error_text(error)}). Get the clip in H.264, 8 "
                "bits, 4:2:0.",
            ) from error
        return np.asarray(converted.to_ndarray(), np.uint8)


def _cut_yuv420(
    frame: av.VideoFrame, top: int, bottom: int, left: int, right: int
) -> av.VideoFrame:
    """A new frame with a part of the planes. All four edges must be even."""
    cut = av.VideoFrame(right - left, bottom - top, frame.format.name)
    # Written into its planes: `from_ndarray` copies once more and takes five times as long.
    for target, plane, scale in zip(cut.planes, frame.planes, (1, 2, 2), strict=True):
        part = _rows(plane)[top // scale : bottom // scale, left // scale : right // scale]
        _rows(target)[: part.shape[0], : part.shape[1]] = part
    cut.colorspace, cut.color_range = frame.colorspace, frame.color_range
    return cut


def _rows(plane: Any) -> NDArray[np.uint8]:
    """A plane as an array, with its padding: uint8 `[rows, line size]`."""
    return np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
