"""Ranked galleries as a picture: queries, and what was found nearest to each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from ..evaluation.per_query import PerQuery
from ..evaluation.top_k import Nearest

_CROP = (86, 172)  # width and height of a crop, in pixels
_FRAME, _GAP, _CAPTION, _HEADER, _LABEL = 4, 8, 18, 46, 150
_PAPER, _INK, _FAINT = "#ffffff", "#1b1b1f", "#5f6068"
_RIGHT, _WRONG = "#1a8f3c", "#cf2a2a"


def chosen_queries(per_query: PerQuery, count: int = 8) -> list[int]:
    """Queries to show: spread from the best average precision to the worst, a person once.

    Args:
        per_query: what the queries scored.
        count: at most so many.

    Returns:
        Numbers of queries that have a match; the same ones whenever scores are the same.
    """
    scored = np.flatnonzero(per_query.scored)
    by_score = scored[np.argsort(-per_query.average_precision[scored], kind="stable")]
    chosen: list[int] = []
    for part in np.array_split(by_score, count):
        people = {int(per_query.person_ids[query]) for query in chosen}
        others = part[~np.isin(per_query.person_ids[part], list(people))]
        chosen += [int(q) for q in (others if len(others) else part)[-1:]]
    return chosen


def ranked_gallery(dataset: Any, rankings: Sequence[Nearest], precision: NDArray[Any]) -> Any:
    """A row a query: its crop, then its gallery, nearest first; right framed green, wrong red.

    Only the crops that are shown are decoded.

    Args:
        dataset: the built split that was scored.
        rankings: what `metrics.nearest` found, at least one.
        precision: average precision of each query of the split, float64 `[N]`.

    Returns:
        An RGB picture, some 1,200 pixels wide for ten images a row.
    """
    cell = (_CROP[0] + 2 * _FRAME + _GAP, _CROP[1] + 2 * _FRAME + _CAPTION + _GAP)
    columns = 1 + max(len(ranking.images) for ranking in rankings)
    left = _LABEL + 2 * _GAP  # more room beside the query
    size = (left + columns * cell[0] + _GAP, _HEADER + len(rankings) * cell[1])
    sheet = Image.new("RGB", size, _PAPER)
    draw = ImageDraw.Draw(sheet)
    title = "A query a row, then its gallery, nearest first; green: the same person, red: another"
    draw.text((_GAP * 2, 12), title, _INK, ImageFont.load_default(18))
    for row, ranking in enumerate(rankings):
        top = _HEADER + row * cell[1]
        query = dataset[ranking.query]
        _label(draw, top, query, float(precision[ranking.query]))
        _cell(sheet, draw, (_LABEL, top), query, _FAINT)
        for place, (number, right) in enumerate(zip(ranking.images, ranking.right, strict=True)):
            corner = (left + (place + 1) * cell[0], top)
            _cell(sheet, draw, corner, dataset[int(number)], _RIGHT if right else _WRONG)
    return sheet


def _label(draw: ImageDraw.ImageDraw, top: int, query: dict[str, Any], precision: float) -> None:
    middle = top + _CROP[1] // 2
    person = f"person {query['person_id']}"
    draw.text((_GAP * 2, middle - 34), person, _INK, ImageFont.load_default(18))
    for line, text in enumerate((query["video_id"], f"AP {100 * precision:.1f} %")):
        draw.text((_GAP * 2, middle - 8 + line * 17), text, _FAINT, ImageFont.load_default(13))


def _cell(
    sheet: Image.Image,
    draw: ImageDraw.ImageDraw,
    corner: tuple[int, int],
    example: dict[str, Any],
    colour: str,
) -> None:
    """A framed crop, whose it is and when under it."""
    x, y = corner
    width, height = _CROP[0] + 2 * _FRAME, _CROP[1] + 2 * _FRAME
    draw.rectangle((x, y, x + width - 1, y + height - 1), fill=colour)
    crop = example["image"].convert("RGB").resize(_CROP, Image.Resampling.LANCZOS)
    sheet.paste(crop, (x + _FRAME, y + _FRAME))
    caption = f"{example['person_id']}, frame {example['frame']}"
    draw.text((x, y + height + 2), caption, colour, ImageFont.load_default(12))
