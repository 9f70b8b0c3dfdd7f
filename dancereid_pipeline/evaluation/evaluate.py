"""Features and identities -> scores."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from ..build.coverage import Coverage
from ..common.device import usable_device
from ..common.errors import FeaturesError, OptionError
from ..common.validation import shown
from .arrange import CheckedImages, SortedImages
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
    device: str = "cpu",
) -> Result:
    """Computes mAP, mINP and CMC in the three published protocols, all exactly.

    Every image is a query, and all images are its gallery, unless `gallery` is given. The result
    says which images a query leaves out, how ties count and how each score is defined
    (`Result.to_dict()["protocol"]`). No score depends on the order of the images.

    All computations use float64. They need the features, one copy of them as float64, and about
    300 MB more, however many images there are. They use all cores.

    Args:
        features: of the queries, one row for each image, `[Q, D]`; finite real numbers.
        person_ids: whole numbers, `[Q]`.
        frames: whole numbers, `[Q]`. A frame is used as other datasets use the camera.
        gallery: features `[G, D]`, person ids `[G]` and frames `[G]`, if they differ from the
            queries.
        distance: "sqeuclidean" (squared Euclidean, as published) or "cosine".
        ranks: K, the largest rank of the CMC.
        draws: if not 0, CUHK03 is also computed by drawing this many galleries for each query;
            published code draws 10.
        seed: seed of these draws.
        coverage: `dancereid.coverage(dataset)`, so that the result names the dataset.
        device: "cpu", or a device of PyTorch that has float64, such as "cuda": faster, and equal
            to 1e-12. It needs the extra `train`, and draws nothing.

    Returns:
        The scores.

    Raises:
        FeaturesError: arrays do not fit together, features are not finite or are all the same, or
            there is only one person, or no query has a match.
        OptionError: `distance`, `ranks`, `draws`, `seed` or `device` has a value that is not
            allowed.
    """
    for name, value, least in (("ranks", ranks, 1), ("draws", draws, 0), ("seed", seed, 0)):
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise OptionError(f"{name}: expected a whole number from {least}, got {shown(value)}.")
    chosen = scoring_device(device, draws)
    queries, images, constant = _sorted((features, person_ids, frames), gallery, distance)
    ranked = Gallery(images)
    if len(ranked.people) < 2:
        raise FeaturesError(
            f"gallery: expected images of at least two people, got {len(images.rows):,} images of "
            f"one person, {ranked.people[0]}. Add images of other people."
        )
    if chosen is None:
        per_query = score(queries, ranked, ranks, draws, seed)
    else:
        from .device_scoring import score_on  # PyTorch

        per_query = score_on(chosen, queries, ranked, ranks)
    scored = int(per_query.scored.sum())
    if not scored:
        raise FeaturesError(
            f"None of {len(queries.rows):,} queries has a match: expected images of the same "
            "people in the gallery, at other frames. Check that person ids and frames belong to "
            "these images."
        )
    counts = Counts(
        queries=len(queries.rows),
        queries_without_match=len(queries.rows) - scored,
        queries_with_ties=int(per_query.tied.sum()),
        people=len(np.unique(queries.person_ids)),
        gallery=len(images.rows),
        gallery_people=len(ranked.people),
        dimensions=images.rows.shape[1],
        constant_columns=constant,
        duplicate_rows=int((images.originals != np.arange(len(images.originals))).sum()),
    )
    return Result(per_query, counts, distance, draws, seed, coverage)


def scoring_device(name: str, draws: int) -> Any:
    """The `torch.device` to score on; None for NumPy.

    Raises:
        OptionError: PyTorch cannot use it, or it cannot draw.
    """
    if name == "cpu":
        return None
    if draws:
        raise OptionError(f"draws: nothing is drawn on the device '{name}'. Use 'cpu'.")
    return usable_device(name)


def _sorted(
    query_arrays: Arrays, gallery_arrays: Arrays | None, distance: str
) -> tuple[SortedImages, SortedImages, int]:
    """Queries, gallery (the same object if none was given), and the number of constant columns.

    Raises:
        FeaturesError: an array is wrong, or the arrays do not fit together.
    """
    queries = CheckedImages.check("query", *query_arrays)
    gallery = queries
    if gallery_arrays is not None:
        gallery = CheckedImages.check("gallery", *gallery_arrays)
    if queries.features.shape[1] != gallery.features.shape[1]:
        raise FeaturesError(
            f"gallery features: expected {queries.features.shape[1]:,} columns, as the queries "
            f"have, got {gallery.features.shape[1]:,}. Take both from the same model."
        )
    low, high = np.minimum(queries.low, gallery.low), np.maximum(queries.high, gallery.high)
    constant = int((low == high).sum())
    if constant == len(low):
        raise FeaturesError(
            f"All {len(gallery.features):,} images have the same features: expected features that "
            "differ between images. Check what the model computes."
        )
    space = Space.for_features(gallery.features, low, high, distance)
    sorted_queries = SortedImages.sort(queries, space)
    if gallery is queries:
        return sorted_queries, sorted_queries, constant
    return sorted_queries, SortedImages.sort(gallery, space), constant
