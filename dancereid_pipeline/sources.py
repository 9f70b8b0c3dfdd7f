"""Where the bytes are: the labels, and each video's clip and tracks, in a folder.

The folder holds `videos/` (clips), `npy/` (tracks: a folder, or an archive
`npy.zip`, `npy.tar`, `npy.tar.gz`, `npy.tar.xz`) and `annotation.json`. A file is a
video's if its name holds the video's id.
"""

from __future__ import annotations

import lzma
import os
import re
import tarfile
import zipfile
import zlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TypeVar

from .catalogue import Catalogue, Video
from .errors import Reason, SourceError, VideoError

CLIP_SUFFIXES = frozenset({".mp4", ".webm", ".mkv", ".mov", ".m4v", ".avi"})
ARCHIVE_SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.xz", ".tar.bz2")
# The largest real one holds 33,132 boxes: some 25 MB.
MAX_TRACKS_BYTES = 256 << 20
# What a broken archive, or one that this Python cannot unpack, is known to raise.
_ARCHIVE_ERRORS = (
    OSError,
    EOFError,
    KeyError,
    ValueError,
    RuntimeError,
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
)
_LAYOUT = "videos/ (clips), npy/ (tracks; or npy.zip, npy.tar.gz) and annotation.json"

_File = TypeVar("_File")


@dataclass(frozen=True)
class TracksFile:
    """An npy file of tracks, by itself or inside an archive.

    Attributes:
        path: the file, or the archive.
        member: the name inside the archive, or None.
        size: bytes, unpacked.
        changed_ns: when the file (or the archive) was last changed.
    """

    path: Path
    member: str | None
    size: int
    changed_ns: int

    @property
    def name(self) -> str:
        """Its path inside the archive, or its file name."""
        return self.member or self.path.name

    def __str__(self) -> str:
        return f"{self.path}::{self.member}" if self.member else str(self.path)

    def read(self) -> bytes:
        """The npy file's bytes, unpacked in memory: nothing is written.

        Raises:
            VideoError: too large, unreadable, or a broken archive.
        """
        if self.size > MAX_TRACKS_BYTES:
            raise VideoError(
                Reason.BAD_TRACKS,
                f"{self}: {self.size:,} bytes, more than the {MAX_TRACKS_BYTES:,} that tracks "
                "may have. Is this the right file?",
            )
        try:
            if self.member is None:
                return self.path.read_bytes()
            return _read_member(self.path, self.member)
        except _ARCHIVE_ERRORS as error:
            raise VideoError(
                Reason.BAD_TRACKS, f"{self}: cannot be read ({error}). Get the file again."
            ) from error


@dataclass(frozen=True)
class VideoFiles:
    """The files of one video that is there."""

    video: Video
    clip: Path
    tracks: TracksFile


class Folder:
    """A folder with everything a build needs.

    Args:
        path: the folder.
        catalogue: whose videos to look for.

    Raises:
        SourceError: it is not such a folder.
    """

    def __init__(self, path: str | Path, catalogue: Catalogue) -> None:
        try:
            # Absolute: a stream is read later, maybe from another folder.
            self.path = Path(path).expanduser().absolute()
            if not self.path.is_dir():
                raise SourceError(
                    f"data_dir {str(self.path)!r} is not a folder. Expected one that holds "
                    f"{_LAYOUT}."
                )
            self.annotation = self.path / "annotation.json"
            if not self.annotation.is_file():
                raise SourceError(f"{self.path}: annotation.json is missing. Expected {_LAYOUT}.")
            clips = _files_below(self.path / "videos", CLIP_SUFFIXES)
            tracks = _tracks(self.path)
        except (OSError, ValueError, RuntimeError) as error:
            raise SourceError(
                f"data_dir {str(path)[:200]!r} cannot be read: {error}. Expected a folder that "
                f"holds {_LAYOUT}, and leave to read it."
            ) from error
        self._catalogue = catalogue
        self._clips = self._claim((clip, clip.stem) for clip in clips)
        self._tracks = self._claim((npy, PurePosixPath(npy.name).stem) for npy in tracks)

    def find(self, video: Video) -> VideoFiles:
        """The clip and the tracks of a video.

        Raises:
            VideoError: one is missing, or there are several.
        """
        clips = self._clips.get(video.video_id, [])
        # The catalogue's own name for a clip wins over whatever else lies there.
        clips = [clip for clip in clips if clip.stem == video.clip_stem] or clips
        clip = self._one(video, clips, Reason.NO_CLIP, "clip in videos/")
        tracks = self._tracks.get(video.video_id, [])
        return VideoFiles(
            video, clip, self._one(video, tracks, Reason.NO_TRACKS, "npy file in npy/")
        )

    def _claim(self, files: Iterable[tuple[_File, str]]) -> dict[str, list[_File]]:
        """Gives each (file, its name) to the video whose id the name holds.

        The catalogue's own name for a clip comes first. Else the longest id wins: one may
        be part of another, as `cam1` of `cam1_left`. Two as long claim it both.
        """
        own = {video.clip_stem: video.video_id for video in self._catalogue}
        ids = {name: v.video_id for v in self._catalogue for name in (v.video_id, v.download_id)}
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

    def _one(self, video: Video, files: list[_File], reason: Reason, what: str) -> _File:
        if not files:
            names = " or ".join(dict.fromkeys((video.video_id, video.download_id)))
            raise VideoError(reason, f"No {what} of {self.path} has {names} in its name.")
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


def _tracks(folder: Path) -> list[TracksFile]:
    """Every npy file in `npy/` (nested or not) or, where there are none, in the archive."""
    if (folder / "npy").is_dir() and (files := _files_below(folder / "npy", {".npy"})):
        return [TracksFile(p, None, p.stat().st_size, p.stat().st_mtime_ns) for p in files]
    archives = [p for s in ARCHIVE_SUFFIXES if (p := folder / f"npy{s}").is_file()]
    if len(archives) > 1:
        raise SourceError(
            f"{folder}: expected npy/ or one archive, found "
            f"{', '.join(p.name for p in archives)}. Keep one."
        )
    return [t for archive in archives for t in _members(archive)]


def _members(archive: Path) -> list[TracksFile]:
    """The regular npy files in an archive. Links and the like are not looked at."""
    changed_ns = archive.stat().st_mtime_ns
    try:
        if archive.suffix == ".zip":
            with zipfile.ZipFile(archive) as opened:
                found = [(i.filename, i.file_size) for i in opened.infolist() if not i.is_dir()]
        else:
            with tarfile.open(archive) as opened_tar:
                found = [(i.name, i.size) for i in opened_tar if i.isreg()]
    except _ARCHIVE_ERRORS as error:
        raise SourceError(
            f"{archive}: cannot be read as an archive ({error}). Get it again, or unpack it into "
            f"{archive.parent / 'npy'}."
        ) from error
    return [
        TracksFile(archive, name, size, changed_ns)
        for name, size in found
        # What macOS adds to archives starts with a dot, in a folder of its own.
        if name.lower().endswith(".npy") and not PurePosixPath(name).name.startswith(".")
    ]


def _read_member(archive: Path, member: str) -> bytes:
    if archive.suffix == ".zip":
        with zipfile.ZipFile(archive) as opened, opened.open(member) as file:
            return file.read(MAX_TRACKS_BYTES)
    with tarfile.open(archive) as opened_tar:
        extracted = opened_tar.extractfile(member)
        if extracted is None:
            raise KeyError(member)
        with extracted:
            return extracted.read(MAX_TRACKS_BYTES)
