"""The protocol once more, as plainly as can be: every gallery sorted, every draw enumerated."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

Problem = tuple[NDArray[Any], NDArray[Any], NDArray[Any]]  # features, person ids, frames


@st.composite
def problems(draw: st.DrawFn, *, people: int = 4, images: int = 9) -> Problem:
    """Small problems with whole numbers for features, so that many distances are equal."""
    count = draw(st.integers(3, images))
    numbers = st.integers(-3, 3)
    features = draw(st.lists(st.tuples(numbers, numbers), min_size=count, max_size=count))
    # Persons 0 and 1 are there in any case, and person 0 has a match.
    rest = draw(st.lists(st.integers(0, people - 1), min_size=count - 3, max_size=count - 3))
    frames = draw(st.lists(st.integers(0, 2), min_size=count - 2, max_size=count - 2))
    # The first two differ, so not all features are the same.
    features[1] = (features[0][0] + 1, features[0][1])
    return np.array(features, float), np.array([0, 1, 0, *rest]), np.array([0, 1, 5, *frames[1:]])


def reference(images: Problem, ranks: int) -> list[dict[str, Any] | None]:
    """What each image scores as a query; None for one without a match."""
    return [_query(images, query, ranks) for query in range(len(images[0]))]


def _query(images: Problem, query: int, ranks: int) -> dict[str, Any] | None:
    features, people, frames = images
    distance = ((features - features[query]) ** 2).sum(axis=1)
    own = people == people[query]
    gallery = [i for i in range(len(people)) if not (own[i] and frames[i] == frames[query])]
    gallery.sort(key=lambda i: (distance[i], own[i]))  # wrong ones first among equals
    right = [rank for rank, i in enumerate(gallery, 1) if own[i]]
    if not right:
        return None
    wrong = [sum(not own[i] for i in gallery[: rank - 1]) for rank in right]
    of_person = [
        [distance[i] for i in gallery if people[i] == p and frames[i] != frames[query]]
        for p in np.unique(people)
        if p != people[query]
    ]
    placed = np.zeros(len(of_person) + 1)
    for i in gallery:
        if own[i]:
            for drawn in product(*filter(None, of_person)):
                placed[sum(other <= distance[i] for other in drawn)] += 1
    cuhk03 = np.cumsum(placed) / placed.sum()
    return {
        "average_precision": np.mean([m / rank for m, rank in enumerate(right, 1)]),
        "inverse_penalty": len(right) / right[-1],
        "cuhk03": [cuhk03[min(k, len(of_person))] for k in range(ranks)],
        "market1501": [float(wrong[0] < k) for k in range(1, ranks + 1)],
        "allshots": [np.mean([w < k for w in wrong]) for k in range(1, ranks + 1)],
        "tied": any(
            distance[i] == distance[j] for i in gallery for j in gallery if own[i] and not own[j]
        ),
    }
