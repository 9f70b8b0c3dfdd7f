"""How many threads a clip is decoded by: from the cores, and who else uses them."""

from __future__ import annotations

import os
import sys

# A thread decodes a frame, and waits for those that the frame is made from, which other threads
# are at: with fewer, cores stand idle (benchmarks/num_proc.py).
_THREADS_A_CORE = 6
# Each holds some 5 MB of a 1080p clip.
_MOST_THREADS = 16

_side_by_side = 1


def share_cores(processes: int) -> None:
    """Says that this process is one of so many that decode side by side on this machine."""
    global _side_by_side
    _side_by_side = processes


def cores() -> int:
    """Cores that this process may use, which on a cluster are not all there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def decoder_threads() -> int:
    """Threads for a clip that is decoded in this process."""
    share = cores() / max(_side_by_side, _loader_workers())
    # On a core of its own there is nothing to wait for: one thread is quickest, and smallest.
    return 1 if share <= 1 else min(int(_THREADS_A_CORE * share), _MOST_THREADS)


def _loader_workers() -> int:
    """In a worker of PyTorch's DataLoader, how many there are; elsewhere 1."""
    torch = sys.modules.get("torch.utils.data")
    worker = torch.get_worker_info() if torch else None
    return worker.num_workers if worker else 1
