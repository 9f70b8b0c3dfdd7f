"""Builds configs and writes them into a folder as Parquet with a dataset card.

The folder loads in any recent `datasets`, without this package, and can be pushed to the Hub.
A config that the folder already has stays; --force replaces it.
"""

from __future__ import annotations

import argparse
import json

import dancereid

from ..common.storage import Storage
from ..publish.prepared_folder import Prepared, check_other_build, check_output
from .build_flags import add_build_flags, build_options, request_of
from .flag_types import local_path
from .outputs import check_folder

EXAMPLES = (
    "  dancereid prepare --config paper --output dancereid-data -j 4\n"
    "  dancereid prepare --config demo --output dancereid-data     # adds another config"
)


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Adds the flags of this command."""
    parser.add_argument(
        "--output",
        required=True,
        type=local_path,
        metavar="FOLDER",
        help="the folder to write into",
    )
    parser.add_argument(
        "--force", action="store_true", help="replace configs that the folder has with other data"
    )
    add_build_flags(parser, several=True, without=("cache_dir",))


def main(arguments: argparse.Namespace) -> int:
    """Builds the configs, writes them, prints what the folder has."""
    configs, output = arguments.config or ["paper"], arguments.output
    options = build_options(arguments)
    check_folder(output)
    folder = Storage.of(output)
    check_output(folder, configs)
    for config in configs:
        request = request_of(config, options)
        if not arguments.force:
            check_other_build(folder, config, request.options, request.videos)
    builds = [dancereid.prepare(c, output, force=arguments.force, **options) for c in configs]
    if arguments.json:
        print(json.dumps([json.loads(build.to_json()) for build in builds]))
    else:
        print(Prepared.read(output))
    return 0
