"""Writes a folder that re-ID code reads, from the videos or from a dataset that was built.

Layouts: published (what the published training code reads; --skeleton, --split-folder and --h5
are parts of it), market1501 (torchreid, fast-reid), open-reid. The folder appears under its
name when it is whole. Run again, what was interrupted is resumed. Exit code 0: it is there,
missing videos are listed; 1: nothing was written; 2: wrong usage; 130: interrupted.
"""

from __future__ import annotations

import argparse
from typing import Any

from ..common.errors import OptionError
from ..export.export import refuse_output, write_folder
from ..export.layouts import LAYOUTS, LayoutOptions
from ..export.sample_source import Contents, from_dataset, from_videos
from ..publish.prepared_folder import load_prepared
from .build_flags import (
    add_build_flags,
    add_dataset_flag,
    build_options,
    refuse_options,
    request_of,
)
from .outputs import check_folder

EXAMPLES = (
    "  dancereid export --layout market1501 -j 4                          # fetched if need be\n"
    "  dancereid export --config demo --layout open-reid --output demo\n"
    "  dancereid export --dataset dancereid-data --layout market1501      # what was prepared"
)
# Can be given with --dataset, too.
_OF_ANY = ("catalogue", "num_proc")


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Adds the flags of this command."""
    parser.add_argument(
        "--layout", choices=LAYOUTS, default="published", help="default: %(default)s"
    )
    defaults = ", ".join(dict.fromkeys(kind.default_folder for kind in LAYOUTS.values()))
    parser.add_argument(
        "--output",
        metavar="FOLDER",
        help=f"the folder to make (default: named after the layout: {defaults})",
    )
    parser.add_argument(
        "--split-folder", action="store_true", help="layout published: a folder a video"
    )
    parser.add_argument(
        "--h5", action="store_true", help="layout published: an HDF5 file, too; needs h5py"
    )
    parser.add_argument("--force", action="store_true", help="replace the folder if it is there")
    add_dataset_flag(parser)
    add_build_flags(parser, without=("missing", "cache_dir"))


def main(arguments: argparse.Namespace) -> int:
    """Fetches if need be, writes, prints a summary."""
    layout = LayoutOptions(
        layout=arguments.layout, split_folder=arguments.split_folder, h5=arguments.h5
    )
    if arguments.skeleton and arguments.layout != "published":
        raise OptionError(
            f"--skeleton: skeletons are a part of layout 'published', not of '{arguments.layout}'."
        )
    output = arguments.output or layout.kind.default_folder
    check_folder(refuse_output(output, force=arguments.force))
    written = write_folder(
        _contents(arguments, build_options(arguments)),
        output,
        layout,
        processes=arguments.num_proc or 1,
        force=arguments.force,
    )
    print(written.to_json() if arguments.json else written)
    return 0


def _contents(arguments: argparse.Namespace, options: dict[str, Any]) -> Contents:
    """What the folder is to hold: of a dataset, or of the videos, fetched if need be."""
    if arguments.dataset is not None:
        refuse_options([name for name in options if name not in _OF_ANY], arguments.dataset)
        return from_dataset(load_prepared(arguments.dataset, arguments.config), arguments.catalogue)
    request = request_of(arguments.config, options)
    request.fetch()
    return from_videos(request)
