"""Matches files with videos: a file belongs to a video if its name contains the video id."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import TypeVar

from ..catalogue.catalogue import Catalogue, Video
from ..common.errors import VideoError
from ..common.reasons import Reason

_File = TypeVar("_File")


def match_files(files: Iterable[tuple[_File, str]], catalogue: Catalogue) -> dict[str, list[_File]]:
    """Finds the video of each file.

    The catalogue's own name for a clip comes first. Otherwise the longest id in the name counts,
    since an id may be part of another, as `cam1` of `cam1_left`. If several ids are longest, the
    file belongs to each of their videos.

    Args:
        files: (file, its name without the ending) for each file.
        catalogue: the catalogue with the videos.

    Returns:
        The files of each video, by video id.
    """
    own = {video.clip_stem: video.video_id for video in catalogue}
    ids = {name: v.video_id for v in catalogue for name in (v.video_id, v.download_id)}
    # Ids may contain '-' and '_', as names do. So only letters and digits can continue an id.
    longest_first = sorted(ids, key=len, reverse=True)
    pattern = re.compile(
        f"(?<![A-Za-z0-9])({'|'.join(map(re.escape, longest_first))})(?![A-Za-z0-9])"
    )
    by_video: dict[str, list[_File]] = {}
    for file, name in files:
        found = pattern.findall(name)
        longest = {ids[i] for i in found if len(i) == max(map(len, found))}
        for video_id in {own[name]} if name in own else longest:
            by_video.setdefault(video_id, []).append(file)
    return by_video


def only_file(video: Video, files: list[_File], reason: Reason, what: str) -> _File:
    """The only file of a video.

    Args:
        video: the video.
        files: the files that belong to it.
        reason: the reason to report if there is none.
        what: name of the file in errors, as "clip in FOLDER".

    Raises:
        VideoError: there is none, or there are several.
    """
    if not files:
        names = " or ".join(dict.fromkeys((video.video_id, video.download_id)))
        raise VideoError(
            reason, f"Expected one {what} with {names} in its name, found none. Put it there."
        )
    if len(files) > 1:
        raise VideoError(
            Reason.AMBIGUOUS,
            f"Expected one {what}, found {', '.join(sorted(map(str, files)))}. Keep one.",
        )
    return files[0]


def files_below(folder: Path, suffixes: Collection[str]) -> list[Path]:
    """The files with these endings in a folder and in its subfolders, links included, sorted.

    If the folder does not exist, there are none.

    Raises:
        OSError: a folder cannot be read.
    """

    def fail(error: OSError) -> None:
        raise error

    if not folder.exists():
        return []
    found: list[Path] = []
    seen: set[str] = set()
    for path, folders, names in os.walk(folder, followlinks=True, onerror=fail):
        if os.path.realpath(path) in seen:  # a link to a folder above
            folders.clear()
            continue
        seen.add(os.path.realpath(path))
        found += [Path(path, name) for name in names if not name.startswith(".")]
    return sorted(p for p in found if p.suffix.lower() in suffixes and p.is_file())
