"""The first images of a query's ranked gallery, to look at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .arrange import Given, Images
from .distance import Space
from .ranking import Gallery


@dataclass(frozen=True)
class Nearest:
    """The first images of one query's gallery.

    Attributes:
        query: number of the query, as given.
        images: numbers of the images, as given, nearest first; int64 `[top]` or fewer.
        right: whether each is of the query's person, bool, as long.
    """

    query: int
    images: NDArray[np.int64]
    right: NDArray[np.bool_]


def nearest(
    features: ArrayLike,
    person_ids: ArrayLike,
    frames: ArrayLike,
    queries: Sequence[int],
    *,
    top: int = 10,
    distance: str = "sqeuclidean",
) -> list[Nearest]:
    """The first images of some queries' galleries, ranked as `evaluate` ranks them.

    Args:
        features: one row an image, `[N, D]`; every image but the queries' own is gallery.
        person_ids: whole numbers, `[N]`.
        frames: whole numbers, `[N]`.
        queries: numbers of the queries, from 0.
        top: images of each gallery.
        distance: as for `evaluate`.

    Raises:
        FeaturesError: the arrays are not what they must be.
        OptionError: the distance is not a known one.
    """
    given = Given.check("query", features, person_ids, frames)
    images = Images.arrange(given, Space.around(given.features, given.low, given.high, distance))
    gallery = Gallery(images)
    places = np.argsort(images.order)[list(queries)]
    products = gallery.products(images.rows[places])
    return [
        _nearest(gallery, int(place), row, top) for place, row in zip(places, products, strict=True)
    ]


def _nearest(gallery: Gallery, place: int, products: NDArray[np.float64], top: int) -> Nearest:
    images = gallery.images
    row = images.rows[place]
    right = images.person_ids == images.person_ids[place]
    distances = gallery.distances(products, float(row @ row))
    # Wrong ones first among equals, as in the scores; then as they are arranged.
    order = np.lexsort((right, distances))
    order = order[~(right & (images.frames == images.frames[place]))[order]][:top]
    return Nearest(int(images.order[place]), images.order[order], right[order])
