"""A device of PyTorch, by its name."""

from __future__ import annotations

from typing import Any

from .errors import OptionError
from .validation import require_extra


def usable_device(name: str) -> Any:
    """A `torch.device`, which works.

    Raises:
        OptionError: there is none of this name.
        DanceReIDError: PyTorch is not installed.
    """
    require_extra("train", "torch")
    import torch

    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:  # an AssertionError where CUDA was left out
        raise OptionError(
            f"device: PyTorch cannot use '{name}' here ({str(error).splitlines()[0]}). Use 'cpu'."
        ) from error
    return device
