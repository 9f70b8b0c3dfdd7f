"""A dataset -> batches of tensors, decoded in processes of their own.

PyTorch is imported by who calls: what `dancereid` offers is there without it.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from ..common.errors import DanceReIDError
from ..common.validation import require_extra, whole_number
from .samplers import Images, PeopleTimesImages


def people_loader(
    dataset: Any,
    *,
    people: int = 16,
    per_person: int = 4,
    transform: Callable[[dict[str, Any]], dict[str, Any]] | None = None,
    workers: int = 0,
    seed: int = 0,
) -> Any:
    """Batches of P people with K images each, for a training loop of your own.

    Args:
        dataset: one split, as `load_dataset` gives it; each person has at least two images.
        people: P, the number of people in a batch.
        per_person: K, the number of images of each; repeated if a person has fewer.
        transform: changes an example after it was decoded, as in `as_arrays`.
        workers: number of processes that decode; 0 for this one.
        seed: seed of the draws. Each pass over the loader is another epoch.

    Returns:
        A `torch.utils.data.DataLoader`. A batch is a dict of tensors: `image` (uint8
        `[P K, height, width, 3]`), `keypoints` (`[P K, 17, 2]`), `person_id` and `frame`
        (`[P K]`), `bbox` (`[P K, 4]`); and lists of what is text (`video_id`).

    Raises:
        DanceReIDError: the dataset has fewer than P people, or a person has one image; or the
            extra 'train' is not installed.
    """
    require_extra("train", "torch")
    from ..build.numpy_view import as_arrays  # late: a loop of steps alone needs no `datasets`
    from ..build.schema import check_columns

    check_columns(dataset.features, ("image", "person_id"), "people_loader")
    images = Images.of(dataset["person_id"][:], least=2)
    sampler = PeopleTimesImages(images, people, per_person, seed)
    return load_batches(as_arrays(dataset, transform=transform), sampler, workers)


def load_batches(
    arrays: Any, batches: Iterable[Any], workers: int = 0, *, for_gpu: bool = False
) -> Any:
    """A `DataLoader` that gives these batches of rows of a dataset, in this order."""
    from torch.utils.data import DataLoader

    return DataLoader(
        arrays,
        batch_sampler=batches,
        num_workers=whole_number("workers", workers, 0, 256),
        collate_fn=_collated,
        pin_memory=for_gpu,  # or a copy to it would wait until it has computed the step before
        multiprocessing_context=_context() if workers else None,
        persistent_workers=workers > 0,
    )


def _context() -> Any:
    """How processes begin: not as forks of this one, with its locks and without its threads.

    A server imports everything once and is forked; for four processes, that takes a quarter of the
    time, and for the next four almost none. Windows has no such server.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["__main__", "torch", "dancereid_pipeline.build.numpy_view"])
    return context


def _collated(examples: list[dict[str, Any]]) -> dict[str, Any]:
    return {name: _column(name, [each[name] for each in examples]) for name in examples[0]}


def _column(name: str, values: list[Any]) -> Any:
    import torch

    if isinstance(values[0], torch.Tensor):
        return torch.stack(values)
    if not isinstance(values[0], np.ndarray | np.number | int | float):
        return values
    shapes = {np.shape(value) for value in values}
    if len(shapes) > 1:
        raise DanceReIDError(
            f"Column {name!r}: expected arrays of one shape in a batch, got "
            f"{', '.join(map(str, sorted(shapes)))}. Build the dataset with one image size, or "
            "give a transform that resizes."
        )
    return torch.from_numpy(np.stack([np.asarray(value) for value in values]))
