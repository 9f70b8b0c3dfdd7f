"""Where the files are: the annotation, and each video's clip and tracks.

A data folder holds `videos/` (clips; or they lie in the folder itself), `npy/` (tracks;
and/or an archive `npy.zip`, `npy.tar`, `npy.tar.gz`, `npy.tar.xz`) and `annotation.json`.
A file is a video's if its name holds the video's id.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Protocol

from ..catalogue.catalogue import Catalogue, Video
from ..common.errors import SourceError
from ..common.reasons import Reason
from ..formats.track_archive import ARCHIVE_SUFFIXES, UNREADABLE_SUFFIXES, TracksFile, tracks_in
from .file_matching import claim, files_below, one

if TYPE_CHECKING:
    from ..formats.video import Clip

CLIP_SUFFIXES = frozenset({".mp4", ".webm", ".mkv", ".mov", ".m4v", ".avi"})
_LAYOUT = (
    "videos/ (clips; they may lie in the folder itself), npy/ (tracks; or npy.zip, npy.tar.gz) "
    "and annotation.json"
)


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
        from ..formats.video import Clip

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
        files = files_below(folder, CLIP_SUFFIXES)
        self._by_video = claim(((clip, clip.stem) for clip in files), catalogue)

    def find(self, video: Video) -> Path:
        """The clip of a video.

        Raises:
            VideoError: there is none, or there are several.
        """
        clips = self._by_video.get(video.video_id, [])
        # The catalogue's own name for a clip wins over whatever else lies there.
        clips = [clip for clip in clips if clip.stem == video.clip_stem] or clips
        return one(video, clips, Reason.NO_CLIP, f"clip in {self.folder}")


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
            claim(((npy, PurePosixPath(npy.name).stem) for npy in place), catalogue)
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
        return one(video, found[0] if found else [], Reason.NO_TRACKS, what)


class Folder:
    """A folder with everything a build needs.

    Args:
        path: the folder.
        catalogue: whose videos to look for.
        annotation: its path, if it is elsewhere.
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
    files = files_below(place, {".npy"})
    return [TracksFile(p, None, p.stat().st_size, p.stat().st_mtime_ns) for p in files]
