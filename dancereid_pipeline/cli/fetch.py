"""Fetches the annotation, the tracks and the videos; or, into a folder, only videos.

Run it again to fetch what is missing and to resume what was interrupted; it asks again only for
videos that may come back. Without FOLDER, load_dataset finds the files. With FOLDER,
manifest.json in the folder has the outcome of each video. Exit code 0: no video is missing;
3: videos are missing; 1: it failed; 2: wrong usage; 130: interrupted.
"""

from __future__ import annotations

import argparse
import json

from ..build.request import Request
from ..catalogue.catalogue import CONFIGS, Catalogue
from ..common.errors import OptionError
from ..fetch.crawl import crawl
from ..transfer.settings import Network
from .build_flags import add_options, build_options, request_of
from .flag_types import local_path
from .network_flags import add_network_flags, flag

EXAMPLES = (
    "  dancereid fetch\n  dancereid fetch videos\n  dancereid fetch videos my_catalogue.csv --json"
)
_NOT_FOR_VIDEOS = ("annotation", "archive", "download_dir")


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Adds the flags of this command."""
    parser.add_argument(
        "folder",
        nargs="?",
        type=local_path,
        metavar="FOLDER",
        help="fetch only videos, into this folder; it is made if it does not exist",
    )
    parser.add_argument(
        "csv",
        nargs="?",
        metavar="CSV",
        help="the catalogue of these videos, as --catalogue (default: that of DanceReID)",
    )
    parser.add_argument(
        "--config",
        choices=[name for name in CONFIGS if name != "demo"],
        default="full",
        help="fetch the videos of this config (default: %(default)s)",
    )
    add_options(parser, "catalogue", "videos")
    parser.add_argument(
        "--again", action="store_true", help="also ask for videos that were gone the last time"
    )
    add_network_flags(parser.add_argument_group("addresses and network"))


def main(arguments: argparse.Namespace) -> int:
    """Fetches, and prints the outcomes."""
    return _fetch_all(arguments) if arguments.folder is None else _fetch_videos(arguments)


def _fetch_videos(arguments: argparse.Namespace) -> int:
    given = [flag(name) for name in _NOT_FOR_VIDEOS if getattr(arguments, name) is not None]
    if given:
        raise OptionError(
            f"{given[0]}: with FOLDER, only videos are fetched. Leave out {given[0]}; or leave "
            "out FOLDER to fetch annotation and tracks, too."
        )
    catalogue = Catalogue.read(arguments.csv or arguments.catalogue)
    videos = catalogue.choose(arguments.config, arguments.videos)
    network = Network.read(vars(arguments))
    found = crawl(arguments.folder, catalogue, videos, network, again=arguments.again)
    print(found.to_json() if arguments.json else found)
    return 0 if found.whole else 3


def _fetch_all(arguments: argparse.Namespace) -> int:
    request = request_of(arguments.config, build_options(arguments))
    request.fetch(again=arguments.again)
    print(_summary(request, as_json=arguments.json))
    return 3 if request.plan().missing else 0


def _summary(request: Request, *, as_json: bool) -> str:
    """What the download folder has now, and why videos are missing."""
    folder, missing = request.store.network.download_dir, request.plan().missing
    ids = [video.video_id for video in request.videos]
    if as_json:
        videos = [
            {"video_id": name, "outcome": missing[name].reason.value, "detail": str(missing[name])}
            if name in missing
            else {"video_id": name, "outcome": "used"}
            for name in ids
        ]
        return json.dumps({"folder": str(folder), "whole": not missing, "videos": videos}, indent=1)
    count = len(ids) - len(missing)
    lines = [f"{folder}: annotation, tracks, and {count} of {len(ids)} videos"]
    lines += [f"  {name}: {why.reason.value}. {why}" for name, why in missing.items()]
    return "\n".join(lines)
