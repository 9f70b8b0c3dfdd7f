"""The memo of a pickle: the objects that it refers to again."""

from __future__ import annotations

import numpy as np

# The opcodes MEMOIZE, BINPUT and LONG_BINPUT; LONG_BINGET, which four bytes follow.
_PUTS = np.isin(np.arange(256), list(b"\x94qr"))
_GET = ord("j")
_AT_ONCE = 1 << 15  # bytes that are searched together


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
    referred = np.zeros(257 + puts, np.uint8)
    referred[:256] = 1  # all that the short opcode can name
    for start in parts:
        gets = start + np.flatnonzero(octets[start : start + _AT_ONCE] == _GET)
        gets = gets[gets < len(data) - 4]
        following = octets[gets[:, np.newaxis] + range(1, 5)]
        index = following.view("<u4").ravel()
        referred[index[index < len(referred)]] = 1
    return bytearray(referred)
