"""How far scores would move with other people in the test set."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Bootstrap:
    """What was resampled.

    Attributes:
        samples: how often.
        seed: of the random numbers.
        level: share of the samples inside the intervals.
    """

    samples: int
    seed: int
    level: float


def person_intervals(
    values: NDArray[np.float64], person_ids: NDArray[np.int64], bootstrap: Bootstrap
) -> NDArray[np.float64]:
    """Percentile bootstrap intervals of means over queries.

    Images of one person are no independent samples; people are closer to it. So people are
    resampled, with all their queries, as many as there are; the gallery stays as it is. With
    `S_p` the sum of a person's values, `n_p` the number of their queries and `w_p` how often
    they were drawn, a sample's mean is `sum_p w_p S_p / sum_p w_p n_p`.

    Source: Efron, Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13; whole
    clusters resampled: Davison, Hinkley, "Bootstrap Methods and their Application", 1997, 3.8.

    Args:
        values: of each query, float64 `[Q, S]`.
        person_ids: of each query, `[Q]`.
        bootstrap: how.

    Returns:
        Lower and upper end for each of the S means, float64 `[2, S]`.
    """
    people, codes = np.unique(person_ids, return_inverse=True)
    queries = np.bincount(codes)
    sums = np.zeros((len(people), values.shape[1]))
    np.add.at(sums, codes, values)
    even = np.full(len(people), 1 / len(people))
    times = np.random.default_rng(bootstrap.seed).multinomial(
        len(people), even, size=bootstrap.samples
    )
    means = (times @ sums) / (times @ queries)[:, None]
    tail = (1 - bootstrap.level) / 2
    return np.quantile(means, (tail, 1 - tail), axis=0)
