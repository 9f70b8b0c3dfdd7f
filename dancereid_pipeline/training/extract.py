"""A model and a dataset -> features."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..common.device import usable_device
from ..common.errors import DanceReIDError
from ..common.progress import progress
from ..common.validation import require_extra

TIMM = "timm:"
_BATCH = 64


def extract(
    dataset: Any, model: str | Path, *, device: str = "cpu", workers: int = 0
) -> NDArray[np.float32]:
    """Computes features of the images of a split.

    Args:
        dataset: one split, as `load_dataset` gives it, of crops or of tracklets.
        model: a folder that `dancereid.train` wrote; "timm:NAME" for a model of timm with its own
            weights (fetched from the Hub), pooled, with its own size and normalization; or
            "USER/NAME" of a model that `push_model_to_hub` pushed, if there is no such folder.
        device: "cpu", "cuda", or another device of PyTorch.
        workers: number of processes that decode images; 0 for this one.

    Returns:
        One row for each image, float32 `[N, D]`.

    Raises:
        DanceReIDError: there is no such model, or its weights are not there.
    """
    require_extra("train", "torch", "safetensors")
    from ..build.crop_rows import as_crops  # late, as in `loader`
    from ..build.numpy_view import as_arrays

    if str(model).startswith(TIMM):
        from .timm_model import timm_features

        compute = timm_features(str(model).removeprefix(TIMM), usable_device(device))
    else:
        from .hub_model import local_model
        from .model_folder import load_model

        encoder = load_model(local_model(model)).to(usable_device(device))
        compute = encoder_features(encoder)
    return features_of(as_arrays(as_crops(dataset)), compute, workers)


def encoder_features(encoder: Any) -> Any:
    """A function from a batch to features `[N, D]`, by an encoder in evaluation mode."""
    from .augmentation import resized, resized_keypoints

    def compute(batch: dict[str, Any]) -> Any:
        size = encoder.design.size
        images = batch["image"].to(next(encoder.parameters()).device)
        keypoints = resized_keypoints(batch["keypoints"], images.shape[1:3], size)
        raw, normal = encoder(resized(images, size), keypoints.to(images.device))
        return raw if encoder.design.raw else normal

    encoder.eval()
    return compute


def features_of(arrays: Any, compute: Any, workers: int = 0) -> NDArray[np.float32]:
    """Features of all examples of `as_arrays`, in their order."""
    import torch

    from .loader import load_batches

    starts = range(0, len(arrays), _BATCH)
    batches = [list(range(start, min(start + _BATCH, len(arrays)))) for start in starts]
    rows = []
    with torch.inference_mode():
        loader = load_batches(arrays, batches, workers)
        for batch in progress(loader, desc="Extracting", unit=" batches", total=len(batches)):
            rows.append(compute(batch).float().cpu().numpy())
    found: NDArray[np.float32] = np.concatenate(rows)
    if not np.isfinite(found).all():
        raise DanceReIDError(
            "Expected finite features, but the model gives others. Train it again with a smaller "
            "learning rate (--lr)."
        )
    return found
