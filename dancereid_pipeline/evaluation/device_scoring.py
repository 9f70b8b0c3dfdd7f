"""The same scores as `scoring`, by PyTorch on a device, for many queries of a person at once.

Distances are computed and rounded as in `ranking`, so ties are the same ones. What the processor
does query by query, by counting, is done here by sorting: each person's distances to a query.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..common.progress import progress
from .arrange import SortedImages
from .per_query import PerQuery
from .ranking import NOISE_BITS, Gallery
from .scoring import columns_of

_BLOCK_BYTES = 1 << 29  # of the largest tensors, of which some are needed at a time
_FAR = torch.iinfo(torch.int64).max  # the distance of what is left out


def score_on(device: torch.device, queries: SortedImages, gallery: Gallery, ranks: int) -> PerQuery:
    """Scores all queries.

    Args:
        device: a device that has float64.
        queries: at least one, in the same space as the gallery.
        gallery: the gallery.
        ranks: K, the largest rank of the CMC.

    Returns:
        The scores in the user's order, without those that are drawn.
    """
    columns = columns_of(queries, ranks, draws=0)
    images = _Images(device, gallery)
    with progress(desc="Ranking", unit=" queries", total=len(queries.rows)) as bar:
        for person, block in _blocks(queries, gallery, ranks):
            if person is not None:
                rows = torch.from_numpy(queries.rows[block]).to(device)
                frames = torch.from_numpy(queries.frames[block]).to(device)
                found = images.scores(rows, frames, person, ranks)
                kept = found["matches"] > 0
                where = queries.order[block][kept.cpu().numpy()]
                for name, values in found.items():
                    columns[name][where] = values[kept].cpu().numpy()
            bar.update(block.stop - block.start)
    return PerQuery(**columns)


def _blocks(
    queries: SortedImages, gallery: Gallery, ranks: int
) -> Iterator[tuple[int | None, slice]]:
    """Queries of one person, as many as fit into memory; and the person's index in the gallery."""
    people, starts = np.unique(queries.person_ids, return_index=True)
    ends = [*starts[1:], len(queries.person_ids)]
    numbers = len(gallery.images.rows) + gallery.most_images * (ranks + 3)
    step = max(1, _BLOCK_BYTES // (8 * numbers))
    for person, start, end in zip(people, starts, ends, strict=True):
        index = int(np.searchsorted(gallery.people, person))
        known = index < len(gallery.people) and gallery.people[index] == person
        for first in range(start, end, step):
            yield index if known else None, slice(first, min(first + step, end))


class _Images:
    """The gallery on a device."""

    def __init__(self, device: torch.device, gallery: Gallery) -> None:
        images = gallery.images

        def moved(array: NDArray[Any]) -> Tensor:
            return torch.from_numpy(array).to(device)

        self._rows, self._norms = moved(images.rows), moved(gallery.norms)
        self._frames = moved(images.frames)
        self._copies = moved(gallery.copies)
        self._originals = moved(images.originals)[self._copies]
        self._people = [slice(*map(int, ends)) for ends in gallery.ends()]

    def scores(self, rows: Tensor, frames: Tensor, own: int, ranks: int) -> dict[str, Tensor]:
        """The scores of queries of one person, by name of a column of `PerQuery`.

        Args:
            rows: the queries, `[q, D]`.
            frames: their frames, `[q]`.
            own: the person's index in the gallery.
            ranks: K.
        """
        distances = self._distances(rows)
        same_frame = self._frames == frames[:, None]
        part = self._people[own]
        matches = distances[:, part].masked_fill(same_frame[:, part], _FAR).sort(dim=1).values
        valid = matches < _FAR
        wrong_before = torch.zeros_like(matches)
        tied = torch.zeros_like(valid)
        before = torch.zeros(*matches.shape, ranks, dtype=torch.float64, device=rows.device)
        before[..., 0] = 1
        for person, part in enumerate(self._people):
            if person == own:
                continue
            others = distances[:, part].sort(dim=1).values
            nearer = torch.searchsorted(others, matches, right=True)
            tied |= nearer > torch.searchsorted(others, matches)
            wrong_before += nearer
            left_out = same_frame[:, part]
            if left_out.any():
                others = distances[:, part].masked_fill(left_out, _FAR).sort(dim=1).values
                nearer = torch.searchsorted(others, matches, right=True)
            sizes = (~left_out).sum(dim=1, keepdim=True).clamp(min=1)
            _add_person(before, nearer.to(torch.float64) / sizes)
        return {
            **_scores(wrong_before, valid, ranks),
            "tied": (tied & valid).any(dim=1),
            "cuhk03": _mean(before, valid).cumsum(dim=1),
        }

    def _distances(self, rows: Tensor) -> Tensor:
        """Whole numbers in the order of the distances, as `Gallery.distances` has them."""
        products = (-2 * rows) @ self._rows.T
        products[:, self._copies] = products[:, self._originals]
        products += self._norms
        products += 2 * (rows * rows).sum(dim=1, keepdim=True)
        return (products.view(torch.int64) + (1 << (NOISE_BITS - 1))) >> NOISE_BITS


def _add_person(before: Tensor, nearer: Tensor) -> None:
    """One more person in the distribution of `cmc_cuhk03.expected`; changes `before`.

    Args:
        before: the probability that b people are before a match, `[q, M, K]`.
        nearer: the probability that this person's image is nearer, `[q, M]`.
    """
    moved = before * nearer[..., None]
    before -= moved
    before[..., 1:] += moved[..., :-1]


def _mean(values: Tensor, valid: Tensor) -> Tensor:
    """The mean over the valid matches, `[q, M, ...]` -> `[q, ...]`."""
    weights = valid.to(torch.float64) / valid.sum(dim=1, keepdim=True).clamp(min=1)
    return torch.einsum("qm...,qm->q...", values.to(torch.float64), weights)


def _scores(wrong_before: Tensor, valid: Tensor, ranks: int) -> dict[str, Tensor]:
    """The scores that only need the number of wrong images before each match, `[q, M]`."""
    count = valid.sum(dim=1)
    order = torch.arange(valid.shape[1], device=valid.device)
    match_ranks = wrong_before + order
    last = match_ranks.gather(1, (count - 1).clamp(min=0)[:, None])[:, 0]
    k = torch.arange(ranks, device=valid.device)
    return {
        "matches": count,
        "average_precision": _mean((order + 1) / (match_ranks + 1).to(torch.float64), valid),
        "inverse_penalty": count / (last + 1).to(torch.float64),
        "market1501": (k >= wrong_before[:, :1]).to(torch.float64),
        "allshots": _mean(wrong_before[..., None] <= k, valid),
    }
