"""Which files belong to which video: a file is a video's if its name holds the video's id."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ..catalogue.catalogue import Catalogue, Video
from ..common.errors import VideoError
from ..common.reasons import Reason

if TYPE_CHECKING:
    pass

_File = TypeVar("_File")


def claim(files: Iterable[tuple[_File, str]], catalogue: Catalogue) -> dict[str, list[_File]]:
    """Gives each (file, its name) to the video whose id the name holds.

    The catalogue's own name for a clip comes first. Else the longest id wins: one may
    be part of another, as `cam1` of `cam1_left`. Two as long claim it both.
    """
    own = {video.clip_stem: video.video_id for video in catalogue}
    ids = {name: v.video_id for v in catalogue for name in (v.video_id, v.download_id)}
    # Ids hold '-' and '_', as do the names around them: only letters and digits bound one.
    longest_first = sorted(ids, key=len, reverse=True)
    pattern = re.compile(
        f"(?<![A-Za-z0-9])({'|'.join(map(re.escape, longest_first))})(?![A-Za-z0-9])"
    )
    claimed: dict[str, list[_File]] = {}
    for file, name in files:
        found = pattern.findall(name)
        longest = {ids[i] for i in found if len(i) == max(map(len, found))}
        for video_id in {own[name]} if name in own else longest:
            claimed.setdefault(video_id, []).append(file)
    return claimed


def one(video: Video, files: list[_File], reason: Reason, what: str) -> _File:
    """The one file of a video.

    Raises:
        VideoError: there is none (`reason`), or there are several.
    """
    if not files:
        names = " or ".join(dict.fromkeys((video.video_id, video.download_id)))
        raise VideoError(reason, f"No {what} has {names} in its name.")
    if len(files) > 1:
        raise VideoError(
            Reason.AMBIGUOUS,
            f"Expected one {what}, found {', '.join(sorted(map(str, files)))}. Keep one.",
        )
    return files[0]


def files_below(folder: Path, suffixes: Collection[str]) -> list[Path]:
    """Files with these endings in a folder, nested or linked ones too; none if it is not there."""

    def fail(error: OSError) -> None:
        raise error

    if not folder.exists():
        return []
    found: list[Path] = []
    seen: set[str] = set()
    for place, folders, names in os.walk(folder, followlinks=True, onerror=fail):
        if os.path.realpath(place) in seen:  # a link to a folder above
            folders.clear()
            continue
        seen.add(os.path.realpath(place))
        found += [Path(place, name) for name in names if not name.startswith(".")]
    return sorted(p for p in found if p.suffix.lower() in suffixes and p.is_file())
