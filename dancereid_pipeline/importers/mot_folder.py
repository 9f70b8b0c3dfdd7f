"""Folders of MOTChallenge, DanceTrack and others in their layout -> videos.

train/dancetrack0001/   a sequence; its name becomes the video id
  gt/gt.txt             the ground truth
  seqinfo.ini           its length
  img1/00000001.jpg     its frames; or one clip, here or beside the sequence's folder
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..common.errors import OptionError, SourceError
from ..formats.mot import MotTracks, SequenceInfo, read_mot, read_sequence_info
from ..formats.npy_tracks import JOINTS, Tracks
from ..inputs.data_folder import CLIP_SUFFIXES
from .imported_video import ImportedVideo, count_frames
from .split_names import SPLITS, split_named

_DEEPEST = 3  # folders between the given one and a sequence, and the sequence's


@dataclass(frozen=True)
class _Sequence:
    folder: Path
    split: str
    text: Path  # the ground truth, or a tracker's result

    @property
    def name(self) -> str:
        return self.folder.name


def read_mot_folder(
    source: Path, split: str | None, results: Path | None
) -> Iterator[ImportedVideo | tuple[str, str]]:
    """Reads all sequences in a folder.

    Args:
        source: the folder: of a sequence, of a split's sequences, or of the splits' folders.
        split: the split of all videos; None for those that the folders' names say.
        results: a folder with a tracker's results, `NAME.txt` for each sequence; None for the
            ground truths.

    Yields:
        Each video; or, of one that is left out, its name and the reason.

    Raises:
        OptionError: no folder's name says the split.
        SourceError: there is no sequence, or a file is not valid.
    """
    folders = sorted(_sequence_folders(source, _DEEPEST))
    if not folders:
        raise SourceError(
            f"{source}: expected sequences: folders with gt/gt.txt, seqinfo.ini or img1/, at most "
            f"{_DEEPEST} levels below. Name the folder that has them."
        )
    for folder in folders:
        text = folder / "gt" / "gt.txt" if results is None else results / f"{folder.name}.txt"
        if not text.is_file():
            yield folder.name, f"there is no {text}"
            continue
        sequence = _Sequence(folder, split or _split_of(folder), text)
        yield _read(sequence, truth=results is None)


def _sequence_folders(folder: Path, levels: int) -> Iterator[Path]:
    if _is_sequence(folder):
        yield folder
    elif levels:
        for child in folder.iterdir():
            if child.is_dir() and not child.name.startswith("."):
                yield from _sequence_folders(child, levels - 1)


def _is_sequence(folder: Path) -> bool:
    files = folder / "gt" / "gt.txt", folder / "seqinfo.ini"
    return any(file.is_file() for file in files) or (folder / "img1").is_dir()


def _split_of(folder: Path) -> str:
    """The split by the name of the folder around."""
    name = folder.parent.name
    split = split_named(name)
    if split is None:
        raise OptionError(
            f"split: the folder of the sequence {folder.name} is called {name!r}, which says no "
            f"split ({', '.join(SPLITS)}). Name the split with split= (--split)."
        )
    return split


def _read(sequence: _Sequence, *, truth: bool) -> ImportedVideo:
    ini = sequence.folder / "seqinfo.ini"
    info = read_sequence_info(ini) if ini.is_file() else None
    clip = _clip(sequence.folder, info)
    frames = count_frames(clip, info.frames if info else None, str(ini))
    found = read_mot(sequence.text, truth=truth, frames=frames)
    return ImportedVideo(
        sequence.name, sequence.split, clip, _tracks(found, frames), found.left_out
    )


def _clip(folder: Path, info: SequenceInfo | None) -> Path | None:
    """The clip of a sequence: its folder of pictures, or one file in it or beside it.

    Raises:
        SourceError: there are several files.
    """
    pictures = folder / (info.pictures if info else "img1")
    if pictures.is_dir():
        return pictures
    inside = [p for p in sorted(folder.iterdir()) if p.suffix.lower() in CLIP_SUFFIXES]
    beside = [p for p in sorted(folder.parent.iterdir()) if p.stem == folder.name]
    clips = inside or [p for p in beside if p.suffix.lower() in CLIP_SUFFIXES]
    if len(clips) > 1:
        raise SourceError(
            f"{folder}: expected one clip, found {', '.join(p.name for p in clips)}. Keep one."
        )
    return clips[0] if clips else None


def _tracks(found: MotTracks, frames: int | None) -> Tracks:
    """The detections; joints are NaN, since the format has none."""
    count = len(found.frame)
    last = int(found.frame[-1]) + 1 if count else 1
    return Tracks(
        frame=found.frame,
        person=found.person,
        bbox=found.bbox,
        # One NaN for all: it takes no memory.
        keypoints=np.broadcast_to(np.float64(np.nan), (count, JOINTS, 2)),
        frame_count=frames or last,
        detections=count,
    )
