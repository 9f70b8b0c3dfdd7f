"""Dask as the engine of a build."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager

from ..common.cpu import cores
from ..common.errors import DanceReIDError
from ..common.validation import require_extra

_TIMEOUT_S = 30


@contextmanager
def dask_executor(scheduler: str | None, workers: int | None) -> Iterator[Executor]:
    """Connects to a scheduler of Dask, or starts one with workers on this machine.

    Args:
        scheduler: its address; None starts one, which ends at the end.
        workers: number of workers to start, a process each; None for one a core.

    Raises:
        DanceReIDError: Dask is not installed, or there is no scheduler at the address.
    """
    require_extra("dask", "distributed")
    import dask
    from distributed import Client, LocalCluster

    if scheduler is None:
        with (
            # A worker gets a video when it has none: else it may keep one while another is idle.
            dask.config.set({"distributed.scheduler.worker-saturation": 1.0}),
            LocalCluster(
                n_workers=workers or cores(), threads_per_worker=1, dashboard_address=None
            ) as cluster,
            Client(cluster) as client,
        ):
            yield client.get_executor()
        return
    try:
        client = Client(scheduler, timeout=_TIMEOUT_S)
    except (OSError, ValueError) as error:
        raise DanceReIDError(
            f"--scheduler: no scheduler of Dask answers at {scheduler} ({error}). Expected an "
            "address such as tcp://HOST:8786, which `dask scheduler` prints when it starts."
        ) from error
    with client:
        yield client.get_executor()
