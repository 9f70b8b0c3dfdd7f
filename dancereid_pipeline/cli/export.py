"""Writes a folder that re-ID code or a tracker reads, from the videos or from a built dataset.

Layouts: published (what the published training code reads; --skeleton, --split-folder and --h5
are parts of it), market1501 (torchreid, fast-reid), open-reid; and for trackers mot (MOTChallenge)
and coco-video (JSON of keypoints), with all annotated frames unless --stride is given. The folder
gets its name when it is complete. Run the command again to resume an interrupted export. Exit code
0: the folder is complete (missing videos are listed); 1: it failed; 2: wrong usage; 130:
interrupted.
"""

from __future__ import annotations

import argparse
from typing import Any

from ..common.errors import OptionError
from ..export.export import refuse_output, write_folder
from ..export.layouts import ALL_LAYOUTS, LayoutOptions
from ..export.sample_source import Contents, from_dataset, from_videos
from ..publish.prepared_folder import load_prepared
from .build_flags import (
    UNIT_OPTIONS,
    add_build_flags,
    add_dataset_flag,
    build_options,
    refuse_options,
    request_of,
)
from .outputs import check_folder

EXAMPLES = (
    "  dancereid export --layout market1501 -j 4                          # fetches, if needed\n"
    "  dancereid export --config demo --layout open-reid --output demo\n"
    "  dancereid export --dataset dancereid-data --layout market1501      # what was prepared"
)
# Options that can also be given with --dataset.
_WITH_DATASET = ("catalogue", "num_proc")


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Adds the flags of this command."""
    parser.add_argument(
        "--layout", choices=ALL_LAYOUTS, default="published", help="default: %(default)s"
    )
    defaults = ", ".join(dict.fromkeys(kind.default_folder for kind in ALL_LAYOUTS.values()))
    parser.add_argument(
        "--output",
        metavar="FOLDER",
        help=f"the folder to make (default: named after the layout: {defaults})",
    )
    parser.add_argument(
        "--split-folder", action="store_true", help="layout published: one folder for each video"
    )
    parser.add_argument(
        "--h5", action="store_true", help="layout published: also write an HDF5 file; needs h5py"
    )
    parser.add_argument(
        "--frames", action="store_true", help="layouts mot, coco-video: also write all frames, JPEG"
    )
    parser.add_argument("--force", action="store_true", help="replace the folder if it exists")
    add_dataset_flag(parser)
    add_build_flags(parser, without=("missing", "cache_dir", *UNIT_OPTIONS))


def main(arguments: argparse.Namespace) -> int:
    """Fetches what is missing, writes the folder, prints a summary."""
    layout = LayoutOptions(
        layout=arguments.layout,
        split_folder=arguments.split_folder,
        h5=arguments.h5,
        frames=arguments.frames,
    )
    if layout.tracking and arguments.dataset is not None:
        raise OptionError(
            f"--dataset: layout '{arguments.layout}' has bboxes and keypoints in pixels of the "
            "video, which a built dataset has not. Leave out --dataset: then the videos are used."
        )
    if arguments.skeleton and arguments.layout != "published":
        raise OptionError(
            f"--skeleton: only layout 'published' has skeletons, not '{arguments.layout}'."
        )
    output = arguments.output or layout.kind.default_folder
    check_folder(refuse_output(output, force=arguments.force))
    written = write_folder(
        _contents(arguments, build_options(arguments), layout),
        output,
        layout,
        processes=arguments.num_proc or 1,
        force=arguments.force,
    )
    print(written.to_json() if arguments.json else written)
    return 0


def _contents(
    arguments: argparse.Namespace, options: dict[str, Any], layout: LayoutOptions
) -> Contents:
    """The samples for the folder, from a dataset or from the videos; fetches what is missing."""
    if arguments.dataset is not None:
        refuse_options([name for name in options if name not in _WITH_DATASET], arguments.dataset)
        return from_dataset(load_prepared(arguments.dataset, arguments.config), arguments.catalogue)
    every_frame = {"stride": 1} if layout.tracking else {}
    request = request_of(arguments.config, {**every_frame, **options})
    request.fetch()
    return from_videos(request, tracking=layout.tracking, frames=layout.frames)
