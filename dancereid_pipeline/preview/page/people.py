"""The people on the page: who is shown, by which crops, and how large those may be."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ...common.progress import progress
from ...common.validation import whole_number
from .dataset_rows import Rows, Seen, Track

MAX_PEOPLE = 2000
_MAX_CROPS = 8000
_MAX_CROPS_A_PERSON = 10
# Of all crops together, before base64 makes a third more of it: with all else, a page of that many
# people stays below 25 MB.
BUDGET = 12_000_000
# Tried in turn: height in pixels and quality. The last fits, whatever the crop shows.
_SIZES = ((256, 80), (192, 78), (128, 75), (96, 70), (96, 20), (48, 20))
_BYTES_A_PIXEL = 0.1  # of most crops: a size at which that is too much need not be tried


@dataclass(frozen=True)
class Person:
    """A row of the wall.

    Attributes:
        person: the id.
        split, video: names.
        images: how many there are of the person.
        frames: the first and the last.
        crops: as the page's script reads them.
    """

    person: int
    split: str
    video: str
    images: int
    frames: tuple[int, int]
    crops: list[dict[str, Any]]


@dataclass(frozen=True)
class Wall:
    """What the page shows of people.

    Attributes:
        people: the rows.
        tracks: how many rows there would be, were all shown.
        columns: crops a row at most.
        brightness: mean brightness of each crop shown, 0 to 255.
    """

    people: list[Person]
    tracks: int
    columns: int
    brightness: NDArray[np.float64]


def build_wall(seen: Seen, people: int | None = None, budget: int = BUDGET) -> Wall:
    """Chooses people spread over all, and of each crops spread over the frames; decodes those.

    Args:
        seen: the dataset.
        people: rows at most; None for all up to `MAX_PEOPLE`.
        budget: bytes of all crops together.

    Raises:
        DanceReIDError: `people` is no such number, or a crop cannot be read.
    """
    people = MAX_PEOPLE if people is None else whole_number("people", people, 1, MAX_PEOPLE)
    tracks = seen.rows.tracks()
    chosen = _spread(np.arange(len(tracks)), people).tolist()
    columns = int(np.clip(_MAX_CROPS // len(chosen), 1, _MAX_CROPS_A_PERSON))
    shown = [_spread(tracks[place].rows, columns) for place in chosen]
    most = budget // sum(map(len, shown))
    rows: list[Person] = []
    brightness: list[float] = []
    for place, of_person in zip(progress(chosen, "Drawing", unit=" people"), shown, strict=True):
        crops = []
        for row in of_person.tolist():
            picture = seen.picture(row).convert("RGB")
            brightness.append(float(np.asarray(picture.convert("L")).mean()))
            crops.append(_crop(seen.rows, row, shrink(picture, most)))
        rows.append(_person(seen.rows, tracks[place], crops))
    return Wall(rows, len(tracks), columns, np.array(brightness))


def _spread(values: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """At most so many of the values, from first to last at even distances."""
    return values[np.linspace(0, len(values) - 1, min(most, len(values))).astype(int)]


def _person(rows: Rows, track: Track, crops: list[dict[str, Any]]) -> Person:
    frames = rows.frame[track.rows]
    return Person(
        person=track.person,
        split=rows.splits[track.split],
        video=rows.videos[track.video],
        images=len(track.rows),
        frames=(int(frames[0]), int(frames[-1])),
        crops=crops,
    )


def _crop(rows: Rows, row: int, picture: bytes) -> dict[str, Any]:
    return {
        "frame": int(rows.frame[row]),
        "box": _for_json(rows.box[row]),
        "joints": _for_json(rows.joints[row]),
        "picture": f"data:image/webp;base64,{base64.b64encode(picture).decode()}",
    }


def _for_json(values: NDArray[np.float32]) -> Any:
    """Rounded to read; JSON knows no infinity, and what is no number is nowhere."""
    kept = np.nan_to_num(values.astype(np.float64), nan=-1e5, posinf=1e5, neginf=-1e5)
    return np.round(np.clip(kept, -1e5, 1e5), 1).tolist()


def shrink(picture: Image.Image, most: int) -> bytes:
    """A picture as WebP, as large as so many bytes allow; it is half the size of JPEG.

    Args:
        picture: RGB.
        most: bytes.

    Returns:
        The file's content; the smallest of all sizes if none is small enough.
    """
    content = b""
    for height, quality in _SIZES:
        scale = min(1.0, height / picture.height)
        size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
        is_last = (height, quality) == _SIZES[-1]
        if size[0] * size[1] * _BYTES_A_PIXEL > most and not is_last:
            continue
        buffer = io.BytesIO()
        picture.resize(size, Image.Resampling.LANCZOS).save(buffer, "WEBP", quality=quality)
        content = buffer.getvalue()
        if len(content) <= most:
            break
    return content
