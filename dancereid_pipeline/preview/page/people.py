"""The people on the page: who is shown, with which crops, and how large these may be."""

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
from ..sheet import evenly_spread
from .dataset_rows import PageData, Rows

MAX_PEOPLE = 2000
_MAX_CROPS = 8000
_MAX_CROPS_A_PERSON = 10
# Bytes of all crops together, to which base64 adds a third. So a page with MAX_PEOPLE people is
# smaller than 25 MB.
BUDGET = 12_000_000
# Heights in pixels and WebP qualities, tried one after another. The last one always fits.
_SIZES = ((256, 80), (192, 78), (128, 75), (96, 70), (96, 20), (48, 20))
_BYTES_A_PIXEL = 0.1  # of most crops; sizes that would be too large by this are not tried


@dataclass(frozen=True)
class Person:
    """A row of the grid: one person in one video of one split.

    Attributes:
        person: the person id.
        split, video: name of the split, id of the video.
        images: number of the person's images.
        frames: the person's first and last frame.
        crops: the crops, as the script of the page reads them.
    """

    person: int
    split: str
    video: str
    images: int
    frames: tuple[int, int]
    crops: list[dict[str, Any]]


@dataclass(frozen=True)
class PeopleGrid:
    """The grid of people on the page: a row for each person, with crops.

    Attributes:
        people: the rows.
        tracks: number of rows if all people were shown.
        columns: number of crops in a row, at most.
        brightness: mean brightness of each crop, 0 to 255, float64 `[crops]`.
    """

    people: list[Person]
    tracks: int
    columns: int
    brightness: NDArray[np.float64]


def people_grid(data: PageData, people: int | None = None, budget: int = BUDGET) -> PeopleGrid:
    """Chooses people spread over the dataset, and crops spread over each person's frames.

    Args:
        data: what the page shows.
        people: number of rows, at most; None for all up to `MAX_PEOPLE`.
        budget: bytes of all crops together, at most.

    Raises:
        DanceReIDError: `people` is not a whole number in range, or a crop cannot be read.
    """
    people = MAX_PEOPLE if people is None else whole_number("people", people, 1, MAX_PEOPLE)
    tracks = data.rows.tracks()
    chosen = [tracks[index] for index in evenly_spread(np.arange(len(tracks)), people)]
    columns = int(np.clip(_MAX_CROPS // len(chosen), 1, _MAX_CROPS_A_PERSON))
    shown = [evenly_spread(track.rows, columns) for track in chosen]
    most = budget // sum(map(len, shown))
    rows: list[Person] = []
    brightness: list[float] = []
    for track, of_person in zip(progress(chosen, "Drawing", unit=" people"), shown, strict=True):
        crops = []
        for row in of_person:
            image = data.image(row)
            brightness.append(float(np.asarray(image.convert("L")).mean()))
            crops.append(_crop(data.rows, row, shrink(image, most)))
        first, last = data.rows.frame[track.rows[[0, -1]]].tolist()
        split, video = data.rows.splits[track.split], data.rows.videos[track.video]
        rows.append(Person(track.person, split, video, len(track.rows), (first, last), crops))
    return PeopleGrid(rows, len(tracks), columns, np.array(brightness))


def _crop(rows: Rows, row: int, webp: bytes) -> dict[str, Any]:
    return {
        "frame": int(rows.frame[row]),
        "bbox": _for_json(rows.bbox[row]),
        # The script draws no joint that is null.
        "keypoints": [
            None if np.isnan(joint).any() else _for_json(joint) for joint in rows.keypoints[row]
        ],
        "image": f"data:image/webp;base64,{base64.b64encode(webp).decode()}",
    }


def _for_json(values: NDArray[np.float32]) -> Any:
    """Rounded values; JSON has no infinity and no NaN, so these become far away coordinates."""
    kept = np.nan_to_num(values.astype(np.float64), nan=-1e5, posinf=1e5, neginf=-1e5)
    return np.round(np.clip(kept, -1e5, 1e5), 1).tolist()


def shrink(image: Image.Image, most: int) -> bytes:
    """Encodes an image as WebP, which is half as large as JPEG, in the best quality that fits.

    Args:
        image: the image, RGB.
        most: number of bytes, at most.

    Returns:
        The content of the WebP file; in the lowest quality if none fits.
    """
    content = b""
    for height, quality in _SIZES:
        scale = min(1.0, height / image.height)
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        is_last = (height, quality) == _SIZES[-1]
        if size[0] * size[1] * _BYTES_A_PIXEL > most and not is_last:
            continue
        buffer = io.BytesIO()
        image.resize(size, Image.Resampling.LANCZOS).save(buffer, "WEBP", quality=quality)
        content = buffer.getvalue()
        if len(content) <= most:
            break
    return content
