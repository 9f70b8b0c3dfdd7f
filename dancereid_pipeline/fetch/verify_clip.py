"""Decodes a fetched clip from first to last frame, and returns its properties."""

from __future__ import annotations

import threading
from pathlib import Path

import av

from ..common.errors import VideoError
from ..common.progress import progress
from ..common.reasons import Reason
from ..formats.video import Clip
from .manifest import ClipFacts


def examine(path: Path) -> ClipFacts:
    """Decodes a whole clip.

    Raises:
        VideoError: the file is not a video, is damaged, or has fewer frames than its index.
    """
    with Clip(path) as clip:  # raises if it is not a video, or has no frames
        expected = clip.frame_count  # frames that are in the file
    frames = 0
    bar = progress(
        desc=f"Checking {path.name.removesuffix('.unchecked')}",
        total=expected,
        unit="frame",
        leave=False,
        # A stream's clip is checked while others are read.
        disable=threading.current_thread() is not threading.main_thread(),
    )
    with bar, av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        # The index also has the frames that were cut off at the end of the file.
        expected = max(expected, sum(not entry.is_discard for entry in stream.index_entries))
        try:
            for frame in container.decode(stream):
                if frame.is_corrupt:
                    raise _damaged(path, f"frame {frames} is")
                frames += 1
                bar.update()
        except av.error.FFmpegError as error:
            raise _damaged(path, f"{error.strerror} after {frames:,} frames") from error
        if frames < expected:
            raise _damaged(path, f"{frames:,} frames of {expected:,} can be decoded")
        return ClipFacts(
            frames=frames,
            width=stream.width,
            height=stream.height,
            fps=round(float(stream.average_rate or 0), 3),
            codec=stream.codec.canonical_name,  # the name of the codec, not of the decoder
        )


def _damaged(path: Path, what: str) -> VideoError:
    return VideoError(Reason.DAMAGED, f"{path}: the video is damaged ({what}). Get the clip again.")
