"""A packet of H.264 in mp4 or Matroska -> what its headers say of its picture (ITU-T H.264)."""

from __future__ import annotations

from typing import NamedTuple

# Profiles whose parameters describe the chroma format (7.3.2.1.1).
_WITH_CHROMA = (100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135)
# Types of NAL units (table 7-1).
_SLICES, _IDR_SLICE, _PARAMETERS = range(1, 6), 5, (7, 8)
# The numbers at the beginning of a slice header take fewer bytes.
_SLICE_HEADER_BYTES = 40


class UnprovedError(Exception):
    """It is not certain that each packet gives one frame, and in which order."""


class Picture(NamedTuple):
    """What the headers of a picture say.

    Attributes:
        order: grows in the order in which a decoder gives the pictures.
        is_reference: whether later pictures may refer to it.
        is_idr: whether no later picture refers to one before it.
    """

    order: tuple[int, int]
    is_reference: bool
    is_idr: bool


class PictureReader:
    """Reads the pictures of a clip, in decoding order.

    Args:
        avcc: the configuration of the decoder (ISO/IEC 14496-15, 5.3.3.1).

    Raises:
        UnprovedError: it is not as simple as is usual.
    """

    def __init__(self, avcc: bytes) -> None:
        if len(avcc) < 8 or avcc[0] != 1 or avcc[5] & 31 != 1:
            raise UnprovedError("expected the configuration of H.264 with one parameter set")
        self._avcc = avcc
        self._length_bytes = (avcc[4] & 3) + 1
        size = int.from_bytes(avcc[6:8], "big")
        self._read_parameters(_Bits(avcc[9 : 8 + size]))
        # The last reference picture's order, in its two parts, and the number of IDR pictures.
        self._high = self._low = self._period = 0
        self._pictures = 0

    def _read_parameters(self, bits: _Bits) -> None:
        """Reads the sequence parameter set (7.3.2.1.1) as far as the order needs it."""
        profile = bits.fixed(8)
        bits.fixed(16)  # constraints, level
        bits.golomb()  # id
        if profile in _WITH_CHROMA:
            if bits.golomb() == 3 and bits.fixed(1):
                raise UnprovedError("colour planes are coded apart")
            bits.golomb(), bits.golomb(), bits.fixed(1)  # bit depths, transform bypass
            if bits.fixed(1):
                raise UnprovedError("scaling lists are not read")
        self._frame_number_bits = bits.golomb() + 4
        order_type = bits.golomb()
        if order_type == 1:
            raise UnprovedError("the order follows a pattern")
        self._order_bits = 0 if order_type else bits.golomb() + 4
        bits.golomb(), bits.fixed(1), bits.golomb(), bits.golomb()  # references, gaps, size
        if not bits.fixed(1):
            raise UnprovedError("a packet may be a single field")

    def read(self, packet: memoryview) -> Picture:
        """Reads the next packet.

        Raises:
            UnprovedError: it holds no picture, other parameters, or something broken.
        """
        first = 0
        is_reference = is_idr = False
        offset = 0
        while (start := offset + self._length_bytes) < len(packet):
            offset = start + int.from_bytes(packet[offset:start], "big")
            kind = packet[start] & 31
            if kind in _PARAMETERS and bytes(packet[start:offset]) not in self._avcc:
                raise UnprovedError("the decoder starts anew in the middle")
            if kind in _SLICES:
                first = first or start
                is_reference |= packet[start] & 96 > 0
                is_idr |= kind == _IDR_SLICE
        if not first:
            raise UnprovedError("a packet holds no picture")
        header = bytes(packet[first + 1 : first + _SLICE_HEADER_BYTES])
        return Picture(self._order(header, is_reference, is_idr), is_reference, is_idr)

    def _order(self, header: bytes, is_reference: bool, is_idr: bool) -> tuple[int, int]:
        """The order of a picture by the header of its first slice (7.3.3, 8.2.1)."""
        bits = _Bits(header)
        bits.golomb(), bits.golomb(), bits.golomb()  # first macroblock, slice type, parameters
        bits.fixed(self._frame_number_bits)
        if is_idr:
            bits.golomb()  # id
            self._period, self._high, self._low = self._period + 1, 0, 0
        self._pictures += 1
        if not self._order_bits:
            return self._period, self._pictures
        low, full = bits.fixed(self._order_bits), 1 << self._order_bits
        high = self._high
        if self._low - low >= full // 2:
            high += full
        elif low - self._low > full // 2:
            high -= full
        if is_reference:
            self._high, self._low = high, low
        return self._period, high + low


class _Bits:
    """Reads the bits of a NAL unit's payload."""

    def __init__(self, payload: bytes) -> None:
        plain = payload.replace(b"\0\0\3", b"\0\0")  # without emulation prevention (7.4.1)
        self._value, self._left = int.from_bytes(plain, "big"), 8 * len(plain)

    def fixed(self, bits: int) -> int:
        """An unsigned number of so many bits."""
        self._left -= bits
        if self._left < 0:
            raise UnprovedError("data end early")
        return self._value >> self._left & ((1 << bits) - 1)

    def golomb(self) -> int:
        """An unsigned number in Exp-Golomb code (9.1)."""
        zeros = 0
        while not self.fixed(1):
            zeros += 1
        return (1 << zeros) - 1 + self.fixed(zeros)
