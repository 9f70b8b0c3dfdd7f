"""A dataset -> the folder of a trained model."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import Any

from ..build.coverage import Coverage, coverage_of
from ..build.numpy_view import as_arrays
from ..build.schema import check_columns
from ..common.errors import DanceReIDError, OptionError
from ..common.files import usable
from .check_training import check_training
from .sampling import people_of_videos, sampler_of

_TRAINED = ("trainval", "train")  # the first that has images
_HELD_OUT = 10  # people, as the published code has it


def train(
    dataset: Any,
    output: str | Path,
    *,
    method: str = "softmax",
    preset: str = "mended",
    backbone: str = "resnet50.tv_in1k",
    weights: str | Path = "hub",
    epochs: int | None = None,
    steps: int | None = None,
    batch: int | None = None,
    lr: float | None = None,
    seed: int = 0,
    device: str = "cpu",
    select: str = "last",
    workers: int = 0,
    resume: bool = False,
) -> dict[str, Any]:
    """Trains a model that gives features of people, and scores it on the split `test`.

    Its state is written every minute and at the end. A training that was stopped, or
    killed, is continued with `resume`, and ends with the same weights (on a CPU, with the same
    number of threads, to the last bit).

    Args:
        dataset: all splits, as `load_dataset` gives them; `trainval` is trained on, or `train` if
            there is no `trainval`.
        output: the folder to write: weights, result, log, curves, card.
        method: "softmax", "siamese", "triplet", "st-reidnet", "strong" or "parts".
        preset: "mended", or "published" with the faults of the published code that shaped its
            numbers (`training.methods.SWITCHES`).
        backbone: the name of a convolutional model of timm; or "small", five convolutions for
            trying things out.
        weights: of the backbone to begin with: "hub" (timm's, fetched), "none" (random), the path
            of a safetensors file, or of a folder that a training wrote.
        epochs: number of epochs; that of the method if None.
        steps: number of steps (batches) instead.
        batch: number of images in a batch (of triples with the methods triplet and st-reidnet, of
            pairs with siamese); that of the method if None. ResNet-50 takes some 80 MiB an image.
        lr: learning rate; that of the method if None.
        seed: seed of weights and draws.
        device: "cpu", "cuda", or another device of PyTorch.
        select: "last" takes the last weights. "held-out" trains without the last ten people
            and takes the best of ten evaluations on them, or on `validation` if the dataset has
            `train` and `validation`. "published" takes the best of ten evaluations on the test
            set, as the published code did: its score is too good, and the result says so.
        workers: number of processes that decode images; 0 for this one.
        resume: continue the training in the folder.

    Returns:
        What is in `result.json`: method, data, versions, scores.

    Raises:
        DanceReIDError: an option, the data or a file is not valid; the loss is not finite.
    """
    folder, chosen, asked = check_training(
        output,
        method=method,
        preset=preset,
        backbone=backbone,
        weights=weights,
        epochs=epochs,
        steps=steps,
        batch=batch,
        lr=lr,
        seed=seed,
        device=device,
        select=select,
        resume=resume,
    )
    from .trainer import Trainer

    trained, scored = _parts(dataset, select)
    videos, people = (
        list(chain.from_iterable(split[name][:] for split in dataset.values()))
        for name in ("video_id", "person_id")
    )
    sampler = sampler_of(
        chosen,
        trained["person_id"][:],
        trained["frame"][:],
        people_of_videos(videos, people),
        seed,
    )
    total = steps or chosen.epochs * len(sampler)
    coverage = _coverage(dataset)
    facts = {
        **asked,
        "steps": total,
        "config": coverage.config if coverage else "own",
        "fingerprint": coverage.fingerprint if coverage else "unknown",
        "images": len(trained),
        "people": len(sampler.images.person_ids),
    }
    with usable(folder):
        folder.mkdir(parents=True, exist_ok=True)
    return Trainer(
        facts, chosen, sampler, as_arrays(trained), scored, coverage, folder, device, workers
    ).run()


def _coverage(dataset: Any) -> Coverage | None:
    """The coverage; None for other data with the same columns."""
    try:
        return coverage_of(dataset)
    except DanceReIDError:
        return None


def _parts(dataset: Any, select: str) -> tuple[Any, dict[str, Any]]:
    """The examples to train on; and those to score, by what they are for."""
    splits = dataset if isinstance(dataset, Mapping) else {}
    split = next((name for name in _TRAINED if len(splits.get(name, ()))), None)
    if split is None:
        raise DanceReIDError(
            f"Expected all splits of a dataset, with images in {' or '.join(_TRAINED)}, got "
            f"{', '.join(splits) or type(dataset).__name__}. Load it without split=."
        )
    trained, test = splits[split], splits.get("test", ())
    check_columns(trained.features, ("image", "keypoints", "person_id", "frame"), split)
    scored = {"test": test} if len(test) else {}
    if select == "published" and not scored:
        raise OptionError("select: 'published' chooses by the split 'test', which has no images.")
    if select == "held-out" and split == "train" and len(splits.get("validation", ())):
        scored["held-out"] = splits["validation"]
    elif select == "held-out":
        people = sorted(set(trained["person_id"][:]))
        held_out = set(people[-_HELD_OUT:])
        if len(people) < 2 + _HELD_OUT:
            raise OptionError(
                f"select: 'held-out' holds out the last {_HELD_OUT} people of {split}, which has "
                f"{len(people)}. Use 'last'."
            )
        rows = [person in held_out for person in trained["person_id"][:]]
        scored["held-out"] = trained.select([i for i, out in enumerate(rows) if out])
        trained = trained.select([i for i, out in enumerate(rows) if not out])
    return trained, scored
