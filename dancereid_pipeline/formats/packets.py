"""A clip + the wanted frames -> these frames, with as little decoding as possible.

A frame's index counts the frames in presentation order, from 0. It is found from the times
of the packets, without seeking and without a guess from the frame rate. If the codec marks in
each packet whether later packets refer to it, only packets that a wanted frame needs are decoded.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import av

# H.264 and HEVC decode at most so many frames before a frame that is shown earlier. After so
# many frames with later times, the index of a frame is known.
_MAX_REORDER = 16
# If more decoded frames than this wait for the frame of an earlier packet, it is lost.
_MAX_WAITING = 64
# Packets are kept in case a wanted frame refers to them. Above this size they are decoded.
_MAX_PENDING_BYTES = 32 << 20
# Containers that give each packet its presentation time. In others (AVI), frames are counted.
_TIMED_CONTAINERS = ("mov,mp4", "matroska,webm")
# Codecs that have one frame in each packet of these containers. (A VP8 packet may show none.)
_TIMED_CODECS = ("h264", "hevc", "vp9", "av1")
# In these codecs, no packet after a key frame (as these containers mark it) refers to one before.
_CLEAN_KEY_FRAMES = ("vp9", "av1")


class DamageError(Exception):
    """A frame is not as it was encoded."""


def is_timed(container: av.container.InputContainer, stream: av.VideoStream) -> bool:
    """Whether each packet is one frame, and has its presentation time."""
    codec = stream.codec_context.codec.canonical_name
    return container.format.name.startswith(_TIMED_CONTAINERS) and codec in _TIMED_CODECS


def counted_frames(
    container: av.container.InputContainer, stream: av.VideoStream, wanted: frozenset[int]
) -> Iterator[tuple[int, av.VideoFrame]]:
    """Yields the wanted frames with their indices. It decodes and counts all frames up to them."""
    last = max(wanted)
    # A damaged frame may be shown after frames that refer to it: hold some frames back.
    held: deque[tuple[int, av.VideoFrame]] = deque()
    for index, frame in enumerate(container.decode(stream)):
        if frame.is_corrupt:
            raise DamageError(f"at frame {index}")
        if index in wanted:
            held.append((index, frame))
        while held and (held[0][0] <= index - _MAX_REORDER):
            yield held.popleft()
        if index >= last + _MAX_REORDER:
            break
    yield from held


def timed_frames(
    container: av.container.InputContainer, stream: av.VideoStream, wanted: frozenset[int]
) -> Iterator[tuple[int, av.VideoFrame]]:
    """Yields the wanted frames with their indices. It decodes only packets that they need."""
    context = stream.codec_context
    queue = _PresentationQueue(wanted)
    for packet in _needed(_indexed(container.demux(stream), wanted), wanted, _References(stream)):
        queue.expect(packet)
        for frame in context.decode(packet.packet):
            yield from queue.take(frame)
    for frame in context.decode(None):
        yield from queue.take(frame)


@dataclass(eq=False)
class _Indexed:
    """A packet and the index of its frame; None if it is not known yet or never shown."""

    packet: av.Packet[av.VideoStream]
    index: int | None = None


def _indexed(
    packets: Iterable[av.Packet[av.VideoStream]], wanted: frozenset[int]
) -> Iterator[_Indexed]:
    """Yields packets in decoding order, each as soon as its index is known.

    It ends with the packet of the last wanted frame.
    """
    last, next_index, latest = max(wanted), 0, None
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


class _References:
    """Finds out whether packets refer to earlier ones, as far as the codec marks it."""

    def __init__(self, stream: av.VideoStream) -> None:
        context = stream.codec_context
        self._clean_key_frames = context.codec.canonical_name in _CLEAN_KEY_FRAMES
        extra = context.extradata or b""
        # avcC is the H.264 configuration in mp4 and Matroska. The low two bits of its fifth byte
        # are the size of a NAL unit's length, minus one (ISO/IEC 14496-15, 5.3.3.1).
        self._nal_length = (
            (extra[4] & 3) + 1 if context.name == "h264" and extra[:1] == b"\x01" else 0
        )

    def read(self, packet: av.Packet[av.VideoStream]) -> tuple[bool, bool]:
        """How other packets refer to this packet and across it.

        Returns:
            (no later packet refers to it, no later packet refers to one before it).
        """
        if not self._nal_length:
            return False, self._clean_key_frames and packet.is_keyframe
        data = memoryview(packet)
        referred = clean = False
        offset = 0
        while offset + self._nal_length < len(data):
            start = offset + self._nal_length
            # nal_ref_idc is bits 5-6, nal_unit_type bits 0-4 (ITU-T H.264, 7.3.1);
            # types 1 to 5 are slices, 5 is a slice of an IDR frame.
            header = data[start]
            if 1 <= header & 31 <= 5:
                referred |= bool(header >> 5 & 3)
                clean |= header & 31 == 5
            offset = start + int.from_bytes(data[offset:start], "big")
        return not referred, clean


def _needed(
    packets: Iterable[_Indexed], wanted: frozenset[int], references: _References
) -> Iterator[_Indexed]:
    """Yields the packets, in decoding order, that a wanted frame needs."""
    pending: list[_Indexed] = []  # needed if a wanted frame comes before the next clean packet
    pending_bytes = 0
    for item in packets:
        disposable, clean = references.read(item.packet)
        if clean:
            pending, pending_bytes = [], 0
        if item.index in wanted or pending_bytes > _MAX_PENDING_BYTES:
            yield from pending
            yield item
            pending, pending_bytes = [], 0
        elif not disposable:
            pending.append(item)
            pending_bytes += item.packet.size


class _PresentationQueue:
    """Yields wanted frames in order, each after all frames that it may need came undamaged.

    A frame may be shown before frames that were decoded earlier and that it refers to. It waits
    until the decoder has returned those.
    """

    def __init__(self, wanted: frozenset[int]) -> None:
        self._wanted = wanted
        self._expected: deque[int] = deque()  # times in decoding order
        self._index: dict[int, int] = {}  # by time
        self._ready: deque[tuple[int, int, av.VideoFrame]] = deque()

    def expect(self, item: _Indexed) -> None:
        """Notes a packet that goes into the decoder."""
        if item.index is not None and item.packet.pts is not None:
            self._expected.append(item.packet.pts)
            self._index[item.packet.pts] = item.index

    def take(self, frame: av.VideoFrame) -> Iterator[tuple[int, av.VideoFrame]]:
        """Takes a frame from the decoder; yields the wanted frames that need not wait any more."""
        index = None if frame.pts is None else self._index.pop(frame.pts, None)
        if index is None or frame.pts is None:
            raise DamageError("the decoder returned a frame that is in no packet")
        if frame.is_corrupt:
            raise DamageError(f"at frame {index}")
        if index in self._wanted:
            self._ready.append((frame.pts, index, frame))
        while self._expected and self._expected[0] not in self._index:
            self._expected.popleft()
        while self._ready and self._ready[0][0] not in self._expected:
            _, ready_index, ready = self._ready.popleft()
            yield ready_index, ready
        if len(self._ready) > _MAX_WAITING:
            raise DamageError(f"frames before frame {index} are lost")
