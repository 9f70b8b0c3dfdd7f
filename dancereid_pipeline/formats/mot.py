"""Text files of MOTChallenge, also of DanceTrack <-> detections.

A line is `frame, id, left, top, width, height, flag or score, class, visibility`. Frames, ids and
pixels count from 1 there: the left upper pixel is 1, 1. Here all count from 0, so a bbox moves by
one pixel, and the size stays. Numbers are added as decimals: what was written comes back exactly.

Source: Dendorfer et al., "MOT20", arXiv:2003.09003, section 4; https://motchallenge.net/instructions.
"""

from __future__ import annotations

import configparser
import re
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..common.errors import SourceError

MAX_FRAMES = 1_000_000  # nine hours at 30 frames a second
MAX_BYTES = 256 << 20  # that of MOT20's largest sequence has 20 MB
_MAX_LINE = 1000
_MAX_INI = 64 << 10
_MAX_COORDINATE = 1_000_000
_PERSON = 1  # the class "pedestrian" of MOTChallenge, and the only one of DanceTrack
_NUMBER = re.compile(
    r"[+-]?(?:[0-9]{1,10}(?:\.[0-9]{0,60})?|\.[0-9]{1,60})(?:[eE][+-]?[0-9]{1,2})?"
)
_EXPECTED = "frame, id, left, top, width, height, and up to 4 more numbers, with commas between"


@dataclass(frozen=True)
class MotTracks:
    """The people of a text file, sorted by frame and then by person.

    Attributes:
        frame: from 0, int64 `[N]`.
        person: the person in the video, from 0, int64 `[N]`.
        bbox: x1, y1, x2, y2 in pixels, the first of which is 0, float64 `[N, 4]`.
        left_out: number of lines that were left out, by the reason.
    """

    frame: NDArray[np.int64]
    person: NDArray[np.int64]
    bbox: NDArray[np.float64]
    left_out: Counter[str]


def read_mot(path: Path, *, truth: bool, frames: int | None = None) -> MotTracks:
    """Reads a text file of MOTChallenge.

    Ids count from 1; in a file that has an id 0, as labelling tools write it, from 0.

    Args:
        path: the file.
        truth: whether it is a ground truth (gt.txt): then the seventh number is a flag, and lines
            whose flag is 0 are left out. In a tracker's result it is a score, and ignored. Lines
            of other classes than people (the eighth number of 8 or 9) are left out in both.
        frames: number of frames of the clip; None if it is unknown.

    Raises:
        SourceError: the file is not valid; the message names the line.
    """
    first_line: dict[tuple[int, int], int] = {}
    keys, corners = array("q"), array("d")
    left_out: Counter[str] = Counter()
    for number, text in _lines(path):
        try:
            row = _Row.parse(text, frames or MAX_FRAMES)
            if why := row.why_left_out(truth=truth):
                left_out[why] += 1
                continue
            before = first_line.setdefault((row.frame, row.id), number)
            if before != number:
                raise ValueError(
                    f"expected each id once in a frame, but line {before} has id {row.id} in frame "
                    f"{row.frame + 1}, too"
                )
        except ValueError as error:
            raise SourceError(f"{path}, line {number}: {error}. Correct the line.") from None
        keys.extend((row.frame, row.id))
        corners.extend(row.bbox)
    columns = np.asarray(keys, np.int64).reshape(-1, 2)
    order = np.lexsort((columns[:, 1], columns[:, 0]))
    frame, person = columns[order].T
    from_zero = bool((person == 0).any())
    bbox = np.asarray(corners, np.float64).reshape(-1, 4)[order]
    return MotTracks(frame, person if from_zero else person - 1, bbox, left_out)


@dataclass(frozen=True)
class _Row:
    """A line. `frame` counts from 0 already, `id` as in the file."""

    frame: int
    id: int
    bbox: tuple[float, float, float, float]
    flag: Decimal | None
    kind: int | None

    @classmethod
    def parse(cls, text: str, frames: int) -> _Row:
        """Reads a line. Raises `ValueError`."""
        fields = [field.strip() for field in text.split(",")]
        if not 6 <= len(fields) <= 10 or not all(map(_NUMBER.fullmatch, fields)):
            raise ValueError(f"expected {_EXPECTED}, got {text[:80]!r}")
        numbers = [Decimal(field) for field in fields]
        frame = _whole("a frame", numbers[0], 1, frames)
        person = _whole("an id", numbers[1], 0, 2**31 - 2)
        left, top, width, height = numbers[2:6]
        if not (width > 0 and height > 0):
            raise ValueError(f"expected a width and a height above 0, got {width} and {height}")
        x, y = left - 1, top - 1
        bbox = (float(x), float(y), float(x + width), float(y + height))
        if not max(map(abs, bbox)) < _MAX_COORDINATE:
            raise ValueError(f"expected pixels, all below {_MAX_COORDINATE:,}, got {text[:80]!r}")
        # MOT15 and results have a tenth number, and then 8 to 10 are a point in the world.
        kind = int(numbers[7]) if len(numbers) in (8, 9) else None
        return cls(frame - 1, person, bbox, numbers[6] if len(numbers) > 6 else None, kind)

    def why_left_out(self, *, truth: bool) -> str:
        """Why a line is left out; "" if it is not."""
        if self.kind not in (None, -1, _PERSON):
            return f"class {self.kind}"
        return "flag 0" if truth and self.flag == 0 else ""


def _whole(what: str, number: Decimal, least: int, most: int) -> int:
    if number != number.to_integral_value() or not least <= number <= most:
        raise ValueError(f"expected {what} from {least} to {most:,}, got {number}")
    return int(number)


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines that are not blank, and their numbers, from 1."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise SourceError(
                f"{path}: expected at most {MAX_BYTES:,} bytes, found more. Check that it is the "
                "right file."
            )
        with path.open("rb") as file:
            number = 0
            while line := file.readline(_MAX_LINE):
                number += 1
                if len(line) == _MAX_LINE:
                    raise SourceError(
                        f"{path}, line {number}: expected {_EXPECTED}, found a line of "
                        f"{_MAX_LINE:,} characters or more. Check that it is the right file."
                    )
                text = line.decode("utf-8-sig" if number == 1 else "utf-8", "replace").strip()
                if text:
                    yield number, text
    except OSError as error:
        raise SourceError(
            f"{path}: cannot be read ({error.strerror}). Expected a text file of MOTChallenge."
        ) from error


def mot_lines(
    frame: Iterable[int], person: Iterable[int], bbox: NDArray[np.float64]
) -> Iterator[str]:
    """The lines of a ground truth, with all digits: `read_mot` gives the same numbers again.

    Args:
        frame: frames from 0, `[N]`.
        person: people in the video, from 0, `[N]`.
        bbox: x1, y1, x2, y2, in pixels from 0, `[N, 4]`.
    """
    for index, number, corners in zip(frame, person, bbox.tolist(), strict=True):
        x1, y1, x2, y2 = (Decimal(repr(corner)) for corner in corners)
        numbers = (x1 + 1, y1 + 1, x2 - x1, y2 - y1)
        box = ",".join(f"{value.normalize():f}" for value in numbers)
        yield f"{index + 1},{number + 1},{box},1,{_PERSON},1\n"


@dataclass(frozen=True)
class SequenceInfo:
    """What seqinfo.ini says of a sequence.

    Attributes:
        frames: number of frames.
        pictures: name of the folder with its frames as pictures.
    """

    frames: int
    pictures: str = "img1"


def read_sequence_info(path: Path) -> SequenceInfo:
    """Reads a seqinfo.ini.

    Raises:
        SourceError: it is not valid.
    """
    parser = configparser.ConfigParser(interpolation=None)
    try:
        with path.open("rb") as file:
            parser.read_string(file.read(_MAX_INI).decode("utf-8-sig"))
        length = parser.get("Sequence", "seqLength").strip()
        pictures = parser.get("Sequence", "imDir", fallback="img1").strip() or "img1"
        if not re.fullmatch(r"[0-9]{1,7}", length) or not 1 <= int(length) <= MAX_FRAMES:
            raise ValueError(
                f"expected seqLength as a whole number from 1 to {MAX_FRAMES:,}, got "
                f"{length[:40]!r}"
            )
        if pictures in (".", "..") or re.search(r"[/\\\0]", pictures):
            raise ValueError(f"expected imDir as the name of a folder, got {pictures[:40]!r}")
    except (OSError, ValueError, configparser.Error) as error:
        said = " ".join(str(error).split()).rstrip(".")
        raise SourceError(
            f"{path}: expected a section [Sequence] with seqLength and imDir ({said}). Correct the "
            "file, or remove it: then the frames are counted."
        ) from error
    return SequenceInfo(int(length), pictures)


def sequence_info(
    name: str, *, frames: int, width: int, height: int, fps: float, ending: str
) -> str:
    """The text of a seqinfo.ini.

    Args:
        name: name of the sequence.
        frames: number of frames.
        width: of a frame, in pixels.
        height: of a frame, in pixels.
        fps: frames per second.
        ending: of the pictures, with its dot.
    """
    return (
        f"[Sequence]\nname={name}\nimDir=img1\nframeRate={fps:g}\nseqLength={frames}\n"
        f"imWidth={width}\nimHeight={height}\nimExt={ending}\n"
    )
