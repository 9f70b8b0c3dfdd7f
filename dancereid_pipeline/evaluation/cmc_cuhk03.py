"""The CUHK03 protocol: the gallery has one image of each person ("single gallery shot").

For a query, all gallery images at the query's own frame are left out (the frame stands for
CUHK03's camera). Then one of the other images of each person is drawn, and the rank of the
query's person among the drawn images counts. Published code takes the mean of ten draws for each
query, so each run gives another result.

Source: Li, Zhao, Xiao, Wang, "DeepReID: Deep Filter Pairing Neural Network for Person
Re-Identification", CVPR 2014.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from .ranking import Ranked

_BATCH_NUMBERS = 1 << 21  # numbers in memory at a time (16 MB), however many people there are


def expected(rankings: Sequence[Ranked], ranks: int) -> NDArray[np.float64]:
    """Computes the CMC of some queries: the exact expectation over all draws.

    Suppose the image drawn of the query's own person is its m-th nearest. Person p has `n_p`
    images, of which `c_p(m)` are nearer than that one. So the image drawn of person p is nearer
    with probability `c_p(m) / n_p`, independent of the other people's images. The number B of
    people before the query's person is then a sum of independent Bernoulli variables with unequal
    probabilities. It has the Poisson-binomial distribution. As the M matches are drawn with equal
    probability, the query's person is among the first k with probability

        P(B < k) = (1 / M) sum_m P(B < k | m).

    The distribution given m is computed by adding one person after another: with
    `q = c_p(m) / n_p`,

        P(B = b) <- (1 - q) P(B = b) + q P(B = b - 1).

    This is done for two halves of the people, which are independent given m. A small matrix
    product joins them: P(B = b) is the mean over m, and the sum over i + j = b, of
    `P(first half = i | m) P(second half = j | m)`. (For 28 people this takes 0.57 of the
    operations.)

    All operations are sums and products of numbers from 0 to 1, so the error is about 1e-15 times
    the number of people. Probabilities of B >= K are not needed and not kept.

    Source: Wang, "On the number of successes in independent trials", Statistica Sinica 3,
    1993; the recursion: Chen, Liu, "Statistical applications of the Poisson-binomial and
    conditional Bernoulli distributions", Statistica Sinica 7, 1997.

    Args:
        rankings: the galleries of at least one query. Several at a time are faster, since only
            one thread at a time can call NumPy.
        ranks: K, the largest k.

    Returns:
        A probability for each k from 1 to K, float64 `[queries, K]`, not falling.
    """
    ends = np.cumsum([len(ranked.wrong_before) for ranked in rankings])
    halves = [_PeopleBefore(ranks, ends[-1]), _PeopleBefore(ranks, ends[-1])]
    for people in _batches(len(rankings[0].sizes), ends[-1]):
        nearer = np.concatenate([_nearer(ranked, people) for ranked in rankings], axis=1)
        for person, of_person in zip(people, nearer, strict=True):
            if of_person.any():
                halves[person % 2].add(of_person)
    first, second = (
        np.split(half.probabilities[: half.filled], ends[:-1], axis=1) for half in halves
    )
    return np.stack([_joined_cmc(*of_query, ranks) for of_query in zip(first, second, strict=True)])


def _batches(people: int, matches: int) -> Iterator[range]:
    """All people, as many at a time as fit into memory."""
    step = max(1, _BATCH_NUMBERS // matches)
    for first in range(0, people, step):
        yield range(first, min(first + step, people))


def _nearer(ranked: Ranked, people: range) -> NDArray[np.float64]:
    """The probability `c_p(m) / n_p` that a person's image is nearer, `[people, M]`."""
    sizes = ranked.sizes[people.start : people.stop, None]
    return ranked.nearer(people) / np.maximum(sizes, 1)


def _joined_cmc(
    first: NDArray[np.float64], second: NDArray[np.float64], ranks: int
) -> NDArray[np.float64]:
    """The CMC, `[K]`, from `P(B = b | m)` of both halves of the people, each `[., M]`."""
    joint = (first @ second.T) / first.shape[1]
    sums = np.add.outer(np.arange(len(first)), np.arange(len(second)))
    return np.bincount(sums.ravel(), joint.ravel(), minlength=ranks)[:ranks].cumsum()


class _PeopleBefore:
    """The distribution of the number B of people whose drawn image is nearer than each match.

    Attributes:
        probabilities: `P(B = b | m)`, float64 `[K, M]`.
        filled: number of its first rows that are not zero.
    """

    def __init__(self, ranks: int, matches: int) -> None:
        self.probabilities = np.zeros((ranks, matches))
        self.probabilities[0] = 1
        self.filled = 1

    def add(self, nearer: NDArray[np.float64]) -> None:
        """Adds a person, whose image is nearer than each match with this probability, `[M]`."""
        moved = self.probabilities[: self.filled] * nearer
        self.probabilities[: self.filled] -= moved
        self.filled = min(self.filled + 1, len(self.probabilities))
        self.probabilities[1 : self.filled] += moved[: self.filled - 1]


def drawn(
    ranked: Ranked, ranks: int, draws: int, random: np.random.Generator
) -> NDArray[np.float64]:
    """Computes the CMC of one query by drawing, as published code does. It tends to `expected`.

    Args:
        ranked: the query's gallery.
        ranks: K, the largest k.
        draws: number of galleries to draw.
        random: the random number generator.

    Returns:
        The share of draws for each k from 1 to K, float64 `[K]`.
    """
    matches = random.integers(len(ranked.wrong_before), size=draws)
    before = np.zeros(draws, np.int64)
    for people in _batches(len(ranked.sizes), max(draws, len(ranked.wrong_before))):
        nearer = ranked.nearer(people)
        # If a person's images are numbered by distance, those below `nearer` precede the match.
        sizes = np.maximum(ranked.sizes[people.start : people.stop, None], 1)
        images = random.integers(sizes, size=(len(people), draws))
        before += (images < nearer[:, matches]).sum(axis=0)
    return np.searchsorted(np.sort(before), np.arange(ranks), side="right") / draws
