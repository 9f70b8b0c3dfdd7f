"""Builds configs into a folder as Parquet with a dataset card.

The folder loads in any recent `datasets`, without this package, and can be pushed to the Hub.
Run the command again to resume an interrupted build: what is there is kept. So one more video
costs only that video. A config that the folder already has with other data stays; --force
replaces it.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager

import dancereid

from ..build.prepared_names import check_name, prepared_name
from ..catalogue.catalogue import CONFIGS
from ..common.errors import OptionError
from ..common.storage import Storage
from ..common.validation import one_of
from ..publish.prepare import output_storage, prepare_part
from ..publish.prepared_folder import (
    Prepared,
    builds_in,
    check_other_build,
    check_output,
    summary_lines,
)
from .build_flags import add_build_flags, build_options, request_of
from .flag_types import part, path_or_address
from .outputs import check_folder

EXAMPLES = (
    "  dancereid prepare --config paper --output dancereid-data -j 4\n"
    "  dancereid prepare --config demo --output dancereid-data     # adds another config\n"
    "  dancereid prepare --unit tracklet --output dancereid-data    # adds paper-tracklet\n"
    "  dancereid prepare --output /shared/data --part $SLURM_ARRAY_TASK_ID/40   # then: merge\n"
    "  dancereid prepare --output s3://bucket/data --engine dask --scheduler tcp://HOST:8786"
)


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Adds the flags of this command."""
    parser.add_argument(
        "--output",
        required=True,
        type=path_or_address,
        metavar="FOLDER",
        help="the folder to write into, or its address (s3://, gs://)",
    )
    parser.add_argument(
        "--force", action="store_true", help="replace configs that the folder has with other data"
    )
    parser.add_argument(
        "--name",
        metavar="CONFIG",
        help="what config own is called in the folder: 1 to 50 small letters, digits, - and _",
    )
    group = parser.add_argument_group("many machines")
    group.add_argument(
        "--part",
        type=part,
        metavar="K/N",
        help="build only the K-th of N parts, for example in an array job; then: dancereid merge",
    )
    group.add_argument(
        "--engine",
        choices=("local", "dask"),
        default="local",
        help="what builds: processes of this machine (-j), or the workers of Dask",
    )
    group.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        help="of Dask, for example tcp://HOST:8786; without it, -j workers on this machine",
    )
    add_build_flags(parser, several=True, without=("cache_dir",))


def main(arguments: argparse.Namespace) -> int:
    """Builds the configs, prints what the folder has."""
    configs = arguments.config or ["paper"]
    options = build_options(arguments)
    storage = output_storage(arguments.output, dict(arguments.storage_option))
    _check(arguments)
    if storage.local is not None:
        check_folder(storage.local)
    unit = arguments.unit or "crop"
    for config in configs:
        one_of("config", config, tuple(CONFIGS))
        check_name(config, arguments.name)
    check_output(storage, [prepared_name(config, unit, arguments.name) for config in configs])
    for config in configs:
        request = request_of(config, options)
        if not arguments.force:
            check_other_build(storage, request, arguments.name)
    options |= {"force": arguments.force, "name": arguments.name}
    if arguments.part:
        number, parts = arguments.part
        done = [prepare_part(c, arguments.output, number, parts, **options) for c in configs]
        if arguments.json:
            print(json.dumps([each.as_dict() for each in done]))
        else:
            print(*done, sep="\n")
        return 0
    with _executor(arguments) as executor:
        if executor:
            options.pop("num_proc", None)
        builds = [
            dancereid.prepare(c, arguments.output, executor=executor, **options) for c in configs
        ]
    if arguments.json:
        print(json.dumps([json.loads(build.to_json()) for build in builds]))
    else:
        print(summary(arguments.output, storage))
    return 0


def summary(output: str, storage: Storage) -> str:
    """What a prepared folder has, and how to load it."""
    if storage.local is not None:
        return str(Prepared.read(output))
    builds = builds_in(storage)
    files = {
        split: f"{storage}/{builds[0].config}/{split}-*.parquet" for split in builds[0].statistics
    }
    load = f'  load_dataset("parquet", data_files={json.dumps(files)}, storage_options=...)'
    return "\n".join([*summary_lines(str(storage), builds), "To load it:", load])


def _check(arguments: argparse.Namespace) -> None:
    """Refuses flags that exclude each other."""
    if arguments.scheduler and arguments.engine != "dask":
        raise OptionError("--scheduler: is the address of Dask's scheduler. Add --engine dask.")
    if arguments.part and arguments.engine != "local":
        raise OptionError("--part: Dask shares out the videos. Leave out --part or --engine.")


@contextmanager
def _executor(arguments: argparse.Namespace) -> Iterator[Executor | None]:
    """Dask's executor, if it is asked for."""
    if arguments.engine == "local":
        yield None
        return
    from ..shards.dask_engine import dask_executor

    with dask_executor(arguments.scheduler, arguments.num_proc) as executor:
        yield executor
