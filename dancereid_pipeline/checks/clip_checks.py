"""Checks by its length and its size whether a clip is the one that was tracked."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..common.errors import VideoError
from ..common.reasons import Reason

# A clip that is encoded again may lose or gain a few frames at its end.
TAIL_FRAMES = 5
# If a video has at least so many detections, at most this part of their bboxes may have the centre
# outside the frame.
MIN_DETECTIONS = 10
MAX_OUTSIDE = 0.1


def rate_multiple(clip_frames: int, track_frames: int, clip: str) -> int:
    """The number of clip frames for each frame of the tracks.

    It is 1 for the clip that was tracked, and k for the same clip at k times the frame rate.

    Raises:
        VideoError: the length fits neither; a few frames at the end may differ.
    """
    if abs(clip_frames - track_frames) <= TAIL_FRAMES:
        return 1
    multiple = round(clip_frames / track_frames)
    # In a short clip a few frames are many: otherwise every length would be near a multiple.
    tail = min(TAIL_FRAMES, clip_frames // 20)
    if multiple < 2 or abs(clip_frames - multiple * track_frames) > tail:
        raise VideoError(
            Reason.WRONG_LENGTH,
            f"{clip}: expected the {track_frames:,} frames that its tracks have, or a multiple of "
            f"them, found {clip_frames:,}. It was cut, or is another edit. Get the original clip.",
        )
    return multiple


def check_size(size: tuple[int, int], bboxes: NDArray[np.floating], clip: str) -> None:
    """Refuses a clip that is smaller than the one that was tracked.

    Bboxes are in pixels of the clip that was tracked, and no file says how large that clip was.
    A person in the frame has the centre of the bbox in it. In a smaller clip, many do not.

    Args:
        size: width and height of the clip's frames, in pixels.
        bboxes: x1, y1, x2, y2, `[N, 4]`.
        clip: the clip's name in errors.

    Raises:
        VideoError: too many bboxes lie outside the frame.
    """
    centres = (bboxes[:, :2] + bboxes[:, 2:]) / 2
    outside = int(np.count_nonzero((centres > size).any(axis=1)))
    if len(bboxes) >= MIN_DETECTIONS and outside > MAX_OUTSIDE * len(bboxes):
        raise VideoError(
            Reason.WRONG_SIZE,
            f"{clip}: {size[0]} x {size[1]} pixels, but {outside:,} of {len(bboxes):,} bboxes lie "
            "outside. The clip that was tracked was larger. Get it in that size (for DanceReID, "
            "the largest up to 1080 lines).",
        )
