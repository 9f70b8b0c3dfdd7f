"""Packets of H.264 -> the order in which a decoder gives their pictures (ITU-T H.264, 8.2.1)."""

from __future__ import annotations

# Profiles whose parameters describe the chroma format (7.3.2.1.1).
_WITH_CHROMA = (100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135)


class UnknownOrderError(Exception):
    """The order of pictures is not as simple as is usual, or the data are broken."""


class _Bits:
    """Reads the bits of a NAL unit's payload."""

    def __init__(self, payload: bytes) -> None:
        plain = payload.replace(b"\0\0\3", b"\0\0")  # without emulation prevention
        self._value, self._left = int.from_bytes(plain, "big"), 8 * len(plain)

    def fixed(self, bits: int) -> int:
        """An unsigned number of so many bits."""
        self._left -= bits
        if self._left < 0:
            raise UnknownOrderError("data end early")
        return self._value >> self._left & ((1 << bits) - 1)

    def golomb(self) -> int:
        """An unsigned number in Exp-Golomb code (9.1)."""
        zeros = 0
        while not self.fixed(1):
            zeros += 1
        return (1 << zeros) - 1 + self.fixed(zeros)


class PictureOrder:
    """Gives each picture a key that grows in the order in which a decoder gives them.

    Args:
        extra: avcC, the H.264 configuration in mp4 and Matroska.

    Raises:
        UnknownOrderError: it is not known how to tell.
    """

    def __init__(self, extra: bytes) -> None:
        if len(extra) < 8 or extra[5] & 31 != 1:
            raise UnknownOrderError("expected one sequence parameter set")
        size = int.from_bytes(extra[6:8], "big")
        bits = _Bits(extra[9 : 8 + size])  # behind the NAL unit's header
        profile = bits.fixed(8)
        bits.fixed(16)  # constraints, level
        bits.golomb()  # id
        if profile in _WITH_CHROMA:
            if bits.golomb() == 3 and bits.fixed(1):
                raise UnknownOrderError("colour planes are coded apart")
            bits.golomb(), bits.golomb(), bits.fixed(1)  # bit depths, transform bypass
            if bits.fixed(1):
                raise UnknownOrderError("scaling lists are not read")
        self._frame_number_bits = bits.golomb() + 4
        self._is_decoding_order = (kind := bits.golomb()) == 2
        if kind == 1:
            raise UnknownOrderError("the order follows a pattern")
        self._order_bits = 0 if kind else bits.golomb() + 4
        bits.golomb(), bits.fixed(1), bits.golomb(), bits.golomb()  # references, gaps, size
        self._frames_only = bool(bits.fixed(1))
        self._period = self._pictures = self._high = self._low = 0

    def key(self, header: int, payload: bytes) -> tuple[int, int]:
        """The key of the next picture in decoding order.

        Args:
            header: the first byte of the NAL unit of its first slice.
            payload: the next bytes; 32 are enough.

        Raises:
            UnknownOrderError: it is a single field, or broken.
        """
        is_idr, is_reference = header & 31 == 5, bool(header >> 5 & 3)
        bits = _Bits(payload)
        bits.golomb(), bits.golomb(), bits.golomb()  # first macroblock, slice type, parameters
        bits.fixed(self._frame_number_bits)
        if not self._frames_only and bits.fixed(1):
            raise UnknownOrderError("a packet is a single field")
        if is_idr:
            bits.golomb()
            self._period, self._high, self._low = self._period + 1, 0, 0
        self._pictures += 1
        if self._is_decoding_order:
            return self._period, self._pictures
        low, full = bits.fixed(self._order_bits), 1 << self._order_bits
        high = self._high
        if low < self._low and self._low - low >= full // 2:
            high += full
        elif low > self._low and low - self._low > full // 2:
            high -= full
        if is_reference:
            self._high, self._low = high, low
        return self._period, high + low
