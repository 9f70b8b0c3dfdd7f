"""How much memory a step of a training needs, and whether it is there; before the first step.

What forward passes keep for their gradients is most of it: the results of all layers. They are
counted with PyTorch's "meta" device, which computes shapes and no numbers.
"""

from __future__ import annotations

import copy
from pathlib import Path

import torch
from torch import Tensor, nn

from ..common.errors import DanceReIDError
from .gpu import has_bfloat16
from .learner import Learner

_COPIES = 4  # of each weight: itself, its gradient, two moments of Adam


def check_memory(learner: Learner, images: int) -> None:
    """Refuses to begin a training that cannot fit.

    Args:
        learner: the nets, on their device.
        images: number of images in a batch.

    Raises:
        DanceReIDError: a step needs more memory than is free.
    """
    device = next(learner.encoder.parameters()).device
    free = _free_bytes(device)
    needed = step_bytes(learner, images)
    if free is not None and needed > free:
        raise DanceReIDError(
            f"A step needs about {needed / 1e9:,.1f} GB of memory for batches of {images:,} "
            f"images, and {device} has {free / 1e9:,.1f} GB that are free. Use a smaller --batch "
            f"than {learner.recipe.batch}."
        )


def step_bytes(learner: Learner, images: int) -> int:
    """The bytes that a step needs at least, about: weights, and what the encoder's layers give."""
    weights = sum(p.nbytes for net in learner.nets.values() for p in net.parameters())
    half = has_bfloat16(next(learner.encoder.parameters()).device)
    return _COPIES * weights + images * _bytes_per_image(learner.encoder) // (2 if half else 1)


def _bytes_per_image(encoder: nn.Module) -> int:
    """The bytes of what all layers give for an image."""
    shapes = copy.deepcopy(encoder).to("meta")
    found = 0

    def count(_layer: nn.Module, _given: object, result: object) -> None:
        nonlocal found
        if isinstance(result, Tensor):
            found += result.nbytes

    for layer in shapes.modules():
        if not list(layer.children()) and not getattr(layer, "inplace", False):
            layer.register_forward_hook(count)
    size = encoder.design.size
    shapes(torch.zeros(2, 3, *size, device="meta"), torch.zeros(2, 17, 2, device="meta"))
    return found // 2


def _free_bytes(device: torch.device) -> int | None:
    """Memory that is free on a device; None if nothing says it."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    if device.type != "cpu":
        return None
    try:
        lines = Path("/proc/meminfo").read_text("ascii").splitlines()
    except OSError:
        return None  # not Linux
    values = dict(line.split(":", 1) for line in lines)
    return int(values["MemAvailable"].split()[0]) * 1024
