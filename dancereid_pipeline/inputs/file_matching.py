"""Matches files with videos: a file belongs to a video if its name contains the video id."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from ..catalogue.catalogue import Catalogue, Video
from ..common.errors import VideoError
from ..common.files import LOCKS, UNFINISHED
from ..common.reasons import Reason
from ..common.store_path import AnyPath, StorePath
from ..formats.image_header import PICTURE_SUFFIXES

_File = TypeVar("_File")
_LISTED = 3  # at most so many files are listed in an error


@dataclass(frozen=True)
class PassedOver:
    """A file that belongs to no video.

    Attributes:
        path: its path; of a file in an archive, `ARCHIVE::NAME`.
        name: its name without folders.
        why: why it was passed over.
    """

    path: str
    name: str
    why: str

    def __str__(self) -> str:
        return f"{self.path} ({self.why})"


def match_files(
    files: Iterable[tuple[_File, str]], catalogue: Catalogue
) -> tuple[dict[str, list[_File]], list[PassedOver]]:
    """Finds the video of each file.

    The catalogue's own name for a clip comes first. Otherwise the longest id in the name counts,
    since an id may be part of another, as `cam1` of `cam1_left`. If several ids are longest, the
    file belongs to each of their videos.

    Args:
        files: (file, its name without the ending) for each file.
        catalogue: the catalogue with the videos.

    Returns:
        The files of each video, by video id; and those that belong to no video.
    """
    own = {video.clip_stem: video.video_id for video in catalogue}
    ids = {name: v.video_id for v in catalogue for name in (v.video_id, v.download_id)}
    lower = {name.lower() for name in ids}
    lengths = sorted(set(map(len, ids)), reverse=True)
    by_video: dict[str, list[_File]] = {}
    passed_over = []
    for file, name in files:
        found = _separate(name, _ids_in(name, ids, lengths))
        longest = {ids[i] for i in found if len(i) == max(map(len, found))}
        videos = {own[name]} if name in own else longest
        for video_id in videos:
            by_video.setdefault(video_id, []).append(file)
        if not videos:
            near = next(_ids_in(name.lower(), lower, lengths), None)
            passed_over.append(
                PassedOver(str(file), name, _why_no_video(near and name[slice(*near)], ids))
            )
    return by_video, passed_over


def _ids_in(name: str, ids: Collection[str], lengths: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Where ids are in a name, from left to right; of those that begin together, the longest first.

    Parts of the name are looked up among the ids, so more ids do not take longer.

    Args:
        name: the name.
        ids: the ids.
        lengths: their lengths, each once, the largest first.

    Yields:
        The offsets at which an id begins and ends.
    """
    for start in range(len(name)):
        for stop in (start + length for length in lengths):
            if stop <= len(name) and name[start:stop] in ids:
                yield start, stop


def _separate(name: str, parts: Iterable[tuple[int, int]]) -> list[str]:
    """The parts of a name that no letter or digit continues, and that do not overlap.

    Ids may contain '-' and '_', as names do, so these do not continue an id.
    """
    found, after = [], 0
    for start, stop in parts:
        beside = name[start - 1 : start] + name[stop : stop + 1]
        if start >= after and not re.search("[A-Za-z0-9]", beside):
            found.append(name[start:stop])
            after = stop
    return found


def _why_no_video(near: str | None, ids: Collection[str]) -> str:
    """Why a file belongs to no video: `near` is what its name has of an id."""
    if near is None:
        return "no video's id is in its name"
    if near in ids:
        return f"a letter or digit is next to the id {near}"
    return "upper and lower case are not those of the video's id"


def only_file(
    video: Video,
    files: list[_File],
    passed_over: Iterable[PassedOver],
    reason: Reason,
    what: str,
) -> _File:
    """The only file of a video.

    Args:
        video: the video.
        files: the files that belong to it.
        passed_over: files that belong to no video.
        reason: the reason to report if there is none.
        what: name of the file in errors, as "clip in FOLDER".

    Raises:
        VideoError: there is none, or there are several.
    """
    if not files:
        ids = dict.fromkeys((video.video_id, video.download_id))
        near = [p for p in passed_over if any(i.lower() in p.name.lower() for i in ids)]
        raise VideoError(
            reason,
            f"Expected one {what} with {' or '.join(ids)} in its name, found none. "
            + (f"Passed over: {_listed(near)}. Rename or convert it, or put" if near else "Put")
            + " the right file there.",
        )
    if len(files) > 1:
        raise VideoError(
            Reason.AMBIGUOUS,
            f"Expected one {what}, found {', '.join(sorted(map(str, files)))}. Keep one.",
        )
    return files[0]


def _listed(files: Sequence[PassedOver]) -> str:
    more = f" and {len(files) - _LISTED} more" if len(files) > _LISTED else ""
    return ", ".join(map(str, files[:_LISTED])) + more


def files_below(
    folder: AnyPath, suffixes: Collection[str], *, picture_folders: bool = False
) -> tuple[list[AnyPath], list[PassedOver]]:
    """The files with these endings in a folder and in its subfolders, links included, sorted.

    If the folder does not exist, there are none.

    Args:
        folder: the folder.
        suffixes: the endings, in lower case.
        picture_folders: whether a subfolder that has pictures, and no such files, counts as one
            file: the frames of a clip.

    Returns:
        The files; and those that are passed over because of their endings, for example.

    Raises:
        OSError: a folder cannot be read.
    """
    if not folder.exists():
        return [], []
    found: list[AnyPath] = []
    of_pictures: list[AnyPath] = []
    walk = _walk_store(folder) if isinstance(folder, StorePath) else _walk(folder)
    for path, names, file in walk:
        if picture_folders and path != folder and _has_pictures_only(names, suffixes):
            of_pictures.append(path)
            continue
        found += map(file, names)
    whys = {path: _why_unreadable(path, suffixes) for path in sorted(found)}
    passed_over = [PassedOver(str(path), path.name, why) for path, why in whys.items() if why]
    files = [path for path, why in whys.items() if not why]
    return sorted([*files, *of_pictures]), passed_over


def _walk(folder: Path) -> Iterator[tuple[AnyPath, list[str], Callable[[str], AnyPath]]]:
    """Yields a folder and those below: the path, the names of its files, and how to get a file."""

    def fail(error: OSError) -> None:
        raise error

    seen: set[str] = set()
    for path, folders, names in os.walk(folder, followlinks=True, onerror=fail):
        if os.path.realpath(path) in seen:  # a link to a folder above
            folders.clear()
            continue
        seen.add(os.path.realpath(path))
        folders[:] = [name for name in folders if not _is_unfinished(name)]
        yield Path(path), names, Path(path).joinpath


def _walk_store(
    folder: StorePath,
) -> Iterator[tuple[AnyPath, list[str], Callable[[str], AnyPath]]]:
    """As `_walk`, in a store: one listing a folder says the sizes of all files, too."""
    folders, files = folder.entries()
    by_name = {file.name: file for file in files}
    yield folder, list(by_name), by_name.__getitem__
    for below in folders:
        if not _is_unfinished(below.name):
            yield from _walk_store(below)


def _is_unfinished(name: str) -> bool:
    """Whether a folder holds nothing whole, and may go at any moment."""
    return name == LOCKS or name.startswith(UNFINISHED)


def _has_pictures_only(names: Iterable[str], suffixes: Collection[str]) -> bool:
    """Whether there are pictures among the names, and no names with these endings."""
    endings = {os.path.splitext(name)[1].lower() for name in names if not name.startswith(".")}  # noqa: PTH122  # a Path for each takes ten times as long
    return not endings.isdisjoint(PICTURE_SUFFIXES) and endings.isdisjoint(suffixes)


def _why_unreadable(path: AnyPath, suffixes: Collection[str]) -> str:
    """Why a file is passed over, whatever video it is of; "" if it is not."""
    if path.name.startswith("."):
        return "its name begins with a dot"
    if path.suffix.lower() not in suffixes:
        return f"its ending is none of {', '.join(sorted(suffixes))}"
    return "" if path.is_file() else "it is not a file, or a link to one that is not there"
