"""Trains and scores the published methods, and writes a page with the published figures beside.

A training that is in the folder already is kept, or continued: the same command, again, does what
is left. The folder gets README.md, table.json and a folder for each training. It needs the extra
'train'.
"""

from __future__ import annotations

import argparse
import json

import dancereid

from ..training.methods import METHODS, PUBLISHED_SCORES
from ..training.reproduce import PAGE, check_reproduction
from .build_flags import load
from .train import FLAGS, add_training_flags, decoding_workers

EXAMPLES = (
    "  dancereid reproduce --config published --preset published --select published \\\n"
    "      --device cuda --output table\n"
    "  dancereid reproduce --config paper --methods softmax strong --seeds 3 --device cuda \\\n"
    "      --output table"
)
_FLAGS = [name for name in FLAGS if name not in ("seed", "resume")]


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Adds the flags of this command."""
    parser.add_argument(
        "--methods",
        nargs="+",
        choices=METHODS,
        default=list(PUBLISHED_SCORES),
        metavar="METHOD",
        help=f"the methods, of {', '.join(METHODS)} (default: those that were published)",
    )
    parser.add_argument(
        "--seeds", type=int, default=1, metavar="N", help="trainings of each (default: 1)"
    )
    add_training_flags(parser, _FLAGS)


def main(arguments: argparse.Namespace) -> int:
    """Loads the dataset, trains what is not trained yet, prints the scores."""
    options = {name: getattr(arguments, name) for name in [*_FLAGS, "methods", "seeds"]}
    checked = {name: value for name, value in options.items() if name != "workers"}
    check_reproduction(arguments.output, **checked)  # before a build, which may take an hour
    options["workers"] = decoding_workers(arguments.device, arguments.workers)
    results = dancereid.reproduce(load(arguments), arguments.output, **options)
    if arguments.json:
        print(json.dumps(results))
        return 0
    for runs in results.values():
        for run in runs:
            scores = ", ".join(f"{name} {score:.2f}" for name, score in run["test"].items())
            print(f"{run['method']}, seed {run['seed']}: {scores}")
    print(f"Page: {arguments.output / PAGE}")
    return 0
