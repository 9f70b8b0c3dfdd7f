"""The images that are compared, one row of features each: checked, and put in order."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..common.errors import FeaturesError
from .distance import Space


@dataclass(frozen=True)
class Given:
    """Images as they were given, checked.

    Attributes:
        name: "query" or "gallery", for errors.
        features: real numbers, all finite, `[N, D]`.
        person_ids: int64 `[N]`.
        frames: int64 `[N]`.
        low: smallest value of each column, `[D]`.
        high: largest value of each column, `[D]`.
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
    ) -> Given:
        """Takes arrays from a user.

        Raises:
            FeaturesError: a shape, a type or a number is not what it must be.
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
        low, high = rows.min(axis=0), rows.max(axis=0)  # a NaN among them is both
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
            f"{what}: expected {count:,}, one a row of the features, got the shape "
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
        f"column {column}; {len(bad):,} of {len(rows):,} rows have such. Look at what the model "
        "made of these images (an overflow in half precision, or a division by zero?)."
    )


@dataclass(frozen=True)
class Images:
    """Images in an order that does not depend on the order in which they were given.

    By person, then frame, then features: so that whatever is computed of the same images is
    the same to the last bit, and the images of a person are neighbours.

    Attributes:
        rows: float64 `[N, D]`, placed in a `Space`.
        person_ids: int64 `[N]`, ascending.
        frames: int64 `[N]`, ascending for each person.
        order: int64 `[N]`: image i here was number `order[i]` as given.
        originals: int64 `[N]`: the first image here with the same features as image i, i itself
            as a rule.
    """

    rows: NDArray[np.float64]
    person_ids: NDArray[np.int64]
    frames: NDArray[np.int64]
    order: NDArray[np.int64]
    originals: NDArray[np.int64]

    @classmethod
    def arrange(cls, given: Given, space: Space) -> Images:
        """Sorts and places what was given.

        Raises:
            FeaturesError: a row has no place there.
        """
        # Digests stand for the rows: sorting rows of thousands of numbers would take minutes.
        digests = [sha256((row + 0.0).tobytes()).digest() for row in given.features]  # + 0.0: no -0
        contents = np.unique(np.array(digests, "S32"), return_inverse=True)[1]
        order = np.lexsort((contents, given.frames, given.person_ids))
        _, first, same = np.unique(contents[order], return_index=True, return_inverse=True)
        return cls(
            space.place(given.features, order, given.name),
            given.person_ids[order],
            given.frames[order],
            order,
            first[same],
        )
