"""People of a dataset as one picture: one row for each person, crops in the order of time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .sheet import CROP_HEIGHT, CROP_WIDTH, LABEL_WIDTH, TITLE_HEIGHT, Sheet, evenly_spread

_GAP = 6  # between crops, in pixels
_TITLE = "DanceReID: one row for each person"


def contact_sheet(
    splits: Mapping[str, Any], *, people: int = 12, columns: int = 10, skeletons: bool = True
) -> Image.Image:
    """Draws one row for each person, with crops spread over the person's frames.

    Only the crops that are shown are decoded.

    Args:
        splits: a `DatasetDict`, or any mapping of split names to built datasets of crops, or to
            the `PeopleOfFrames` of whole frames.
        people: number of rows, shared evenly among the splits that have examples.
        columns: number of crops in a row.
        skeletons: draw the pose on every second crop.

    Returns:
        An RGB picture, about 1,100 pixels wide at the default columns.
    """
    # Here, not above: `import dancereid` need not wait for OpenCV.
    from ..build.numpy_view import as_arrays
    from .people_of_frames import PeopleOfFrames

    filled = {
        name: ds if isinstance(ds, PeopleOfFrames) else as_arrays(ds)
        for name, ds in splits.items()
        if len(ds)
    }
    rows = [
        (split, person, ds, indices)
        for split, ds in filled.items()
        for person, indices in _spread(ds, max(1, people // len(filled)), columns)
    ]
    width = LABEL_WIDTH + columns * (CROP_WIDTH + _GAP) + _GAP
    height = TITLE_HEIGHT + len(rows) * (CROP_HEIGHT + _GAP) + _GAP
    sheet = Sheet((width, height), _TITLE, title_size=20, margin=2 * _GAP)
    for row, (split, person, ds, indices) in enumerate(rows):
        examples = [ds[index] for index in indices]
        top = TITLE_HEIGHT + row * (CROP_HEIGHT + _GAP)
        frames = f"frames {examples[0]['frame']}-{examples[-1]['frame']}"
        sheet.label_row(top, person, (split, examples[0]["video_id"], frames))
        for column, example in enumerate(examples):
            crop = _with_skeleton(example) if skeletons and column % 2 else example["image"]
            left = LABEL_WIDTH + column * (CROP_WIDTH + _GAP)
            sheet.paste_crop(Image.fromarray(crop), (left, top))
    return sheet.image


def _spread(ds: Any, people: int, columns: int) -> list[tuple[int, list[int]]]:
    """People spread over the split, each with the indices of crops spread over the person's own."""
    person_ids = np.asarray(ds["person_id"][:])
    return [
        (person, evenly_spread(np.flatnonzero(person_ids == person), columns))
        for person in evenly_spread(np.unique(person_ids), people)
    ]


def _with_skeleton(example: Mapping[str, Any]) -> NDArray[np.uint8]:
    from ..build.draw_pose import draw_skeleton

    keypoints = example["keypoints"].astype(np.float64)
    return draw_skeleton(example["image"], keypoints, int(example["person_id"]))
