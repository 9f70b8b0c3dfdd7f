"""Whether a clip is the one that was tracked: by its length and its size."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..common.errors import VideoError
from ..common.reasons import Reason

# A clip encoded anew may lose or gain a few frames at its end.
TAIL_FRAMES = 5
# Of so many boxes or more, no more than this part may have its centre outside the picture.
MIN_BOXES = 10
MAX_OUTSIDE = 0.1


def rate_multiple(clip_frames: int, track_frames: int, clip: str) -> int:
    """How many frames of the clip there are to one of the tracks.

    1 for the clip that was tracked, k for the same at k times the frame rate.

    Raises:
        VideoError: neither, by more than a few frames at the end.
    """
    if abs(clip_frames - track_frames) <= TAIL_FRAMES:
        return 1
    multiple = round(clip_frames / track_frames)
    # Of a short clip a few frames are much: not every length is near a multiple of one.
    tail = min(TAIL_FRAMES, clip_frames // 20)
    if multiple < 2 or abs(clip_frames - multiple * track_frames) > tail:
        raise VideoError(
            Reason.WRONG_LENGTH,
            f"{clip}: expected the {track_frames:,} frames that its tracks have, or a multiple, "
            f"found {clip_frames:,}. It was cut, or is another edit; get the original clip.",
        )
    return multiple


def check_size(size: tuple[int, int], boxes: NDArray[np.floating], clip: str) -> None:
    """Refuses a clip that is smaller than the one that was tracked.

    Boxes are pixels of the clip that was tracked, and nothing says how large that was. A
    person in the picture has the box's centre in it; in a smaller encoding many have not.

    Args:
        size: width and height of the clip's pictures.
        boxes: x1, y1, x2, y2, `[N, 4]`.
        clip: its name.

    Raises:
        VideoError: it is.
    """
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    outside = int(np.count_nonzero((centres > size).any(axis=1)))
    if len(boxes) >= MIN_BOXES and outside > MAX_OUTSIDE * len(boxes):
        raise VideoError(
            Reason.WRONG_SIZE,
            f"{clip}: {size[0]} x {size[1]} pixels, but {outside:,} of {len(boxes):,} boxes lie "
            "beyond. The clip that was tracked was larger; get it in that size (for DanceReID, "
            "the largest up to 1080 lines).",
        )
