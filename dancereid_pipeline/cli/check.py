"""Says all that is wrong or doubtful in a data folder: videos of your own, or DanceReID's.

It reads the catalogue, the annotation and all tracks, and looks which clips are there. Without
--decode it decodes nothing, so it takes seconds. Exit code 0: nothing was found; 1: something is
wrong; 2: wrong usage; 3: nothing is wrong, but something is doubtful.

With --drop, nothing is checked: the annotation is written without what was ticked on the page.
"""

from __future__ import annotations

import argparse
import json

import dancereid

from ..catalogue.catalogue import CONFIGS
from ..checks.doubtful_runs import drop_ticked
from ..checks.folder_check import resolve_folder
from ..common.errors import OptionError
from ..common.validation import checked_path
from .flag_types import video_id
from .network_flags import documented, help_text

EXAMPLES = (
    "  dancereid check my_videos                       # its catalogue is my_videos/catalogue.csv\n"
    "  dancereid check my_dancereid --config full      # DanceReID's own videos\n"
    "  dancereid check my_videos --json\n"
    "  dancereid check my_videos --page doubtful.html\n"
    "  dancereid check my_videos --drop doubtful.json --output my_videos/annotation.json"
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
    parser.add_argument("--page", metavar="FILE", help=help_text(texts.get("page", "")))
    parser.add_argument(
        "--drop", metavar="FILE", help="write an annotation without what this file has ticked"
    )
    parser.add_argument(
        "--output",
        metavar="FILE",
        help="with --drop: the annotation to write",
    )


def main(arguments: argparse.Namespace) -> int:
    """Checks the folder, and prints what was found; or drops what was ticked."""
    if (arguments.drop is None) != (arguments.output is None):
        raise OptionError("--drop and --output: expected both or none of them.")
    if arguments.drop is not None:
        return _drop(arguments)
    found = dancereid.check(
        arguments.folder,
        config=arguments.config,
        catalogue=arguments.catalogue,
        videos=arguments.videos,
        decode=arguments.decode,
        page=arguments.page,
    )
    print(found.to_json() if arguments.json else found)
    if found.wrong:
        return 1
    return 3 if found.doubtful else 0


def _drop(arguments: argparse.Namespace) -> int:
    """Writes the annotation without what was ticked, and prints how much that was."""
    folder, _, catalogue = resolve_folder(arguments.folder, arguments.config, arguments.catalogue)
    ticked, output = (checked_path(f"--{n}", getattr(arguments, n)) for n in ("drop", "output"))
    dropped = drop_ticked(folder / "annotation.json", catalogue, ticked, output)
    found = {"output": str(output), "dropped": dropped}
    print(json.dumps(found) if arguments.json else f"{output}: {dropped:,} detections dropped")
    return 0
