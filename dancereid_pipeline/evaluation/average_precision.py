"""Average precision and inverse negative penalty of one ranked gallery."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def average_precision(match_ranks: NDArray[np.int64]) -> float:
    """Computes the non-interpolated average precision of one ranked gallery.

    With M matches at the ranks `r_1 < ... < r_M`, counted from 1, the precision at `r_m` is
    `m / r_m`, and

        AP = (1 / M) sum_m m / r_m,

    which is the area under the steps of precision over recall. The Market-1501 toolbox of 2015
    uses the trapezoidal rule instead, which gives another number.

    Source: Manning, Raghavan, Schütze, "Introduction to Information Retrieval", 2008, 8.4.

    Args:
        match_ranks: ranks of the matches, counted from 0, ascending; int64 `[M]`, M > 0.

    Returns:
        A number above 0, up to 1.
    """
    return float((np.arange(1, len(match_ranks) + 1) / (match_ranks + 1)).mean())


def inverse_penalty(match_ranks: NDArray[np.int64]) -> float:
    """Computes the inverse negative penalty of one ranked gallery; mINP is its mean.

    It is the share of matches among the images up to the last match. With M matches, the last
    at rank `r_M`, counted from 1,

        INP = M / r_M.

    Source: Ye et al., "Deep Learning for Person Re-Identification: A Survey and Outlook", IEEE
    Transactions on Pattern Analysis and Machine Intelligence 44 (6), 2022.

    Args:
        match_ranks: ranks of the matches, counted from 0, ascending; int64 `[M]`, M > 0.

    Returns:
        A number above 0, up to 1.
    """
    return len(match_ranks) / (int(match_ranks[-1]) + 1)
