"""Fetches the videos, and only those, into a folder; the catalogue names them.

    python scripts/crawl_videos.py videos                     # the 33 of DanceReID
    python scripts/crawl_videos.py videos my_catalogue.csv

Run again, it fetches what is missing, goes on with what broke off, and asks again only for
what may come back. `manifest.json` in the folder has what came of each video, and why.
Exit code 0: all are there; 3: some are not; 1: nothing could be done; 2: wrong usage;
130: interrupted.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from dancereid_pipeline.catalogue.catalogue import Catalogue
from dancereid_pipeline.cli.flags import add_network_flags, read_network, run
from dancereid_pipeline.fetch.crawl import crawl


def main() -> int:
    """Parses the command line, crawls, prints what came of it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="where the clips go; made if it is not there")
    parser.add_argument(
        "catalogue", nargs="?", help="a CSV, a row a video; DanceReID's own if left out"
    )
    parser.add_argument(
        "--config",
        choices=("paper", "full", "published"),
        default="full",
        help="whose videos (default: %(default)s)",
    )
    parser.add_argument("--videos", nargs="+", metavar="ID", help="only these video ids")
    parser.add_argument("--again", action="store_true", help="ask also for videos that were gone")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a summary")
    add_network_flags(parser, "video_url", "cookies", "proxy", "rate", "time_limit")
    arguments = parser.parse_args()
    catalogue = Catalogue.read(arguments.catalogue)
    videos = catalogue.choose(arguments.config, arguments.videos)
    network = read_network(arguments)
    found = crawl(arguments.folder, catalogue, videos, network, again=arguments.again)
    print(found.to_json() if arguments.json else found)
    return 0 if found.whole else 3


if __name__ == "__main__":
    raise SystemExit(run("crawl_videos", main))
