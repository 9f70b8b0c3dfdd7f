"""A decoded frame -> pixels, converting no more of it than is asked for."""

from __future__ import annotations

from typing import Any

import av
import numpy as np
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from ..common.errors import VideoError
from ..common.reasons import Reason


class Picture:
    """One decoded frame, turned upright if the clip says that it lies on its side.

    Args:
        frame: as it came out of the decoder.
        reformatter: shared by a clip's pictures, since setting one up takes time.
        name: what to call the picture in errors.

    Attributes:
        height: in pixels.
        width: in pixels.
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

        The same as cutting it from the whole; where that is sure, only the part is converted.

        Returns:
            uint8 `[bottom - top, right - left, 3]`, blue, green, red.

        Raises:
            VideoError: FFmpeg cannot convert pictures of this kind.
        """
        if not self._can_be_cut:
            if self._whole is None:
                self._whole = np.rot90(self._convert(self._frame), self._quarter_turns)
            return self._whole[top:bottom, left:right]
        # Chroma has half the resolution: cut at even places.
        y, x = top - top % 2, left - left % 2
        part = _cut_yuv420(self._frame, y, bottom + bottom % 2, x, right + right % 2)
        return self._convert(part)[top - y : bottom - y, left - x : right - x]

    @property
    def _can_be_cut(self) -> bool:
        """Whether converting a part gives the pixels of converting the whole.

        FFmpeg interpolates chroma where a picture is interlaced or of odd size.
        """
        frame = self._frame
        usual = frame.format.name in ("yuv420p", "yuvj420p") and not frame.interlaced_frame
        return usual and not (frame.height | frame.width) & 1 and not self._quarter_turns

    def _convert(self, frame: av.VideoFrame) -> NDArray[np.uint8]:
        try:
            # One thread: starting more costs several times what converting a crop does.
            converted = self._reformatter.reformat(frame, format="bgr24", threads=1)
        except (av.error.FFmpegError, OSError) as error:
            raise VideoError(
                Reason.NO_CODEC,
                f"{self._name}: pictures of format {frame.format.name}, colour space "
                f"{frame.colorspace}, cannot be converted ({error.strerror or error}). Get the "
                "clip in H.264, 8 bits, 4:2:0.",
            ) from error
        return np.asarray(converted.to_ndarray(), np.uint8)


def _cut_yuv420(
    frame: av.VideoFrame, top: int, bottom: int, left: int, right: int
) -> av.VideoFrame:
    """A new frame with a part of the planes; all four edges are even."""
    cut = av.VideoFrame(right - left, bottom - top, frame.format.name)
    # Straight into its planes: `from_ndarray` would copy once more, and take five times as long.
    for target, plane, scale in zip(cut.planes, frame.planes, (1, 2, 2), strict=True):
        part = _rows(plane)[top // scale : bottom // scale, left // scale : right // scale]
        _rows(target)[: part.shape[0], : part.shape[1]] = part
    cut.colorspace, cut.color_range = frame.colorspace, frame.color_range
    return cut


def _rows(plane: Any) -> NDArray[np.uint8]:
    """A plane as an array, its padding included: uint8 `[rows, line size]`."""
    return np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
