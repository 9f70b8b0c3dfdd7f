"""What each query scored."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..common.errors import FeaturesError
from .bootstrap import Bootstrap, person_intervals

SCORES = ("mean_ap", "mean_inp", "cmc_cuhk03", "cmc_market1501", "cmc_allshots")


@dataclass(frozen=True)
class PerQuery:
    """What each query scored, in the order in which queries were given.

    Attributes:
        person_ids: int64 `[Q]`.
        frames: int64 `[Q]`.
        matches: images of the query's person in the gallery that are not left out, int64 `[Q]`.
            Where there are none, the scores below are NaN.
        tied: whether some wrong image is exactly as near as some right one, bool `[Q]`.
        average_precision: float64 `[Q]`.
        inverse_penalty: float64 `[Q]`; see `average_precision.inverse_penalty`.
        cuhk03: chance to be among the first k people, float64 `[Q, K]`; column = k - 1.
        market1501: whether the first match is among the first k images, 0 or 1, `[Q, K]`.
        allshots: share of the matches with fewer than k wrong images before them, `[Q, K]`.
        cuhk03_drawn: as `cuhk03`, by drawing; None where it was not asked for.
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
        """Some of the queries, by number or by a mask."""
        columns = {field.name: getattr(self, field.name) for field in fields(self)}
        chosen: dict[str, Any] = {k: None if v is None else v[queries] for k, v in columns.items()}
        return PerQuery(**chosen)

    def scores(self) -> dict[str, NDArray[np.float64]]:
        """Scores by the name of their mean, each `[Q]` or `[Q, K]`, in the order of `SCORES`."""
        values = (
            *(self.average_precision, self.inverse_penalty),
            *(self.cuhk03, self.market1501, self.allshots),
        )
        return dict(zip(SCORES, values, strict=True))

    def means(self) -> dict[str, Any]:
        """Means over the queries that have a match: a number, or a list with index rank - 1."""
        return {name: mean_of(values[self.scored]) for name, values in self.scores().items()}

    def intervals(self, bootstrap: Bootstrap) -> dict[str, Any]:
        """Ends of the bootstrap intervals over people, as `means` has the means.

        Returns:
            `[low, high]` for a number, and a list of such for a list.
        """
        scored = self.select(self.scored)
        ends = {}
        for name, values in scored.scores().items():
            columns = values.reshape(len(values), -1)
            pairs = person_intervals(columns, scored.person_ids, bootstrap).T.tolist()
            ends[name] = pairs if values.ndim == 2 else pairs[0]
        return ends


def mean_of(values: NDArray[np.float64]) -> Any:
    """The mean over the first axis, which must not be empty.

    By sums without rounding: no order of the queries gives another result.
    """
    columns = values.reshape(len(values), -1).T.tolist()
    means = [min(math.fsum(column) / len(column), 1.0) for column in columns]
    return means if values.ndim == 2 else means[0]


@dataclass(frozen=True)
class Group:
    """The queries that have something in common.

    Attributes:
        label: what that is.
        queries: how many have a match.
        means: as `PerQuery.means` gives them; empty where no query has a match.
    """

    label: str
    queries: int
    means: dict[str, Any]


def grouped(per_query: PerQuery, labels: ArrayLike) -> list[Group]:
    """Scores by person, video, style, or whatever else the queries are labelled with.

    Args:
        per_query: the queries.
        labels: one a query, `[Q]`.

    Returns:
        One a label, in order of the labels.

    Raises:
        FeaturesError: there is not one label a query.
    """
    values = np.asarray(labels)
    if values.shape != (len(per_query.matches),):
        raise FeaturesError(
            f"labels: expected {len(per_query.matches):,}, one a query, got the shape "
            f"{list(values.shape)}. Give them in the order of the queries."
        )
    groups = []
    for label in np.unique(values):
        of_label = per_query.select(values == label)
        count = int(of_label.scored.sum())
        groups.append(Group(str(label), count, of_label.means() if count else {}))
    return groups


def group_table(what: str, groups: Sequence[Group]) -> str:
    """The groups as text, in percent, a line each."""
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
