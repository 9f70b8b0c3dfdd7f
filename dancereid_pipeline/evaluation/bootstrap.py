"""Confidence intervals of scores: how much would they change with other people in the test set?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def person_intervals(
    values: NDArray[np.float64],
    person_ids: NDArray[np.int64],
    samples: int,
    seed: int,
    level: float,
) -> NDArray[np.float64]:
    """Computes percentile bootstrap intervals of means over queries.

    The images of one person are not independent samples; people are closer to that. So each
    sample draws people with all their queries, as many people as there are. The gallery does not
    change. If `S_p` is the sum of a person's values, `n_p` the number of the person's queries and
    `w_p` how often the person was drawn, a sample's mean is `sum_p w_p S_p / sum_p w_p n_p`.

    Source: Efron, Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13. Resampling of
    whole clusters: Davison, Hinkley, "Bootstrap Methods and their Application", 1997, 3.8.

    Args:
        values: S values of each query, float64 `[Q, S]`.
        person_ids: the person of each query, `[Q]`.
        samples: number of samples.
        seed: seed of the random numbers.
        level: share of the samples inside an interval, 0 to 1.

    Returns:
        Lower and upper ends of the intervals of the S means, float64 `[2, S]`.
    """
    people, codes = np.unique(person_ids, return_inverse=True)
    queries = np.bincount(codes)
    sums = np.zeros((len(people), values.shape[1]))
    np.add.at(sums, codes, values)
    even = np.full(len(people), 1 / len(people))
    times = np.random.default_rng(seed).multinomial(len(people), even, size=samples)
    means = (times @ sums) / (times @ queries)[:, None]
    tail = (1 - level) / 2
    return np.quantile(means, (tail, 1 - tail), axis=0)
