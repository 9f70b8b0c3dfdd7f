"""Cumulative matching characteristics over the whole gallery ("multi-shot")."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def market1501(wrong_before: NDArray[np.int64], ranks: int) -> NDArray[np.float64]:
    """CMC of one query as for Market-1501: is the first match among the first k images?

    Source: Zheng et al., "Scalable Person Re-identification: A Benchmark", ICCV 2015.

    Args:
        wrong_before: wrong images before each match, int64 `[M]`, ascending, M > 0.
        ranks: K, the largest k.

    Returns:
        0 or 1 for k from 1 to K, `[K]`.
    """
    return (np.arange(ranks) >= wrong_before[0]).astype(np.float64)


def all_shots(wrong_before: NDArray[np.int64], ranks: int) -> NDArray[np.float64]:
    """CMC of one query, every match taken as if it were the only one in the gallery.

    The share of matches with fewer than k wrong images before them. (The published code calls
    this "allshots".)

    Args:
        wrong_before: wrong images before each match, int64 `[M]`, ascending, M > 0.
        ranks: K, the largest k.

    Returns:
        Shares, 0 to 1, for k from 1 to K, `[K]`.
    """
    return np.searchsorted(wrong_before, np.arange(1, ranks + 1)) / len(wrong_before)
