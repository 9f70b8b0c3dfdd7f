"""Cumulative matching characteristics over the whole gallery ("multi-shot")."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def market1501(wrong_before: NDArray[np.int64], ranks: int) -> NDArray[np.float64]:
    """Computes the CMC of one query as Market-1501 does: is a match among the first k images?

    Source: Zheng et al., "Scalable Person Re-identification: A Benchmark", ICCV 2015.

    Args:
        wrong_before: number of wrong images before each match, int64 `[M]`, ascending, M > 0.
        ranks: K, the largest k.

    Returns:
        0 or 1 for each k from 1 to K, float64 `[K]`.
    """
    return (np.arange(ranks) >= wrong_before[0]).astype(np.float64)


def all_shots(wrong_before: NDArray[np.int64], ranks: int) -> NDArray[np.float64]:
    """Computes the CMC of one query, each match taken as the only one in the gallery.

    It is the share of matches that have fewer than k wrong images before them. (The published
    code calls this "allshots".)

    Args:
        wrong_before: number of wrong images before each match, int64 `[M]`, ascending, M > 0.
        ranks: K, the largest k.

    Returns:
        A share from 0 to 1 for each k from 1 to K, float64 `[K]`.
    """
    return np.searchsorted(wrong_before, np.arange(1, ranks + 1)) / len(wrong_before)
