"""A model of timm as it is: its own weights, size, normalization and pooling."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.nn import functional

from ..common.errors import DanceReIDError
from ..common.validation import require_extra
from .encoder import no_weights


def timm_features(
    name: str, device: Any, *, pretrained: bool = True
) -> Callable[[dict[str, Any]], Any]:
    """A function from a batch of images to pooled features `[N, D]`.

    Args:
        name: the name of the model, without "timm:".
        device: the device to compute on.
        pretrained: whether its weights are fetched; if not, they are random.

    Raises:
        DanceReIDError: there is no such model, or its weights cannot be fetched.
    """
    require_extra("train", "torchvision", "timm")
    import timm
    from timm.data import resolve_model_data_config

    if not timm.is_model(name):
        raise DanceReIDError(
            f"model: timm knows no model '{name}'. timm.list_models() lists those that it knows."
        )
    try:
        net = timm.create_model(name, pretrained=pretrained, num_classes=0).eval().to(device)
    except (OSError, RuntimeError) as error:
        raise no_weights(name, error) from error
    settings = resolve_model_data_config(net)
    mean, std = (
        torch.tensor(settings[each], device=device)[:, None, None] for each in ("mean", "std")
    )

    def compute(batch: dict[str, Any]) -> Any:
        images = batch["image"].to(device).permute(0, 3, 1, 2).float() / 255
        images = functional.interpolate(
            images, settings["input_size"][1:], mode="bicubic", antialias=True
        )
        return net((images - mean) / std)

    return compute
