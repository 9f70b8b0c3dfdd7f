"""Transforms features so that the squared Euclidean distance gives the chosen distance."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..common.errors import FeaturesError
from ..common.validation import one_of

DISTANCES = {"sqeuclidean": "squared Euclidean", "cosine": "cosine"}
_COLUMNS = 128  # for medians this many columns at a time, so that copies stay small
_ROWS = 1024  # for transforming this many rows at a time, for the same reason
_LEAST_EXPONENT = -1000  # 2 to the power of 1000 is still a float64


@dataclass(frozen=True)
class Space:
    """A scale and a shift of features: they keep the order of distances, with less rounding error.

    A shift does not change the squared Euclidean distance, but its rounding errors grow with the
    distance from zero. So the median of each column is subtracted. (One person far from the
    others would move the mean, but not the median.) Before that, a division by a power of two,
    which does not round, makes all numbers smaller than 1, so that no square overflows.

    The cosine distance is the squared Euclidean distance of rows of length 1, without a shift:
    `|x - y|^2 = 2 - 2 cos(x, y)`.

    Attributes:
        distance: a key of `DISTANCES`.
        centre: what is subtracted after scaling, float64 `[D]`.
        exponent: features are divided by 2 to the power of this.
    """

    distance: str
    centre: NDArray[np.float64]
    exponent: int

    @classmethod
    def for_features(
        cls,
        features: NDArray[np.generic],
        low: NDArray[np.generic],
        high: NDArray[np.generic],
        distance: str,
    ) -> Space:
        """Chooses scale and shift.

        Args:
            features: of the gallery, `[N, D]`; the shift is their median.
            low: smallest value of each column, of gallery and queries, `[D]`.
            high: largest value of each column, of gallery and queries, `[D]`.
            distance: a key of `DISTANCES`.

        Raises:
            OptionError: the distance is not known.
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

    def transform(
        self, features: NDArray[np.generic], order: NDArray[np.int64], name: str
    ) -> NDArray[np.float64]:
        """Scales and shifts features.

        Args:
            features: `[N, D]`.
            order: indices of their rows, in the order of the result, `[N]`.
            name: "query" or "gallery", for error messages.

        Returns:
            float64 `[N, D]`.

        Raises:
            FeaturesError: a row is all zeros, and the distance is the cosine.
        """
        transformed = np.empty(features.shape)
        for start in range(0, len(order), _ROWS):
            chosen = order[start : start + _ROWS]
            scaled = _scaled(features[chosen], self.exponent)
            if self.distance == "cosine":
                _to_length_one(scaled, chosen, name)
            np.subtract(scaled, self.centre, out=transformed[start : start + _ROWS])
        return transformed


def _scaled(features: NDArray[np.generic], exponent: int) -> NDArray[np.float64]:
    rows = features.astype(np.float64)
    rows *= 2.0**-exponent
    return rows


def _to_length_one(rows: NDArray[np.float64], indices: NDArray[np.int64], name: str) -> None:
    """Divides rows by their lengths; changes `rows`. `indices` are the user's, for the error."""
    exponents = np.frexp(np.abs(rows).max(axis=1, keepdims=True))[1]
    np.ldexp(rows, -exponents, out=rows)
    lengths = np.sqrt(np.einsum("nd,nd->n", rows, rows))
    if not lengths.all():
        row = int(indices[np.flatnonzero(lengths == 0)].min())
        raise FeaturesError(
            f"{name} features: row {row} is all zeros, so its cosine distance is not defined. Use "
            "the distance 'sqeuclidean', or check what the model computes for that image."
        )
    rows /= lengths[:, None]
