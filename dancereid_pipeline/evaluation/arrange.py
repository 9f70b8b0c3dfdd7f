"""The features, person ids and frames of images: checked, then sorted."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..common.errors import FeaturesError
from .distance import Space


@dataclass(frozen=True)
class CheckedImages:
    """The arrays that the user gave, checked, in the user's order.

    Attributes:
        name: "query" or "gallery", for error messages.
        features: finite real numbers, `[N, D]`.
        person_ids: int64 `[N]`.
        frames: int64 `[N]`.
        low: the smallest value of each column, `[D]`.
        high: the largest value of each column, `[D]`.
    """

    name: str
    features: NDArray[np.generic]
    person_ids: NDArray[np.int64]
    frames: NDArray[np.int64]
    low: NDArray[np.generic]
    high: NDArray[np.generic]

    @classmethod
    def check(
        cls, name: str, features: ArrayLike, person_ids: ArrayLike, frames: ArrayLike
    ) -> CheckedImages:
        """Checks the user's arrays.

        Raises:
            FeaturesError: an array has a wrong shape or type, or a feature is not finite.
        """
        rows = np.asarray(features)
        if rows.ndim != 2 or 0 in rows.shape:
            raise FeaturesError(
                f"{name} features: expected an array [images, dimensions] with at least one of "
                f"each, got the shape {list(rows.shape)}. Give one row an image."
            )
        if rows.dtype.kind not in "fiu" or rows.dtype.itemsize > 8:
            raise FeaturesError(
                f"{name} features: expected real numbers of up to 64 bits, got {rows.dtype}. "
                "Convert them, for example with .astype('float32')."
            )
        low, high = rows.min(axis=0), rows.max(axis=0)  # of a column with a NaN, both are NaN
        if not (np.isfinite(low).all() and np.isfinite(high).all()):
            raise FeaturesError(_not_finite(name, rows))
        return cls(
            name,
            rows,
            _whole_numbers(f"{name} person ids", person_ids, len(rows)),
            _whole_numbers(f"{name} frames", frames, len(rows)),
            low,
            high,
        )


def _whole_numbers(what: str, values: ArrayLike, count: int) -> NDArray[np.int64]:
    numbers = np.asarray(values)
    if numbers.shape != (count,):
        raise FeaturesError(
            f"{what}: expected {count:,}, one for each row of the features, got the shape "
            f"{list(numbers.shape)}. Give those of the same images, in the same order."
        )
    if numbers.dtype.kind not in "iu" or not np.can_cast(numbers.dtype, np.int64):
        raise FeaturesError(
            f"{what}: expected whole numbers (int64 or shorter), got {numbers.dtype}. "
            "Number them, for example with numpy.unique(..., return_inverse=True)."
        )
    return numbers.astype(np.int64)


def _not_finite(name: str, rows: NDArray[np.generic]) -> str:
    bad = [row for row, values in enumerate(rows) if not np.isfinite(values).all()]
    column = int(np.flatnonzero(~np.isfinite(rows[bad[0]]))[0])
    return (
        f"{name} features: expected finite numbers, got {rows[bad[0], column]} in row {bad[0]}, "
        f"column {column}; {len(bad):,} of {len(rows):,} rows have such values. Check what the "
        "model computes for these images (an overflow in half precision, a division by zero?)."
    )


@dataclass(frozen=True)
class SortedImages:
    """Images sorted by person, then frame, then features.

    The user's order has no influence, so the same images give the same results, bit by bit. The
    images of a person are neighbours.

    Attributes:
        rows: features in a `Space`, float64 `[N, D]`.
        person_ids: int64 `[N]`, ascending.
        frames: int64 `[N]`, ascending for each person.
        order: int64 `[N]`; `order[i]` is the index of image i in the user's arrays.
        originals: int64 `[N]`; `originals[i]` is the index, in this order, of the first image
            that has the same features as image i. Mostly that is i.
    """

    rows: NDArray[np.float64]
    person_ids: NDArray[np.int64]
    frames: NDArray[np.int64]
    order: NDArray[np.int64]
    originals: NDArray[np.int64]

    @classmethod
    def sort(cls, images: CheckedImages, space: Space) -> SortedImages:
        """Sorts images and transforms their features.

        Raises:
            FeaturesError: a row is all zeros, and the distance is the cosine.
        """
        # Sorts digests instead of the rows, since rows of thousands of numbers take minutes.
        # Adding 0.0 turns -0.0 into 0.0.
        digests = [sha256((row + 0.0).tobytes()).digest() for row in images.features]
        contents = np.unique(np.array(digests, "S32"), return_inverse=True)[1]
        order = np.lexsort((contents, images.frames, images.person_ids))
        _, first, same = np.unique(contents[order], return_index=True, return_inverse=True)
        return cls(
            space.transform(images.features, order, images.name),
            images.person_ids[order],
            images.frames[order],
            order,
            first[same],
        )
