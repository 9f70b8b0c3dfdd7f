"""The memo of a pickle: the objects that it refers to again."""

from __future__ import annotations

import numpy as np

# The opcodes MEMOIZE, BINPUT and LONG_BINPUT; LONG_BINGET, which four bytes follow.
_PUTS = np.isin(np.arange(256), list(b"\x94qr"))
_GET = ord("j")
_AT_ONCE = 1 << 16  # bytes that are searched together


def referred_entries(data: bytes) -> bytearray:
    """Flags, 0 or 1: the memo entries that the pickle may refer to again.

    They are some hundreds, of hundreds of thousands of entries. Each byte that looks like an
    opcode is taken for it: that costs a little memory, but to walk the program would take half
    as long as to run it.
    """
    octets = np.frombuffer(data, np.uint8)
    parts = range(0, len(data), _AT_ONCE)
    # A pickle numbers its entries from 0 or 1, so there is no number above this.
    puts = sum(int(_PUTS[octets[start : start + _AT_ONCE]].sum()) for start in parts)
    # The four bytes behind each byte, as a number. It makes no copy.
    following = np.ndarray(max(0, len(data) - 4), "<u4", data, offset=1, strides=(1,))
    referred = np.zeros(257 + puts, np.uint8)
    referred[:256] = 1  # all that the short opcode can name
    for start in parts:
        part = slice(start, min(start + _AT_ONCE, len(data) - 4))
        index = following[part][octets[part] == _GET]
        referred[index[index < len(referred)]] = 1
    return bytearray(referred)
