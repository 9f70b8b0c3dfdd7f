"""Features and identities -> scores."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from ..build.coverage import Coverage
from ..common.errors import FeaturesError, OptionError
from ..common.validation import shown
from .arrange import Given, Images
from .distance import Space
from .ranking import Gallery
from .result import Counts, Result
from .scoring import score

Arrays: TypeAlias = tuple[ArrayLike, ArrayLike, ArrayLike]  # features, person ids, frames


def evaluate(
    features: ArrayLike,
    person_ids: ArrayLike,
    frames: ArrayLike,
    *,
    gallery: Arrays | None = None,
    distance: str = "sqeuclidean",
    ranks: int = 20,
    draws: int = 0,
    seed: int = 0,
    coverage: Coverage | None = None,
) -> Result:
    """Scores features: mAP, mINP and CMC in the three published protocols, exactly.

    Every image is a query, and all of them are its gallery, unless there is a gallery apart.
    The result says what a query leaves out, how ties count and which variant each score is
    (`Result.to_dict()["protocol"]`). No score depends on the order of the images.

    Computed in float64, whatever the features are. Besides the features and one copy of them
    as float64 it takes some 300 MB, however many images there are. The products use all cores
    by NumPy's BLAS, the rankings by threads.

    Args:
        features: of the queries, one row an image, `[Q, D]`; finite real numbers.
        person_ids: whole numbers, `[Q]`.
        frames: whole numbers, `[Q]`: the frame takes the part that cameras have elsewhere.
        gallery: features `[G, D]`, person ids `[G]` and frames `[G]`, if apart from the queries.
        distance: "sqeuclidean" (squared Euclidean, as published) or "cosine".
        ranks: K, the largest rank of the CMC.
        draws: also draw this many galleries a query for CUHK03, as published code does (10).
        seed: of these draws.
        coverage: of the dataset, so that the result names it: `dancereid.coverage(dataset)`.

    Returns:
        The scores.

    Raises:
        FeaturesError: arrays do not fit together, hold what is no finite number, tell no image
            from another, or nothing can be scored: one person only, or no query has a match.
        OptionError: `distance`, `ranks`, `draws` or `seed` cannot have that value.
    """
    for name, value, least in (("ranks", ranks, 1), ("draws", draws, 0), ("seed", seed, 0)):
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise OptionError(f"{name}: expected a whole number from {least}, got {shown(value)}.")
    queries, images, constant = _arranged((features, person_ids, frames), gallery, distance)
    against = Gallery(images)
    if len(against.people) < 2:
        raise FeaturesError(
            f"gallery: expected images of at least two people, got {len(images.rows):,} of one, "
            f"person {against.people[0]}. There is nobody to be confused with."
        )
    per_query = score(queries, against, ranks, draws, seed)
    scored = int(per_query.scored.sum())
    if not scored:
        raise FeaturesError(
            f"None of {len(queries.rows):,} queries has a match: expected images of the same "
            "people in the gallery, at other frames. Are person ids and frames those of these "
            "images?"
        )
    counts = Counts(
        queries=len(queries.rows),
        queries_without_match=len(queries.rows) - scored,
        queries_with_ties=int(per_query.tied.sum()),
        people=len(np.unique(queries.person_ids)),
        gallery=len(images.rows),
        gallery_people=len(against.people),
        dimensions=images.rows.shape[1],
        constant_columns=constant,
        duplicate_rows=int((images.originals != np.arange(len(images.originals))).sum()),
    )
    return Result(per_query, counts, distance, draws, seed, coverage)


def _arranged(queries: Arrays, gallery: Arrays | None, distance: str) -> tuple[Images, Images, int]:
    """Queries and gallery (the same object if it is not apart), and how many columns are constant.

    Raises:
        FeaturesError: they are not what they must be, or do not fit together.
    """
    given = Given.check("query", *queries)
    other = given if gallery is None else Given.check("gallery", *gallery)
    if given.features.shape[1] != other.features.shape[1]:
        raise FeaturesError(
            f"gallery features: expected {given.features.shape[1]:,} columns, as the queries "
            f"have, got {other.features.shape[1]:,}. Both must come from the same model."
        )
    low, high = np.minimum(given.low, other.low), np.maximum(given.high, other.high)
    constant = int((low == high).sum())
    if constant == len(low):
        raise FeaturesError(
            f"All {len(other.features):,} images have the same features: expected features that "
            "tell images apart. Look at what the model made of them."
        )
    space = Space.around(other.features, low, high, distance)
    arranged = Images.arrange(given, space)
    return arranged, arranged if other is given else Images.arrange(other, space), constant
