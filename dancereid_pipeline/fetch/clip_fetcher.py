"""Fetches the clip of one video into a folder; the manifest of the folder has the outcome."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import shutil
import sysconfig
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from filelock import Timeout

from ..catalogue.catalogue import Catalogue, Video
from ..common.errors import VideoError
from ..common.files import lock, now, start_of, usable
from ..common.offline import offline
from ..common.reasons import Fate, Reason, fate
from ..formats.clip_facts import ClipFacts
from ..inputs.data_folder import Clips
from ..transfer.download import download, download_checked, fetch_range, unchecked_path
from ..transfer.http_client import client
from ..transfer.limits import MAX_FILE_BYTES, OnBytes
from ..transfer.settings import Network
from .manifest import Entry, Manifest, Notes, found
from .politeness import pace
from .video_site import FORMATS, is_page, locate

_RUNTIMES = ("deno", "node", "bun", "qjs")


@dataclass(frozen=True)
class Seen:
    """What was in a folder of clips at one time.

    Attributes:
        entries: those of the manifest, by video id.
        clips: the clips.
    """

    entries: Mapping[str, Entry]
    clips: Clips

    def find(self, video: Video) -> Path:
        """The clip of a video.

        Raises:
            VideoError: there is none now, or there were several.
        """
        path = cast(Path, self.clips.find(video))  # what is fetched is on this machine
        if not path.exists():
            raise VideoError(Reason.NO_CLIP, f"{path} was removed meanwhile.")
        return path

    def has(self, video: Video) -> bool:
        """Whether the clip of a video exists, unchanged since it was checked."""
        entry = self.entries.get(video.video_id)
        try:
            return entry is not None and entry.is_of(self.find(video))
        except VideoError:
            return False

    def may_note_untried(self, video: Video) -> bool:
        """Whether the manifest may be told that a video was not tried.

        Offline, the folder may be read-only; and an entry of a real try says more.
        """
        return not offline() and video.video_id not in self.entries


@dataclass(frozen=True)
class ClipFetcher:
    """Fetches clips into a folder, one at a time.

    Attributes:
        folder: the folder for the clips.
        catalogue: the catalogue, which gives their file names.
        network: their addresses, and the settings of requests.
    """

    folder: Path
    catalogue: Catalogue
    network: Network

    @property
    def manifest(self) -> Manifest:
        """The record of the folder's clips."""
        return Manifest(self.folder)

    @property
    def clips(self) -> Clips:
        """The clips in the folder."""
        return Clips(self.folder, self.catalogue)

    def look(self) -> Seen:
        """What is in the folder now. It takes time for each file and each entry.

        Raises:
            SourceError: the manifest cannot be read.
            OSError: the folder cannot be read.
        """
        return Seen(self.manifest.read(), self.clips)

    def lacking(self, videos: Iterable[Video]) -> list[Video]:
        """The videos whose clip is missing, or was changed. Changes nothing.

        Raises:
            SourceError: the manifest cannot be read.
            OSError: the folder cannot be read.
        """
        seen = self.look()
        return [video for video in videos if not seen.has(video)]

    def current_entry(self, video: Video, seen: Seen, notes: Notes) -> Entry | None:
        """The entry of a video: of its clip if that exists, else of the last try, else None.

        A clip that a user put there or changed is checked.

        Args:
            video: the video.
            seen: what is in the folder.
            notes: gets the entry of a clip that was checked.

        Raises:
            OSError: a clip cannot be read.
        """
        entry = seen.entries.get(video.video_id)
        file = ""
        try:
            path = seen.find(video)
            file = path.name
            if entry is None or not entry.is_of(path):
                entry = notes.add(found(video.video_id, path, _examine(path)))
            return entry
        except VideoError as error:
            if error.reason is Reason.NO_CLIP:  # a recorded clip is then gone, too
                return entry if entry and entry.outcome is not Reason.USED else None
            return Entry(
                video_id=video.video_id,
                outcome=error.reason,
                detail=str(error),
                when=now(),
                file=file,
            )

    def fetch(self, video: Video, on_bytes: OnBytes) -> Entry:
        """Fetches a clip, or continues an earlier try; records the outcome.

        Raises:
            SourceError: the folder cannot be used.
        """
        try:
            with self.located(video, on_bytes) as clip:
                return clip.complete()
        except VideoError as error:
            return self.note(video, error)

    @contextlib.contextmanager
    def located(self, video: Video, on_bytes: OnBytes | None = None) -> Iterator[LocatedClip]:
        """Finds the address of the bytes of a clip, and locks the clip against other processes.

        Args:
            video: the video.
            on_bytes: called after every block.

        Raises:
            VideoError: the clip cannot be fetched; has the reason, which is `NOT_TRIED` if
                another process or an open stream is fetching it.
            SourceError: this machine cannot store the clip.
        """
        address = self.network.address(video).with_secrets()
        paced = pace.kept() if is_page(address) else contextlib.nullcontext()
        with usable(self.folder):
            try:
                held = lock(self.folder, video.clip_stem).acquire(timeout=0)
            except Timeout:
                message = "another process or an open stream is fetching it; run it again later"
                raise VideoError(Reason.NOT_TRIED, message) from None
            with (
                held,
                paced,
                client(
                    self.network,
                    on_bytes,
                    most=MAX_FILE_BYTES,
                    format=FORMATS,
                    # A missing fragment would shift all later frames against the annotation.
                    skip_unavailable_fragments=False,
                ) as ydl,
            ):
                yield LocatedClip(self, video, ydl, locate(ydl, address))

    def note(self, video: Video, error: VideoError) -> Entry:
        """Writes into the manifest why a clip could not be fetched.

        Raises:
            SourceError: this machine cannot write the manifest.
        """
        with usable(self.folder):
            entry = self.refusal(video, error)
            if error.reason is Reason.NOT_TRIED and not self.look().may_note_untried(video):
                return entry
            return self.manifest.note(entry)

    def refusal(self, video: Video, error: VideoError) -> Entry:
        """The entry of a clip that could not be fetched."""
        return Entry(
            video_id=video.video_id,
            outcome=error.reason,
            detail=str(error),
            when=now(),
            address=str(self.network.address(video)),
            yt_dlp=_yt_dlp_version(),
            asked_with=asked_with(self.network),
        )


@dataclass(frozen=True)
class LocatedClip:
    """A clip whose address is known, locked against other processes.

    Attributes:
        fetcher: the fetcher of the clip.
        video: the video of the clip.
        ydl: the client that sends requests.
        info: the address of the bytes, as yt-dlp describes it.
    """

    fetcher: ClipFetcher
    video: Video
    ydl: Any
    info: dict[str, Any] = field(repr=False)  # its addresses may have secrets

    @property
    def target(self) -> Path:
        """The path of the clip after it is complete and checked."""
        return self.fetcher.folder / f"{self.video.clip_stem}.{self.info['ext']}"

    def extend(self, stop: int) -> int:
        """Fetches the clip up to the offset `stop`; returns its size: see `fetch_range`.

        The time limit is that of this request.
        """
        self.ydl.limit.restart()
        with self._found_on_page():
            return fetch_range(self.ydl, self.info, unchecked_path(self.target), stop)

    def complete(self) -> Entry:
        """Fetches the rest of the clip, checks the clip, and renames it to `target`.

        Raises:
            VideoError: the clip cannot be fetched, or is not a complete video.
            SourceError: this machine cannot store the clip.
        """
        with usable(self.fetcher.folder), self._found_on_page():
            transfer = functools.partial(download, self.ydl, self.info)
            return download_checked(self.target, self._check, transfer)

    @contextlib.contextmanager
    def _found_on_page(self) -> Iterator[None]:
        """Changes "gone" to "unavailable": a video whose page was found is not gone."""
        try:
            yield
        except VideoError as error:
            if fate(error.reason) is Fate.GONE and "webpage_url" in self.info:
                raise VideoError(Reason.UNAVAILABLE, str(error)) from error
            raise

    def _check(self, path: Path) -> Entry:
        # Recorded before it is renamed: if killed in between, the next run checks it again.
        try:
            clip = _examine(path)
        except VideoError as error:
            message = str(error).replace(str(path), "the fetched file")
            if error.reason is Reason.NOT_A_VIDEO:
                message = f"the fetched file cannot be opened as a video: {start_of(path)}"
            raise VideoError(error.reason, message) from error
        entry = replace(
            found(self.video.video_id, path, clip),
            file=self.target.name,
            address=str(self.fetcher.network.address(self.video)),
            yt_dlp=_yt_dlp_version(),
            format=_format(self.info),
        )
        return self.fetcher.manifest.note(entry)


def _examine(path: Path) -> ClipFacts:
    from .verify_clip import examine  # imported here: finding clips needs no decoder

    return examine(path)


def asked_with(network: Network) -> str:
    """Eight hex digits that change with the settings that may change an answer.

    That is: cookies, proxy (without its password), yt-dlp and JavaScript runtimes.
    """
    cookies = network.cookies or ""
    if cookies and not network.browser:
        cookies += f" {Path(cookies).expanduser().stat().st_mtime_ns}"
    search_path = os.pathsep.join((sysconfig.get_path("scripts"), os.environ.get("PATH", "")))
    runtimes = [name for name in _RUNTIMES if shutil.which(name, path=search_path)]
    parts = (cookies, network.proxy or "", _yt_dlp_version(), *runtimes)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:8]


def _format(info: dict[str, Any]) -> str:
    return " ".join(str(info[key]) for key in ("format_id", "vcodec") if info.get(key))


@functools.cache
def _yt_dlp_version() -> str:
    from yt_dlp.version import __version__

    return str(__version__)
