"""How many threads decode a clip: it depends on the cores and on who else uses them."""

from __future__ import annotations

import os
import sys

# A thread waits while other threads decode the frames that its frame refers to. With fewer
# threads than this, some cores are idle (benchmarks/num_proc.py).
_THREADS_PER_CORE = 6
# For a 1080p clip, a thread takes about 5 MB.
_MAX_THREADS = 16

_processes = 1


def share_cores(processes: int) -> None:
    """Sets how many processes on this machine, this one included, decode at the same time."""
    global _processes
    _processes = processes


def cores() -> int:
    """The number of cores that this process may use: on a cluster, often not all of them."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def decoder_threads() -> int:
    """The number of threads for a clip that is decoded in this process."""
    share = cores() / max(_processes, _loader_workers())
    # On a single core, one thread is fastest and takes the least memory.
    return 1 if share <= 1 else min(int(_THREADS_PER_CORE * share), _MAX_THREADS)


def _loader_workers() -> int:
    """In a worker of PyTorch's DataLoader, the number of workers; elsewhere 1."""
    torch = sys.modules.get("torch.utils.data")
    worker = torch.get_worker_info() if torch else None
    return worker.num_workers if worker else 1
