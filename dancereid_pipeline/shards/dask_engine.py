"""Dask as the engine of a build."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager

from ..common.cpu import cores
from ..common.errors import DanceReIDError
from ..common.validation import require_extra

_TIMEOUT_S = 30
# For the workers that we start. Figures are of the rehearsal of `full` on two cores.
_CONFIG = {
    # A worker gets a video when it has none: else it may keep one while another is idle.
    "distributed.scheduler.worker-saturation": 1.0,
    # Decoding needs the memory of a frame again at once. With Dask's 64 KiB, each is given back to
    # the system and zeroed again: 0.9 million page faults, a twelfth of the time.
    "distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": 128 * 2**20,
    # There is no dashboard, so nobody sees the profile; taking it costs 3 % of the time.
    "distributed.worker.profile.enabled": False,
}


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
            dask.config.set(_CONFIG),
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
