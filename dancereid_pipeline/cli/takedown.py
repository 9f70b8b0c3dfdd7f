"""Takes videos, or a person, out of a prepared folder or of a dataset on the Hub.

New shards, counts, card and picture are made without them. What was taken out stays out: a
later prepare does not build it again. On the Hub, the history is squashed, branches and tags that
have the old files are deleted, and the files are purged; what can still be had is said. That cannot
be undone, so the command asks first; --dry-run only shows what would be removed.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from ..common.errors import OptionError
from ..publish.hub_takedown import TakenFromHub, take_down_from_hub
from ..publish.prepared_folder import folder_or_name
from ..publish.takedown import TakenDown, take_down
from .build_flags import add_storage_flag
from .flag_types import video_id

EXAMPLES = (
    "  dancereid takedown dancereid-data demo_Waltz1 --dry-run     # what would be removed\n"
    "  dancereid takedown USER/NAME VIDEO_ID                       # from the Hub, for good\n"
    "  dancereid takedown USER/NAME VIDEO_ID --person 17           # only one person of it"
)


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Adds the flags of this command."""
    parser.add_argument(
        "dataset", metavar="FOLDER_OR_NAME", help="a folder that dancereid prepare wrote, or its "
        "address; or USER/NAME on the Hub",
    )  # fmt: skip
    parser.add_argument("videos", nargs="+", metavar="VIDEO_ID", type=video_id, help="the videos")
    parser.add_argument(
        "--person", type=int, metavar="ID", help="only this person (global id) of the one video"
    )
    parser.add_argument("--dry-run", action="store_true", help="only show what would be removed")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    add_storage_flag(parser)


def main(arguments: argparse.Namespace) -> int:
    """Shows what would be removed, asks, removes it, prints what was removed."""
    if not arguments.dry_run and not arguments.yes:
        if not sys.stdin.isatty():
            raise OptionError(
                "This cannot be undone, and nobody can be asked here. Look at what it does with "
                "--dry-run, then give --yes."
            )
        print(_take_down(arguments, dry_run=True), file=sys.stderr)
        if input("Remove this for good? Type yes: ").strip().lower() != "yes":
            print("Nothing was changed.", file=sys.stderr)
            return 1
    done = _take_down(arguments, dry_run=arguments.dry_run)
    print(json.dumps(asdict(done)) if arguments.json else done)
    return 0


def _take_down(arguments: argparse.Namespace, *, dry_run: bool) -> TakenDown | TakenFromHub:
    videos, person = arguments.videos, arguments.person
    is_store = "://" in arguments.dataset
    found = arguments.dataset if is_store else folder_or_name(arguments.dataset)
    if isinstance(found, Path) or is_store:
        options = dict(arguments.storage_option)
        return take_down(found, videos, person=person, dry_run=dry_run, storage_options=options)
    return take_down_from_hub(found, videos, person=person, dry_run=dry_run)
