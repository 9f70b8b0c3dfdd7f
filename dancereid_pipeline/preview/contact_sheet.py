"""Pictures of the data to look at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

_CROP = (86, 172)  # width and height of a crop on the sheet, in pixels
_GAP = 6
_LABEL = 150
_HEADER = 46
_PAPER, _INK, _FAINT = "#ffffff", "#1b1b1f", "#5f6068"


def contact_sheet(
    splits: Mapping[str, Any], *, people: int = 12, columns: int = 10, skeletons: bool = True
) -> Image.Image:
    """People by time: a row a person, crops spread over the person's frames.

    Only the crops that are shown are decoded.

    Args:
        splits: a `DatasetDict`, or any mapping of split names to built datasets.
        people: rows, shared out evenly over the splits that have examples.
        columns: crops a row; every second one with its pose, if asked for.
        skeletons: draw poses.

    Returns:
        An RGB picture, some 1,100 pixels wide at the default columns.
    """
    filled = {name: ds for name, ds in splits.items() if len(ds)}
    rows = [
        (split, person, ds, indices)
        for split, ds in filled.items()
        for person, indices in _spread(ds, max(1, people // len(filled)), columns)
    ]
    width = _LABEL + columns * (_CROP[0] + _GAP) + _GAP
    height = _HEADER + len(rows) * (_CROP[1] + _GAP) + _GAP
    sheet = Image.new("RGB", (width, height), _PAPER)
    draw = ImageDraw.Draw(sheet)
    draw.text((_GAP * 2, 12), "DanceReID, a row a person", _INK, ImageFont.load_default(20))
    for place, (split, person, ds, indices) in enumerate(rows):
        top = _HEADER + place * (_CROP[1] + _GAP)
        shown = [ds[index] for index in indices]
        _label(draw, top, split, person, shown)
        for column, example in enumerate(shown):
            crop = _crop(example, with_skeleton=skeletons and column % 2 == 1)
            sheet.paste(crop, (_LABEL + column * (_CROP[0] + _GAP), top))
    return sheet


def _spread(ds: Any, people: int, columns: int) -> list[tuple[int, list[int]]]:
    """(person, indices of crops spread over the person's own) for people spread over the split."""
    ids = np.asarray(ds["person_id"][:])
    everyone = np.unique(ids)
    chosen = everyone[np.linspace(0, len(everyone) - 1, min(people, len(everyone))).astype(int)]
    spread = []
    for person in chosen.tolist():
        own = np.flatnonzero(ids == person)
        places = np.linspace(0, len(own) - 1, min(columns, len(own))).astype(int)
        spread.append((person, own[places].tolist()))
    return spread


def _label(
    draw: ImageDraw.ImageDraw, top: int, split: str, person: int, shown: list[dict[str, Any]]
) -> None:
    middle = top + _CROP[1] // 2
    draw.text((_GAP * 2, middle - 34), f"person {person}", _INK, ImageFont.load_default(18))
    frames = f"frames {shown[0]['frame']}-{shown[-1]['frame']}"
    for line, text in enumerate((split, shown[0]["video_id"], frames)):
        place = (_GAP * 2, middle - 8 + line * 17)
        draw.text(place, text, _FAINT, ImageFont.load_default(13))


def _crop(example: Mapping[str, Any], *, with_skeleton: bool) -> Image.Image:
    picture = np.asarray(example["image"].convert("RGB"))
    if with_skeleton:
        # Here, not above: `import dancereid` need not wait for OpenCV.
        from ..build.draw_pose import draw_skeleton

        keypoints = np.asarray(example["keypoints"], np.float64)
        picture = draw_skeleton(picture, keypoints, int(example["person_id"]))
    return Image.fromarray(picture).resize(_CROP, Image.Resampling.LANCZOS)
