"""Checks whether this machine can fetch and build the dataset, and says what to do if not.

It fetches nothing and leaves nothing behind. Exit code 0: nothing is missing; 1: something is
missing; 2: wrong usage.
"""

from __future__ import annotations

import argparse
import io
import sys

from ..doctor.doctor import doctor
from .network_flags import add_network_flags

EXAMPLES = "  dancereid doctor\n  dancereid doctor --json"
_OPTIONS = ("annotation", "archive", "video_url", "cookies", "proxy", "download_dir")


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Adds the flags of this command."""
    add_network_flags(parser, *_OPTIONS)


def main(arguments: argparse.Namespace) -> int:
    """Checks, and prints the findings."""
    found = doctor(**{name: getattr(arguments, name) for name in _OPTIONS})
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # paths may hold any bytes
    print(found.to_json() if arguments.json else found)
    return 0 if found.ready else 1
