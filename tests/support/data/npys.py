"""npy files of tracks, sound and otherwise, and what reading them comes to."""

from __future__ import annotations

import pickle
import pickletools
import struct
from typing import Any

import numpy as np
import pytest

from dancereid_pipeline.common.errors import TracksError
from dancereid_pipeline.common.reasons import Reason
from dancereid_pipeline.formats.npy_tracks import Tracks, read_tracks


def npy(pickled: bytes, header: str | None = None, version: bytes = b"\x01\x00") -> bytes:
    """An npy file around a pickle."""
    text = header or "{'descr': '|O', 'fortran_order': False, 'shape': (), }"
    encoded = text.ljust(117).encode() + b"\n"
    size = struct.pack("<H" if version[0] == 1 else "<I", len(encoded))
    return b"\x93NUMPY" + version + size + encoded + pickled


def saved(frames: Any, protocol: int = 4) -> bytes:
    """An npy file as NumPy pickles it."""
    array = np.empty((), object)
    array[()] = frames
    return npy(pickle.dumps(array, protocol=protocol))


def read(content: bytes) -> Tracks:
    return read_tracks(content, "some.npy")


def refused(content: bytes) -> str:
    with pytest.raises(TracksError) as error:
        read(content)
    assert error.value.reason is Reason.BAD_TRACKS
    assert "some.npy" in str(error.value)
    return str(error.value)


def without_frames(content: bytes) -> bytes:
    """The npy file with FRAME opcodes taken out: their lengths no longer fit."""
    start = content.index(b"\n") + 1
    data, offset = content[start:], 0
    kept = bytearray()
    positions = [p for op, _, p in pickletools.genops(data) if op.name == "FRAME"]
    for position in positions:
        kept += data[offset:position]
        offset = position + 9
    return content[:start] + bytes(kept + data[offset:])
