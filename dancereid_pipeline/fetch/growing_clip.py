"""A clip that is read while it is fetched: as far as the reader gets, plus a little."""

from __future__ import annotations

import errno
import io
import math
import os
import tempfile
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..catalogue.catalogue import Video
from ..common.errors import InterruptedReadError, VideoError
from ..common.offline import OFFLINE, offline
from ..common.reasons import Fate, Reason, fate
from ..inputs.data_folder import Clips
from ..transfer.download import Pause, download
from .clip_fetcher import ClipFetcher
from .manifest import Entry
from .politeness import Manners

if TYPE_CHECKING:
    from ..formats.video import Clip

# Bytes of a request: of the first ones, for whoever wants a look; then half of what is here.
_LEAST_BYTES = 64 << 10
_MOST_BYTES = 16 << 20
# From here on the transfer keeps ahead of the reader, by a quarter of what was read.
_AHEAD_FROM_BYTES = 1 << 20
_PATIENCE_S = 2.0
# yt-dlp asks for up to this much less than it was told, so that its requests look less alike.
_LEAST_OF_A_REQUEST = 0.95


@dataclass(frozen=True)
class FollowedClip:
    """A clip that is not here yet. What was read of it is kept, and gone on with next time.

    Attributes:
        fetcher: fetches it.
        video: whose it is.
        manners: those of the stream that it is of.
    """

    fetcher: ClipFetcher
    video: Video
    manners: Manners

    def gone(self) -> Entry | None:
        """What was said of it if it was gone when it was asked for last, at the same address."""
        entry = self.fetcher.manifest.read().get(self.video.video_id)
        if entry is None or entry.address != self.fetcher.network.public_address(self.video):
            return None
        return entry if fate(entry.outcome) is Fate.GONE else None

    def open(self) -> Clip:
        """Begins to fetch it, and opens what comes.

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
        following = Following.of(self.fetcher, self.video, self.manners)
        try:
            return Clip(self.fetcher.network.public_address(self.video), following)
        except BaseException:
            following.stop()
            raise


def let_come(folder: Path) -> None:
    """Lets every clip come whole that streams of this process have begun to fetch into a folder."""
    with _followings_lock:
        begun = [f for path, f in _followings.items() if path.parent == folder]
    for following in begun:
        following.complete()


# By the clip's path without its ending.
_followings: dict[Path, Following] = {}
_followings_lock = threading.Lock()


def _forget() -> None:
    """A process that was forked has the others' transfers, but not their threads."""
    global _followings_lock
    _followings.clear()
    _followings_lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


class Following:
    """A transfer in a thread of its own, and readers that it is never far ahead of.

    Args:
        fetcher: fetches the clip. Where another process is at it already, the clip is
            fetched to a temporary folder instead, and not kept.
        video: whose it is.
        manners: told of what came of it.
    """

    @classmethod
    def of(cls, fetcher: ClipFetcher, video: Video, manners: Manners) -> Following:
        """The transfer of a clip: one for all who read it in this process."""
        key = fetcher.folder / video.clip_stem
        with _followings_lock:
            for ended in [k for k, f in _followings.items() if not f._thread.is_alive()]:
                del _followings[ended]
            following = _followings.get(key)
            if following is None or not following._join():
                following = _followings[key] = cls(fetcher, video, manners)
            return following

    def __init__(self, fetcher: ClipFetcher, video: Video, manners: Manners) -> None:
        # A limit on the time would count that of the reader, too.
        network = replace(fetcher.network, time_limit=math.inf)
        self._fetcher = replace(fetcher, network=network)
        self._video = video
        self._manners = manners
        self._users = 1
        self._changed = threading.Condition()
        self._paths: tuple[Path, ...] = ()
        self._file: io.FileIO | None = None
        self._needed = 0.0  # bytes that a reader waits for
        self._read = 0  # bytes up to which it has read
        self._asks_size = False  # whether a reader waits for the server to say it
        self._size: int | None = None
        self._came = 0  # bytes that the transfer has told of
        self._limit = math.inf  # of them, where it is to pause
        self._stopped = False
        self._transferred = False
        self._error: Exception | None = None
        name = f"dancereid {video.clip_stem}"
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def reader(self) -> Reader:
        """A file to read, from its beginning."""
        return Reader(self)

    def size(self) -> int:
        """Of the clip, in bytes. Waits for the server to say it, else for the whole."""
        with self._changed:
            self._asks_size = True
            self._changed.notify_all()
            self._wait(lambda: self._came > 0)
            if self._size is None:
                self._needed = math.inf
                self._changed.notify_all()
                self._wait(lambda: False)
            return self._size or self._here()

    def finish(self) -> None:
        """Lets what is left of the clip come, and waits for it; it is checked meanwhile."""
        with self._changed:
            self._needed = math.inf
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._transferred or self._error is not None)
            self._users -= 1

    def complete(self) -> None:
        """Lets all of the clip come, whoever reads it, and waits until it is checked."""
        with self._changed:
            self._needed = math.inf
            self._changed.notify_all()
        self._thread.join()

    def _join(self) -> bool:
        """Counts one more who reads it, unless it is ending."""
        with self._changed:
            going_on = self._thread.is_alive() and not self._stopped and self._error is None
            self._users += going_on
            return going_on

    def stop(self) -> None:
        """Ends the transfer if nobody else reads it; what has come is kept."""
        with self._changed:
            self._users -= 1
            if self._users:
                return
            self._stopped = True
            self._changed.notify_all()
        # As a rule at once; then the next reader of the clip can go on with it. (A stream that
        # nobody holds any more may be cleared away by any thread.)
        if threading.current_thread() is not self._thread:
            self._thread.join(_PATIENCE_S)

    def read(self, place: int, count: int) -> bytes:
        """Bytes at a place, fewer at the end of the clip. Waits for them.

        Raises:
            VideoError, SourceError: they cannot be had.
        """
        with self._changed:
            self._needed = max(self._needed, place + count)
            self._changed.notify_all()
            self._wait(lambda: self._here() >= min(place + count, self._size or math.inf))
            if self._file is None:
                return b""
            self._file.seek(place)
            content = self._file.read(count)
            self._read = max(self._read, place + len(content))
            self._changed.notify_all()
            return content

    def _wait(self, there: Any) -> None:
        """Until `there()`, or all of the clip has come."""
        self._changed.wait_for(lambda: there() or self._transferred or self._error is not None)
        if self._error is not None and not there() and not self._transferred:
            raise self._error

    def _here(self) -> int:
        return os.fstat(self._file.fileno()).st_size if self._file else 0

    def _run(self) -> None:
        try:
            entry = self._fetch(self._fetcher)
            if entry.outcome is Reason.NOT_TRIED and not self._transferred:
                with tempfile.TemporaryDirectory(prefix="dancereid-") as folder:
                    entry = self._fetch(replace(self._fetcher, folder=Path(folder)))
            self._manners.note(entry)
            error = VideoError(entry.outcome, entry.detail)
            self._end(None if entry.outcome is Reason.USED else error)
        except Pause:
            self._end(None)
        except Exception as error:  # noqa: BLE001  # the reader raises it
            self._end(error)

    def _fetch(self, fetcher: ClipFetcher) -> Entry:
        return fetcher.fetch(self._video, self._on_bytes, self._transfer)

    def _end(self, error: Exception | None) -> None:
        with self._changed:
            self._error = self._error or error
            self._changed.notify_all()

    def _transfer(self, ydl: Any, info: dict[str, Any], path: Path) -> None:
        """Brings the clip to `path`, a request at a time, each when a reader is near its end."""
        self._paths = (path.with_name(f"{path.name}.part"), path)
        while True:
            with self._changed:
                self._open()
                self._changed.notify_all()  # there may be a part of an earlier time
                self._changed.wait_for(lambda: self._stopped or self._is_near_the_end())
                if self._stopped:
                    raise Pause
                here = self._here()
                count = max(_LEAST_BYTES, min(here // 2, _MOST_BYTES), self._needed - here)
                # Without end: one request for all the rest.
                ydl.params["http_chunk_size"] = None if count == math.inf else int(count)
                self._limit = here + count * _LEAST_OF_A_REQUEST
            try:
                download(ydl, info, path)
                break
            except Pause:
                continue
        with self._changed:
            self._open()
            self._transferred = True
            self._size = self._here()
            self._changed.notify_all()

    def _is_near_the_end(self) -> bool:
        """Whether a reader needs more than is here, or will soon."""
        ahead = min(self._read // 4, _MOST_BYTES) if self._read > _AHEAD_FROM_BYTES else 0
        if self._asks_size and not self._came:
            return True
        return self._here() < max(self._needed, self._read + ahead)

    def _open(self) -> None:
        """Opens the part (or what it became), once it is there."""
        for path in self._paths:
            if self._file is None and path.exists():
                self._file = io.FileIO(path)

    def _on_bytes(self, there: int, whole: int | None) -> None:
        with self._changed:
            if there < self._came:
                # Begun anew: this server gives only whole files.
                self._limit = math.inf
            self._came, self._size = there, whole
            self._open()
            self._changed.notify_all()
            if self._stopped or there >= self._limit:
                raise Pause


class Reader(io.RawIOBase):
    """A file that is read while it comes; to skip a part of it does not spare fetching that."""

    def __init__(self, following: Following) -> None:
        self.place = 0
        self._following = following

    def whole_size(self) -> int:
        """Bytes of the clip; waits for the server to say."""
        return self._following.size()

    def read(self, count: int = -1) -> bytes:
        """The next bytes; waits for them."""
        if count < 0:
            count = self.whole_size() - self.place
        try:
            content = self._following.read(self.place, count)
        except (KeyboardInterrupt, SystemExit) as error:
            # What reads for FFmpeg hands on nothing but an `Exception`.
            raise InterruptedReadError(error) from error
        self.place += len(content)
        return content

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """The place of the next byte."""
        return self.place

    def seek(self, place: int, whence: int = io.SEEK_SET) -> int:
        """Goes to a place.

        Raises:
            OSError: it is before the file, as of a file on disk.
        """
        if whence == io.SEEK_CUR:
            place += self.place
        elif whence == io.SEEK_END:
            place += self.whole_size()
        if place < 0:
            raise OSError(errno.EINVAL, "a place before the file")
        self.place = place
        return place
