"""The first bytes of a JPEG or a PNG -> its size. Nothing is decoded."""

from __future__ import annotations

import struct

PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png")
_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8"
_ALONE = {0x01, *range(0xD0, 0xD8)}  # markers without a length
# Starts of a frame: all of 0xC0 to 0xCF but for three tables that have their numbers among these.
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}


def size_of_image(content: bytes) -> tuple[int, int] | None:
    """Height and width in pixels, as the header says; None for anything but a JPEG or a PNG.

    Source: ITU-T T.81, annex B; ISO/IEC 15948, section 11.2.2.
    """
    try:
        if content.startswith(_PNG):
            width, height = struct.unpack_from(">II", content, 16)
            return height, width
        return _size_of_jpeg(content) if content.startswith(_JPEG) else None
    except (struct.error, IndexError):  # it ends too early
        return None


def _size_of_jpeg(content: bytes) -> tuple[int, int] | None:
    offset = len(_JPEG)
    while content[offset] == 0xFF:
        marker = content[offset + 1]
        if marker in _FRAMES:
            height, width = struct.unpack_from(">HH", content, offset + 5)
            return height, width
        if marker == 0xFF:  # fills a gap
            offset += 1
        elif marker in _ALONE:
            offset += 2
        else:
            (length,) = struct.unpack_from(">H", content, offset + 2)
            offset += 2 + max(2, length)
    return None
