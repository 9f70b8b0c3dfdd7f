"""A clip that is fetched while it is read: as far as the reader gets, and a little more."""

from __future__ import annotations

import contextlib
import errno
import io
import math
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..catalogue.catalogue import Video
from ..common.errors import InterruptedReadError, VideoError
from ..common.offline import OFFLINE, offline
from ..common.reasons import Fate, Reason, fate
from ..inputs.data_folder import Clips
from ..transfer.download import part_path, unchecked_path
from .clip_fetcher import ClipFetcher, LocatedClip
from .manifest import Entry
from .politeness import Manners

if TYPE_CHECKING:
    from ..formats.video import Clip

# Bytes of a request: at first for whoever wants a look, then half of what is here.
_LEAST_BYTES = 64 << 10
_MOST_BYTES = 8 << 20  # YouTube slows requests down that ask for more than 10 MiB
# What a decoder says where the part may be of another file than the server has now.
_BROKEN = (Reason.NOT_A_VIDEO, Reason.NO_FRAMES, Reason.DAMAGED)


@dataclass(frozen=True)
class GrowingClip:
    """A clip that is not here yet. What was read of it is kept, and continued next time.

    Attributes:
        fetcher: fetches it.
        video: whose it is.
        manners: those of the stream that it is of.
    """

    fetcher: ClipFetcher
    video: Video
    manners: Manners

    def gone(self) -> Entry | None:
        """What was noted of it if it was gone when it was last asked for, at the same address."""
        entry = self.fetcher.manifest.read().get(self.video.video_id)
        if entry is None or entry.address != self.fetcher.network.public_address(self.video):
            return None
        return entry if fate(entry.outcome) is Fate.GONE else None

    def open(self) -> Clip:
        """Opens it, and begins to fetch it.

        Raises:
            VideoError: it cannot be had.
        """
        from ..formats.video import Clip

        try:
            path = Clips(self.fetcher.folder, self.fetcher.catalogue).find(self.video)
        except VideoError:
            pass
        else:  # it has come since the stream was made
            return Clip(path)
        why_not = OFFLINE if offline() else self.manners.stopped
        if why_not:
            raise VideoError(Reason.NOT_TRIED, why_not)
        if entry := self.gone():
            raise VideoError(entry.outcome, entry.detail, since=entry.since)
        reader = RangeReader(self)
        try:
            return Clip(self.fetcher.network.public_address(self.video), reader)
        except BaseException as error:
            reader.end(error)
            raise

    @contextlib.contextmanager
    def noted(self) -> Iterator[None]:
        """Notes why it cannot be fetched."""
        try:
            yield
        except VideoError as error:
            self.manners.note(self.fetcher.note(self.video, error))
            raise


class RangeReader(io.RawIOBase):
    """A clip as a file, which asks for the next range when somebody reads beyond what is here.

    To skip bytes does not spare fetching them. While it is open, nobody else can fetch the
    clip into the folder; where somebody does already, it is fetched into a temporary folder
    instead, and not kept.

    Args:
        growing: the clip.

    Raises:
        VideoError: it cannot be had.
        SourceError: this machine cannot keep it.
    """

    def __init__(self, growing: GrowingClip) -> None:
        self._growing = growing
        self._position = 0
        self._size: int | None = None  # as the server says
        self._error: Exception | None = None  # what went wrong, and is not tried again
        self._held = contextlib.ExitStack()
        with growing.noted():
            self._clip = self._located()
        self._path = unchecked_path(self._clip.target)
        self._part = part_path(self._path)

    def _located(self) -> LocatedClip:
        fetcher, video, hold = self._growing.fetcher, self._growing.video, self._held.enter_context
        try:
            return hold(fetcher.located(video))
        except VideoError as error:
            if error.reason is not Reason.NOT_TRIED:
                raise
        # Somebody else fetches it.
        folder = hold(tempfile.TemporaryDirectory(prefix="dancereid-"))
        return hold(replace(fetcher, folder=Path(folder)).located(video))

    def size(self) -> int:
        """Bytes of the clip. Asks the server where it has not said so yet."""
        if self._path.exists():
            return self._path.stat().st_size
        return self._size or self._extend(self._came() + _LEAST_BYTES)

    def whole(self) -> Path:
        """Fetches all of it, and gives the file that it is in."""
        return self._fetch_up_to(math.inf)

    def end(self, error: BaseException | None) -> None:
        """Closes it; where it was read to its end, the rest is fetched, checked and put in place.

        Args:
            error: why the reading ended before; None if it did not. Where the video is
                broken, the rest is fetched as well: the check decides, and clears the part away.
        """
        broken = isinstance(error, VideoError) and error.reason in _BROKEN
        with contextlib.closing(self):
            if self._clip.fetcher is self._growing.fetcher and (error is None or broken):
                # What is noted is for the next reader: this one has what it wanted.
                with contextlib.suppress(VideoError), self._growing.noted():
                    self._growing.manners.note(self._clip.complete())

    def close(self) -> None:
        """Lets others fetch the clip; what has come is kept."""
        self._held.close()
        super().close()

    def readinto(self, buffer: Any) -> int:
        """Reads the next bytes; fetches them where they are not here."""
        path = self._fetch_up_to(self._position + len(buffer))
        with path.open("rb") as file:
            file.seek(self._position)
            count = file.readinto(buffer)
        self._position += count
        return count

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """The offset of the next byte."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Goes to an offset.

        Raises:
            OSError: it is before the file, as of a file on disk.
        """
        if whence == io.SEEK_CUR:
            offset += self._position
        elif whence == io.SEEK_END:
            offset += self.size()
        if offset < 0:
            raise OSError(errno.EINVAL, "an offset before the file")
        self._position = offset
        return offset

    def _came(self) -> int:
        """Bytes that are here of a clip that is not whole."""
        return self._part.stat().st_size if self._part.exists() else 0

    def _fetch_up_to(self, stop: float) -> Path:
        """Fetches what is not here before the offset `stop`; gives the file that it is in."""
        while not self._path.exists():
            came = self._came()
            if came >= stop:
                return self._part
            more = min(max(stop - came, came // 2, _LEAST_BYTES), _MOST_BYTES)
            self._extend(came + int(more))
        return self._path

    def _extend(self, stop: int) -> int:
        """Fetches it as far as the offset `stop`; gives its size."""
        if self._error is None:
            try:
                with self._growing.noted():
                    self._size = self._clip.extend(stop)
                return self._size
            except (KeyboardInterrupt, SystemExit) as interrupt:
                # What reads for FFmpeg hands on nothing but an `Exception`.
                self._error = InterruptedReadError(interrupt)
            except Exception as error:  # noqa: BLE001  # raised below, as often as FFmpeg asks
                self._error = error
        raise self._error
