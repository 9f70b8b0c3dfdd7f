"""Average precision, and the penalty of the hardest match."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def average_precision(matches: NDArray[np.int64]) -> float:
    """Non-interpolated average precision of one ranked gallery.

    With M matches at the ranks `r_1 < ... < r_M`, counted from 1, the precision at `r_m` is
    `m / r_m`, and

        AP = (1 / M) sum_m m / r_m,

    the area under the steps of precision over recall. The 2015 Market-1501 toolbox draws
    straight lines between the steps instead (the trapezoidal rule), which gives another number.

    Source: Manning, Raghavan, Schütze, "Introduction to Information Retrieval", 2008, 8.4.

    Args:
        matches: places of the matches, from 0, ascending; int64 `[M]`, M > 0.

    Returns:
        Above 0, up to 1.
    """
    return float((np.arange(1, len(matches) + 1) / (matches + 1)).mean())


def inverse_penalty(matches: NDArray[np.int64]) -> float:
    """Inverse negative penalty of one ranked gallery; mINP is its mean.

    The share of matches among the images that must be looked at until the last one is found,

        INP = M / r_M.

    Source: Ye et al., "Deep Learning for Person Re-Identification: A Survey and Outlook", IEEE
    Transactions on Pattern Analysis and Machine Intelligence 44 (6), 2022.

    Args:
        matches: places of the matches, from 0, ascending; int64 `[M]`, M > 0.

    Returns:
        Above 0, up to 1.
    """
    return len(matches) / (int(matches[-1]) + 1)
