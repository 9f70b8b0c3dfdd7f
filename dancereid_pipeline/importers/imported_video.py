"""What an importer gives for each video, whatever the format."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from ..common.errors import SourceError, VideoError
from ..formats.npy_tracks import Tracks
from ..inputs.data_folder import open_clip_at


@dataclass(frozen=True)
class ImportedVideo:
    """A video in another format, read.

    Attributes:
        video_id: the video id, which is the sequence's name there.
        split: its split.
        clip: its clip: a file, or a folder of pictures; None if there is none.
        tracks: all its detections, each of which is valid.
        left_out: what was left out of it, and how often.
    """

    video_id: str
    split: str
    clip: Path | None
    tracks: Tracks
    left_out: Counter[str] = field(default_factory=Counter)


def count_frames(clip: Path | None, said: int | None, where: str) -> int | None:
    """The number of frames of a clip.

    Args:
        clip: the clip; None if there is none.
        said: the number that the format's own files say; None if they say nothing.
        where: the file that says it, for errors.

    Returns:
        The number; None if nothing says it.

    Raises:
        SourceError: the clip cannot be read, or has another number of frames.
    """
    if clip is None:
        return said
    try:
        with open_clip_at(clip) as opened:
            found = opened.frame_count
    except VideoError as error:
        raise SourceError(str(error)) from error
    if said not in (None, found):
        raise SourceError(
            f"{where}: says that there are {said:,} frames, but {clip} has {found:,}. Get the "
            "original frames, or correct the number."
        )
    return found
