"""Where the files are: the labels, and each video's clip and tracks.

A data folder holds `videos/` (clips; or they lie in the folder itself), `npy/` (tracks;
and/or an archive `npy.zip`, `npy.tar`, `npy.tar.gz`, `npy.tar.xz`) and `annotation.json`.
A file is a video's if its name holds the video's id.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Protocol, TypeVar

from ..catalogue.catalogue import Catalogue, Video
from ..common.errors import Reason, SourceError, VideoError
from ..formats.track_archive import ARCHIVE_SUFFIXES, UNREADABLE_SUFFIXES, TracksFile, tracks_in

if TYPE_CHECKING:
    from ..formats.packets import Clip

CLIP_SUFFIXES = frozenset({".mp4", ".webm", ".mkv", ".mov", ".m4v", ".avi"})
_LAYOUT = (
    "videos/ (clips; they may lie in the folder itself), npy/ (tracks; or npy.zip, npy.tar.gz) "
    "and annotation.json"
)

_File = TypeVar("_File")


class ClipSource(Protocol):
    """A clip that is not a file yet."""

    def open(self) -> Clip:
        """Opens it; what is not there yet comes while it is read.

        Raises:
            VideoError: it cannot be had.
        """


@dataclass(frozen=True)
class VideoFiles:
    """The files of one video that is there, or can be had."""

    video: Video
    clip: Path | ClipSource
    tracks: TracksFile

    def open_clip(self) -> Clip:
        """The clip, to be used in a `with` statement.

        Raises:
            VideoError: it is not there, or no video.
        """
        # Here, not above: whoever only looks for files need not wait for the decoder.
        from ..formats.packets import Clip

        return Clip(self.clip) if isinstance(self.clip, Path) else self.clip.open()


class Clips:
    """The clips below a folder, by video.

    Args:
        folder: may be absent: then there are none.
        catalogue: whose videos to look for.

    Raises:
        OSError: it cannot be read.
    """

    def __init__(self, folder: Path, catalogue: Catalogue) -> None:
        self.folder = folder
        files = _files_below(folder, CLIP_SUFFIXES)
        self._by_video = _claim(((clip, clip.stem) for clip in files), catalogue)

    def find(self, video: Video) -> Path:
        """The clip of a video.

        Raises:
            VideoError: there is none, or there are several.
        """
        clips = self._by_video.get(video.video_id, [])
        # The catalogue's own name for a clip wins over whatever else lies there.
        clips = [clip for clip in clips if clip.stem == video.clip_stem] or clips
        return _one(video, clips, Reason.NO_CLIP, f"clip in {self.folder}")


class Tracks:
    """The npy files of several places, by video.

    Args:
        places: what each holds; what an earlier one has of a video is taken.
        where: the places, in an error.
        catalogue: whose videos to look for.
    """

    def __init__(
        self, places: Iterable[Iterable[TracksFile]], where: str, catalogue: Catalogue
    ) -> None:
        self._where = where
        self._by_place = [
            _claim(((npy, PurePosixPath(npy.name).stem) for npy in place), catalogue)
            for place in places
        ]

    def has(self, video: Video) -> bool:
        """Whether there is an npy file of a video."""
        return any(video.video_id in by_video for by_video in self._by_place)

    def find(self, video: Video) -> TracksFile:
        """The npy file of a video.

        Raises:
            VideoError: there is none, or there are several.
        """
        found = [files for by_video in self._by_place if (files := by_video.get(video.video_id))]
        what = f"npy file in {self._where}"
        return _one(video, found[0] if found else [], Reason.NO_TRACKS, what)


class Folder:
    """A folder with everything a build needs.

    Args:
        path: the folder.
        catalogue: whose videos to look for.
        annotation: the labels, if they are elsewhere.
        tracks: if they are elsewhere.

    Raises:
        SourceError: it is not such a folder.
    """

    def __init__(
        self,
        path: str | Path,
        catalogue: Catalogue,
        *,
        annotation: Path | None = None,
        tracks: Tracks | None = None,
    ) -> None:
        try:
            # Absolute: a stream is read later, maybe from another folder.
            self.path = Path(path).expanduser().absolute()
            if not self.path.is_dir():
                raise SourceError(
                    f"data_dir {str(self.path)!r} is not a folder. Expected one that holds "
                    f"{_LAYOUT}."
                )
            self.annotation = annotation or self.path / "annotation.json"
            if not self.annotation.is_file():
                raise SourceError(f"{self.annotation} is missing. Expected {_LAYOUT}.")
            videos = self.path / "videos"
            self._clips = Clips(videos if videos.is_dir() else self.path, catalogue)
            self._tracks = tracks or tracks_of(tracks_below(self.path), catalogue)
        except (OSError, ValueError, RuntimeError) as error:
            raise SourceError(
                f"data_dir {str(path)[:200]!r} cannot be read: {error}. Expected a folder that "
                f"holds {_LAYOUT}, and leave to read it."
            ) from error

    def find(self, video: Video) -> VideoFiles:
        """The clip and the tracks of a video.

        Raises:
            VideoError: one is missing, or there are several.
        """
        return VideoFiles(video, self.clip(video), self._tracks.find(video))

    def clip(self, video: Video) -> Path | ClipSource:
        """The clip of a video.

        Raises:
            VideoError: there is none, or there are several.
        """
        return self._clips.find(video)


def _claim(files: Iterable[tuple[_File, str]], catalogue: Catalogue) -> dict[str, list[_File]]:
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


def _one(video: Video, files: list[_File], reason: Reason, what: str) -> _File:
    if not files:
        names = " or ".join(dict.fromkeys((video.video_id, video.download_id)))
        raise VideoError(reason, f"No {what} has {names} in its name.")
    if len(files) > 1:
        raise VideoError(
            Reason.AMBIGUOUS,
            f"Expected one {what}, found {', '.join(sorted(map(str, files)))}. Keep one.",
        )
    return files[0]


def _files_below(folder: Path, suffixes: Collection[str]) -> list[Path]:
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


def tracks_below(folder: Path, stem: str = "npy") -> list[Path]:
    """Where a data folder has tracks: the folder `npy`, and an archive beside it.

    Raises:
        SourceError: there are several archives, or one that Python cannot read.
    """
    archives = [p for s in ARCHIVE_SUFFIXES if (p := folder / f"{stem}{s}").is_file()]
    if len(archives) > 1:
        raise SourceError(
            f"{folder}: expected {stem}/ or one archive, found "
            f"{', '.join(p.name for p in archives)}. Keep one."
        )
    places = [folder / stem, *archives] if (folder / stem).is_dir() else archives
    packed = [p for s in UNREADABLE_SUFFIXES if (p := folder / f"{stem}{s}").is_file()]
    if packed and not places:
        raise SourceError(
            f"{packed[0]}: Python cannot read this kind of archive. Unpack it into {folder / stem}."
        )
    return places


def tracks_of(places: Sequence[Path], catalogue: Catalogue) -> Tracks:
    """The npy files in folders and archives, by video.

    Raises:
        OSError: a folder cannot be read.
        SourceError: an archive cannot be.
    """
    where = " or ".join(map(str, places)) or "npy/"
    return Tracks(map(tracks_at, places), where, catalogue)


def tracks_at(place: Path) -> list[TracksFile]:
    """The npy files in a folder or an archive.

    Raises:
        OSError: the folder cannot be read.
        SourceError: the archive cannot be.
    """
    if not place.is_dir():
        return tracks_in(place)
    files = _files_below(place, {".npy"})
    return [TracksFile(p, None, p.stat().st_size, p.stat().st_mtime_ns) for p in files]
