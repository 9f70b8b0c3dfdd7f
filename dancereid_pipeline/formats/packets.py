"""A clip + the wanted frames -> these frames, with as little decoding as possible.

A clip's frames are those that a decoder gives from first to last; a frame's index counts them,
from 0. The plain way is to do just that. The fast way finds the index from the times of the
packets, without seeking and without a guess from the frame rate, and decodes only packets that a
wanted frame needs, if the codec marks in each packet whether later packets refer to it. It holds
where each packet gives one frame, in the order of their times: whatever speaks against that raises
`UnprovedError`, before a frame with a wrong index is given.
"""

from __future__ import annotations

import heapq
import itertools
import math
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
_TIMED_CONTAINERS = ("mp4", "matroska")
# Codecs that have one frame in each packet of these containers. (A VP8 packet may show none. HEVC's
# decoder drops frames before a key frame, in the middle of a clip as well.)
_TIMED_CODECS = ("h264", "vp9", "av1")
# In these codecs, packets come in the order in which they are shown, and no packet after a key
# frame (as these containers mark it) refers to one before.
_CLEAN_KEY_FRAMES = ("vp9", "av1")


# What FFmpeg calls the order of fields where a picture is not coded as two: unknown, progressive.
_WHOLE_PICTURES = (0, 1)
# So many packets show whether a clip begins with frames that cannot be decoded.
BEGINNING = 2 * _MAX_REORDER


class DamageError(Exception):
    """A frame is not as it was encoded."""


class UnprovedError(Exception):
    """It is not certain that each packet gives one frame, in the order of the packets' times."""


def is_timed(container: av.container.InputContainer, stream: av.VideoStream) -> bool:
    """Whether container and codec promise that each packet is one frame, and has its time."""
    context = stream.codec_context
    return (
        container.format.name in _TIMED_CONTAINERS
        and context.codec.canonical_name in _TIMED_CODECS
        and context.field_order in _WHOLE_PICTURES
    )


def proved_count(stream: av.VideoStream, packets: Iterable[av.Packet[av.VideoStream]]) -> int:
    """Counts the frames of the packets, from the first of the clip on. Decodes nothing.

    Raises:
        UnprovedError: they may not give one frame each.
    """
    indexed = _indexed(packets, math.inf, _References(stream))
    return sum(item.index is not None for item in indexed)


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
    packets: Iterable[av.Packet[av.VideoStream]], stream: av.VideoStream, wanted: frozenset[int]
) -> Iterator[tuple[int, av.VideoFrame]]:
    """Yields the wanted frames with their indices. It decodes only packets that they need.

    Raises:
        UnprovedError: packets or frames are not as expected. All frames before it are right.
    """
    context = stream.codec_context
    queue = _PresentationQueue(wanted)
    references = _References(stream)
    for packet in _needed(_indexed(packets, max(wanted), references), wanted, references):
        queue.expect(packet)
        for frame in context.decode(packet.packet):
            yield from queue.take(frame)
    for frame in context.decode(None):
        yield from queue.take(frame)
    queue.end()


@dataclass(eq=False)
class _Indexed:
    """A packet and the index of its frame; None if it is not known yet or never shown."""

    packet: av.Packet[av.VideoStream]
    index: int | None = None


class _Order:
    """Finds the index of each packet's frame, once no packet with an earlier time can come."""

    def __init__(self, reorder: int) -> None:
        self._reorder = reorder  # so many packets may come after one that is shown later
        self._earliest = 0  # time before which no packet may be shown
        self._latest: float = -math.inf  # time of the last frame whose index is known
        self._added_latest: float = -math.inf
        self._settling: list[tuple[int, int, _Indexed]] = []  # a heap by time
        self._added = itertools.count()
        self.unsettled: set[_Indexed] = set()
        self.next_index = 0

    def begin(self, time: int | None) -> None:
        """Notes the time of the first packet; no other may be shown before it."""
        if time is None:
            raise UnprovedError("the first packet has no time")
        self._earliest = time

    def check_key_frame(self, packet: av.Packet[av.VideoStream]) -> None:
        """A key frame is shown after all packets before it, if times are in the frames' order."""
        if packet.pts is None or packet.pts <= self._added_latest:
            raise UnprovedError("a key frame is shown before an earlier packet")

    def add(self, item: _Indexed) -> None:
        """Adds the next packet, in decoding order."""
        if item.packet.pts is None or item.packet.is_corrupt:
            raise UnprovedError(f"a packet after frame {self.next_index - 1} has no time")
        if item.packet.pts < self._earliest:
            raise UnprovedError("a packet is shown before the first")
        self._added_latest = max(self._added_latest, item.packet.pts)
        self.unsettled.add(item)
        heapq.heappush(self._settling, (item.packet.pts, next(self._added), item))
        self.settle(self._reorder)

    def settle(self, keep: int) -> None:
        """Gives indices to all packets but the `keep` latest."""
        while len(self._settling) > keep:
            time, _, item = heapq.heappop(self._settling)
            if time <= self._latest:
                raise UnprovedError(f"times are out of order after frame {self.next_index - 1}")
            self._latest = time
            item.index = self.next_index
            self.unsettled.discard(item)
            self.next_index += 1


def _indexed(
    packets: Iterable[av.Packet[av.VideoStream]], last: float, references: _References
) -> Iterator[_Indexed]:
    """Yields packets in decoding order, each as soon as its index is known.

    It ends with the packet of frame `last`.
    """
    order = _Order(references.reorder)
    waiting: deque[_Indexed] = deque()
    begun = False
    for packet in packets:
        if not packet.size:  # the demuxer's mark of the end
            continue
        if not begun and not references.starts_clean(packet):
            raise UnprovedError("the first packet is no key frame")
        if packet.has_sidedata("new_extradata"):
            raise UnprovedError("the decoder starts anew in the middle")
        if packet.is_keyframe:
            order.check_key_frame(packet)
        if not begun:
            order.begin(packet.pts)
        begun = True
        item = _Indexed(packet)
        waiting.append(item)
        if not packet.is_discard:
            order.add(item)
        while waiting and waiting[0] not in order.unsettled:
            yield waiting.popleft()
        if order.next_index > last and all(i.index is None or i.index > last for i in waiting):
            return
    order.settle(0)
    yield from waiting


class _References:
    """Finds out whether packets refer to earlier ones, as far as the codec marks it."""

    def __init__(self, stream: av.VideoStream) -> None:
        context = stream.codec_context
        in_order = context.codec.canonical_name in _CLEAN_KEY_FRAMES
        self.reorder = 0 if in_order else _MAX_REORDER
        self._is_h264 = context.codec.canonical_name == "h264"
        self._clean_key_frames = in_order
        extra = context.extradata or b""
        # avcC is the H.264 configuration in mp4 and Matroska. The low two bits of its fifth byte
        # are the size of a NAL unit's length, minus one (ISO/IEC 14496-15, 5.3.3.1).
        self._nal_length = (
            (extra[4] & 3) + 1 if context.name == "h264" and extra[:1] == b"\x01" else 0
        )

    def starts_clean(self, packet: av.Packet[av.VideoStream]) -> bool:
        """Whether a decoder that begins with this packet gives all frames from it on."""
        # H.264 may begin with a picture that a decoder recovers from, some frames later.
        return packet.is_keyframe and (not self._is_h264 or self.read(packet)[1])

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
        self._latest = -1  # index of the last frame that the decoder returned

    def expect(self, item: _Indexed) -> None:
        """Notes a packet that goes into the decoder."""
        if item.index is not None and item.packet.pts is not None:
            self._expected.append(item.packet.pts)
            self._index[item.packet.pts] = item.index

    def take(self, frame: av.VideoFrame) -> Iterator[tuple[int, av.VideoFrame]]:
        """Takes a frame from the decoder; yields the wanted frames that need not wait any more."""
        index = None if frame.pts is None else self._index.pop(frame.pts, None)
        if index is None or frame.pts is None:
            raise UnprovedError("the decoder returned a frame that is in no packet")
        if frame.is_corrupt:
            raise UnprovedError(f"frame {index} is damaged")
        if min(self._index.values(), default=index) < index or index < self._latest:
            raise UnprovedError(f"the decoder returned frame {index} before an earlier one")
        self._latest = index
        if index in self._wanted:
            self._ready.append((frame.pts, index, frame))
        while self._expected and self._expected[0] not in self._index:
            self._expected.popleft()
        while self._ready and self._ready[0][0] not in self._expected:
            _, ready_index, ready = self._ready.popleft()
            yield ready_index, ready
        if len(self._ready) > _MAX_WAITING:
            raise UnprovedError(f"frames before frame {index} are lost")

    def end(self) -> None:
        """Notes that the decoder has returned all frames."""
        if self._index:
            raise UnprovedError(f"{len(self._index)} packets gave no frame")
