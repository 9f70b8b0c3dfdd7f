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

import av

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


class DamageError(Exception):
    """A frame is not as it was encoded."""


def is_timed(container: av.container.InputContainer, stream: av.VideoStream) -> bool:
    """Whether each packet is one frame that is shown, and has its time."""
    codec = stream.codec_context.codec.canonical_name
    return container.format.name.startswith(_TIMED_CONTAINERS) and codec in _TIMED_CODECS


def counted_frames(
    container: av.container.InputContainer, stream: av.VideoStream, places: frozenset[int]
) -> Iterator[tuple[int, av.VideoFrame]]:
    """Decodes everything up to the last wanted frame, counting."""
    last = max(places)
    # A damaged frame may be shown after frames that were made from it: hold some back.
    held: deque[tuple[int, av.VideoFrame]] = deque()
    for index, frame in enumerate(container.decode(stream)):
        if frame.is_corrupt:
            raise DamageError(f"at frame {index}")
        if index in places:
            held.append((index, frame))
        while held and (held[0][0] <= index - _MAX_REORDER):
            yield held.popleft()
        if index >= last + _MAX_REORDER:
            break
    yield from held


def timed_frames(
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
                raise DamageError(f"frame times are out of order after frame {next_index - 1}")
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
                raise DamageError(f"a packet after frame {next_index - 1} has no time")
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
            raise DamageError("a frame came out that no packet holds")
        if frame.is_corrupt:
            raise DamageError(f"at frame {index}")
        if index in self._places:
            self._ready.append((frame.pts, index, frame))
        while self._expected and self._expected[0] not in self._index:
            self._expected.popleft()
        while self._ready and self._ready[0][0] not in self._expected:
            _, ready_index, ready = self._ready.popleft()
            yield ready_index, ready
        if len(self._ready) > _MAX_WAITING:
            raise DamageError(f"frames before frame {index} never came")
