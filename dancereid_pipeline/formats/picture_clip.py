"""A clip whose frames are pictures in a folder, as tracking datasets have them (`img1`)."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePath

import cv2
import numpy as np
from numpy.typing import NDArray

from ..common.errors import VideoError
from ..common.reasons import Reason
from ..common.store_path import AnyPath, names_in
from .clip_facts import ClipFacts
from .container import damaged
from .image_header import PICTURE_SUFFIXES, size_of_image

_MAX_PIXELS = 1 << 26  # of a frame: twice those of 8K video


class Picture:
    """A decoded picture; it is used like a `DecodedFrame`.

    Attributes:
        height: in pixels.
        width: in pixels.
    """

    def __init__(self, pixels: NDArray[np.uint8]) -> None:
        self._pixels = pixels
        self.height, self.width = pixels.shape[:2]

    def bgr(self, top: int, bottom: int, left: int, right: int) -> NDArray[np.uint8]:
        """The pixels of rows `[top, bottom)` and columns `[left, right)`: blue, green, red."""
        return self._pixels[top:bottom, left:right]


@dataclass
class PictureClip:
    """A folder of pictures. It is used like a `Clip`.

    The number of a frame is the last number in the picture's name. Numbers begin at 0 or 1 and
    have no gaps, so that each picture is certainly the frame that the tracks mean.

    Attributes:
        path: the folder.
        frame_count: number of pictures.
        first_number: the number of the first one, 0 or 1.

    Raises:
        VideoError: there is no picture, or the numbers have gaps.
    """

    path: AnyPath

    def __post_init__(self) -> None:
        try:
            by_number = _numbered(self.path)
        except OSError as error:
            raise damaged(self.path, error.strerror or str(error)) from error
        self._names = list(by_number.values())
        self.first_number = min(by_number)
        self.frame_count = len(by_number)

    def __enter__(self) -> PictureClip:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is open."""

    def read(self, wanted: Iterable[int]) -> Iterator[tuple[int, Picture]]:
        """Yields the wanted frames in order, each with its index, from 0.

        Args:
            wanted: frame indices in any order; those past the end are ignored.

        Raises:
            VideoError: a picture cannot be decoded. All frames before it are good.
        """
        for index in sorted(i for i in set(wanted) if i < self.frame_count):
            yield index, Picture(_decode(self.path / self._names[index]))

    def facts(self, width: int, height: int) -> ClipFacts:
        """The properties of the clip; no file says its frame rate.

        Args:
            width: of a decoded frame, in pixels.
            height: of a decoded frame, in pixels.
        """
        ending = PurePath(self._names[0]).suffix.lower()
        return ClipFacts(self.frame_count, width, height, 0, "png" if ending == ".png" else "mjpeg")


def _numbered(folder: AnyPath) -> dict[int, str]:
    """The names of the pictures by their numbers, in order."""
    by_number: dict[int, str] = {}
    for name in sorted(names_in(folder)):
        if name.startswith(".") or not name.lower().endswith(PICTURE_SUFFIXES):
            continue
        numbers = re.findall(r"[0-9]+", name.rpartition(".")[0])
        if not numbers or len(numbers[-1]) > 18:
            raise _refused(folder, f"found {name!r}")
        number = int(numbers[-1])
        if number in by_number:
            raise _refused(folder, f"found {by_number[number]!r} and {name!r}")
        by_number[number] = name
    if not by_number:
        raise VideoError(
            Reason.NO_FRAMES,
            f"{folder}: expected the frames as pictures ({', '.join(PICTURE_SUFFIXES)}), found "
            "none. Put them there.",
        )
    order = sorted(by_number)
    if order[0] > 1:
        raise _refused(folder, f"the first is {by_number[order[0]]!r}")
    for before, after in itertools.pairwise(order):
        if after != before + 1:
            raise _refused(folder, f"found {by_number[after]!r} after {by_number[before]!r}")
    return {number: by_number[number] for number in order}


def _refused(folder: AnyPath, found: str) -> VideoError:
    return VideoError(
        Reason.WRONG_LENGTH,
        f"{folder}: expected pictures whose names end with a number, from 0 or 1 and without gaps, "
        f"as 000001.jpg, {found}. Put the missing frames there, or rename the files.",
    )


def _decode(path: AnyPath) -> NDArray[np.uint8]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise damaged(path, error.strerror or str(error)) from error
    size = size_of_image(content)
    if size is None or not 0 < size[0] * size[1] <= _MAX_PIXELS:
        what = f"{size[1]} x {size[0]} pixels" if size else "it is no JPEG and no PNG"
        raise damaged(path, f"expected a picture of at most {_MAX_PIXELS:,} pixels; {what}")
    try:
        # As most tools read pictures: three channels of 8 bits, turned as the camera's mark says.
        pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise damaged(path, str(error).strip()) from error
    if pixels is None:
        raise damaged(path, "it cannot be decoded")
    return np.asarray(pixels, np.uint8)
