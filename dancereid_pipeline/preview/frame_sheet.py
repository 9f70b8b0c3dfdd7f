"""Whole frames of a dataset as one picture, each with the poses of its people drawn on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from .sheet import FAINT, TITLE_HEIGHT, Sheet

_WIDTH, _HEIGHT, _LINE, _GAP = 352, 200, 20, 6  # of a frame on the sheet, in pixels
_COLUMNS = 3


def frame_sheet(splits: Mapping[str, Any]) -> Image.Image:
    """Draws all frames of these splits.

    Args:
        splits: built datasets with whole frames, by split.

    Returns:
        An RGB picture, about 1,100 pixels wide.
    """
    # Here, not above: `import dancereid` need not wait for OpenCV.
    from ..build.draw_pose import draw_skeleton
    from ..build.numpy_view import as_arrays

    frames = [(split, frame) for split, ds in splits.items() for frame in as_arrays(ds)]
    rows = -(-len(frames) // _COLUMNS)
    size = (
        _COLUMNS * (_WIDTH + _GAP) + _GAP,
        TITLE_HEIGHT + rows * (_HEIGHT + _LINE + _GAP) + _GAP,
    )
    sheet = Sheet(size, "DanceReID: whole frames", title_size=20, margin=2 * _GAP)
    for index, (split, frame) in enumerate(frames):
        pixels, objects = frame["image"], frame["objects"]
        for person, keypoints in zip(objects["person_id"], objects["keypoints"], strict=True):
            pixels = draw_skeleton(pixels, keypoints.astype(float), int(person))
        picture = Image.fromarray(pixels)
        drawn = ImageDraw.Draw(picture)
        for bbox in objects["bbox"]:
            x1, y1, x2, y2 = bbox.tolist()
            drawn.rectangle((min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)), outline="white")
        picture.thumbnail((_WIDTH, _HEIGHT))
        left = _GAP + index % _COLUMNS * (_WIDTH + _GAP)
        top = TITLE_HEIGHT + index // _COLUMNS * (_HEIGHT + _LINE + _GAP)
        sheet.image.paste(picture, (left, top))
        label = f"{split}  {frame['video_id']}  frame {frame['frame']}"
        sheet.draw.text((left, top + _HEIGHT + 2), label, FAINT, ImageFont.load_default(13))
    return sheet.image
