"""One video -> its clip in a folder, or why not. The folder's manifest records the result."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import shutil
import sysconfig
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from filelock import Timeout

from ..catalogue.catalogue import Catalogue, Video
from ..common.errors import VideoError
from ..common.files import lock, now, start_of, usable
from ..common.reasons import Fate, Reason, fate
from ..inputs.data_folder import Clips
from ..transfer.download import download, download_checked, fetch_range, unchecked_path
from ..transfer.http_client import OnBytes, client
from ..transfer.settings import Network
from .manifest import ClipFacts, Entry, Manifest, found
from .politeness import pace
from .video_site import FORMATS, is_page, locate

_RUNTIMES = ("deno", "node", "bun", "qjs")


@dataclass(frozen=True)
class ClipFetcher:
    """Fetches clips into a folder, one at a time.

    Attributes:
        folder: the folder for the clips.
        catalogue: gives their names.
        network: their addresses, and how to ask.
    """

    folder: Path
    catalogue: Catalogue
    network: Network

    @property
    def manifest(self) -> Manifest:
        """The record of the folder's clips."""
        return Manifest(self.folder)

    def has(self, video: Video) -> bool:
        """Whether a video's clip is there, unchanged since it was checked. Changes nothing.

        Raises:
            SourceError: the manifest cannot be read.
            OSError: the folder cannot be read.
        """
        entry = self.manifest.read().get(video.video_id)
        try:
            path = Clips(self.folder, self.catalogue).find(video)
        except VideoError:
            return False
        return entry is not None and entry.is_of(path)

    def standing(self, video: Video) -> Entry | None:
        """The entry of a video: of its clip if it is there, else of the last try, else None.

        A clip that somebody else put there or changed is checked, and recorded.

        Raises:
            SourceError: the manifest cannot be read.
            OSError: the folder cannot be read.
        """
        entry = self.manifest.read().get(video.video_id)
        file = ""
        try:
            path = Clips(self.folder, self.catalogue).find(video)
            file = path.name
            if entry is None or not entry.is_of(path):
                entry = found(video.video_id, path, _examine(path))
                self.manifest.note(entry)
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
        """Fetches a clip, continuing what an earlier try left; notes what came of it.

        Args:
            video: which.
            on_bytes: told of every block that arrives.

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
        """Finds out where the bytes of a clip are, and keeps others from fetching it meanwhile.

        Args:
            video: which.
            on_bytes: told of every block that arrives. None for a reader, to whom the limit
                on the time of a video does not apply.

        Raises:
            VideoError: it cannot be fetched, with the reason; `NOT_TRIED` if somebody else
                fetches it.
            SourceError: this machine cannot keep it.
        """
        address = self.network.address(video)
        paced = pace.kept() if is_page(address) else contextlib.nullcontext()
        with usable(self.folder):
            try:
                held = lock(self.folder, video.clip_stem).acquire(timeout=0)
            except Timeout:
                said = (
                    "another process has it, or a stream that is still open; run it again when "
                    "that has ended"
                )
                raise VideoError(Reason.NOT_TRIED, said) from None
            with (
                held,
                paced,
                client(
                    self.network,
                    on_bytes and _within(self.network.time_limit, on_bytes),
                    format=FORMATS,
                    # A missing fragment would shift all later frames against the annotation.
                    skip_unavailable_fragments=False,
                ) as ydl,
            ):
                yield LocatedClip(self, video, ydl, locate(ydl, address))

    def note(self, video: Video, error: VideoError) -> Entry:
        """Writes into the manifest why a clip could not be fetched.

        Raises:
            SourceError: this machine cannot keep it.
        """
        with usable(self.folder):
            entry = Entry(
                video_id=video.video_id,
                outcome=error.reason,
                detail=str(error),
                when=now(),
                address=self.network.public_address(video),
                yt_dlp=_yt_dlp_version(),
                asked_with=asked_with(self.network),
            )
            if error.reason is Reason.NOT_TRIED and video.video_id in self.manifest.read():
                return entry  # what the manifest says already tells more
            return self.manifest.note(entry)


@dataclass(frozen=True)
class LocatedClip:
    """A clip whose address is known, and which nobody else fetches meanwhile.

    Attributes:
        fetcher: fetches it.
        video: whose clip it is.
        ydl: the client to ask with.
        info: where the bytes are, as yt-dlp describes it.
    """

    fetcher: ClipFetcher
    video: Video
    ydl: Any
    info: dict[str, Any]

    @property
    def target(self) -> Path:
        """The clip's path, once it is whole and checked."""
        return self.fetcher.folder / f"{self.video.clip_stem}.{self.info['ext']}"

    def extend(self, stop: int) -> int:
        """Fetches it up to the offset `stop`; returns its size: see `fetch_range`."""
        with self._behind_its_page():
            return fetch_range(self.ydl, self.info, unchecked_path(self.target), stop)

    def complete(self) -> Entry:
        """Fetches what is not here yet, checks the whole, and gives it its name.

        Raises:
            VideoError: it cannot be fetched, or is no whole video.
            SourceError: this machine cannot keep it.
        """
        with usable(self.fetcher.folder), self._behind_its_page():
            transfer = functools.partial(download, self.ydl, self.info)
            return download_checked(self.target, self._check, transfer)

    @contextlib.contextmanager
    def _behind_its_page(self) -> Iterator[None]:
        """A video whose page is there is not gone, even if its bytes cannot be fetched."""
        try:
            yield
        except VideoError as error:
            if fate(error.reason) is Fate.GONE and "webpage_url" in self.info:
                raise VideoError(Reason.UNAVAILABLE, str(error)) from error
            raise

    def _check(self, path: Path) -> Entry:
        # Noted before it has its name: a kill in between leaves it to be checked again.
        try:
            clip = _examine(path)
        except VideoError as error:
            said = str(error).replace(str(path), "what came")
            if error.reason is Reason.NOT_A_VIDEO:
                said = f"what came cannot be opened as a video: {start_of(path)}"
            raise VideoError(error.reason, said) from error
        entry = replace(
            found(self.video.video_id, path, clip),
            file=self.target.name,
            address=self.fetcher.network.public_address(self.video),
            yt_dlp=_yt_dlp_version(),
            format=_format(self.info),
        )
        return self.fetcher.manifest.note(entry)


def _examine(path: Path) -> ClipFacts:
    from .verify_clip import examine  # here: looking for clips needs no decoder

    return examine(path)


def asked_with(network: Network) -> str:
    """Eight hex digits that change with the settings that may change an answer.

    That is: cookies, proxy (without its password), yt-dlp and JavaScript runtimes.
    """
    cookies = network.cookies or ""
    if cookies and not network.browser:
        cookies += f" {Path(cookies).expanduser().stat().st_mtime_ns}"
    places = os.pathsep.join((sysconfig.get_path("scripts"), os.environ.get("PATH", "")))
    runtimes = [name for name in _RUNTIMES if shutil.which(name, path=places)]
    proxy = (network.proxy or "").rpartition("@")[2]
    parts = (cookies, proxy, _yt_dlp_version(), *runtimes)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:8]


def _within(seconds: float, on_bytes: OnBytes) -> OnBytes:
    """`on_bytes`, which also ends a transfer that takes too long."""
    end = time.monotonic() + seconds

    def limited(there: int, whole: int | None) -> None:
        if time.monotonic() > end:
            raise VideoError(
                Reason.NETWORK, f"took longer than {seconds:,.0f} s; what came of it is kept"
            )
        on_bytes(there, whole)

    return limited


def _format(info: dict[str, Any]) -> str:
    return " ".join(str(info[key]) for key in ("format_id", "vcodec") if info.get(key))


@functools.cache
def _yt_dlp_version() -> str:
    from yt_dlp.version import __version__

    return str(__version__)
