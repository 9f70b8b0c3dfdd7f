"""An open clip: its number of frames, and the frames that are wanted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import av
from av.video.reformatter import VideoReformatter

from ..common.cpu import decoder_threads
from ..common.errors import VideoError
from ..common.reasons import Reason
from .packets import DamageError, counted_frames, is_timed, timed_frames
from .video_frame import DecodedFrame


class GrowingFile(Protocol):
    """A seekable file that is fetched while it is read."""

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
        frame_count: frames that are in it: from its index where it has one, else by
            walking its packets (which reads the file, but decodes nothing). Of a clip that
            is still growing and has no index, what its duration makes likely; `read` makes
            sure wherever that matters.
    """

    path: Path | str
    growing: GrowingFile | None = None

    def __post_init__(self) -> None:
        self._container, self._stream = _open(self.path, self.growing or str(self.path))
        self._is_likely = False  # what frame_count says
        try:
            self.frame_count = self._indexed_count() or self._likely_count() or self._walked_count()
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
        """The number of frames by the index; 0 if there is no complete index."""
        entries = self._stream.index_entries
        # An index is complete if it has as many entries as the header claims (in a fragmented mp4
        # or a webm, it has not). Entries past the end of the file mean that the clip is cut off.
        if not self._stream.frames or len(entries) != self._stream.frames:
            return 0
        size = self.growing.size() if self.growing else Path(self.path).stat().st_size
        return sum(not e.is_discard and e.pos + e.size <= size for e in entries)

    def _likely_count(self) -> int:
        """Frames by duration and rate, for a clip that is still growing; 0 where nothing says."""
        seconds = (self._container.duration or 0) / av.time_base
        rate = self._stream.average_rate
        self._is_likely = bool(self.growing and seconds > 0 and rate)
        return max(1, round(seconds * rate)) if self._is_likely and rate else 0

    def _walked_count(self) -> int:
        """The number of frames by walking through all packets."""
        self._is_likely = False
        with av.open(str(self.growing.whole() if self.growing else self.path)) as other:
            packets = other.demux(other.streams.video[0])
            try:
                count = sum(bool(p.size) and not p.is_discard for p in packets)
            except av.error.FFmpegError as error:
                raise _damaged(self.path, f"{error.strerror} while counting its frames") from error
        if count == 0:
            raise VideoError(Reason.NO_FRAMES, f"{self.path}: has no frames. Get the clip again.")
        return count

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
        timed = is_timed(self._container, self._stream)
        decode = timed_frames if timed else counted_frames
        found = 0
        try:
            for index, frame in decode(self._container, self._stream, indices) if indices else ():
                found += 1
                yield index, DecodedFrame(frame, reformatter, f"{self.path}, frame {index}")
        except GeneratorExit:
            raise  # when a program ends, the names below may be gone already
        except av.error.FFmpegError as error:
            raise _damaged(self.path, f"{error.strerror} after {found:,} wanted frames") from error
        except DamageError as error:
            raise _damaged(self.path, str(error)) from error
        if found != len(indices) and self._is_likely:
            self.frame_count = self._walked_count()
            indices = frozenset(i for i in indices if i < self.frame_count)
        if found != len(indices):
            raise _damaged(self.path, f"{len(indices) - found:,} wanted frames are lost")


def _damaged(path: Path | str, what: str) -> VideoError:
    return VideoError(Reason.DAMAGED, f"{path}: the video is damaged ({what}). Get the clip again.")


def _open(path: Path | str, file: Any) -> tuple[av.container.InputContainer, av.VideoStream]:
    try:
        container = av.open(file)
    except (av.error.FFmpegError, OSError) as error:
        raise VideoError(
            Reason.NOT_A_VIDEO,
            f"{path}: cannot be opened as a video ({error.strerror or error}). It may be cut off, "
            "or a web page saved as a video; get the clip again.",
        ) from error
    if not container.streams.video:
        container.close()
        raise VideoError(Reason.NOT_A_VIDEO, f"{path}: has no video stream. Get the clip again.")
    stream = container.streams.video[0]
    if stream.codec_context is None:
        container.close()
        raise VideoError(
            Reason.NO_CODEC,
            f"{path}: this PyAV ({av.__version__}) has no decoder for this. Install a newer one "
            "('pip install -U av'), or get the clip in H.264.",
        )
    stream.thread_type = "AUTO"
    stream.codec_context.thread_count = decoder_threads()
    return container, stream
