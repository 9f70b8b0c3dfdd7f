"""Decodes a fetched clip from first to last frame, and returns its properties."""

from __future__ import annotations

import threading
from pathlib import Path

from ..common.errors import VideoError
from ..common.progress import progress
from ..formats.clip_facts import ClipFacts
from ..formats.container import damaged, error_text, facts_of, open_clip
from ..formats.video import Clip


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
    container, stream = open_clip(path, path)
    with bar, container:
        size, entries = path.stat().st_size, stream.index_entries
        here = sum(entry.pos + entry.size <= size for entry in entries)
        if here < len(entries):
            raise damaged(path, f"{here:,} frames of {len(entries):,} are in the file")
        try:
            for frame in container.decode(stream):
                if frame.is_corrupt:
                    raise damaged(path, f"frame {frames} is")
                frames += 1
                bar.update()
        except VideoError:
            raise
        except Exception as error:
            raise damaged(path, f"{error_text(error)} after {frames:,} frames") from error
        if frames < expected:
            raise damaged(path, f"{frames:,} frames of {expected:,} can be decoded")
        return facts_of(stream, frames, stream.width, stream.height)
