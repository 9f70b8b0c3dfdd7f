"""A clip + the wanted frames -> these frames, with as little decoding as possible.

A clip's frames are those that a decoder gives from first to last; a frame's index counts them,
from 0. The plain way is to do just that. The fast way finds the index from the order that the
codec writes into the packets, without seeking and without a guess from the frame rate, and decodes
only packets that a wanted frame needs, if the codec marks in each packet whether later packets
refer to it. It holds where each packet gives one frame, and where the packets' times, by which
frames are recognized, have the same order: whatever speaks against that raises `UnprovedError`,
before a frame with a wrong index is given.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import av
from av.video.frame import PictureType

from .h264 import PictureReader, UnprovedError

# H.264 and HEVC decode at most so many frames before a frame that is shown earlier.
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
# So many packets show whether a clip begins with frames that cannot be decoded.
BEGINNING = 2 * _MAX_REORDER


class DamageError(Exception):
    """A frame is not as it was encoded."""


def is_timed(container: av.container.InputContainer, stream: av.VideoStream) -> bool:
    """Whether container and codec promise that each packet is one frame, and has its time."""
    codec = stream.codec_context.codec.canonical_name
    return container.format.name in _TIMED_CONTAINERS and codec in _TIMED_CODECS


def proved_count(stream: av.VideoStream, packets: Iterable[av.Packet[av.VideoStream]]) -> int:
    """Counts the frames of the packets, from the first of the clip on. Decodes nothing.

    Raises:
        UnprovedError: they may not give one frame each.
    """
    return sum(item.index is not None for item in _indexed(packets, stream, math.inf))


def counted_frames(
    container: av.container.InputContainer, stream: av.VideoStream, wanted: frozenset[int]
) -> Iterator[tuple[int, av.VideoFrame]]:
    """Yields the wanted frames with their indices. It decodes and counts all frames up to them."""
    last = max(wanted)
    # A damaged frame may be shown after B-frames that refer to it, but not after others.
    held: deque[tuple[int, av.VideoFrame]] = deque()
    for index, frame in enumerate(container.decode(stream)):
        if frame.is_corrupt:
            raise DamageError(f"at frame {index}")
        if index in wanted:
            held.append((index, frame))
        is_b = frame.pict_type == PictureType.B
        while held and (not is_b or held[0][0] <= index - _MAX_REORDER):
            yield held.popleft()
        if index >= last and not held:
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
    for packet in _needed(_indexed(packets, stream, max(wanted)), wanted):
        queue.expect(packet)
        for frame in context.decode(packet.packet):
            yield from queue.take(frame)
    for frame in context.decode(None):
        yield from queue.take(frame)
    queue.end()


@dataclass(eq=False)
class _Indexed:
    """A packet and the index of its frame.

    Attributes:
        packet: as the demuxer gives it.
        order: grows in the order in which a decoder gives the frames.
        is_disposable: no later packet refers to it.
        is_clean: no later packet refers to one before it.
        index: None if it is not known yet, or if the frame is never shown.
    """

    packet: av.Packet[av.VideoStream]
    order: tuple[int, int]
    is_disposable: bool
    is_clean: bool
    index: int | None = None


def _ordered(
    packets: Iterable[av.Packet[av.VideoStream]], stream: av.VideoStream
) -> Iterator[_Indexed]:
    """Yields packets in decoding order, without their indices."""
    context = stream.codec_context
    is_h264 = context.codec.canonical_name == "h264"
    pictures = PictureReader(bytes(context.extradata or b"")) if is_h264 else None
    count = 0
    for packet in packets:
        if not packet.size:  # the demuxer's mark of the end
            continue
        if packet.has_sidedata("new_extradata"):
            raise UnprovedError("the decoder starts anew in the middle")
        if pictures:
            order, is_reference, is_idr = pictures.read(memoryview(packet))
            item = _Indexed(packet, order, not is_reference, is_idr)
        else:
            # VP9 and AV1: packets come in the order in which they are shown, and no packet after
            # a key frame (as these containers mark it) refers to one before.
            item = _Indexed(packet, (0, count), False, packet.is_keyframe)
        # H.264 may begin with a picture that a decoder recovers from, some frames later.
        if not count and not item.is_clean:
            raise UnprovedError("the first packet is no key frame")
        yield item
        count += 1


class _Order:
    """Finds the index of each packet's frame, once no packet with an earlier frame can come.

    Args:
        reorder: so many packets may come before one that is shown earlier. A decoder waits for no
            more.
    """

    def __init__(self, reorder: int) -> None:
        self._reorder = reorder
        self._settling: list[tuple[tuple[int, int], int, _Indexed]] = []  # a heap by order
        self._added = itertools.count()
        self._last_added = self._last_settled = (-1, 0)
        self._time: float = -math.inf  # of the last frame whose index is known
        self.unsettled: set[_Indexed] = set()
        self.next_index = 0

    def add(self, item: _Indexed) -> None:
        """Adds the next packet, in decoding order."""
        if item.packet.is_corrupt:
            raise UnprovedError(f"a packet after frame {self.next_index - 1} is corrupt")
        if item.packet.is_keyframe and item.order <= self._last_added:
            raise UnprovedError("a key frame is shown before an earlier packet")
        self._last_added = max(self._last_added, item.order)
        self.unsettled.add(item)
        heapq.heappush(self._settling, (item.order, next(self._added), item))
        self.settle(self._reorder)

    def settle(self, keep: int) -> None:
        """Gives indices to all packets but the `keep` latest."""
        while len(self._settling) > keep:
            order, _, item = heapq.heappop(self._settling)
            if order <= self._last_settled:
                raise UnprovedError(f"a packet of an earlier frame follows {self.next_index - 1}")
            self._last_settled = order
            self.unsettled.discard(item)
            if not item.packet.is_discard:
                self._give_index(item)

    def _give_index(self, item: _Indexed) -> None:
        time = item.packet.pts
        if time is None or time <= self._time:
            raise UnprovedError(f"times are out of order after frame {self.next_index - 1}")
        self._time = time
        item.index = self.next_index
        self.next_index += 1


def _indexed(
    packets: Iterable[av.Packet[av.VideoStream]], stream: av.VideoStream, last: float
) -> Iterator[_Indexed]:
    """Yields packets in decoding order, each as soon as its index is known.

    It ends with the packet of frame `last`.
    """
    order = _Order(stream.codec_context.reorder_depth)
    waiting: deque[_Indexed] = deque()
    for item in _ordered(packets, stream):
        waiting.append(item)
        order.add(item)
        while waiting and waiting[0] not in order.unsettled:
            yield waiting.popleft()
        if order.next_index > last and all(i.index is None or i.index > last for i in waiting):
            return
    order.settle(0)
    yield from waiting


def _needed(packets: Iterable[_Indexed], wanted: frozenset[int]) -> Iterator[_Indexed]:
    """Yields the packets, in decoding order, that a wanted frame needs."""
    pending: list[_Indexed] = []  # needed if a wanted frame comes before the next clean packet
    pending_bytes = 0
    for item in packets:
        if item.is_clean:
            pending, pending_bytes = [], 0
        if item.index in wanted or pending_bytes > _MAX_PENDING_BYTES:
            yield from pending
            yield item
            pending, pending_bytes = [], 0
        elif not item.is_disposable:
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
