"""JSON files of COCO with tracks, as PoseTrack18's -> videos."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ..common.errors import OptionError, SourceError
from ..formats.coco_video import CocoVideo, read_coco_videos
from ..formats.picture_clip import PictureClip
from ..inputs.data_folder import CLIP_SUFFIXES
from .imported_video import ImportedVideo, count_frames
from .split_names import split_named

_LEVELS = 4  # so many folders above a file may be the one that its file names begin at


def read_coco_files(source: Path, split: str | None) -> Iterator[ImportedVideo | tuple[str, str]]:
    """Reads all videos of a JSON file, or of the JSON files in a folder and below.

    Args:
        source: the file or the folder.
        split: the split of all videos; None for those that folders or file names say.

    Yields:
        Each video.

    Raises:
        OptionError: neither the folder's name nor the file's says the split.
        SourceError: there is no file, or one is not valid.
    """
    files = [source] if source.is_file() else sorted(source.rglob("*.json"))
    if not files:
        raise SourceError(f"{source}: expected JSON files of COCO (*.json) in it, found none.")
    for file in files:
        of_file = split or split_named(file.parent.name) or split_named(file.stem)
        if of_file is None:
            raise OptionError(
                f"split: neither the name of {file} nor its folder's says the split (train, val, "
                "test). Name it with split= (--split)."
            )
        for video in read_coco_videos(file):
            yield _located(video, file, of_file)


def _located(video: CocoVideo, file: Path, split: str) -> ImportedVideo:
    """The video, with its clip."""
    clip = _clip(video, file)
    tracks = video.tracks
    if video.numbered and clip is not None and clip.is_dir():
        first = PictureClip(clip).first_number
        tracks = replace(tracks, frame=tracks.frame - first, frame_count=tracks.frame_count - first)
    frames = count_frames(clip, None, str(file)) or tracks.frame_count
    if tracks.frame_count > frames or (tracks.frame < 0).any():
        raise SourceError(
            f"{file}, video {video.name!r}: has images that are not among the {frames:,} frames of "
            f"{clip}. Get the original frames."
        )
    tracks = replace(tracks, frame_count=frames)
    return ImportedVideo(video.name, split, clip, tracks, video.left_out)


def _clip(video: CocoVideo, file: Path) -> Path | None:
    """The folder of pictures that the file names say, or a clip of the video's name."""
    above = [file.parent, *file.parent.parents][:_LEVELS]
    if video.folder:
        for folder in above:
            if (folder / video.folder).is_dir():
                return folder / video.folder
    named = [p for p in sorted(file.parent.iterdir()) if p.stem == video.name]
    return next((p for p in named if p.suffix.lower() in CLIP_SUFFIXES), None)
