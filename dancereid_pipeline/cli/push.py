"""Pushes configs to the Hugging Face Hub, where they load by name without this package.

The repository is private unless --public or --gated is given: the data shows people's faces.
With --gated all see the dataset, and people must say who they are and what for to get its
files. Other configs of the repository stay. Run it again to resume an interrupted push. What
was pushed is read back and compared. The token is that of `hf auth login`, or HF_TOKEN.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import dancereid

from ..publish.access import GATES
from ..publish.push import Pushed, check_push
from .build_flags import (
    add_build_flags,
    build_options,
    name_in_dataset,
    refuse_options,
    request_of,
)

EXAMPLES = (
    "  dancereid push USER/NAME --dataset dancereid-data   # what dancereid prepare wrote\n"
    "  dancereid push USER/NAME --config paper             # builds it first, if needed\n"
    "  dancereid push USER/NAME --dataset dancereid-data --gated manual"
)


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Adds the flags of this command."""
    parser.add_argument("repo", metavar="USER/NAME", help="the dataset on the Hub")
    parser.add_argument(
        "--dataset",
        metavar="FOLDER",
        help="push a folder that dancereid prepare wrote (or its --config) instead of building",
    )
    access = parser.add_mutually_exclusive_group()
    access.add_argument("--public", action="store_true", help="make the repository public")
    access.add_argument(
        "--gated",
        choices=GATES,
        help="make it visible, with a gate before its files: auto lets everybody in who fills in "
        "the form, manual leaves it to you",
    )
    target = parser.add_mutually_exclusive_group()
    target.add_argument(
        "--create-pr", action="store_true", help="open a pull request instead of changing main"
    )
    target.add_argument(
        "--revision", metavar="BRANCH", help="push to this branch; it is made if need be"
    )
    add_build_flags(parser, several=True)


def main(arguments: argparse.Namespace) -> int:
    """Builds if needed, pushes, prints the address."""
    options = build_options(arguments)
    if arguments.dataset is not None:
        unit = options.pop("unit", None)
        refuse_options(options, arguments.dataset)
        names = [name_in_dataset(config, unit) for config in arguments.config or [None]]
        arguments.config = names if arguments.config else None
    pushed = []
    for each in _pushes(arguments, options):
        pushed.append({**asdict(each), "lines": each.lines})
        if not arguments.json:
            print(each)
    if arguments.json:
        print(json.dumps(pushed))
    return 0


def _pushes(arguments: argparse.Namespace, options: dict[str, Any]) -> Iterator[Pushed]:
    """Pushes the folder once, or builds and pushes each config."""
    access = {"public": arguments.public, "gated": arguments.gated}
    target = {"revision": arguments.revision, "create_pr": arguments.create_pr}
    if arguments.dataset is not None:
        yield dancereid.push_to_hub(
            arguments.dataset, arguments.repo, configs=arguments.config, **access, **target
        )
        return
    configs = arguments.config or ["paper"]
    for config in configs:
        request_of(config, options)  # refuses a wrong option before the Hub is asked
    check_push(arguments.repo, **access, revision=arguments.revision)
    for config in configs:
        dataset = dancereid.load_dataset(config, **options)
        pushed = dancereid.push_to_hub(dataset, arguments.repo, **access, **target)
        yield pushed
        # All configs go into one pull request.
        target = {"revision": pushed.branch, "create_pr": target["create_pr"] and not pushed.branch}
