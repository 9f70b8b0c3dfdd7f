"""One video -> its clip in a folder, or why not. The folder's manifest records the result."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import shutil
import sysconfig
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from filelock import Timeout

from ..catalogue.catalogue import Catalogue, Video
from ..common.errors import VideoError
from ..common.files import lock, now, start_of, usable
from ..common.reasons import Fate, Reason, fate
from ..inputs.data_folder import Clips
from ..transfer.download import download, download_checked
from ..transfer.http_client import OnBytes, client
from ..transfer.settings import Network
from .manifest import ClipFacts, Entry, Manifest, found
from .politeness import pace
from .video_site import FORMATS, is_page, locate

_RUNTIMES = ("deno", "node", "bun", "qjs")

# Brings what `info` describes to a path; until it is whole, it is a part beside that path.
Transfer = Callable[[Any, dict[str, Any], Path], None]


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

    def fetch(self, video: Video, on_bytes: OnBytes, transfer: Transfer = download) -> Entry:
        """Fetches a clip, continues an earlier try, and records the result.

        Args:
            video: the video.
            on_bytes: called after every block that arrives.
            transfer: brings the bytes once their address is known.

        Raises:
            SourceError: the folder cannot be used.
        """
        with usable(self.folder):
            try:
                with lock(self.folder, video.clip_stem).acquire(timeout=0):
                    entry = self._fetch(video, on_bytes, transfer)
            except Timeout:
                entry = self._entry(
                    video,
                    VideoError(
                        Reason.NOT_TRIED,
                        "another process is fetching it: a crawl, or a stream that is read; when "
                        "that has ended, run it again",
                    ),
                )
                if video.video_id not in self.manifest.read():
                    entry = self.manifest.note(entry)
                return entry
            if entry.outcome is not Reason.USED:
                entry = self.manifest.note(entry)
        return entry

    def _fetch(self, video: Video, on_bytes: OnBytes, transfer: Transfer) -> Entry:
        address = self.network.address(video)
        taken: Entry | None = None
        page_is_there = False

        def check(path: Path) -> None:
            # Recorded before it has its name: after a kill in between, it is checked again.
            nonlocal taken
            try:
                clip = _examine(path)
            except VideoError as error:
                said = str(error).replace(str(path), "what came")
                if error.reason is Reason.NOT_A_VIDEO:
                    said = f"what came cannot be opened as a video: {start_of(path)}"
                raise VideoError(error.reason, said) from error
            taken = replace(
                found(video.video_id, path, clip),
                file=target.name,
                address=self.network.public_address(video),
                yt_dlp=_yt_dlp_version(),
                format=_format(info),
            )
            self.manifest.note(taken)

        try:
            paced = pace.kept() if is_page(address) else contextlib.nullcontext()
            with (
                paced,
                client(
                    self.network,
                    _within(self.network.time_limit, on_bytes),
                    format=FORMATS,
                    # A missing fragment would shift all later frames against the annotation.
                    skip_unavailable_fragments=False,
                ) as ydl,
            ):
                info = locate(ydl, address)
                page_is_there = is_page(address)
                target = self.folder / f"{video.clip_stem}.{info['ext']}"
                download_checked(target, check, functools.partial(transfer, ydl, info))
        except VideoError as error:
            if page_is_there and fate(error.reason) is Fate.GONE:
                # The video is not gone, only the address that its page gave for the bytes.
                error = VideoError(Reason.UNAVAILABLE, str(error))
            return self._entry(video, error)
        if taken is None:
            raise RuntimeError(f"{target} was not checked")
        return taken

    def _entry(self, video: Video, error: VideoError) -> Entry:
        return Entry(
            video_id=video.video_id,
            outcome=error.reason,
            detail=str(error),
            when=now(),
            address=self.network.public_address(video),
            yt_dlp=_yt_dlp_version(),
            asked_with=asked_with(self.network),
        )


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
