"""Ranks the gallery for every query and computes the scores, in blocks, on all cores."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..common.cpu import cores
from ..common.progress import progress
from . import cmc_cuhk03 as cuhk03
from .arrange import SortedImages
from .average_precision import average_precision, inverse_penalty
from .cmc import all_shots, market1501
from .per_query import PerQuery
from .ranking import Gallery, Ranked

# A block holds the products of some queries with the whole gallery; two blocks are in memory.
_BLOCK_BYTES = 1 << 26
# Matches of the queries in a thread's task. With fewer, calls to NumPy, which only one thread at a
# time can make, take as long as their work; with more, the work does not fit into a core's cache.
_MATCHES_A_TASK = 6000


def score(queries: SortedImages, gallery: Gallery, ranks: int, draws: int, seed: int) -> PerQuery:
    """Scores all queries.

    Args:
        queries: at least one, in the same space as the gallery.
        gallery: the gallery.
        ranks: K, the largest rank of the CMC.
        draws: number of galleries to draw for each query for CUHK03; 0 for none.
        seed: seed of these draws.

    Returns:
        The scores in the user's order.
    """
    count = len(queries.rows)
    columns = columns_of(queries, ranks, draws)
    norms = np.einsum("nd,nd->n", queries.rows, queries.rows)

    def task(first: int, products: NDArray[np.float64]) -> None:
        ranked: dict[int, Ranked] = {}
        for query, row in enumerate(products, start=first):
            person, frame = int(queries.person_ids[query]), int(queries.frames[query])
            found = gallery.rank(row, norms[query], person, frame)
            if found is not None:
                ranked[query] = found
        for query, scores in _scores(ranked, ranks, draws, seed).items():
            for name, value in scores.items():
                columns[name][queries.order[query]] = value

    step = min(max(1, _MATCHES_A_TASK // gallery.most_images), 64)
    block = max(1, _BLOCK_BYTES // (8 * len(gallery.images.rows)))
    with (
        ThreadPoolExecutor(cores()) as threads,
        progress(desc="Ranking", unit=" queries", total=count) as bar,
    ):
        for start in range(0, count, block):
            # First the matrix product uses all cores, then the threads do.
            products = gallery.products(queries.rows[start : start + block])
            parts = [products[first : first + step] for first in range(0, len(products), step)]
            firsts = range(start, start + len(products), step)
            for part, _ in zip(parts, threads.map(task, firsts, parts), strict=True):
                bar.update(len(part))
    return PerQuery(**columns)


def columns_of(queries: SortedImages, ranks: int, draws: int) -> dict[str, Any]:
    """The columns of `PerQuery`, in the user's order, before any query is scored."""
    count = len(queries.rows)
    back = np.argsort(queries.order)
    columns: dict[str, Any] = {
        "person_ids": queries.person_ids[back],
        "frames": queries.frames[back],
        "matches": np.zeros(count, np.int64),
        "tied": np.zeros(count, np.bool_),
    }
    for name in ("average_precision", "inverse_penalty"):
        columns[name] = np.full(count, np.nan)
    for name in ("cuhk03", "market1501", "allshots", *(["cuhk03_drawn"] if draws else [])):
        columns[name] = np.full((count, ranks), np.nan)
    return columns


def _scores(
    rankings: dict[int, Ranked], ranks: int, draws: int, seed: int
) -> dict[int, dict[str, Any]]:
    """The scores of each query, named as the columns of `PerQuery`."""
    expected = cuhk03.expected(list(rankings.values()), ranks) if rankings else ()
    scores = {}
    for (query, ranked), of_query in zip(rankings.items(), expected, strict=True):
        match_ranks, wrong_before = ranked.match_ranks, ranked.wrong_before
        scores[query] = {
            "matches": len(match_ranks),
            "tied": ranked.tied,
            "average_precision": average_precision(match_ranks),
            "inverse_penalty": inverse_penalty(match_ranks),
            "cuhk03": of_query,
            "market1501": market1501(wrong_before, ranks),
            "allshots": all_shots(wrong_before, ranks),
        }
        if draws:
            # Each query has its own generator, so the order of the threads does not matter.
            random = np.random.default_rng((seed, query))
            scores[query]["cuhk03_drawn"] = cuhk03.drawn(ranked, ranks, draws, random)
    return scores
