"""Finds the inputs of a build in a data folder, or fetches them into a similar folder."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from ..catalogue.catalogue import Catalogue, Video
from ..common.address import Address
from ..common.errors import AnnotationError, SourceError, VideoError
from ..common.files import alone, sha256, start_of, usable
from ..common.offline import offline, refuse_offline
from ..common.reasons import Reason, advice, fate
from ..common.store_path import AnyPath
from ..formats.annotation import MAX_BYTES, Annotation
from ..inputs.data_folder import (
    ClipSource,
    Inputs,
    TracksFiles,
    find_files,
    find_in_folder,
    tracks_below,
)
from ..transfer.download import fetch
from ..transfer.settings import ANNOTATION_SHA256, ANNOTATION_URL, DRIVE_IDS, Network, variable
from .clip_fetcher import ClipFetcher, Seen
from .crawl import crawl
from .growing_clip import GrowingClip
from .politeness import StopRule
from .tracks_download import fetch_archive

_DRIVE_LINK = "https://drive.google.com/file/d/{}/view"


@dataclass(frozen=True)
class InputStore:
    """Finds or fetches annotation, tracks and clips.

    Attributes:
        network: addresses, or paths of the files.
        catalogue: all videos.
        data_dir: a folder with all files that `network` does not name; None for the published
            addresses, whose files are kept in `network.download_dir`.
    """

    network: Network
    catalogue: Catalogue
    data_dir: AnyPath | None = None

    @property
    def may_fetch(self) -> bool:
        """Whether some input may have to be fetched."""
        return self.data_dir is None or bool(self._annotation[1] or self._archive[1])

    @property
    def _annotation(self) -> tuple[AnyPath, Address | None]:
        """The path of the annotation, and its address if it may be fetched."""
        given, home = self.network.annotation, self.network.download_dir
        if isinstance(given, Address):
            return home / f"annotation-{_short(given)}.json", given
        if given is not None:
            return given.absolute(), None  # a stream is read later, maybe in another folder
        if self.data_dir is not None:
            return self.data_dir / "annotation.json", None
        return home / "annotation.json", ANNOTATION_URL

    @property
    def _archive(self) -> tuple[str, tuple[Address, ...]]:
        """The file name, without ending, of tracks that are fetched, and their addresses."""
        given = self.network.archive
        if isinstance(given, Address):
            return f"npy-{_short(given)}", (given,)
        if given or self.data_dir is not None:
            return "npy", ()
        return "npy", tuple(Address(_DRIVE_LINK.format(file_id)) for file_id in DRIVE_IDS)

    @property
    def _fetcher(self) -> ClipFetcher:
        clips = self.network.download_dir / "videos"
        return ClipFetcher(clips, self.catalogue, self.network)

    def find(self, videos: Sequence[Video]) -> Inputs:
        """The local files; fetches nothing.

        Raises:
            SourceError: the annotation is missing, or a file cannot be read.
        """
        with self._usable():
            return self._find(videos, stream=False)

    def fetch(self, videos: Sequence[Video], *, again: bool = False) -> bool:
        """Fetches what is missing: the annotation, the tracks, then clip after clip.

        Args:
            videos: the videos of the clips and tracks.
            again: also ask for clips that are gone.

        Returns:
            Whether any file was fetched.

        Raises:
            AnnotationError: the annotation is broken or does not fit the catalogue.
            SourceError: the annotation or the tracks are not available, or cannot be stored.
        """
        with self._usable():
            has_come = self._fetch_annotation()
            if self._lacks_tracks(videos):
                has_come |= self._fetch_archive()
            self._tracks()  # raises errors of the tracks now, before the clips are fetched
            if self.data_dir is None:
                has_come |= self._fetch_clips(videos, again)
            return has_come

    def stream(self, videos: Sequence[Video]) -> Inputs:
        """The local files, and clips that are fetched when they are opened.

        The annotation and the archive of tracks are fetched now.

        Raises:
            AnnotationError, SourceError: as `fetch`.
        """
        with self._usable():
            self._fetch_annotation()
            if self._lacks_tracks(videos):
                self._fetch_archive()
            return self._find(videos, stream=True)

    def _usable(self) -> AbstractContextManager[None]:
        option = variable("download_dir")
        return usable(
            self.network.download_dir, f"or name another folder with download_dir= or {option}"
        )

    def _find(self, videos: Sequence[Video], *, stream: bool) -> Inputs:
        annotation, tracks = self._annotation[0], self._tracks()
        if self.data_dir is not None:
            return find_in_folder(
                self.data_dir, self.catalogue, videos, annotation=annotation, tracks=tracks
            )
        # A stream and a build fetch the annotation before they call this.
        if not annotation.is_file():
            raise SourceError(
                f"{annotation} is missing. Load the dataset to fetch it, or put it there."
            )
        fetcher = self._fetcher
        clip = functools.partial(_clip, fetcher, fetcher.look(), StopRule() if stream else None)
        files = find_files(videos, clip, tracks)
        return Inputs(self.network.download_dir, annotation, files)

    def _fetch_clips(self, videos: Sequence[Video], again: bool) -> bool:
        fetcher = self._fetcher
        lacking = fetcher.lacking(videos)
        if offline() or not lacking:
            return False  # without writing to the folder, which may be read-only
        crawl(fetcher.folder, self.catalogue, videos, self.network, again=again)
        return len(fetcher.lacking(lacking)) < len(lacking)

    def _tracks_paths(self) -> list[AnyPath]:
        """The paths of folders and archives of tracks."""
        given = self.network.archive
        if given is not None and not isinstance(given, Address):
            return [given.absolute()]
        if self.data_dir is not None and not given:
            with usable(self.data_dir):
                return tracks_below(self.data_dir)
        return tracks_below(self.network.download_dir, self._archive[0])

    def _tracks(self) -> TracksFiles:
        """The tracks."""
        paths = self._tracks_paths()
        where = " or ".join(map(str, paths)) or str(self.network.download_dir / self._archive[0])
        return TracksFiles(paths, where, self.catalogue)

    def _lacks_tracks(self, videos: Iterable[Video]) -> bool:
        """Whether tracks must be fetched."""
        if not self._archive[1] or offline():
            return False
        if any(path.is_file() for path in self._tracks_paths()):
            return False  # no other source has tracks that the archive lacks
        tracks = self._tracks()
        return not all(tracks.has(video) for video in videos)

    def _fetch_annotation(self) -> bool:
        """Fetches the annotation if it is missing; reads it once, to check it."""
        path, address = self._annotation
        is_lacking = address is not None and not path.is_file()
        if self.may_fetch:
            self.network.download_dir.mkdir(parents=True, exist_ok=True)
        if address is not None and isinstance(path, Path) and is_lacking:
            with alone(path.parent, path.stem):
                if not path.is_file():  # else another process has fetched it meanwhile
                    self._ask_for_annotation(address, path)
        Annotation.read(path, self.catalogue)
        return is_lacking

    def _ask_for_annotation(self, address: Address, path: Path) -> None:
        refuse_offline(address, path)
        check = functools.partial(_check_annotation, address, self.catalogue)
        try:
            fetch(address, path, self.network, check=check, what="Annotation", most=MAX_BYTES)
        except SourceError as error:
            raise SourceError(
                f"{str(error).rstrip('.')}. Try again later; or get the file by hand, and put it "
                f"there as {path}, or pass annotation= with its path."
            ) from error

    def _fetch_archive(self) -> bool:
        home, (stem, addresses) = self.network.download_dir, self._archive
        failures = []
        with alone(home, stem):
            if any(path.is_file() for path in tracks_below(home, stem)):
                return True  # another process has fetched it meanwhile
            for address in addresses:
                try:
                    fetch_archive(address, home / stem, self.network)
                    return True
                except SourceError as error:
                    failures.append(str(error))
        raise SourceError(
            "The archive of tracks cannot be fetched:\n  "
            + "\n  ".join(failures)
            + "\nWhat helps: wait a day, where a quota is used up; copy the file to your own Drive "
            "and pass archive= with its link; pass cookies='browser:firefox' of a browser "
            f"that is signed in; or get it by hand, and put it there as {home / stem}.zip (or "
            f".tar, .tar.gz, .tar.xz), or unpacked into the folder {home / stem}, or pass "
            "archive= with its path."
        )


def _clip(
    fetcher: ClipFetcher, seen: Seen, stop_rule: StopRule | None, video: Video
) -> AnyPath | ClipSource:
    """The clip of a video; in a stream, which has a stop rule, one that is fetched when opened.

    Raises:
        VideoError: no file, or several files, can be the clip.
    """
    try:
        return seen.clips.find(video)
    except VideoError as error:
        if stop_rule and error.reason is not Reason.AMBIGUOUS:
            growing = GrowingClip(fetcher, video, stop_rule)
            if not growing.gone(seen.entries):
                return growing
        entry = seen.entries.get(video.video_id)
        if error.reason is not Reason.NO_CLIP or entry is None or entry.file:
            raise
        raise VideoError(
            entry.outcome,
            f"{entry.address}: {entry.detail.rstrip('.')} (asked on {entry.when[:10]}; "
            f"{fate(entry.outcome).value}). {advice(entry.outcome)}",
            since=entry.since,
        ) from error


def _check_annotation(address: Address, catalogue: Catalogue, path: Path) -> None:
    if address == ANNOTATION_URL and sha256(path) != ANNOTATION_SHA256:
        raise SourceError(
            f"{address}: expected the published file (sha256 {ANNOTATION_SHA256}), got "
            f"{start_of(path)}"
        )
    try:
        Annotation.read(path, catalogue)
    except AnnotationError as error:
        message = str(error).replace(str(path), address).rstrip(".")
        raise SourceError(f"{message}. The fetched file is {start_of(path)}") from error


def _short(address: Address) -> str:
    """Eight hex digits that identify an address."""
    return hashlib.sha256(address.with_secrets().encode()).hexdigest()[:8]
