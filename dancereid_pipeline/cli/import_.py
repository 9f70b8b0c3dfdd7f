"""Makes a data folder of videos in another format: tracks, annotation, catalogue, links to clips.

mot: folders in the layout of MOTChallenge or DanceTrack. coco: JSON of keypoints with tracks, as
PoseTrack18 has it. It prints what was taken, what was left
out, and what is wrong or doubtful in the folder. Exit code 0: nothing was found; 1: it failed, or
something is wrong; 2: wrong usage; 3: something is doubtful.
"""

from __future__ import annotations

import argparse

import dancereid

from ..importers.import_data import FORMATS
from .flag_types import local_path
from .network_flags import documented, help_text

EXAMPLES = (
    "  dancereid import DanceTrack --from mot --output my_data\n"
    "  dancereid import MOT20/train --from mot --split trainval --output my_data\n"
    "  dancereid import MOT20/train --from mot --results my_tracker --output my_data\n"
    "  dancereid import posetrack_data/annotations --from coco --output my_data"
)


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Adds the flags of this command."""
    texts = documented(dancereid.import_data)
    parser.add_argument("source", metavar="SOURCE", help=help_text(texts.get("source", "")))
    parser.add_argument(
        "--from",
        dest="source_format",
        choices=FORMATS,
        required=True,
        help="the format of the source",
    )
    parser.add_argument(
        "--output",
        required=True,
        type=local_path,
        metavar="FOLDER",
        help=help_text(texts.get("output", "")),
    )
    parser.add_argument("--split", metavar="SPLIT", help=help_text(texts.get("split", "")))
    parser.add_argument("--results", metavar="FOLDER", help=help_text(texts.get("results", "")))


def main(arguments: argparse.Namespace) -> int:
    """Imports, and prints what was taken and found."""
    done = dancereid.import_data(
        arguments.source,
        arguments.output,
        source_format=arguments.source_format,
        split=arguments.split,
        results=arguments.results,
    )
    print(done.to_json() if arguments.json else done)
    if done.check.wrong:
        return 1
    return 3 if done.check.doubtful else 0
