"""What the scripts have in common: flags of the network, and how a command ends."""

from __future__ import annotations

import argparse
import gc
import sys
from collections.abc import Callable
from typing import Any, TypeAlias

from ..build.options import KEYPOINTS, MISSING
from ..catalogue.catalogue import CONFIGS
from ..common.errors import DanceReIDError, OptionError
from ..transfer.settings import BROWSERS, Network, variable

Flags: TypeAlias = "argparse.ArgumentParser | argparse._ArgumentGroup"

# Each option's placeholder and what it is.
_FLAGS = {
    "annotation": ("PLACE", "address or path of an annotation.json; the published one if left out"),
    "archive": (
        "PLACE",
        "the tracks: address or path of an archive, folder of npy files, or link of a file on "
        "Google Drive; the published archive if left out",
    ),
    "video_url": (
        "PATTERN",
        "address of a video, with {download_id}, {video_id} or {clip} in it, for example "
        "'http://mirror.lab/videos/{clip}.mp4'; YouTube if left out",
    ),
    "cookies": (
        "FILE",
        f"a cookies.txt, or browser:NAME, NAME being one of {', '.join(BROWSERS)}",
    ),
    "proxy": ("ADDRESS", "http://, https:// or socks5:// and so on"),
    "rate": ("BYTES", "bytes a second at most, for example 500K or 2M; no limit if left out"),
    "time_limit": ("SECONDS", "how long one video may take; its part is kept for the next time"),
    "download_dir": (
        "FOLDER",
        "where what is fetched is kept; beside Hugging Face's caches if left out",
    ),
}


def add_build_flags(parser: argparse.ArgumentParser) -> None:
    """Adds the flags that say what to build, and from what."""
    build = parser.add_argument_group("what to build, and from what")
    build.add_argument(
        "--config",
        nargs="+",
        choices=CONFIGS,
        metavar="CONFIG",
        help=f"one or several of {', '.join(CONFIGS)} (paper if left out)",
    )
    build.add_argument(
        "--data-dir", metavar="FOLDER", help="with videos/, npy/ and annotation.json"
    )
    build.add_argument("--catalogue", metavar="CSV", help="of videos of your own")
    build.add_argument("--videos", nargs="+", metavar="ID", help="only these video ids")
    build.add_argument("--stride", type=int, help="frames whose number it divides; 5 if left out")
    build.add_argument(
        "--image-size", type=int, nargs=2, metavar=("HEIGHT", "WIDTH"), help="256 128 if left out"
    )
    build.add_argument("--jpeg-quality", type=int, metavar="Q", help="1 to 95; 75 if left out")
    build.add_argument("--skeleton", action="store_true", default=None, help="a column of poses")
    build.add_argument("--keypoints", choices=KEYPOINTS, help="exact if left out")
    build.add_argument("--missing", choices=MISSING, help="what if videos are; skip if left out")
    build.add_argument("--cache-dir", metavar="FOLDER", help="where builds are kept")
    build.add_argument(
        "-j", "--num-proc", type=int, metavar="N", help="videos built side by side; 1 if left out"
    )
    add_network_flags(build)


def build_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """What the flags say, as keywords of `load_dataset`; what was not given is left out."""
    names = (
        *("data_dir", "catalogue", "videos", "stride", "image_size", "jpeg_quality", "skeleton"),
        *("keypoints", "missing", "cache_dir", "num_proc", *_FLAGS),
    )
    given = {name: getattr(arguments, name) for name in names}
    return {name: value for name, value in given.items() if value is not None}


def add_network_flags(parser: Flags, *names: str) -> None:
    """Adds the flags of these options of `Network`, of all if none is named."""
    for name in names or _FLAGS:
        metavar, text = _FLAGS[name]
        parser.add_argument(
            f"--{name.replace('_', '-')}", metavar=metavar, help=f"{text} ({variable(name)})"
        )


def read_network(arguments: argparse.Namespace) -> Network:
    """The flags that were given, else the environment, else as published.

    Raises:
        OptionError: one of them has a value that it cannot have.
    """
    return Network.read(vars(arguments))


def run(name: str, command: Callable[[], int]) -> int:
    """Runs a command: what is wrong becomes a line on stderr, not a traceback.

    Args:
        name: of the script, before the line.
        command: does the work, and returns the exit code.

    Returns:
        The command's exit code; 1 if it failed, 2 for an option's value, 130 if interrupted.
    """
    try:
        return command()
    except OptionError as error:
        code, said = 2, str(error)
    except (DanceReIDError, OSError) as error:
        code, said = 1, str(error)
    except KeyboardInterrupt:
        code, said = 130, "interrupted; what came so far is kept"
    gc.collect()  # progress bars that the error held open end here, not below its message
    print(f"{name}: {said}", file=sys.stderr)
    return code
