"""Where the files are: the annotation, and each video's clip and tracks.

A data folder holds `videos/` (clips; or they lie in the folder itself), `npy/` (tracks;
and/or an archive `npy.zip`, `npy.tar`, `npy.tar.gz`, `npy.tar.xz`) and `annotation.json`.
A file is a video's if its name holds the video's id.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Protocol

from ..catalogue.catalogue import Catalogue, Video
from ..common.errors import SourceError, VideoError
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
    """The clip and the tracks of one video."""

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


@dataclass(frozen=True)
class Inputs:
    """The files of several videos, as they were found.

    Attributes:
        path: the folder that they were looked for in.
        annotation: the path of annotation.json.
        videos: by video id; the error says which file is missing.
    """

    path: Path
    annotation: Path
    videos: Mapping[str, VideoFiles | VideoError]


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


class TracksFiles:
    """The npy files of several folders and archives, by video.

    Args:
        paths: of the folders and archives; what an earlier one has of a video is taken.
        where: the paths, in an error.
        catalogue: whose videos to look for.

    Raises:
        SourceError: one of them cannot be read.
    """

    def __init__(self, paths: Sequence[Path], where: str, catalogue: Catalogue) -> None:
        self._where = where
        try:
            self._by_path = [
                claim(((npy, PurePosixPath(npy.name).stem) for npy in _tracks_at(path)), catalogue)
                for path in paths
            ]
        except OSError as error:
            raise SourceError(
                f"{where}: the tracks cannot be read ({error.strerror}). Expected an archive or "
                "a folder of npy files."
            ) from error

    def has(self, video: Video) -> bool:
        """Whether there is an npy file of a video."""
        return any(video.video_id in by_video for by_video in self._by_path)

    def find(self, video: Video) -> TracksFile:
        """The npy file of a video.

        Raises:
            VideoError: there is none, or there are several.
        """
        found = [files for by_video in self._by_path if (files := by_video.get(video.video_id))]
        what = f"npy file in {self._where}"
        return one(video, found[0] if found else [], Reason.NO_TRACKS, what)


def find_in_folder(
    path: str | Path,
    catalogue: Catalogue,
    videos: Iterable[Video],
    *,
    annotation: Path | None = None,
    tracks: TracksFiles | None = None,
) -> Inputs:
    """Looks for everything that a build needs in a data folder.

    Args:
        path: the folder.
        catalogue: all videos.
        videos: those to look for.
        annotation: path of the annotation, if it is elsewhere.
        tracks: if they are elsewhere.

    Raises:
        SourceError: it is not such a folder.
    """
    try:
        # Absolute: a stream is read later, maybe from another folder.
        folder = Path(path).expanduser().absolute()
        if not folder.is_dir():
            raise SourceError(
                f"data_dir {str(folder)!r} is not a folder. Expected one that holds {_LAYOUT}."
            )
        annotation = annotation or folder / "annotation.json"
        if not annotation.is_file():
            raise SourceError(f"{annotation} is missing. Expected {_LAYOUT}.")
        clips_folder = folder / "videos"
        clips = Clips(clips_folder if clips_folder.is_dir() else folder, catalogue)
        if tracks is None:
            paths = tracks_below(folder)
            tracks = TracksFiles(paths, " or ".join(map(str, paths)) or "npy/", catalogue)
    except (OSError, ValueError, RuntimeError) as error:
        raise SourceError(
            f"data_dir {str(path)[:200]!r} cannot be read: {error}. Expected a folder that "
            f"holds {_LAYOUT}, and permission to read it."
        ) from error
    return Inputs(folder, annotation, find_files(videos, clips.find, tracks))


def find_files(
    videos: Iterable[Video], clip: Callable[[Video], Path | ClipSource], tracks: TracksFiles
) -> dict[str, VideoFiles | VideoError]:
    """The clip and the tracks of each video, or the error that says which is missing.

    Args:
        videos: those to look for.
        clip: finds a video's clip; raises a `VideoError` if there is none.
        tracks: the npy files.
    """
    found: dict[str, VideoFiles | VideoError] = {}
    for video in videos:
        try:
            found[video.video_id] = VideoFiles(clip(video), tracks.find(video))
        except VideoError as error:
            found[video.video_id] = error
    return found


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


def _tracks_at(path: Path) -> list[TracksFile]:
    """The npy files in a folder or an archive.

    Raises:
        OSError: the folder cannot be read.
        SourceError: the archive cannot be.
    """
    if not path.is_dir():
        return tracks_in(path)
    files = files_below(path, {".npy"})
    return [TracksFile(p, None, p.stat().st_size, p.stat().st_mtime_ns) for p in files]
