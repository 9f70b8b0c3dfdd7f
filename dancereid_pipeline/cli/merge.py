"""Joins what was built in parts, or the copies of two people.

With one folder: the parts that `dancereid prepare --part` wrote there become the dataset. With
two or more, and --output: of each video the better copy goes into a new folder, so that people
with different videos have all of them together. Each may be USER/NAME on the Hub. Copies must be
made with the same version, options and catalogue.
"""

from __future__ import annotations

import argparse
import json

from ..common.errors import OptionError
from ..common.storage import Storage
from ..publish.merge import merge
from ..publish.merge_copies import merge_copies
from .build_flags import add_storage_flag
from .flag_types import path_or_address
from .outputs import check_folder
from .prepare import summary

EXAMPLES = (
    "  dancereid merge /shared/data                       # after prepare --part 1/40 ... 40/40\n"
    "  dancereid merge mine yours --output ours           # two people's copies\n"
    "  dancereid merge mine USER/NAME --output ours       # one of them on the Hub"
)


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Adds the flags of this command."""
    parser.add_argument(
        "folders",
        nargs="+",
        type=path_or_address,
        metavar="FOLDER",
        help="a folder that dancereid prepare wrote, or its address; several: copies to join",
    )
    parser.add_argument(
        "--output",
        type=path_or_address,
        metavar="FOLDER",
        help="where joined copies go; a new folder",
    )
    add_storage_flag(parser)


def main(arguments: argparse.Namespace) -> int:
    """Merges, prints what the folder has."""
    options = dict(arguments.storage_option)
    if len(arguments.folders) == 1:
        if arguments.output:
            raise OptionError(
                "--output: the parts of one folder are joined in it. Leave --output out, or name "
                "the folders of several copies."
            )
        where = arguments.folders[0]
        builds = merge(where, storage_options=options)
    else:
        if not arguments.output:
            raise OptionError(
                "--output: is needed for several folders: where the joined copy goes."
            )
        where = arguments.output
        local = Storage.of(where, options).local
        if local is not None:
            check_folder(local)
        builds = merge_copies(arguments.folders, where, storage_options=options)
    if arguments.json:
        print(json.dumps([json.loads(build.to_json()) for build in builds]))
    else:
        print(summary(where, Storage.of(where, options)))
    return 0
