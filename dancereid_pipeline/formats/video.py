"""A clip as an open file: its frames are those that a decoder gives from first to last."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import av
from av.video.reformatter import VideoReformatter

from ..common.errors import VideoError
from ..common.reasons import Reason
from .clip_facts import ClipFacts
from .container import FETCH_ERRORS, damaged, error_text, facts_of, open_clip
from .h264 import UnprovedError
from .packets import (
    BEGINNING,
    DamageError,
    counted_frames,
    is_timed,
    proved_count,
    timed_frames,
)
from .video_frame import DecodedFrame


class GrowingFile(Protocol):
    """A seekable file that is fetched while it is read.

    Attributes:
        may_guess: whether to guess the number of frames rather than fetch all of it at once.
    """

    may_guess: bool

    def size(self) -> int:
        """Of the whole, in bytes."""

    def whole(self) -> Path:
        """Fetches all of it; gives the file that it is in."""

    def end(self, error: BaseException | None) -> None:
        """Ends the reading; `error` is why it ended too early, if it did."""


@dataclass
class Clip:
    """An open video file. Use it in a `with` statement, and read it once.

    Attributes:
        path: the file, or the address that it comes from.
        growing: the file, if it is fetched while it is read.
        frame_count: number of frames that a decoder gives from first to last: from the index or
            from the packets where these prove it, else by decoding all. Of a clip that is still
            growing and has no index, what its duration makes likely; `read` makes sure
            wherever that matters.
    """

    path: Path | str
    growing: GrowingFile | None = None

    def __post_init__(self) -> None:
        self._container, self._stream = open_clip(self.path, self.growing or self.path)
        self._is_likely = False  # what frame_count says
        self._packets: Iterator[av.Packet[av.VideoStream]]
        try:
            self._packets = self._container.demux(self._stream)
            # Whether each packet gives one frame, as far as is known.
            self._is_timed = is_timed(self._container, self._stream)
            self.frame_count = self._indexed_count() or self._likely_count() or self._exact_count()
        except (VideoError, *FETCH_ERRORS):
            self._container.close()
            raise
        except Exception as error:
            self._container.close()
            raise damaged(self.path, f"{error_text(error)} while counting its frames") from error
        except BaseException:
            self._container.close()
            raise

    def __enter__(self) -> Clip:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        self._container.close()
        if self.growing:
            self.growing.end(error)

    def _indexed_count(self) -> int:
        """Frames by the index; 0 where it has none that is complete, or proves nothing."""
        if not self._is_timed:
            return 0
        entries = self._stream.index_entries
        # One that lists what the header claims is complete (a fragmented mp4's, or a webm's,
        # is not).
        if not self._stream.frames or len(entries) != self._stream.frames:
            return 0
        size = self.growing.size() if self.growing else Path(self.path).stat().st_size
        if any(entry.pos + entry.size > size for entry in entries):
            return 0  # the clip was cut off
        # What `read` finds wrong behind the beginning changes the order, and not the count.
        beginning = list(itertools.islice(self._packets, BEGINNING))
        self._packets = itertools.chain(beginning, self._packets)
        try:
            proved_count(self._stream, beginning)
        except UnprovedError:
            self._is_timed = False
            return 0
        return sum(not entry.is_discard for entry in entries)

    def _likely_count(self) -> int:
        """Frames by duration and rate, for a clip that is still growing; 0 where nothing says."""
        seconds = (self._container.duration or 0) / av.time_base
        rate = self._stream.average_rate
        may_guess = self.growing is not None and self.growing.may_guess
        self._is_likely = bool(may_guess and seconds > 0 and rate)
        return max(1, round(seconds * rate)) if self._is_likely and rate else 0

    def _exact_count(self) -> int:
        """Frames by walking all packets, or by decoding them."""
        self._is_likely = False
        file = self.growing.whole() if self.growing else self.path
        count = self._proved_count(file) or self._decoded_count(file)
        if count == 0:
            raise VideoError(Reason.NO_FRAMES, f"{self.path}: has no frames. Get the clip again.")
        return count

    def _proved_count(self, file: Path | str) -> int:
        """Frames by walking all packets; 0 where these prove nothing."""
        if not self._is_timed:
            return 0
        container, stream = open_clip(self.path, file)
        with container:
            try:
                return proved_count(stream, container.demux(stream))
            except (UnprovedError, av.error.FFmpegError):
                self._is_timed = False
                return 0

    def _decoded_count(self, file: Path | str) -> int:
        """Frames by decoding all; of a damaged clip, its packets, so that `read` finds it."""
        for count in _count_frames, _count_packets:
            container, stream = open_clip(self.path, file)
            with container:
                try:
                    return count(container, stream)
                except av.error.FFmpegError as error:
                    problem = error
        raise problem

    def read(self, wanted: Iterable[int]) -> Iterator[tuple[int, DecodedFrame]]:
        """Yields the wanted frames in presentation order, each with its index.

        Only a few packets after the last wanted frame are read: those that may hold a frame
        that is shown before it.

        Args:
            wanted: frame indices, from 0 in presentation order. They may be in any order, and
                those past the end are ignored.

        Raises:
            VideoError: a wanted frame, or a frame that it refers to, is damaged, as far as the
                decoder notices it. (VP9 and AV1 help little with that. If no other frame
                refers to the damaged one, FFmpeg's threads sometimes lose the mark.) All frames
                before it are good.
        """
        indices = frozenset(i for i in wanted if i < self.frame_count or self._is_likely)
        reformatter = VideoReformatter()
        found = 0
        try:
            for index, frame in self._frames(indices) if indices else ():
                found += 1
                yield index, DecodedFrame(frame, reformatter, f"{self.path}, frame {index}")
            if self._is_likely and found != len(indices):
                self.frame_count = self._exact_count()
        except GeneratorExit:
            raise  # when a program ends, the names below may be gone already
        except FETCH_ERRORS:
            raise
        except DamageError as error:
            raise damaged(self.path, str(error)) from error
        except Exception as error:
            what = f"{error_text(error)} after {found:,} wanted frames"
            raise damaged(self.path, what) from error
        lost = sum(i < self.frame_count for i in indices) - found
        if lost > 0:
            raise damaged(self.path, f"{lost:,} wanted frames are lost")

    def facts(self, width: int, height: int) -> ClipFacts:
        """The properties of the clip; call it after `read`, which may correct `frame_count`.

        Args:
            width: of a decoded frame, in pixels.
            height: of a decoded frame, in pixels.
        """
        return facts_of(self._stream, self.frame_count, width, height)

    def _frames(self, indices: frozenset[int]) -> Iterator[tuple[int, av.VideoFrame]]:
        """Yields the wanted frames in the fast way as far as it goes, and in the plain way."""
        given: set[int] = set()
        if self._is_timed:
            try:
                for index, frame in timed_frames(self._packets, self._stream, indices):
                    given.add(index)
                    yield index, frame
            except GeneratorExit:
                raise  # as in `read`
            except (UnprovedError, av.error.FFmpegError):
                self._is_timed = False
            if self._is_timed and (self._is_likely or len(given) == len(indices)):
                return
            self._is_timed = False
            self.frame_count = self._exact_count()
        missing = frozenset(i for i in indices - given if i < self.frame_count or self._is_likely)
        if missing:
            # The first decoder has seen a part of it.
            container, stream = open_clip(self.path, self.growing or self.path)
            with container:
                yield from counted_frames(container, stream, missing)


def _count_frames(container: av.container.InputContainer, stream: av.VideoStream) -> int:
    return sum(1 for _ in container.decode(stream))


def _count_packets(container: av.container.InputContainer, stream: av.VideoStream) -> int:
    return sum(bool(p.size) and not p.is_discard for p in container.demux(stream))
