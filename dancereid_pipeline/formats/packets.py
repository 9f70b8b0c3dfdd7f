"""A clip + the frames wanted -> those frames, decoding as little as can be.

A frame's index is its place in presentation order, counted from the packets' own
times: no seeking, no guess from a frame rate. Where the codec says in each packet
whether later ones refer to it, packets that no wanted frame needs are not decoded.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import RawIOBase
from pathlib import Path
from typing import Any, Protocol

import av
from av.video.reformatter import VideoReformatter

from ..common.cpu import decoder_threads
from ..common.errors import Reason, VideoError
from .video_frame import Picture

# How many frames H.264 and HEVC may decode before one that is shown earlier. Once so
# many with later times have come, a frame's place in presentation order is settled.
_MAX_REORDER = 16
# Decoded frames that may wait for an earlier packet's frame before we call it lost.
_MAX_WAITING = 64
# Packets kept in case a wanted frame refers to them; decoded in any case beyond that.
_MAX_PENDING_BYTES = 32 << 20
# Containers that give every packet its presentation time. Elsewhere (AVI), we count.
_TIMED_CONTAINERS = ("mov,mp4", "matroska,webm")
# Codecs of which, in those, a packet is a frame. (A packet of VP8, say, may show nothing.)
_TIMED_CODECS = ("h264", "hevc", "vp9", "av1")
# Codecs whose key frames, as these containers flag them, make all before them moot.
_CLEAN_KEY_FRAMES = ("vp9", "av1")


class ComingFile(Protocol):
    """A file that is read while it comes."""

    def reader(self) -> RawIOBase:
        """A file to read from its beginning; reading waits for what is not here yet."""

    def size(self) -> int:
        """Of the whole, in bytes."""

    def finish(self) -> None:
        """Waits until all of it is here."""

    def stop(self) -> None:
        """Lets no more of it come."""


@dataclass
class Clip:
    """An open video file. Use it in a `with` statement, and read it once.

    Attributes:
        path: the file, or the address that it comes from.
        coming: where it comes from, if it is not a file yet.
        frame_count: frames that are in it: from its index where it has one, else by
            walking its packets (which reads the file, but decodes nothing). Of a clip that
            is still coming and has no index, what its duration makes likely; `read` makes
            sure wherever that matters.
    """

    path: Path | str
    coming: ComingFile | None = None

    def __post_init__(self) -> None:
        file: Any = self.coming.reader() if self.coming else str(self.path)
        self._container, self._stream = _open(self.path, file)
        self._is_likely = False  # what frame_count says
        try:
            self.frame_count = self._indexed_count() or self._likely_count() or self._walked_count()
        except BaseException:
            self._container.close()
            raise

    def __enter__(self) -> Clip:
        return self

    def __exit__(self, raised: object, *_: object) -> None:
        self._container.close()
        if self.coming and raised is None:
            self.coming.finish()
        elif self.coming:
            self.coming.stop()

    def _indexed_count(self) -> int:
        """Frames by the index; 0 where it has none that is complete."""
        entries = self._stream.index_entries
        # One that lists what the header claims is complete (a fragmented mp4's, or a webm's,
        # is not); entries past the end of the file are of a clip that was cut off.
        if not self._stream.frames or len(entries) != self._stream.frames:
            return 0
        size = self.coming.size() if self.coming else Path(self.path).stat().st_size
        return sum(not e.is_discard and e.pos + e.size <= size for e in entries)

    def _likely_count(self) -> int:
        """Frames by duration and rate, for a clip that is still coming; 0 where nothing says."""
        seconds = (self._container.duration or 0) / av.time_base
        rate = self._stream.average_rate
        self._is_likely = bool(self.coming and seconds > 0 and rate)
        return max(1, round(seconds * rate)) if self._is_likely and rate else 0

    def _walked_count(self) -> int:
        """Frames by walking all packets."""
        self._is_likely = False
        file: Any = self.coming.reader() if self.coming else str(self.path)
        with av.open(file) as other:
            packets = other.demux(other.streams.video[0])
            try:
                count = sum(bool(p.size) and not p.is_discard for p in packets)
            except av.error.FFmpegError as error:
                raise _damaged(self.path, f"{error.strerror} while counting its frames") from error
        if count == 0:
            raise VideoError(Reason.NO_FRAMES, f"{self.path}: holds no frames. Get the clip again.")
        return count

    def read(self, wanted: Iterable[int]) -> Iterator[tuple[int, Picture]]:
        """The wanted frames in presentation order, each with its index.

        Nothing after the last wanted frame is read, but for the few packets that may
        be shown before it.

        Args:
            wanted: 0-based places in presentation order, in any order; those past the
                end are left out.

        Raises:
            VideoError: a wanted frame, or one it is made from, is damaged, as far as the
                decoder notices. (VP9 and AV1 carry little to notice it by; and of a frame
                that no other is made from, FFmpeg's threads now and then lose the mark.)
                All frames given before are good.
        """
        places = frozenset(i for i in wanted if i < self.frame_count or self._is_likely)
        reformatter = VideoReformatter()
        timed = _is_timed(self._container, self._stream)
        walk = _timed_frames if timed else _counted_frames
        found = 0
        try:
            for index, frame in walk(self._container, self._stream, places) if places else ():
                found += 1
                yield index, Picture(frame, reformatter, f"{self.path}, frame {index}")
        except GeneratorExit:
            raise  # at the end of a program, when the names below may be gone
        except av.error.FFmpegError as error:
            raise _damaged(self.path, f"{error.strerror} after {found:,} wanted frames") from error
        except _DamageError as error:
            raise _damaged(self.path, str(error)) from error
        if found != len(places) and self._is_likely:
            self.frame_count = self._walked_count()
            places = frozenset(i for i in places if i < self.frame_count)
        if found != len(places):
            raise _damaged(self.path, f"{len(places) - found:,} wanted frames never came")


class _DamageError(Exception):
    """A frame is not as it was encoded."""


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
        raise VideoError(Reason.NOT_A_VIDEO, f"{path}: holds no video stream. Get the clip again.")
    stream = container.streams.video[0]
    if stream.codec_context is None:
        container.close()
        raise VideoError(
            Reason.NO_CODEC,
            f"{path}: this PyAV ({av.__version__}) has no decoder for it. Install a newer one "
            "('pip install -U av'), or get the clip in H.264.",
        )
    stream.thread_type = "AUTO"
    stream.codec_context.thread_count = decoder_threads()
    return container, stream


def _is_timed(container: av.container.InputContainer, stream: av.VideoStream) -> bool:
    """Whether each packet is one frame that is shown, and has its time."""
    codec = stream.codec_context.codec.canonical_name
    return container.format.name.startswith(_TIMED_CONTAINERS) and codec in _TIMED_CODECS


def _counted_frames(
    container: av.container.InputContainer, stream: av.VideoStream, places: frozenset[int]
) -> Iterator[tuple[int, av.VideoFrame]]:
    """Decodes everything up to the last wanted frame, counting."""
    last = max(places)
    # A damaged frame may be shown after frames that were made from it: hold some back.
    held: deque[tuple[int, av.VideoFrame]] = deque()
    for index, frame in enumerate(container.decode(stream)):
        if frame.is_corrupt:
            raise _DamageError(f"at frame {index}")
        if index in places:
            held.append((index, frame))
        while held and (held[0][0] <= index - _MAX_REORDER):
            yield held.popleft()
        if index >= last + _MAX_REORDER:
            break
    yield from held


def _timed_frames(
    container: av.container.InputContainer, stream: av.VideoStream, places: frozenset[int]
) -> Iterator[tuple[int, av.VideoFrame]]:
    """Decodes only what the wanted frames are made from."""
    context = stream.codec_context
    queue = _PresentationQueue(places)
    for packet in _needed(_indexed(container.demux(stream), places), places, _Refs(stream)):
        queue.expect(packet)
        for frame in context.decode(packet.packet):
            yield from queue.take(frame)
    for frame in context.decode(None):
        yield from queue.take(frame)


@dataclass(eq=False)
class _Indexed:
    """A packet and its frame's place in presentation order (None: it is never shown)."""

    packet: av.Packet[av.VideoStream]
    index: int | None = None


def _indexed(
    packets: Iterable[av.Packet[av.VideoStream]], places: frozenset[int]
) -> Iterator[_Indexed]:
    """Packets in decoding order, each once its place in presentation order is settled.

    Ends with the packet of the last wanted frame.
    """
    last, next_index, latest = max(places), 0, None
    waiting: deque[_Indexed] = deque()
    settling: list[tuple[int, int, _Indexed]] = []  # a heap by time
    unsettled: set[_Indexed] = set()

    def settle(keep: int) -> None:
        nonlocal next_index, latest
        while len(settling) > keep:
            pts, _, shown = heapq.heappop(settling)
            if latest is not None and pts <= latest:
                raise _DamageError(f"frame times are out of order after frame {next_index - 1}")
            latest = pts
            shown.index = next_index
            unsettled.discard(shown)
            next_index += 1

    for order, packet in enumerate(packets):
        if not packet.size:  # the demuxer's mark of the end
            continue
        item = _Indexed(packet)
        waiting.append(item)
        if not packet.is_discard:
            if packet.pts is None:
                raise _DamageError(f"a packet after frame {next_index - 1} has no time")
            unsettled.add(item)
            heapq.heappush(settling, (packet.pts, order, item))
            settle(_MAX_REORDER)
        while waiting and waiting[0] not in unsettled:
            yield waiting.popleft()
        if next_index > last and not any(i.index is not None and i.index <= last for i in waiting):
            return
    settle(0)
    yield from waiting


class _Refs:
    """What a packet means to later ones, as far as the codec tells."""

    def __init__(self, stream: av.VideoStream) -> None:
        context = stream.codec_context
        self._clean_key_frames = context.codec.canonical_name in _CLEAN_KEY_FRAMES
        extra = context.extradata or b""
        # avcC, the H.264 configuration in mp4 and Matroska; the low two bits of its fifth
        # byte are the size of a NAL unit's length, less one (ISO/IEC 14496-15, 5.3.3.1).
        self._nal_length = (
            (extra[4] & 3) + 1 if context.name == "h264" and extra[:1] == b"\x01" else 0
        )

    def read(self, packet: av.Packet[av.VideoStream]) -> tuple[bool, bool]:
        """(no later packet refers to it, none after it refers to one before it)."""
        if not self._nal_length:
            return False, self._clean_key_frames and packet.is_keyframe
        data = memoryview(packet)
        referred = clean = False
        place = 0
        while place + self._nal_length < len(data):
            start = place + self._nal_length
            # nal_ref_idc is bits 5-6, nal_unit_type bits 0-4 (ITU-T H.264, 7.3.1);
            # types 1 to 5 are slices, 5 that of an IDR picture.
            header = data[start]
            if 1 <= header & 31 <= 5:
                referred |= bool(header >> 5 & 3)
                clean |= header & 31 == 5
            place = start + int.from_bytes(data[place:start], "big")
        return not referred, clean


def _needed(packets: Iterable[_Indexed], places: frozenset[int], refs: _Refs) -> Iterator[_Indexed]:
    """Of packets in decoding order, those that a wanted frame is made from."""
    pending: list[_Indexed] = []  # needed if a wanted frame comes before the next clean start
    pending_bytes = 0
    for item in packets:
        disposable, clean = refs.read(item.packet)
        if clean:
            pending, pending_bytes = [], 0
        if item.index in places or pending_bytes > _MAX_PENDING_BYTES:
            yield from pending
            yield item
            pending, pending_bytes = [], 0
        elif not disposable:
            pending.append(item)
            pending_bytes += item.packet.size


class _PresentationQueue:
    """Hands over wanted frames in order, each once all it may be made from proved good.

    A frame is shown before some that were decoded earlier, on which it may depend; it
    waits until those have come out of the decoder undamaged.
    """

    def __init__(self, places: frozenset[int]) -> None:
        self._places = places
        self._expected: deque[int] = deque()  # times in decoding order
        self._index: dict[int, int] = {}  # by time
        self._ready: deque[tuple[int, int, av.VideoFrame]] = deque()

    def expect(self, item: _Indexed) -> None:
        """A packet goes into the decoder."""
        if item.index is not None and item.packet.pts is not None:
            self._expected.append(item.packet.pts)
            self._index[item.packet.pts] = item.index

    def take(self, frame: av.VideoFrame) -> Iterator[tuple[int, av.VideoFrame]]:
        """A frame comes out of the decoder; yields those that are settled by it."""
        index = None if frame.pts is None else self._index.pop(frame.pts, None)
        if index is None or frame.pts is None:
            raise _DamageError("a frame came out that no packet holds")
        if frame.is_corrupt:
            raise _DamageError(f"at frame {index}")
        if index in self._places:
            self._ready.append((frame.pts, index, frame))
        while self._expected and self._expected[0] not in self._index:
            self._expected.popleft()
        while self._ready and self._ready[0][0] not in self._expected:
            _, ready_index, ready = self._ready.popleft()
            yield ready_index, ready
        if len(self._ready) > _MAX_WAITING:
            raise _DamageError(f"frames before frame {index} never came")
