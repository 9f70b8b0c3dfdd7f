"""Finds the files in a data folder: the annotation, and the clip and tracks of each video.

A data folder has `videos/` with the clips (they may also be in the folder itself), `npy/` with
the tracks (or an archive `npy.zip`, `npy.tar.gz` and so on, or both) and `annotation.json`.
A file belongs to a video if its name contains the video id. A clip may also be a folder with its
frames as pictures.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Protocol

from ..catalogue.catalogue import Catalogue, Video
from ..common.errors import SourceError, VideoError
from ..common.reasons import Reason
from ..common.store_path import AnyPath, StorePath, file_state
from ..formats.track_archive import ARCHIVE_SUFFIXES, UNREADABLE_SUFFIXES, TracksFile, tracks_in
from .file_matching import PassedOver, files_below, match_files, only_file

if TYPE_CHECKING:
    from ..formats.picture_clip import PictureClip
    from ..formats.video import Clip

CLIP_SUFFIXES = frozenset({".mp4", ".webm", ".mkv", ".mov", ".m4v", ".avi"})
_LAYOUT = (
    "videos/ (clips; they may be in the folder itself), npy/ (tracks; or npy.zip, npy.tar.gz) "
    "and annotation.json"
)


class ClipSource(Protocol):
    """A clip that is not a file yet."""

    def open(self) -> Clip:
        """Opens the clip, which is fetched while it is read.

        Raises:
            VideoError: the clip is not available.
        """


@dataclass(frozen=True)
class VideoFiles:
    """The clip and the tracks of one video."""

    clip: AnyPath | ClipSource
    tracks: TracksFile

    def open_clip(self) -> Clip | PictureClip:
        """Opens the clip. Use it in a `with` statement.

        Raises:
            VideoError: the clip is missing or is not a video.
        """
        return open_clip_at(self.clip) if isinstance(self.clip, AnyPath) else self.clip.open()


def open_clip_at(path: AnyPath) -> Clip | PictureClip:
    """Opens a clip: a video file, or a folder of pictures. Use it in a `with` statement.

    Raises:
        VideoError: it is neither.
    """
    # Here, not above: to find files, the decoders need not be imported.
    if path.is_dir():
        from ..formats.picture_clip import PictureClip

        return PictureClip(path)
    if isinstance(path, StorePath):
        from .stored_clip import open_stored_clip

        return open_stored_clip(path)
    from ..formats.video import Clip

    return Clip(path)


def clip_state(path: AnyPath) -> tuple[str, int, int | str]:
    """Name, size and time of change of a clip; of a folder, the number of files and their hash."""
    if not path.is_dir():
        return path.name, *file_state(path)
    if isinstance(path, StorePath):
        files = sorted((file.name, *file_state(file)) for file in path.entries()[1])
        return path.name, len(files), hashlib.sha256(ascii(files).encode()).hexdigest()
    with os.scandir(path) as entries:
        files = sorted((e.name, s.st_size, s.st_mtime_ns) for e in entries if (s := e.stat()))
    return path.name, len(files), hashlib.sha256(ascii(files).encode()).hexdigest()


@dataclass(frozen=True)
class Inputs:
    """The files of several videos.

    Attributes:
        path: the folder in which they were searched.
        annotation: path of annotation.json.
        videos: the files of each video, by video id; an error says which file is missing.
    """

    path: AnyPath
    annotation: AnyPath
    videos: Mapping[str, VideoFiles | VideoError]


class Clips:
    """The clips in a folder and its subfolders, by video.

    Args:
        folder: the folder; if it does not exist, there are no clips.
        catalogue: the catalogue with the videos.

    Attributes:
        passed_over: the files that belong to no video.

    Raises:
        OSError: the folder cannot be read.
    """

    def __init__(self, folder: AnyPath, catalogue: Catalogue) -> None:
        self.folder = folder
        files, others = files_below(folder, CLIP_SUFFIXES, picture_folders=True)
        self._names = {clip: _clip_name(clip) for clip in files}
        self._by_video, without_id = match_files(self._names.items(), catalogue)
        # Where clips lie beside npy/, its files are no clips with a wrong ending.
        self.passed_over = [*without_id, *(p for p in others if not p.name.endswith(".npy"))]

    def find(self, video: Video) -> AnyPath:
        """The clip of a video.

        Raises:
            VideoError: there is none, or there are several.
        """
        clips = self._by_video.get(video.video_id, [])
        # The catalogue's own name for a clip comes before all other names.
        clips = [clip for clip in clips if self._names[clip] == video.clip_stem] or clips
        what = f"clip in {self.folder}"
        return only_file(video, clips, self.passed_over, Reason.NO_CLIP, what)


def _clip_name(clip: AnyPath) -> str:
    """The name that should have a video's id. Tracking datasets call all folders of frames img1."""
    if clip.suffix.lower() in CLIP_SUFFIXES:
        return clip.stem
    return clip.parent.name if clip.name == "img1" else clip.name


class TracksFiles:
    """The npy files of several folders and archives, by video.

    Args:
        paths: paths of the folders and archives. If several have a video, the first is used.
        where: the paths as text, for errors.
        catalogue: the catalogue with the videos.

    Attributes:
        passed_over: the files that belong to no video.

    Raises:
        SourceError: a folder or an archive cannot be read.
    """

    def __init__(self, paths: Sequence[AnyPath], where: str, catalogue: Catalogue) -> None:
        self._where = where
        self._by_path = []
        self.passed_over: list[PassedOver] = []
        try:
            for path in paths:
                files, others = _tracks_at(path)
                named = ((npy, PurePosixPath(npy.name).stem) for npy in files)
                by_video, without_id = match_files(named, catalogue)
                self._by_path.append(by_video)
                self.passed_over += [*without_id, *others]
        except OSError as error:
            raise SourceError(
                f"{where}: the tracks cannot be read ({error.strerror}). Expected an archive or a "
                "folder of npy files, and permission to read it."
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
        files = found[0] if found else []
        return only_file(video, files, self.passed_over, Reason.NO_TRACKS, what)


def find_in_folder(
    path: str | AnyPath,
    catalogue: Catalogue,
    videos: Iterable[Video],
    *,
    annotation: AnyPath | None = None,
    tracks: TracksFiles | None = None,
) -> Inputs:
    """Finds all files that a build needs in a data folder.

    Args:
        path: path of the folder.
        catalogue: all videos.
        videos: the videos to find.
        annotation: path of the annotation; annotation.json in the folder if None.
        tracks: the npy files; those in the folder if None.

    Raises:
        SourceError: it is not a data folder, or cannot be read.
    """
    try:
        # Absolute: a stream is read later, when the working directory may be another.
        folder = path if isinstance(path, StorePath) else Path(path).expanduser().absolute()
        if not folder.is_dir():
            raise SourceError(
                f"data_dir {str(folder)!r} is not a folder. Expected a folder with {_LAYOUT}."
            )
        annotation = annotation or folder / "annotation.json"
        if not annotation.is_file():
            raise SourceError(f"{annotation} is missing. Expected a folder with {_LAYOUT}.")
        clips = clips_below(folder, catalogue)
        if tracks is None:
            tracks = tracks_files_below(folder, catalogue)
    except (OSError, ValueError, RuntimeError) as error:
        raise SourceError(
            f"data_dir {str(path)[:200]!r} cannot be read ({error}). Expected a folder with "
            f"{_LAYOUT}, and permission to read it."
        ) from error
    return Inputs(folder, annotation, find_files(videos, clips.find, tracks))


def clips_below(folder: AnyPath, catalogue: Catalogue) -> Clips:
    """The clips in a data folder: those in `videos`, or in the folder itself without that.

    Raises:
        OSError: the folder cannot be read.
    """
    videos = folder / "videos"
    return Clips(videos if videos.is_dir() else folder, catalogue)


def tracks_files_below(folder: AnyPath, catalogue: Catalogue) -> TracksFiles:
    """The npy files in a data folder.

    Raises:
        SourceError: they cannot be read, or there are several archives.
    """
    paths = tracks_below(folder)
    return TracksFiles(paths, " or ".join(map(str, paths)) or str(folder / "npy"), catalogue)


def find_files(
    videos: Iterable[Video], clip: Callable[[Video], AnyPath | ClipSource], tracks: TracksFiles
) -> dict[str, VideoFiles | VideoError]:
    """The clip and the tracks of each video, or the error that says which is missing.

    Args:
        videos: the videos to find.
        clip: finds the clip of a video; raises a `VideoError` if there is none.
        tracks: the npy files.
    """
    found: dict[str, VideoFiles | VideoError] = {}
    for video in videos:
        try:
            found[video.video_id] = VideoFiles(clip(video), tracks.find(video))
        except VideoError as error:
            found[video.video_id] = error
    return found


def tracks_below(folder: AnyPath, stem: str = "npy") -> list[AnyPath]:
    """The paths with tracks in a data folder: the folder `npy` and an archive beside it.

    Args:
        folder: the data folder.
        stem: name of the folder of tracks, and of the archive without its ending.

    Raises:
        SourceError: there are several archives, or only one that Python cannot read.
    """
    archives = [p for s in ARCHIVE_SUFFIXES if (p := folder / f"{stem}{s}").is_file()]
    if len(archives) > 1:
        raise SourceError(
            f"{folder}: expected {stem}/ or one archive, found "
            f"{', '.join(p.name for p in archives)}. Keep one."
        )
    paths = [folder / stem, *archives] if (folder / stem).is_dir() else archives
    packed = [p for s in UNREADABLE_SUFFIXES if (p := folder / f"{stem}{s}").is_file()]
    if packed and not paths:
        raise SourceError(
            f"{packed[0]}: Python cannot read this kind of archive. Unpack it into {folder / stem}."
        )
    return paths


def _tracks_at(path: AnyPath) -> tuple[list[TracksFile], list[PassedOver]]:
    """The npy files in a folder or an archive; and the other files in the folder.

    Raises:
        OSError: the folder cannot be read.
        SourceError: the archive cannot be read.
    """
    if not path.is_dir():
        return tracks_in(path), []
    files, others = files_below(path, {".npy"})
    return [TracksFile(p, None, *file_state(p)) for p in files], others
