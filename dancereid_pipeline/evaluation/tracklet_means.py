"""Features of crops -> features of tracklets: the mean of each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..common.errors import FeaturesError


def tracklet_means(features: ArrayLike, lengths: Sequence[int]) -> NDArray[np.float64]:
    """The mean of the features of each tracklet, as published methods on videos take it.

    Source: Zheng et al., "MARS: A Video Benchmark for Large-Scale Person Re-Identification", ECCV
    2016, section 4.2 (average pooling).

    Args:
        features: one row for each crop, `[N, D]`, the crops of a tracklet next to each other.
        lengths: the number of crops of each tracklet, from 1, `[T]`; their sum is N.

    Returns:
        float64 `[T, D]`.

    Raises:
        FeaturesError: there are more or fewer features, or a tracklet without a crop.
    """
    rows = np.asarray(features, np.float64)
    counts = np.asarray(lengths, np.int64)
    if rows.ndim != 2 or not len(counts) or counts.min() < 1 or counts.sum() != len(rows):
        raise FeaturesError(
            f"features: expected one row for each of the {counts.sum():,} crops of "
            f"{len(counts):,} tracklets, got the shape {list(rows.shape)}. Give those of all "
            "crops, in the order of the dataset."
        )
    starts = np.cumsum(counts) - counts
    means: NDArray[np.float64] = np.add.reduceat(rows, starts, axis=0) / counts[:, np.newaxis]
    return means
