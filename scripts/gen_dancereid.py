"""Writes a folder that re-ID code reads, from the videos or from a dataset that was built.

    python scripts/gen_dancereid.py -i VIDEOS -n NPY -a ANNOTATION     # the published command
    python scripts/gen_dancereid.py --layout market1501 -j 4           # fetched where they are
    python scripts/gen_dancereid.py --dataset ./dancereid --layout open-reid   # of prepare.py

Layouts: published (that of the published training code; -gs, --split-folder and -h5 are parts
of it), market1501 (torchreid, fast-reid), open-reid. The folder appears under its name when it is
whole; run again, what was interrupted goes on. Exit code 0: it is there, videos may be missing
and are listed; 1: nothing was written; 2: wrong usage; 130: interrupted.
"""

from __future__ import annotations

import argparse

import dancereid
from dancereid_pipeline.build.options import KEYPOINTS
from dancereid_pipeline.catalogue.catalogue import CONFIGS
from dancereid_pipeline.cli.flags import add_network_flags, run
from dancereid_pipeline.common.errors import OptionError
from dancereid_pipeline.export.export import write_folder
from dancereid_pipeline.export.layouts import LAYOUTS, LayoutOptions
from dancereid_pipeline.export.sample_source import Contents, from_dataset, from_videos
from dancereid_pipeline.publish.prepared_folder import load_prepared

_NETWORK = ("video_url", "cookies", "proxy", "rate", "time_limit", "download_dir")
# Which options of a dataset shape its samples: of one that was built, they are what they are.
_OF_VIDEOS = ("data_dir", "archive", "annotation", "stride", "skeleton", "keypoints", *_NETWORK)


def main() -> int:
    """Parses the command line, fetches if need be, writes, prints a summary."""
    arguments = _parser().parse_args()
    options = LayoutOptions(
        layout=arguments.layout, split_folder=arguments.split_folder, h5=arguments.h5
    )
    if arguments.skeleton and arguments.layout != "published":
        raise OptionError(
            f"-gs: skeletons are a part of layout 'published', not of '{arguments.layout}'."
        )
    contents = _of_dataset(arguments) if arguments.dataset else _of_videos(arguments)
    written = write_folder(
        contents,
        arguments.output or LAYOUTS[arguments.layout].default_folder,
        options,
        processes=arguments.num_proc,
        force=arguments.force,
    )
    print(written.to_json() if arguments.json else written)
    return 0


def _of_videos(arguments: argparse.Namespace) -> Contents:
    given = {name: getattr(arguments, name) for name in (*_OF_VIDEOS, "catalogue")}
    options = {name: value for name, value in given.items() if value is not None}
    config = arguments.config or "paper"
    request = dancereid.DanceReIDConfig(name=config, **options).request()
    request.fetch()
    return from_videos(request)


def _of_dataset(arguments: argparse.Namespace) -> Contents:
    given = [name for name in _OF_VIDEOS if getattr(arguments, name) is not None]
    if given:
        raise OptionError(
            f"--dataset: {arguments.dataset} was built already, so {', '.join(given)} cannot be "
            "given. Build it with them: scripts/prepare.py has the same options."
        )
    return from_dataset(load_prepared(arguments.dataset, arguments.config), arguments.catalogue)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    source = parser.add_argument_group("what it is made from")
    source.add_argument(
        "-i", "--input-path", "--data-dir", dest="data_dir", metavar="FOLDER",
        help="the videos; -n and -a may then be left out if npy/ and annotation.json are in it",
    )  # fmt: skip
    source.add_argument(
        "-n", "--npy-path", "--archive", dest="archive", metavar="PLACE",
        help="the tracks: a folder of npy files or an archive, its path or address",
    )  # fmt: skip
    source.add_argument(
        "-a", "--annotation", metavar="PLACE", help="path or address of an annotation.json"
    )
    source.add_argument("--catalogue", metavar="CSV", help="of videos of your own")
    source.add_argument("--config", choices=CONFIGS, help="paper if left out")
    source.add_argument("--demo", dest="config", action="store_const", const="demo")
    source.add_argument(
        "--dataset",
        metavar="PLACE",
        help="instead of all that: a folder of prepare.py (./dancereid), or a name on the Hub",
    )
    add_network_flags(source, *_NETWORK)
    images = parser.add_argument_group("the images")
    images.add_argument(
        "-d", "--down-sample", dest="stride", type=int, metavar="D",
        help="take frames whose number it divides; 5 if left out, as in the paper; 1 is all",
    )  # fmt: skip
    images.add_argument("--keypoints", choices=KEYPOINTS, help="exact if left out")
    images.add_argument(
        "-gs", "--gen-skeleton", dest="skeleton", action="store_true", default=None,
        help="pictures of the poses, too",
    )  # fmt: skip
    folder = parser.add_argument_group("the folder")
    folder.add_argument(
        "-o", "--output-path", dest="output", metavar="FOLDER",
        help="to be made; named after the layout if left out",
    )  # fmt: skip
    folder.add_argument("--layout", choices=LAYOUTS, default="published", help="%(default)s")
    folder.add_argument("--split-folder", action="store_true", help="a folder a video")
    folder.add_argument("-h5", action="store_true", help="an HDF5 file, too; needs h5py")
    folder.add_argument("--force", action="store_true", help="replace it if it is there")
    parser.add_argument(
        "-j", "--num-proc", type=int, default=1, metavar="N", help="videos side by side"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a summary")
    return parser


if __name__ == "__main__":
    raise SystemExit(run("gen_dancereid", main))
