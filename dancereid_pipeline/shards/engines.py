"""Runs the jobs of a build: in processes of this machine, or by an executor, as Dask has one."""

from __future__ import annotations

import functools
import logging
import socket
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Executor, Future, as_completed
from contextlib import closing

from ..build.options import UNIT_NAMES
from ..common.cpu import cores, share_cores
from ..common.errors import DanceReIDError, SourceError, VideoError
from ..common.files import usable
from ..common.parallel import side_by_side
from ..common.progress import progress
from ..common.storage import Storage
from ..common.store_path import AnyPath
from .build_shard import ShardJob, build_shard, shard_steps
from .shard_jobs import annotated_frames
from .shard_record import ShardRecord

logger = logging.getLogger("dancereid")


def run_here(
    jobs: Sequence[ShardJob], output: Storage, processes: int = 1
) -> Iterator[ShardRecord]:
    """Builds videos in processes of this machine; shows progress example by example.

    Args:
        jobs: the videos.
        output: the folder for shards and records.
        processes: number of processes; with 1, the work is done in this process.

    Yields:
        The record of each video, when it is done.

    Raises:
        DanceReIDError: a process was killed twice for the same video; or as `build_shard`.
    """
    if not jobs:
        return
    total = sum(job.video.expected_examples for job in jobs)
    unit = UNIT_NAMES[jobs[0].video.options.unit]
    task = functools.partial(_steps, output)
    with (
        progress(desc="Building", unit=f" {unit}", total=total) as bar,
        closing(side_by_side(task, jobs, processes)) as steps,
    ):
        for index, is_done, record in steps:
            if record is not None:
                yield record
            elif not is_done:
                bar.update()
                bar.set_postfix_str(jobs[index].video.video.video_id, refresh=False)


def _steps(output: Storage, job: ShardJob) -> Generator[None, None, ShardRecord]:
    return shard_steps(job, output)


def run_by(executor: Executor, jobs: Sequence[ShardJob], output: Storage) -> Iterator[ShardRecord]:
    """Builds videos by an executor; shows progress video by video.

    A task whose worker is lost, or that fails otherwise than by an error of this project, is
    submitted once more.

    Args:
        executor: any of `concurrent.futures`, or one of the same kind, as `Client.get_executor` of
            Dask gives it. Its workers must see the inputs and the output.
        jobs: the videos.
        output: the folder for shards and records.

    Yields:
        The record of each video, when it is done.

    Raises:
        DanceReIDError: a task failed twice, or the executor takes none; or as `build_shard`.
    """
    if not jobs:
        return
    # The longest first: or the last one of all may be long, and all workers but one idle.
    ordered = sorted(jobs, key=annotated_frames, reverse=True)
    running = {_submit(executor, job, output): job for job in ordered}
    lost: set[str] = set()
    try:
        with progress(desc="Building", unit=" videos", total=len(jobs)) as bar:
            while running:
                for future in as_completed(list(running)):
                    job = running.pop(future)
                    if (record := _result(future, job, lost)) is None:
                        running[_submit(executor, job, output)] = job
                        continue
                    bar.update()
                    yield record
    finally:
        for future in running:
            future.cancel()


def _submit(executor: Executor, job: ShardJob, output: Storage) -> Future[ShardRecord]:
    try:
        return executor.submit(_build_on_worker, job, output)
    except Exception as error:  # what an executor that is broken or closed raises is its own
        raise DanceReIDError(
            f"{job.video.video.video_id}: the executor takes no tasks ({type(error).__name__}: "
            f"{' '.join(str(error).split())[:300]}). Maybe a worker was killed, for example "
            "because memory ran out. Make a new executor and run it again: it continues from there."
        ) from error


def _build_on_worker(job: ShardJob, output: Storage) -> ShardRecord:
    """What a worker runs. An executor runs as many tasks as it has cores, so each has one."""
    share_cores(cores())
    try:
        _require_inputs(job)
        return build_shard(job, output)
    except SourceError as error:
        raise SourceError(f"The worker on {socket.gethostname()}: {error}") from error


def _require_inputs(job: ShardJob) -> None:
    """Refuses to build a video whose files this worker does not see: the driver found them.

    Raises:
        SourceError: it does not see one, which would else be taken for a broken one.
    """
    files = job.video.files
    if isinstance(files, VideoError):
        return
    for path in (files.clip, files.tracks.path):
        with usable(path, "or name inputs that all workers can read"):
            if isinstance(path, AnyPath) and not path.exists():
                raise SourceError(
                    f"{path}: is not there. Inputs must be at paths that all workers share, or at "
                    "addresses that all workers can read."
                )


def _result(future: Future[ShardRecord], job: ShardJob, lost: set[str]) -> ShardRecord | None:
    """The record; None if the task is to be submitted once more, which `lost` remembers."""
    try:
        return future.result()
    except DanceReIDError:
        raise
    except Exception as error:  # what an executor raises for a lost worker is its own
        cause = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
        if job.name in lost:
            raise DanceReIDError(
                f"{job.video.video.video_id}: the worker that built it was lost, or failed, twice "
                f"({cause}). Look into the workers' logs, maybe memory ran out; then run it again: "
                "it continues from there."
            ) from error
        lost.add(job.name)
        logger.warning("%s: is built once more (%s).", job.video.video.video_id, cause)
        return None
