"""Says all that is wrong or doubtful in a data folder: videos of your own, or DanceReID's.

It reads the catalogue, the annotation and all tracks, and looks which clips are there. Without
--decode it decodes nothing, so it takes seconds. Exit code 0: nothing was found; 1: something is
wrong; 2: wrong usage; 3: nothing is wrong, but something is doubtful.
"""

from __future__ import annotations

import argparse

import dancereid

from ..catalogue.catalogue import CONFIGS
from .flag_types import video_id
from .network_flags import documented, help_text

EXAMPLES = (
    "  dancereid check my_videos                       # its catalogue is my_videos/catalogue.csv\n"
    "  dancereid check my_dancereid --config full      # DanceReID's own videos\n"
    "  dancereid check my_videos --json"
)


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Adds the flags of this command."""
    texts = documented(dancereid.check)
    parser.add_argument("folder", metavar="FOLDER", help=help_text(texts.get("folder", "")))
    parser.add_argument(
        "--config",
        choices=CONFIGS,
        metavar="CONFIG",
        help=help_text(texts.get("config", "")),
    )
    parser.add_argument("--catalogue", metavar="CSV", help=help_text(texts.get("catalogue", "")))
    parser.add_argument(
        "--videos",
        metavar="ID",
        nargs="+",
        type=video_id,
        help=help_text(texts.get("videos", "")),
    )

    parser.add_argument("--decode", action="store_true", help=help_text(texts.get("decode", "")))


def main(arguments: argparse.Namespace) -> int:
    """Checks the folder, and prints what was found."""
    found = dancereid.check(
        arguments.folder,
        config=arguments.config,
        catalogue=arguments.catalogue,
        videos=arguments.videos,
        decode=arguments.decode,
    )
    print(found.to_json() if arguments.json else found)
    if found.wrong:
        return 1
    return 3 if found.doubtful else 0
