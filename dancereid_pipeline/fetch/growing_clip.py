"""A clip that is fetched while it is read: as far as the reader gets, and a little more."""

from __future__ import annotations

import contextlib
import math
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ..catalogue.catalogue import Video
from ..common.errors import VideoError
from ..common.offline import OFFLINE, offline
from ..common.reasons import Fate, Reason, fate
from ..common.remote_file import RemoteFile
from ..transfer.download import part_path, unchecked_path
from .clip_fetcher import ClipFetcher, LocatedClip
from .manifest import Entry
from .politeness import StopRule

if TYPE_CHECKING:
    from ..formats.video import Clip

# A request asks for half as much as is here, within these limits.
_LEAST_BYTES = 64 << 10
_MOST_BYTES = 8 << 20  # YouTube is slow to answer requests for more than 10 MiB
# Errors of the decoder that may come from a part of another file than the server has now.
_BROKEN = (Reason.NOT_A_VIDEO, Reason.NO_FRAMES, Reason.DAMAGED)


@dataclass(frozen=True)
class GrowingClip:
    """A clip that is not here yet. What was read of it is kept, and the next reader continues.

    Attributes:
        fetcher: fetches it.
        video: whose clip it is.
        stop_rule: the stop rule of the stream that reads it.
    """

    fetcher: ClipFetcher
    video: Video
    stop_rule: StopRule

    def gone(self, entries: Mapping[str, Entry]) -> Entry | None:
        """The manifest's entry, if the clip was gone at the same address the last time."""
        entry = entries.get(self.video.video_id)
        if entry is None or entry.address != self.fetcher.network.address(self.video):
            return None
        return entry if fate(entry.outcome) is Fate.GONE else None

    def open(self) -> Clip:
        """Opens it, and begins to fetch it.

        Raises:
            VideoError: it cannot be fetched, with the reason.
            SourceError: this machine cannot keep it.
        """
        from ..formats.video import Clip

        try:
            path = cast(Path, self.fetcher.clips.find(self.video))
        except VideoError:
            pass
        else:  # it has come since the stream was made
            return Clip(path)
        why_not = OFFLINE if offline() else self.stop_rule.stopped
        if why_not:
            raise VideoError(Reason.NOT_TRIED, why_not)
        if entry := self.gone(self.fetcher.manifest.read()):
            raise VideoError(entry.outcome, entry.detail, since=entry.since)
        reader = RangeReader(self)
        try:
            return Clip(self.fetcher.network.address(self.video), reader)
        except BaseException as error:
            reader.end(error)
            raise

    @contextlib.contextmanager
    def noted(self) -> Iterator[None]:
        """Writes into the manifest why it cannot be fetched."""
        try:
            yield
        except VideoError as error:
            self.stop_rule.note(self.fetcher.note(self.video, error))
            raise


class RangeReader(RemoteFile):
    """A growing clip as a file. It asks for the next range when a read needs it.

    Bytes that are skipped are fetched as well. While the reader is open, no other process or
    stream can fetch the clip into the folder; what has come is kept. If another process or an open
    stream is fetching it already, this reader fetches it into a temporary folder, and does not keep
    it.

    Args:
        growing: the clip.

    Raises:
        VideoError: it cannot be fetched, with the reason.
        SourceError: this machine cannot keep it.
    """

    may_guess = True

    def __init__(self, growing: GrowingClip) -> None:
        super().__init__()
        self._growing = growing
        self._size: int | None = None  # of the whole, as the server says
        with growing.noted():
            self._clip = self._located()
        self._path = unchecked_path(self._clip.target)
        self._part = part_path(self._path)

    def _located(self) -> LocatedClip:
        fetcher, video, hold = self._growing.fetcher, self._growing.video, self.held.enter_context
        try:
            return hold(fetcher.located(video))
        except VideoError as error:
            if error.reason is not Reason.NOT_TRIED:
                raise
        # Another process or an open stream is fetching it into the folder.
        folder = hold(tempfile.TemporaryDirectory(prefix="dancereid-"))
        return hold(replace(fetcher, folder=Path(folder)).located(video))

    def size(self) -> int:
        """Size of the whole clip, in bytes. Asks the server if it has not said it yet."""
        if self._path.exists():
            return self._path.stat().st_size
        return self._size or self._extend(self._came() + _LEAST_BYTES)

    def whole(self) -> Path:
        """Fetches all of it, and returns the file that it is in."""
        return self._fetch_up_to(math.inf)

    def end(self, error: BaseException | None) -> None:
        """Closes it. If the reading went well, fetches the rest, checks it and puts it in place.

        Args:
            error: why the reading ended too early, if it did. If the video seems broken, the
                rest is fetched as well: the check decides, and removes a part that is wrong.
        """
        broken = isinstance(error, VideoError) and error.reason in _BROKEN
        with contextlib.closing(self):
            if self._clip.fetcher is self._growing.fetcher and (error is None or broken):
                # An error is for the manifest alone: this reader has what it wanted.
                self._clip.ydl.limit.restart()  # the time in between was the reader's
                with contextlib.suppress(VideoError), self._growing.noted():
                    self._growing.stop_rule.note(self._clip.complete())

    def readinto(self, buffer: Any) -> int:
        """Reads the next bytes, and fetches those that are not here."""
        path = self._fetch_up_to(self._position + len(buffer))
        with path.open("rb") as file:
            file.seek(self._position)
            count = file.readinto(buffer)
        self._position += count
        return count

    def _came(self) -> int:
        """Size of the part, in bytes."""
        return self._part.stat().st_size if self._part.exists() else 0

    def _fetch_up_to(self, stop: float) -> Path:
        """Fetches what is missing up to the offset `stop`; returns the file that it is in."""
        while not self._path.exists():
            came = self._came()
            if came >= stop:
                return self._part
            more = min(max(stop - came, came // 2, _LEAST_BYTES), _MOST_BYTES)
            self._extend(came + int(more))
        return self._path

    def _extend(self, stop: int) -> int:
        """Fetches it up to the offset `stop`; returns the size of the whole."""

        def extend() -> int:
            with self._growing.noted():
                return self._clip.extend(stop)

        self._size = self._got(extend)
        return self._size
