"""The nearest images in a query's gallery, to look at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .arrange import CheckedImages, SortedImages
from .distance import Space
from .ranking import Gallery


@dataclass(frozen=True)
class Nearest:
    """The nearest images in one query's gallery.

    Attributes:
        query: index of the query in the user's arrays.
        images: indices of the images in the user's arrays, nearest first; int64 `[top]`, or fewer
            if the gallery is smaller.
        right: whether each image shows the query's person, bool, as long as `images`.
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
    """Finds the nearest images of some queries, ranked as `evaluate` ranks them.

    Args:
        features: one row for each image, `[N, D]`; all images are the gallery.
        person_ids: whole numbers, `[N]`.
        frames: whole numbers, `[N]`.
        queries: indices of the queries.
        top: number of images to find for each query.
        distance: as for `evaluate`.

    Raises:
        FeaturesError: an array is wrong.
        OptionError: the distance is not known.
    """
    checked = CheckedImages.check("query", features, person_ids, frames)
    space = Space.for_features(checked.features, checked.low, checked.high, distance)
    images = SortedImages.sort(checked, space)
    gallery = Gallery(images)
    indices = np.argsort(images.order)[list(queries)]
    products = gallery.products(images.rows[indices])
    return [_nearest(gallery, int(i), row, top) for i, row in zip(indices, products, strict=True)]


def _nearest(gallery: Gallery, query: int, products: NDArray[np.float64], top: int) -> Nearest:
    images = gallery.images
    row = images.rows[query]
    right = images.person_ids == images.person_ids[query]
    distances = gallery.distances(products, float(row @ row))
    # Of equally near images the wrong ones come first, as in the scores.
    order = np.lexsort((right, distances))
    order = order[~(right & (images.frames == images.frames[query]))[order]][:top]
    return Nearest(int(images.order[query]), images.order[order], right[order])
