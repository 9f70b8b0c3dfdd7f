"""What makes training fast on a GPU: bfloat16, and copies that the processor does not wait for.

The processor must start the work of a step before the GPU has finished the one before: with an
NVIDIA H200, starting the kernels of a ResNet-50 takes about as long as computing them.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor


def has_bfloat16(device: torch.device) -> bool:
    """Whether nets are trained in bfloat16 on a device: on GPUs that have it, since 2020."""
    return device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)


def mixed_precision(device: torch.device) -> AbstractContextManager[object]:
    """Inside, convolutions compute in bfloat16 where `has_bfloat16`; weights stay float32.

    bfloat16 has float32's range, so gradients need no scaling as they do with float16.
    """
    if has_bfloat16(device):
        return torch.autocast(device.type, torch.bfloat16)
    return nullcontext()


def sent(values: Any, device: torch.device) -> Tensor:
    """A tensor of values, on a device. A copy to a GPU is queued, and nobody waits for it."""
    tensor = torch.as_tensor(values)
    if device.type == "cuda" and tensor.device.type == "cpu":
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)
