"""The CUHK03 protocol: a gallery with one image a person ("single gallery shot").

For a query, every gallery image at the query's own frame is left out (the frame stands for
CUHK03's camera), one of the rest is drawn for each person, and the rank of the query's person
among the drawn is noted. Published code draws ten times a query and takes the mean, so its
result is another one each time.

Source: Li, Zhao, Xiao, Wang, "DeepReID: Deep Filter Pairing Neural Network for Person
Re-Identification", CVPR 2014.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from .ranking import Ranked

_SLAB = 1 << 21  # numbers held at a time, 16 MB, however many people and matches there are


def expected(rankings: Sequence[Ranked], ranks: int) -> NDArray[np.float64]:
    """CMC of some queries, expected over all draws: exact, nothing is drawn.

    Suppose the image drawn of the query's own person is its m-th nearest. Of person p, with
    `n_p` images of which `c_p(m)` are nearer than that, the drawn one is nearer with
    probability `c_p(m) / n_p`, whatever is drawn of others. So the number B of people before
    the query's is a sum of independent coin tosses with unequal odds, which has the
    Poisson-binomial distribution, and the query's person is among the first k with probability

        P(B < k) = (1 / M) sum_m P(B < k | m),

    the M images being drawn equally often. Its distribution given m comes from adding one
    person after the other: with `q = c_p(m) / n_p`,

        P(B = b) <- (1 - q) P(B = b) + q P(B = b - 1).

    That is done for two halves of the people, which are independent given m, so that the rest is
    a small matrix product: P(B = b) is the mean over m, and the sum over i + j = b, of
    `P(first half = i | m) P(second half = j | m)`. (For 28 people, 0.57 of the operations.)

    Only additions and products of numbers from 0 to 1, so the result is right to about 1e-15
    times the number of people. Counts from K on are never asked for, so they are not kept.

    Source: Wang, "On the number of successes in independent trials", Statistica Sinica 3,
    1993; the recursion: Chen, Liu, "Statistical applications of the Poisson-binomial and
    conditional Bernoulli distributions", Statistica Sinica 7, 1997.

    Args:
        rankings: the queries' galleries, at least one. Some at a time, so that NumPy's work is
            long against its calls, which only one thread at a time can make.
        ranks: K, the largest k.

    Returns:
        Probabilities for k from 1 to K, `[queries, K]`, never falling.
    """
    ends = np.cumsum([len(ranked.wrong_before) for ranked in rankings])
    halves = [_Sum(ranks, ends[-1]), _Sum(ranks, ends[-1])]
    for people in _slabs(len(rankings[0].sizes), ends[-1]):
        odds = np.concatenate([_odds(ranked, people) for ranked in rankings], axis=1)
        for person, of_person in zip(people, odds, strict=True):
            if of_person.any():
                halves[person % 2].add(of_person)
    first, second = (np.split(half.chances[: half.counts], ends[:-1], axis=1) for half in halves)
    return np.stack([_mean_of_sum(*chances, ranks) for chances in zip(first, second, strict=True)])


def _slabs(people: int, matches: int) -> Iterator[range]:
    """All people, as many at a time as memory allows."""
    step = max(1, _SLAB // matches)
    for first in range(0, people, step):
        yield range(first, min(first + step, people))


def _odds(ranked: Ranked, people: range) -> NDArray[np.float64]:
    """`c_p(m) / n_p`, `[people, M]`."""
    sizes = ranked.sizes[people.start : people.stop, None]
    return ranked.nearer(people) / np.maximum(sizes, 1)


def _mean_of_sum(
    first: NDArray[np.float64], second: NDArray[np.float64], ranks: int
) -> NDArray[np.float64]:
    """CMC, `[K]`, of the sum of two counts with the distributions `P(count = b | m)`, `[., M]`."""
    joint = (first @ second.T) / first.shape[1]
    sums = np.add.outer(np.arange(len(first)), np.arange(len(second)))
    return np.bincount(sums.ravel(), joint.ravel(), minlength=ranks)[:ranks].cumsum()


class _Sum:
    """The distribution of how many people's drawn images are nearer than each match.

    Attributes:
        chances: `P(count = b | m)`, float64 `[K, M]`.
        counts: rows of it that are not zero, the first ones.
    """

    def __init__(self, ranks: int, matches: int) -> None:
        self.chances = np.zeros((ranks, matches))
        self.chances[0] = 1
        self.counts = 1

    def add(self, odds: NDArray[np.float64]) -> None:
        """Adds a person whose drawn image is nearer with these odds, `[M]`."""
        moved = self.chances[: self.counts] * odds
        self.chances[: self.counts] -= moved
        self.counts = min(self.counts + 1, len(self.chances))
        self.chances[1 : self.counts] += moved[: self.counts - 1]


def drawn(
    ranked: Ranked, ranks: int, draws: int, random: np.random.Generator
) -> NDArray[np.float64]:
    """CMC of one query by drawing, as published code has it. It tends to `expected`.

    Args:
        ranked: the query's gallery.
        ranks: K, the largest k.
        draws: galleries to draw.
        random: draws them.

    Returns:
        Shares of the draws for k from 1 to K, `[K]`.
    """
    matches = random.integers(len(ranked.wrong_before), size=draws)
    before = np.zeros(draws, np.int64)
    for people in _slabs(len(ranked.sizes), max(draws, len(ranked.wrong_before))):
        nearer = ranked.nearer(people)
        # Of a person's images, numbered by distance, those below `nearer` are before the match.
        sizes = np.maximum(ranked.sizes[people.start : people.stop, None], 1)
        images = random.integers(sizes, size=(len(people), draws))
        before += (images < nearer[:, matches]).sum(axis=0)
    return np.searchsorted(np.sort(before), np.arange(ranks), side="right") / draws
