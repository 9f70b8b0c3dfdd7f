"""The result of an evaluation: scores, and what one must know to compare them with others."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from numpy.typing import ArrayLike

from ..build.coverage import Coverage
from ..common.report import Report
from .bootstrap import person_intervals
from .distance import DISTANCES
from .per_query import Group, PerQuery, grouped, mean_of

# Every result has this, so that it can be understood without other text.
PROTOCOL = {
    "mean_ap": "mean of non-interpolated average precision",
    "mean_inp": "mean of matches / rank of the last match",
    "cmc_cuhk03": "single gallery shot: one image of each person is drawn; exact expectation over "
    "all draws",
    "cmc_market1501": "first match among all images",
    "cmc_allshots": "every match on its own among all images",
    "left_out": "gallery images of the query's person at the query's frame; for CUHK03 all gallery "
    "images at the query's frame",
    "ties": "a wrong image as near as a right one counts as nearer; distances are equal if they "
    "agree to 36 binary digits",
}
_SHOWN = (1, 5, 10, 20)
_ROWS = {"CUHK03": "cmc_cuhk03", "Market-1501": "cmc_market1501", "all shots": "cmc_allshots"}


@dataclass(frozen=True)
class Counts:
    """How many images and people were compared.

    Attributes:
        queries: number of queries.
        queries_without_match: number of queries without a match; no mean includes them.
        queries_with_ties: number of queries with a wrong image exactly as near as a right one.
        people: number of people among the queries.
        gallery: number of images in the gallery.
        gallery_people: number of people in the gallery.
        dimensions: number of columns of the features.
        constant_columns: number of columns in which all images have the same value.
        duplicate_rows: number of gallery images whose features an earlier one has too.
    """

    queries: int
    queries_without_match: int
    queries_with_ties: int
    people: int
    gallery: int
    gallery_people: int
    dimensions: int
    constant_columns: int
    duplicate_rows: int


@dataclass(frozen=True, repr=False)
class Result(Report):
    """Scores from 0 to 1, and the protocol that they follow.

    `print` and notebooks show a table, in percent.

    Attributes:
        per_query: the scores of each query.
        counts: how many images and people were compared.
        distance: "sqeuclidean" or "cosine".
        draws: number of galleries drawn for each query; 0 if none were drawn.
        seed: seed of these draws.
        coverage: coverage of the dataset; None if it was not given.
    """

    per_query: PerQuery
    counts: Counts
    distance: str
    draws: int = 0
    seed: int = 0
    coverage: Coverage | None = None

    def by(self, groups: ArrayLike) -> list[Group]:
        """Computes scores by person, video, style or any other group.

        Args:
            groups: the group of each query, `[Q]`, in the user's order.

        Returns:
            The scores of each group, in the order of the groups' names.

        Raises:
            FeaturesError: the number of groups is not the number of queries.
        """
        return grouped(self.per_query, groups)

    def intervals(self, samples: int = 1000, seed: int = 0, level: float = 0.95) -> dict[str, Any]:
        """Computes bootstrap confidence intervals; see `bootstrap.person_intervals`.

        Args:
            samples: number of times that people are resampled.
            seed: seed of the random numbers.
            level: share of the samples inside an interval, 0 to 1.

        Returns:
            `[low, high]` for "mean_ap" and "mean_inp"; for each CMC a list of them with the index
            rank - 1.
        """
        scored = self.per_query.select(self.per_query.scored)
        ends = {}
        for name, values in scored.scores().items():
            columns = values.reshape(len(values), -1)
            pairs = person_intervals(columns, scored.person_ids, samples, seed, level).T.tolist()
            ends[name] = pairs if values.ndim == 2 else pairs[0]
        return ends

    def to_dict(self) -> dict[str, Any]:
        """The scores and the protocol as JSON values.

        "mean_ap" and "mean_inp" are numbers from 0 to 1. "cmc_cuhk03", "cmc_market1501",
        "cmc_allshots" (and "cmc_cuhk03_drawn", if there were draws) are lists of such numbers with
        the index rank - 1.
        """
        values: dict[str, Any] = self.per_query.means()
        if self._drawn is not None:
            values["cmc_cuhk03_drawn"] = self._drawn
            values["draws"], values["seed"] = self.draws, self.seed
        values["protocol"] = {"distance": DISTANCES[self.distance], **PROTOCOL}
        values["counts"] = asdict(self.counts)
        values["dataset"] = None if self.coverage is None else _dataset(self.coverage)
        return values

    def to_json(self) -> str:
        """`to_dict` as indented JSON."""
        return json.dumps(self.to_dict(), indent=1)

    def __str__(self) -> str:
        means = self.per_query.means()
        lines = [f"mAP {100 * means['mean_ap']:.2f}   mINP {100 * means['mean_inp']:.2f}   (%)"]
        lines += _table({row: means[name] for row, name in _ROWS.items()})
        if self._drawn is not None:
            row = f"drawn {self.draws} times"
            lines += _table({row: self._drawn})[1:]
            lines[-1] += f"   (CUHK03, seed {self.seed})"
        lines += [
            f"mAP: {PROTOCOL['mean_ap']}. mINP: {PROTOCOL['mean_inp']}.",
            f"CUHK03: {PROTOCOL['cmc_cuhk03']}.",
            f"Distance: {DISTANCES[self.distance]}. Ties: {PROTOCOL['ties']}.",
            f"Left out: {PROTOCOL['left_out']}.",
            *_counts_lines(self.counts),
        ]
        return "\n".join([*lines, *_dataset_lines(self.coverage)])

    @property
    def _drawn(self) -> list[float] | None:
        if self.per_query.cuhk03_drawn is None:
            return None
        return mean_of(self.per_query.cuhk03_drawn[self.per_query.scored])


def _table(rows: dict[str, list[float]]) -> list[str]:
    ranks = [rank for rank in _SHOWN if rank <= len(next(iter(rows.values())))]
    lines = [f"{'CMC':<15}" + "".join(f"{f'rank {rank}':>9}" for rank in ranks)]
    for name, values in rows.items():
        lines.append(f"{name:<15}" + "".join(f"{100 * values[rank - 1]:>9.2f}" for rank in ranks))
    return lines


def _counts_lines(counts: Counts) -> list[str]:
    scored = counts.queries - counts.queries_without_match
    lines = [
        f"Queries: {counts.queries:,} of {counts.people:,} people, {scored:,} with a match. "
        f"Gallery: {counts.gallery:,} images of {counts.gallery_people:,} people. "
        f"Features: {counts.dimensions:,} columns."
    ]
    remarks = (
        (counts.queries_without_match, "queries without a match, which no mean includes"),
        (counts.queries_with_ties, "queries with a wrong image exactly as near as a right one"),
        (counts.constant_columns, "constant columns"),
        (counts.duplicate_rows, "images with the same features as another one"),
    )
    note = "; ".join(f"{count:,} {what}" for count, what in remarks if count)
    return [*lines, *([f"Note: {note}."] if note else [])]


def _dataset(coverage: Coverage) -> dict[str, Any]:
    return {
        "config": coverage.config,
        "fingerprint": coverage.fingerprint,
        "coverage": str(coverage).splitlines()[0],
        "overlaps_training": coverage.config == "published",
    }


def _dataset_lines(coverage: Coverage | None) -> list[str]:
    """The name of the dataset, and a warning if its splits overlap."""
    if coverage is None:
        return ["Dataset: unknown (no coverage was given)."]
    lines = [str(coverage).splitlines()[0]]
    if coverage.config == "published":
        both = [o for o in coverage.outcomes if o.images and {"trainval", "test"} <= set(o.splits)]
        people = sum(o.people for o in both)
        videos = ", ".join(o.video_id for o in both)
        who = f": {people} people here are in trainval too (video {videos})" if both else ""
        lines.append(
            f"WARNING: this is the published test list, which OVERLAPS the training set{who}. "
            "Compare it with published numbers only; use 'paper' for all other work."
        )
    return lines
