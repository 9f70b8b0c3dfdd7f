"""One video -> its clip in a folder, or why not; what is known of it is in the manifest there."""

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

# Brings what `info` describes to a path, by way of a part beside it.
Transfer = Callable[[Any, dict[str, Any], Path], None]


@dataclass(frozen=True)
class ClipFetcher:
    """Fetches clips into a folder, one at a time.

    Attributes:
        folder: where they go.
        catalogue: names them.
        network: where they are, and how to ask.
    """

    folder: Path
    catalogue: Catalogue
    network: Network

    @property
    def manifest(self) -> Manifest:
        """What came of each video in the folder."""
        return Manifest(self.folder)

    def has(self, video: Video) -> bool:
        """Whether a video's clip is there, as it was when it was looked at. Changes nothing.

        Raises:
            SourceError: the manifest cannot be read.
            OSError: the folder cannot be.
        """
        entry = self.manifest.read().get(video.video_id)
        try:
            path = Clips(self.folder, self.catalogue).find(video)
        except VideoError:
            return False
        return entry is not None and entry.is_of(path)

    def standing(self, video: Video) -> Entry | None:
        """What is known of a video: its clip as it is there, else the last try, else None.

        A clip that was put there or changed by somebody else is looked at, and noted.

        Raises:
            SourceError: the manifest cannot be read.
            OSError: the folder cannot be.
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
            if error.reason is Reason.NO_CLIP:  # nor is there one that was noted, then
                return entry if entry and entry.outcome is not Reason.USED else None
            return Entry(
                video_id=video.video_id,
                outcome=error.reason,
                detail=str(error),
                when=now(),
                file=file,
            )

    def fetch(self, video: Video, on_bytes: OnBytes, transfer: Transfer = download) -> Entry:
        """Fetches a clip, going on with what an earlier try left; notes what came of it.

        Args:
            video: which.
            on_bytes: told of every block that arrives.
            transfer: how the bytes are brought once it is known where they are.

        Raises:
            SourceError: this machine cannot keep it.
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
                        "another process has it: a crawl, or a stream that is read; when that "
                        "has ended, run it again",
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
            # Noted before it has its name: a kill in between leaves it to be checked again.
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
                    # With a hole in it, its frames would no longer be those that were annotated.
                    skip_unavailable_fragments=False,
                ) as ydl,
            ):
                info = locate(ydl, address)
                page_is_there = is_page(address)
                target = self.folder / f"{video.clip_stem}.{info['ext']}"
                download_checked(target, check, functools.partial(transfer, ydl, info))
        except VideoError as error:
            if page_is_there and fate(error.reason) is Fate.GONE:
                # Not the video is gone, but where its page said that the bytes are.
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
    from .verify_clip import examine  # here, since what only looks for clips needs no decoder

    return examine(path)


def asked_with(network: Network) -> str:
    """Eight hex digits that change with what may change an answer.

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
    """`on_bytes`, with an end to how long a video may take."""
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
