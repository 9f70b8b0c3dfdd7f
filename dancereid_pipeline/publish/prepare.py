"""A config -> a folder in the Hub's layout, which loads anywhere without this code.

dancereid/
README.md     the dataset card; croissant.json is the same for programs
paper/        one folder for each config; of other units, as paper-tracklet/
trainval-003-VIDEOID.parquet   one shard for each video; its row in the catalogue is 3
003-VIDEOID.json               what is known of the video
build.json    coverage, figures, checksums
people.jpg    for the card
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..build.config import DanceReIDConfig
from ..build.coverage import Coverage
from ..build.options import UNITS
from ..build.plan import Plan, warn_of_missing
from ..build.prepared_names import check_name, prepared_name
from ..catalogue.catalogue import CONFIGS
from ..common.errors import KEPT, MissingVideosError, OptionError, SourceError, interruptible
from ..common.files import usable
from ..common.reasons import Reason
from ..common.report import Report
from ..common.storage import Storage
from ..common.validation import one_of, whole_number
from ..shards.build_record import Build
from ..shards.build_shard import ShardJob
from ..shards.engines import run_by, run_here
from ..shards.shard_jobs import jobs_of, part_of
from ..shards.shard_record import ShardRecord
from .found_records import Found, parts_of
from .loaded_dataset import put_dataset
from .merge import alone_in, merge_config
from .prepared_folder import check_other_build, check_output

logger = logging.getLogger("dancereid")


def prepare(
    data: str | Mapping[str, Any],
    output: str | Path,
    *,
    name: str | None = None,
    force: bool = False,
    num_proc: int | None = None,
    executor: Executor | None = None,
    storage_options: Mapping[str, Any] | None = None,
    **options: Any,
) -> Build:
    """Writes a config into a folder in the Hub's layout: a Parquet file for each video.

    A config that is named is built. A video that the folder has already is kept, if it was made of
    the same files with the same options. So an interrupted run is resumed, and one more video costs
    only that video. Other configs in the folder stay, and the card describes all of them.
    Of another unit than crops, the config in the folder is `CONFIG-tracklet` or `CONFIG-frame`.

    Args:
        data: the name of a config, which is built; or all splits of a dataset, as `load_dataset`
            gives them: of a build, or of a folder that was prepared before.
        output: the folder, or its address in a store that fsspec knows (`s3://...`); it is made if
            it does not exist. Its README.md is replaced.
        name: what config "own" is called there: 1 to 50 small letters, digits, - and _. So a folder
            may have several.
        force: replace what the folder has of the config, if it is of other data.
        num_proc: number of processes that build. One video is built by one process.
        executor: what builds instead: any executor of `concurrent.futures`, or Dask's
            `client.get_executor()`. Its workers must see the inputs and the folder.
        storage_options: what fsspec is called with for addresses, of the output and of inputs, for
            example credentials. Its own configuration holds as well.
        **options: the options of `DanceReIDConfig`, for example `stride=1`.

    Returns:
        What was written.

    Raises:
        DanceReIDError: an option or an input is not valid, no video can be used, a dataset is not a
            complete build, the folder has other files with these names or another build, or it
            cannot be written.
    """
    storage = output_storage(output, storage_options)
    if not isinstance(data, str):
        given = {**options, "num_proc": num_proc, "executor": executor}
        if names := [name for name, value in given.items() if value is not None]:
            raise OptionError(
                f"{', '.join(names)}: a dataset that was loaded is written as it is. Give these "
                "with the name of a config, which is built."
            )
        return put_dataset(data, storage, name=name, force=force)
    one_of("config", data, tuple(CONFIGS))
    check_name(data, name)
    folder = prepared_name(data, _unit(options), name)
    with usable(storage), interruptible(KEPT), alone_in(storage, folder):
        options = {**options, "storage_options": storage_options}
        config, plan, jobs = _planned(data, name, storage, options, force=force)
        records = _build(jobs, storage, num_proc, executor, force=force)
        _check_coverage(config, plan, records)
        return merge_config(storage, folder, config.title)


def _unit(options: Mapping[str, Any]) -> str:
    unit: str = options.get("unit", "crop")
    one_of("unit", unit, UNITS)
    return unit


def output_storage(output: str | Path, options: Mapping[str, Any] | None) -> Storage:
    """The folder to write into. If it is on this machine, the options are for the inputs alone."""
    return Storage.of(output, options if "://" in str(output) else None)


@dataclass(frozen=True, repr=False)
class Part(Report):
    """One part of a build that several runs share.

    Attributes:
        config: name of the config.
        number: number of the part, from 1.
        parts: number of parts.
        videos: number of its videos.
        missing: video id -> why it gave no image, for those of its videos that gave none.
        images: number of its images.
    """

    config: str
    number: int
    parts: int
    videos: int
    missing: Mapping[str, Reason]
    images: int

    def as_dict(self) -> dict[str, Any]:
        """Its fields, as JSON has them."""
        return {**asdict(self), "missing": {k: r.value for k, r in self.missing.items()}}

    def __str__(self) -> str:
        lines = [
            f"Part {self.number} of {self.parts} of '{self.config}': {self.videos} videos, "
            f"{self.images:,} images"
        ]
        lines += [f"  {video_id}: {reason.value}" for video_id, reason in self.missing.items()]
        return "\n".join([*lines, "When all parts are there: dancereid merge FOLDER"])


def prepare_part(
    config: str,
    output: str | Path,
    number: int,
    parts: int,
    *,
    name: str | None = None,
    force: bool = False,
    num_proc: int | None = None,
    storage_options: Mapping[str, Any] | None = None,
    **options: Any,
) -> Part:
    """Builds one of several parts of a config, which `merge` joins when all are there.

    The parts may be built at the same time, on several machines, in any order. Each needs the same
    inputs and options. A part has whole videos; it may be empty.

    Args:
        config: name of the config.
        output: the folder, which is the same for all parts.
        number: number of the part, from 1.
        parts: number of parts.
        name: as for `prepare`.
        force: as for `prepare`.
        num_proc: as for `prepare`.
        storage_options: as for `prepare`.
        **options: as for `prepare`.

    Raises:
        DanceReIDError: as `prepare`.
    """
    one_of("config", config, tuple(CONFIGS))
    check_name(config, name)
    whole_number("parts", parts, 1, 10**6)
    whole_number("number of the part", number, 1, parts)
    storage = output_storage(output, storage_options)
    options = {**options, "storage_options": storage_options}
    with usable(storage), interruptible(KEPT):
        check_output(storage, [prepared_name(config, _unit(options), name)])
        _, _, jobs = _planned(config, name, storage, options, force=force)
        mine = part_of(jobs, number, parts)
        records = _build(mine, storage, num_proc, None, force=force)
    outcomes = [record.outcome for record in records]
    return Part(
        config=config,
        number=number,
        parts=parts,
        videos=len(outcomes),
        missing={o.video_id: o.reason for o in outcomes if not o.images},
        images=sum(o.images for o in outcomes),
    )


def _planned(
    data: str, name: str | None, storage: Storage, options: Mapping[str, Any], *, force: bool
) -> tuple[DanceReIDConfig, Plan, list[ShardJob]]:
    """Fetches what is missing, and finds the inputs of each video."""
    config = DanceReIDConfig(name=data, **options)
    request = config.request()
    if not force:
        check_other_build(storage, request, name)
    storage.check_writable()
    request.fetch()
    plan = request.plan()
    plan.splits()  # raises an error if all videos are missing
    if plan.missing and config.missing == "error":
        raise plan.missing_error("Expected all videos, since missing='error'; not found")
    warn_of_missing(plan)
    return config, plan, jobs_of(plan, request.title, name)


def _build(
    jobs: Sequence[ShardJob],
    storage: Storage,
    processes: int | None,
    executor: Executor | None,
    *,
    force: bool,
) -> list[ShardRecord]:
    """Builds the videos that are not there yet. Returns the record of each of the jobs.

    Raises:
        SourceError: a video is there that was made of other files, and `force` is not set.
    """
    if not jobs:
        return []
    found = Found.of(storage, jobs[0].build.config)
    found.refuse_other_parts(jobs[0].build, force=force)
    kept, waiting = {}, []
    for job in jobs:
        record = found.fitting(job)
        if record is None:
            _refuse_other_files(job, found, force=force)
            waiting.append(found.without_taken_down(job))
        else:
            kept[job.name] = record
    if kept:
        logger.info("%d of %d videos are there already.", len(kept), len(jobs))
    parts = parts_of(storage, jobs[0].build.config)
    run = run_by(executor, waiting, parts) if executor else run_here(waiting, parts, processes or 1)
    built = {record.name: record for record in run}
    return [built.get(job.name) or kept[job.name] for job in jobs]


def _refuse_other_files(job: ShardJob, found: Found, *, force: bool) -> None:
    old = found.old.get(job.name)
    if old is None or not old.shards or force:
        return
    why = "; ".join(old.build.differences(job.build)) or "its clip, tracks or annotation changed"
    raise SourceError(
        f"{found.output}/{found.config} holds another build: {old.outcome.video_id} was made "
        f"otherwise ({why}). Build such videos again with --force (force=True), or name another "
        "folder; nothing was built."
    )


def _check_coverage(config: DanceReIDConfig, plan: Plan, records: Sequence[ShardRecord]) -> None:
    """Says what is missing, or refuses it, before the records are merged.

    Raises:
        DanceReIDError: there is no image; or not every image, and `missing` is "error".
    """
    outcomes = tuple(record.outcome for record in records)
    coverage = Coverage(plan.config, plan.options.as_dict(), outcomes)
    if not any(coverage.splits.values()):
        raise MissingVideosError(f"Not one image could be made.\n{coverage}")
    if not coverage.whole and config.missing == "error":
        raise MissingVideosError(f"Expected all images, since missing='error'.\n{coverage}")
    if config.at_defaults:
        coverage.check_counts()
    if not coverage.whole or coverage.findings:
        logger.warning("%s", coverage)
