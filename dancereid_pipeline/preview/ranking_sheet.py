"""Rankings as one picture: some queries, and the gallery images nearest to each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFont

from ..evaluation.per_query import PerQuery
from ..evaluation.top_k import Nearest
from .sheet import CROP_HEIGHT, CROP_WIDTH, FAINT, LABEL_WIDTH, TITLE_HEIGHT, Sheet

_BORDER, _GAP, _CAPTION = 4, 8, 18  # in pixels
_BORDERED_WIDTH, _BORDERED_HEIGHT = CROP_WIDTH + 2 * _BORDER, CROP_HEIGHT + 2 * _BORDER
_CELL_WIDTH, _CELL_HEIGHT = _BORDERED_WIDTH + _GAP, _BORDERED_HEIGHT + _CAPTION + _GAP
_RIGHT, _WRONG = "#1a8f3c", "#cf2a2a"
_TITLE = "One row for each query: its gallery, nearest first; green: same person, red: another"


def chosen_queries(per_query: PerQuery, count: int = 8) -> list[int]:
    """Chooses queries to show: from the best average precision to the worst, each person once.

    Args:
        per_query: the scores of the queries.
        count: how many, at most.

    Returns:
        Indices of queries that have a match. Equal scores give equal choices.
    """
    scored = np.flatnonzero(per_query.scored)
    by_score = scored[np.argsort(-per_query.average_precision[scored], kind="stable")]
    chosen: list[int] = []
    for part in np.array_split(by_score, count):
        people = {int(per_query.person_ids[query]) for query in chosen}
        others = part[~np.isin(per_query.person_ids[part], list(people))]
        chosen += [int(q) for q in (others if len(others) else part)[-1:]]
    return chosen


def ranked_gallery(
    dataset: Any, rankings: Sequence[Nearest], precision: NDArray[Any]
) -> Image.Image:
    """Draws one row for each query: its crop, then its gallery, nearest first.

    The border of a gallery image is green if it shows the query's person, else red. Only the
    crops that are shown are decoded.

    Args:
        dataset: the built split that was scored.
        rankings: what `evaluation.top_k.nearest` found, at least one.
        precision: average precision of each query of the split, float64 `[N]`.

    Returns:
        An RGB picture, about 1,200 pixels wide for ten images in a row.
    """
    # Here, not above: what evaluates need not wait for OpenCV.
    from ..build.numpy_view import as_arrays

    dataset = as_arrays(dataset)
    columns = 1 + max(len(ranking.images) for ranking in rankings)
    left = LABEL_WIDTH + 2 * _GAP  # the query stands apart from its gallery
    size = (left + columns * _CELL_WIDTH + _GAP, TITLE_HEIGHT + len(rankings) * _CELL_HEIGHT)
    sheet = Sheet(size, _TITLE, title_size=18, margin=2 * _GAP)
    for row, ranking in enumerate(rankings):
        top = TITLE_HEIGHT + row * _CELL_HEIGHT
        query = dataset[ranking.query]
        precision_text = f"AP {100 * float(precision[ranking.query]):.1f} %"
        sheet.label_row(top, query["person_id"], (query["video_id"], precision_text))
        _draw_cell(sheet, (LABEL_WIDTH, top), query, FAINT)
        for column, (image, right) in enumerate(zip(ranking.images, ranking.right, strict=True), 1):
            corner = (left + column * _CELL_WIDTH, top)
            _draw_cell(sheet, corner, dataset[int(image)], _RIGHT if right else _WRONG)
    return sheet.image


def _draw_cell(sheet: Sheet, corner: tuple[int, int], example: dict[str, Any], colour: str) -> None:
    """A crop with a border, and under it the person and the frame."""
    x, y = corner
    sheet.draw.rectangle((x, y, x + _BORDERED_WIDTH - 1, y + _BORDERED_HEIGHT - 1), fill=colour)
    sheet.paste_crop(Image.fromarray(example["image"]), (x + _BORDER, y + _BORDER))
    caption = f"{example['person_id']}, frame {example['frame']}"
    sheet.draw.text((x, y + _BORDERED_HEIGHT + 2), caption, colour, ImageFont.load_default(12))
