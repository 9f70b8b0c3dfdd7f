"""The sampler that a recipe asks for."""

from __future__ import annotations

from collections.abc import Iterable

from numpy.typing import ArrayLike

from .methods import Recipe
from .samplers import Images, Pairs, PeopleTimesImages, Sampler, Shuffled, Triples
from .st_sampler import SpatioTemporal

_PER_PERSON = 4  # images of a person in a batch, where a method samples people


def sampler_of(
    recipe: Recipe,
    person_ids: ArrayLike,
    frames: ArrayLike,
    people_of_videos: Iterable[Iterable[int]],
    seed: int,
) -> Sampler:
    """Makes the sampler of a recipe.

    Args:
        recipe: the recipe.
        person_ids: the person id of each image, whole numbers `[N]`.
        frames: the frame of each image, whole numbers `[N]`.
        people_of_videos: the person ids of each video; of all splits.
        seed: seed of all draws.

    Raises:
        DanceReIDError: a person has too few images, or there are too few people.
    """
    images = Images.of(person_ids, least=1 if recipe.sampling == "shuffled" else 2)
    if recipe.sampling == "people":
        return PeopleTimesImages(images, max(2, recipe.batch // _PER_PERSON), _PER_PERSON, seed)
    if recipe.sampling == "triples":
        return Triples(images, recipe.batch, "instance", seed)
    if recipe.sampling == "pairs":
        return Pairs(images, recipe.batch, seed=seed)
    if recipe.sampling == "shuffled":
        return Shuffled(images, recipe.batch, seed)
    return SpatioTemporal(
        images,
        frames,
        people_of_videos,
        recipe.batch,
        published_neighbours="misread_neighbours" in recipe.switches,
        published_order="unsorted_images" in recipe.switches,
        seed=seed,
    )


def people_of_videos(video_ids: Iterable[str], person_ids: Iterable[int]) -> list[set[int]]:
    """The person ids of each video, from those of each image."""
    found: dict[str, set[int]] = {}
    for video, person in zip(video_ids, person_ids, strict=True):
        found.setdefault(video, set()).add(person)
    return list(found.values())
