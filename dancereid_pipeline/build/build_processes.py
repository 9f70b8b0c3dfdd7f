"""What `datasets` builds with: its processes, which may be killed, and its cache on a disk."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from queue import Empty
from typing import Any

import datasets.builder

from ..common.errors import DanceReIDError
from ..common.files import usable
from ..common.parallel import ctrl_c_ignored

_TICK_S = 0.05


@contextmanager
def orderly_processes() -> Iterator[None]:
    """Builds in this context end on Ctrl-C with one KeyboardInterrupt, in this process.

    `datasets` would let every process print a traceback, and would raise a TimeoutError here. It
    has no setting for this, so the two functions that it uses are replaced meanwhile.
    """
    before = datasets.builder.Pool, datasets.builder.iflatmap_unordered

    def pool(*arguments: Any, **options: Any) -> Any:
        with ctrl_c_ignored():
            return before[0](*arguments, **options)

    datasets.builder.Pool, datasets.builder.iflatmap_unordered = pool, _results
    try:
        yield
    finally:
        datasets.builder.Pool, datasets.builder.iflatmap_unordered = before


def usable_cache(folder: str | Path) -> AbstractContextManager[None]:
    """Turns what the disk refuses in the cache into a `SourceError`."""
    return usable(Path(folder), "or name another folder (cache_dir=, --cache-dir)")


def _results(
    pool: Any, task: Callable[..., Iterable[Any]], *, kwargs_iterable: Iterable[dict[str, Any]]
) -> Iterator[Any]:
    """What a task yields for each of the keywords, in a pool's processes, as it comes.

    Raises:
        DanceReIDError: a process was killed.
        Exception: what a task raised.
    """
    with ctrl_c_ignored():
        manager = pool._ctx.Manager()
    with manager:
        queue = manager.Queue()
        calls = [pool.apply_async(_put, (queue, task, kwargs)) for kwargs in kwargs_iterable]
        processes = _pids(pool)
        while not (all(call.ready() for call in calls) and queue.empty()):
            with suppress(Empty):
                yield queue.get(timeout=_TICK_S)
            if _pids(pool) != processes:  # a pool starts another one
                raise DanceReIDError(
                    "A process of the build was ended from outside, maybe because memory ran out. "
                    "Run it again; if memory ran out, with fewer processes (num_proc=, -j)."
                )
        for call in calls:
            call.get()


def _pids(pool: Any) -> set[int]:
    return {process.pid for process in pool._pool}


def _put(queue: Any, task: Callable[..., Iterable[Any]], kwargs: dict[str, Any]) -> None:
    for result in task(**kwargs):
        queue.put(result)
