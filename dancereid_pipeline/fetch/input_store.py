"""What a build is made from: a data folder, or what was fetched into a folder like it."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ..catalogue.catalogue import Catalogue, Video
from ..common.address import is_address, public
from ..common.errors import AnnotationError, SourceError, VideoError
from ..common.files import alone, sha256, start_of
from ..common.offline import offline
from ..common.reasons import Reason, advice, fate
from ..formats.annotation import Annotation
from ..inputs.data_folder import ClipSource, Folder, Tracks, tracks_at, tracks_below
from ..transfer.download import fetch
from ..transfer.settings import ANNOTATION_SHA256, ANNOTATION_URL, DRIVE_IDS, Network, variable
from .clip_fetcher import ClipFetcher
from .crawl import crawl
from .growing_clip import GrowingClip
from .politeness import Manners
from .tracks_download import fetch_archive

_DRIVE_LINK = "https://drive.google.com/file/d/{}/view"


class Store:
    """Where annotation, tracks and clips are, be they here already or not.

    Args:
        network: addresses; paths among them are used where they are.
        catalogue: all videos.
        data_dir: a folder that has all that `network` was not told about; None for the
            published addresses.
    """

    def __init__(self, network: Network, catalogue: Catalogue, data_dir: str | None = None) -> None:
        self._network = network
        self._catalogue = catalogue
        self._data_dir = data_dir
        self._annotation, self._annotation_address = self._place_annotation()
        self._stem, self._archive_addresses = self._place_archive()

    def _place_annotation(self) -> tuple[Path, str | None]:
        """Where the annotation is, and where to fetch them from if they are not."""
        given, home = self._network.annotation, self._network.download_dir
        if given and is_address(given):
            return home / f"annotation-{_short(given)}.json", given
        if given:
            return Path(given).expanduser().absolute(), None
        if self._data_dir is not None:
            return Path(self._data_dir).expanduser().absolute() / "annotation.json", None
        return home / "annotation.json", ANNOTATION_URL

    def _place_archive(self) -> tuple[str, tuple[str, ...]]:
        """What tracks that were fetched are called, without ending, and where to fetch them."""
        given = self._network.archive
        if given and is_address(given):
            return f"npy-{_short(given)}", (given,)
        if given or self._data_dir is not None:
            return "npy", ()
        return "npy", tuple(map(_DRIVE_LINK.format, DRIVE_IDS))

    @property
    def asks(self) -> bool:
        """Whether anything of it may be on the network."""
        return self._data_dir is None or bool(self._annotation_address or self._archive_addresses)

    @property
    def here(self) -> bool:
        """Whether there is enough to say what a build would use."""
        with self._usable():
            return self._data_dir is not None or (
                self._annotation.is_file() and self._network.download_dir.is_dir()
            )

    def folder(self) -> Folder:
        """All that is here now.

        Raises:
            SourceError: the annotation is not, or something cannot be read.
        """
        return self._folder(_Fetched, self._tracks())

    def fetch(self, videos: Sequence[Video], *, again: bool = False) -> None:
        """Fetches what is not here: the annotation, the tracks, then clip after clip.

        Args:
            videos: whose clips and tracks.
            again: ask for clips that are gone, too.

        Raises:
            AnnotationError: the annotation is broken or does not fit the catalogue.
            SourceError: the annotation or the tracks cannot be had, or cannot be kept.
        """
        with self._usable():
            self._fetch_annotation()
            if self._lacks_tracks(videos):
                self._fetch_archive()
            self._tracks()  # what is wrong with them is said now, not when all clips have come
            if self._data_dir is None:
                self._fetch_clips(videos, again)

    def stream(self, videos: Sequence[Video]) -> Folder:
        """What is here, and beyond that what is fetched when it is opened.

        The annotation and the archive of tracks are fetched now.

        Raises:
            AnnotationError, SourceError: as `fetch`.
        """
        with self._usable():
            self._fetch_annotation()
            if self._lacks_tracks(videos):
                self._fetch_archive()
            return self._folder(_Streamed, self._tracks())

    @contextmanager
    def _usable(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise SourceError(
                f"{self._network.download_dir}: cannot be used ({error}). Make room there and get "
                f"leave to read and write, or name another folder with download_dir= or "
                f"{variable('download_dir')}."
            ) from error

    def _fetch_clips(self, videos: Sequence[Video], again: bool) -> None:
        fetcher = self._fetcher
        if offline() or all(fetcher.has(video) for video in videos):
            return  # nor is the folder touched, which may be a shared one
        crawl(fetcher.folder, self._catalogue, videos, self._network, again=again)

    @property
    def _fetcher(self) -> ClipFetcher:
        clips = self._network.download_dir / "videos"
        return ClipFetcher(clips, self._catalogue, self._network)

    def _folder(self, fetched: type[_Fetched], tracks: Tracks) -> Folder:
        if self._data_dir is not None:
            return Folder(
                self._data_dir, self._catalogue, annotation=self._annotation, tracks=tracks
            )
        return fetched(self._fetcher, self._annotation, tracks)

    def _places(self) -> list[Path]:
        """The folders and archives of tracks that are here."""
        given = self._network.archive
        if given and not is_address(given):
            return [Path(given).expanduser().absolute()]
        if self._data_dir is not None and not given:
            return tracks_below(Path(self._data_dir).expanduser().absolute())
        return tracks_below(self._network.download_dir, self._stem)

    def _tracks(self) -> Tracks:
        """The tracks that are here."""
        places = self._places()
        where = " or ".join(map(str, places)) or str(self._network.download_dir / self._stem)
        try:
            return Tracks(map(tracks_at, places), where, self._catalogue)
        except OSError as error:
            raise SourceError(
                f"{where}: the tracks cannot be read ({error.strerror}). Expected an archive or "
                "a folder of npy files."
            ) from error

    def _lacks_tracks(self, videos: Iterable[Video]) -> bool:
        """Whether there are tracks to be fetched."""
        if not self._archive_addresses or offline():
            return False
        if any(place.is_file() for place in self._places()):
            return False  # what the archive does not have, is nowhere
        tracks = self._tracks()
        return not all(tracks.has(video) for video in videos)

    def _fetch_annotation(self) -> None:
        """Fetches the annotation if it is not here, and reads it once, to see that it fits."""
        address = self._annotation_address
        if self.asks:
            self._network.download_dir.mkdir(parents=True, exist_ok=True)
        if address is not None and not self._annotation.is_file():
            with alone(self._annotation.parent, self._annotation.stem):
                if not self._annotation.is_file():  # nor has another process fetched it meanwhile
                    self._ask_for_annotation(address)
        Annotation.read(self._annotation, self._catalogue)

    def _ask_for_annotation(self, address: str) -> None:
        check = functools.partial(_check_annotation, address, self._catalogue)
        try:
            fetch(address, self._annotation, self._network, check=check, what="Annotation")
        except SourceError as error:
            raise SourceError(
                f"{error}. Try again later; or put the file there by hand, as {self._annotation}, "
                "or pass annotation= with its path."
            ) from error

    def _fetch_archive(self) -> None:
        home = self._network.download_dir
        failures = []
        with alone(home, self._stem):
            if any(place.is_file() for place in tracks_below(home, self._stem)):
                return  # another process has fetched it meanwhile
            for address in self._archive_addresses:
                try:
                    fetch_archive(address, home / self._stem, self._network)
                    return
                except SourceError as error:
                    failures.append(str(error))
        raise self._without_archive(failures)

    def _without_archive(self, failures: Iterable[str]) -> SourceError:
        stem = self._network.download_dir / self._stem
        return SourceError(
            "The archive of tracks cannot be fetched:\n  "
            + "\n  ".join(failures)
            + "\nWhat helps: wait a day, where a quota is used up; copy the file to your own Drive "
            "and pass archive= with its link; pass cookies='browser:firefox' of a browser "
            f"that is signed in; or get it by hand, and put it there as {stem}.zip (or .tar, "
            f".tar.gz, .tar.xz), or unpacked into the folder {stem}, or pass archive= with its "
            "path."
        )


class _Fetched(Folder):
    """What was fetched, and why the rest was not.

    Args:
        fetcher: knows the folder of clips.
        annotation: its path.
        tracks: the npy files.
    """

    def __init__(self, fetcher: ClipFetcher, annotation: Path, tracks: Tracks) -> None:
        home = fetcher.network.download_dir
        super().__init__(home, fetcher.catalogue, annotation=annotation, tracks=tracks)
        self._fetcher = fetcher
        self._entries = fetcher.manifest.read()

    def clip(self, video: Video) -> Path | ClipSource:
        try:
            return super().clip(video)
        except VideoError as error:
            entry = self._entries.get(video.video_id)
            if error.reason is not Reason.NO_CLIP or entry is None or entry.file:
                raise
            raise VideoError(
                entry.outcome,
                f"{entry.address}: {entry.detail} (asked on {entry.when[:10]}; "
                f"{fate(entry.outcome).value}). {advice(entry.outcome)}",
                since=entry.since,
            ) from error


class _Streamed(_Fetched):
    """What was fetched, and what will be when it is opened."""

    def __init__(self, fetcher: ClipFetcher, annotation: Path, tracks: Tracks) -> None:
        super().__init__(fetcher, annotation, tracks)
        self._manners = Manners()

    def clip(self, video: Video) -> Path | ClipSource:
        try:
            return super().clip(video)
        except VideoError as error:
            growing = GrowingClip(self._fetcher, video, self._manners)
            if error.reason is Reason.AMBIGUOUS or growing.gone():
                raise
            return growing


def _check_annotation(address: str, catalogue: Catalogue, path: Path) -> None:
    if address == ANNOTATION_URL and sha256(path) != ANNOTATION_SHA256:
        raise SourceError(
            f"{address}: expected the published file (sha256 {ANNOTATION_SHA256}), got "
            f"{start_of(path)}"
        )
    try:
        Annotation.read(path, catalogue)
    except AnnotationError as error:
        said = str(error).replace(str(path), public(address)).rstrip(".")
        raise SourceError(f"{said}. What came has {start_of(path)}") from error


def _short(address: str) -> str:
    """Eight hex digits that tell addresses apart."""
    return hashlib.sha256(address.encode()).hexdigest()[:8]
