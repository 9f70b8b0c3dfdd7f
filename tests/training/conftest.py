"""One thread for PyTorch: a busy machine makes several wait for each other."""

from __future__ import annotations

import contextlib

with contextlib.suppress(ImportError):
    import torch

    torch.set_num_threads(1)
