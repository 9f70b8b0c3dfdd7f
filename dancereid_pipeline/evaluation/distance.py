"""Where features are placed, so that one formula gives the distance that was asked for."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..common.errors import FeaturesError
from ..common.validation import one_of

DISTANCES = {"sqeuclidean": "squared Euclidean", "cosine": "cosine"}
_COLUMNS = 128  # at a time for medians: their copies stay small
_ROWS = 1024  # likewise when placing
_LEAST_EXPONENT = -1000  # 2 to the minus that is still a float64


@dataclass(frozen=True)
class Space:
    """A scale and a shift that change no order of distances, so that float64 tells them apart.

    The squared Euclidean distance does not know where zero is, but its rounding errors do: they
    grow with the distance from it. So zero goes to the median of every column, which a person
    far off the others does not move as it would the mean. Before, dividing by a power of two,
    which rounds nothing, brings all numbers below 1, so that no square overflows.

    The cosine is the squared Euclidean distance of rows of length 1:
    `|x - y|^2 = 2 - 2 cos(x, y)`; its zero stays where it is.

    Attributes:
        distance: a key of `DISTANCES`.
        centre: float64 `[D]`, in the new scale.
        exponent: of the power of two that numbers are divided by.
    """

    distance: str
    centre: NDArray[np.float64]
    exponent: int

    @classmethod
    def around(
        cls,
        features: NDArray[np.generic],
        low: NDArray[np.generic],
        high: NDArray[np.generic],
        distance: str,
    ) -> Space:
        """The space for these features, `[N, D]`, and all others between `low` and `high`, `[D]`.

        Raises:
            OptionError: the distance is not a known one.
        """
        one_of("distance", distance, DISTANCES)
        if distance == "cosine":
            return cls(distance, np.zeros(features.shape[1]), 0)
        largest = max(abs(float(low.min())), abs(float(high.max())))
        exponent = max(math.frexp(largest)[1], _LEAST_EXPONENT)
        medians = [
            np.median(_scaled(features[:, start : start + _COLUMNS], exponent), axis=0)
            for start in range(0, features.shape[1], _COLUMNS)
        ]
        return cls(distance, np.concatenate(medians), exponent)

    def place(
        self, features: NDArray[np.generic], order: NDArray[np.int64], name: str
    ) -> NDArray[np.float64]:
        """The rows of features, `[N, D]`, in this order, in this space.

        Raises:
            FeaturesError: the cosine of a row of zeros is asked for.
        """
        placed = np.empty(features.shape)
        for start in range(0, len(order), _ROWS):
            chosen = order[start : start + _ROWS]
            scaled = _scaled(features[chosen], self.exponent)
            if self.distance == "cosine":
                _to_length_one(scaled, chosen, name)
            np.subtract(scaled, self.centre, out=placed[start : start + _ROWS])
        return placed


def _scaled(features: NDArray[np.generic], exponent: int) -> NDArray[np.float64]:
    rows = features.astype(np.float64)
    rows *= 2.0**-exponent
    return rows


def _to_length_one(rows: NDArray[np.float64], numbers: NDArray[np.int64], name: str) -> None:
    """Divides rows by their lengths, in place."""
    exponents = np.frexp(np.abs(rows).max(axis=1, keepdims=True))[1]
    np.ldexp(rows, -exponents, out=rows)
    lengths = np.sqrt(np.einsum("nd,nd->n", rows, rows))
    if not lengths.all():
        row = int(numbers[np.flatnonzero(lengths == 0)].min())
        raise FeaturesError(
            f"{name} features: row {row} is all zeros, which has no direction, so no cosine. Use "
            "the distance 'sqeuclidean', or look at what the model made of that image."
        )
    rows /= lengths[:, None]
