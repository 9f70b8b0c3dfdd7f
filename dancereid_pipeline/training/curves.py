"""A training's log as curves; drawn with OpenCV, which is there anyway."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ..common.files import replaced

_SIZE = (480, 800)
_MARGIN = 60
_COLOURS = ((200, 80, 0), (0, 120, 220), (60, 150, 60))  # blue, green, red
_TERMS = ("classification", "triplet", "verification", "reconstruction")
_FONT = cv2.FONT_HERSHEY_SIMPLEX


def draw_curves(folder: Path, log: list[dict[str, Any]]) -> None:
    """Draws each loss of the log over the steps, into `curves.png`."""
    height, width = _SIZE
    canvas = np.full((height, width, 3), 255, np.uint8)
    terms = [term for term in _TERMS if term in log[0]]
    highest = max(max(line[term] for term in terms) for line in log) or 1.0
    steps = log[-1]["step"]
    base, right = height - _MARGIN, width - _MARGIN
    cv2.line(canvas, (_MARGIN, base), (right, base), (0, 0, 0), 1)
    cv2.line(canvas, (_MARGIN, base), (_MARGIN, _MARGIN), (0, 0, 0), 1)
    _write(canvas, f"{highest:.2f}", (5, _MARGIN + 5))
    _write(canvas, "0", (_MARGIN - 20, base + 5))
    _write(canvas, f"{steps} steps", (right - 60, base + 25))
    for index, term in enumerate(terms):
        points = [
            (
                _MARGIN + round((right - _MARGIN) * line["step"] / steps),
                base - round((base - _MARGIN) * line[term] / highest),
            )
            for line in log
        ]
        cv2.polylines(canvas, [np.array(points, np.int32)], False, _COLOURS[index], 2, cv2.LINE_AA)
        for point in points if len(points) == 1 else ():
            cv2.circle(canvas, point, 3, _COLOURS[index], -1)
        _write(canvas, f"loss: {term}", (_MARGIN + 20 + 220 * index, 30), _COLOURS[index])
    with replaced(folder / "curves.png") as unfinished:
        unfinished.write_bytes(cv2.imencode(".png", canvas)[1].tobytes())


def _write(
    canvas: Any, text: str, where: tuple[int, int], colour: tuple[int, int, int] = (0, 0, 0)
) -> None:
    cv2.putText(canvas, text, where, _FONT, 0.5, colour, 1, cv2.LINE_AA)
