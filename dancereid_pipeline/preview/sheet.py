"""What both pictures of crops share: the size of a crop, colours, the title and a row's label."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

CROP_WIDTH, CROP_HEIGHT = 86, 172  # of a crop on the sheet, in pixels
LABEL_WIDTH, TITLE_HEIGHT = 150, 46  # in pixels
FAINT = "#5f6068"
_PAPER, _INK = "#ffffff", "#1b1b1f"
_LINE_HEIGHT = 17


def evenly_spread(values: NDArray[np.int64], most: int) -> list[int]:
    """At most this many of the values, evenly spread from the first to the last."""
    indices = np.linspace(0, len(values) - 1, min(most, len(values))).astype(int)
    return [int(value) for value in values[indices]]


class Sheet:
    """A white picture with a title, for rows of crops that have a label at the left.

    Args:
        size: width and height in pixels.
        title: the text at the top.
        title_size: of the title's font, in pixels.
        margin: space to the left of the title and of the labels, in pixels.

    Attributes:
        image: the picture, RGB.
        draw: draws on it.
    """

    def __init__(self, size: tuple[int, int], title: str, title_size: int, margin: int) -> None:
        self.image = Image.new("RGB", size, _PAPER)
        self.draw = ImageDraw.Draw(self.image)
        self._margin = margin
        self.draw.text((margin, 12), title, _INK, ImageFont.load_default(title_size))

    def label_row(self, top: int, person_id: int, lines: Iterable[str]) -> None:
        """Writes a person and some small lines at the left of the row that begins at y = `top`."""
        middle = top + CROP_HEIGHT // 2
        person = f"person {person_id}"
        self.draw.text((self._margin, middle - 34), person, _INK, ImageFont.load_default(18))
        for line, text in enumerate(lines):
            corner = (self._margin, middle - 8 + line * _LINE_HEIGHT)
            self.draw.text(corner, text, FAINT, ImageFont.load_default(13))

    def paste_crop(self, crop: Image.Image, corner: tuple[int, int]) -> None:
        """Pastes a crop (RGB), resized, with its upper left corner at x, y."""
        size = (CROP_WIDTH, CROP_HEIGHT)
        self.image.paste(crop.resize(size, Image.Resampling.LANCZOS), corner)
