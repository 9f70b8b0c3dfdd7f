"""What the scripts have in common: flags of the network, and how a command ends."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from .errors import DanceReIDError, OptionError
from .network import BROWSERS, Network, variable

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


def add_network_flags(parser: argparse.ArgumentParser, *names: str) -> None:
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
        print(f"{name}: {error}", file=sys.stderr)
        return 2
    except (DanceReIDError, OSError) as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"{name}: interrupted; what came so far is kept", file=sys.stderr)
        return 130
