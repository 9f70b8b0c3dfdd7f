"""The scores of each query, and their means over all queries or over groups."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..common.errors import FeaturesError

SCORES = ("mean_ap", "mean_inp", "cmc_cuhk03", "cmc_market1501", "cmc_allshots")


@dataclass(frozen=True)
class PerQuery:
    """The scores of each query, in the user's order.

    Attributes:
        person_ids: int64 `[Q]`.
        frames: int64 `[Q]`.
        matches: number of images of the query's person in the gallery, without those that are
            left out, int64 `[Q]`. Where it is 0, the scores below are NaN.
        tied: whether a wrong image is exactly as near as a right one, bool `[Q]`.
        average_precision: 0 to 1, float64 `[Q]`.
        inverse_penalty: 0 to 1, float64 `[Q]`; see `average_precision.inverse_penalty`.
        cuhk03: probability that the query's person is among the first k people, float64 `[Q, K]`;
            the column is k - 1.
        market1501: whether a match is among the first k images, 0 or 1, float64 `[Q, K]`.
        allshots: share of the matches with fewer than k wrong images before them, float64
            `[Q, K]`.
        cuhk03_drawn: as `cuhk03`, by drawing; None if nothing was drawn.
    """

    person_ids: NDArray[np.int64]
    frames: NDArray[np.int64]
    matches: NDArray[np.int64]
    tied: NDArray[np.bool_]
    average_precision: NDArray[np.float64]
    inverse_penalty: NDArray[np.float64]
    cuhk03: NDArray[np.float64]
    market1501: NDArray[np.float64]
    allshots: NDArray[np.float64]
    cuhk03_drawn: NDArray[np.float64] | None = None

    @property
    def scored(self) -> NDArray[np.bool_]:
        """Which queries have a match, `[Q]`."""
        return self.matches > 0

    def select(self, queries: NDArray[Any]) -> PerQuery:
        """Selects queries, by indices or by a mask."""
        columns = {field.name: getattr(self, field.name) for field in fields(self)}
        chosen: dict[str, Any] = {k: None if v is None else v[queries] for k, v in columns.items()}
        return PerQuery(**chosen)

    def scores(self) -> dict[str, NDArray[np.float64]]:
        """The scores, named and ordered as in `SCORES`, each `[Q]` or `[Q, K]`."""
        values = (
            *(self.average_precision, self.inverse_penalty),
            *(self.cuhk03, self.market1501, self.allshots),
        )
        return dict(zip(SCORES, values, strict=True))

    def means(self) -> dict[str, Any]:
        """Means over the queries that have a match: numbers, or lists with the index rank - 1."""
        return {name: mean_of(values[self.scored]) for name, values in self.scores().items()}


def mean_of(values: NDArray[np.float64]) -> Any:
    """The mean over the first axis, which must not be empty.

    It uses sums without rounding errors, so the order of the queries does not matter.
    """
    columns = values.reshape(len(values), -1).T.tolist()
    means = [min(math.fsum(column) / len(column), 1.0) for column in columns]
    return means if values.ndim == 2 else means[0]


@dataclass(frozen=True)
class Group:
    """The scores of a group of queries.

    Attributes:
        label: name of the group.
        queries: number of its queries that have a match.
        means: as `PerQuery.means` gives them; empty if no query has a match.
    """

    label: str
    queries: int
    means: dict[str, Any]


def grouped(per_query: PerQuery, groups: ArrayLike) -> list[Group]:
    """Computes scores by group; see `Result.by`."""
    group_of = np.asarray(groups)
    if group_of.shape != (len(per_query.matches),):
        raise FeaturesError(
            f"groups: expected {len(per_query.matches):,}, one for each query, got the shape "
            f"{list(group_of.shape)}. Give them in the order of the queries."
        )
    scores = []
    for group in np.unique(group_of):
        of_group = per_query.select(group_of == group)
        count = int(of_group.scored.sum())
        scores.append(Group(str(group), count, of_group.means() if count else {}))
    return scores


def group_table(what: str, groups: Sequence[Group]) -> str:
    """The scores of groups as text, in percent, one line for each group."""
    width = max([len(what), *(len(group.label) for group in groups)])
    lines = [f"{what:<{width}}  queries    mAP   mINP  rank-1: CUHK03  Market-1501  all shots"]
    for group in groups:
        if not group.means:
            lines.append(f"{group.label:<{width}}  {0:>7}  no query has a match")
            continue
        means = group.means
        lines.append(
            f"{group.label:<{width}}  {group.queries:>7,}  {100 * means['mean_ap']:>5.1f}  "
            f"{100 * means['mean_inp']:>5.1f}  {100 * means['cmc_cuhk03'][0]:>14.1f}  "
            f"{100 * means['cmc_market1501'][0]:>11.1f}  {100 * means['cmc_allshots'][0]:>9.1f}"
        )
    return "\n".join(lines)
