"""Pushes configs to the Hugging Face Hub, where they load by name without this package.

    python scripts/push_to_hub.py USER/NAME --prepared dancereid   # what prepare.py wrote
    python scripts/push_to_hub.py USER/NAME --config paper         # built first, if need be

The repository is private unless --public is given: the data shows people's faces. Other
configs that are there stay. A push that broke off is gone on with when it is run again; what
was pushed is read back and compared. The token is that of `hf auth login`, or HF_TOKEN.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import dancereid
from dancereid_pipeline.cli.flags import add_build_flags, build_options, run
from dancereid_pipeline.common.errors import OptionError
from dancereid_pipeline.publish.push import Pushed, check_push


def main() -> int:
    """Parses the command line, builds if need be, pushes, says where."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", metavar="USER/NAME", help="of the dataset on the Hub")
    parser.add_argument(
        "--prepared", metavar="FOLDER", help="push what prepare.py wrote there, or --config of it"
    )
    parser.add_argument("--public", action="store_true", help="let everybody see it")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a summary")
    add_build_flags(parser)
    arguments = parser.parse_args()
    options = build_options(arguments)
    if arguments.prepared is not None and options:
        raise OptionError(
            f"--prepared: what lies in {arguments.prepared} is pushed as it is, so "
            f"{', '.join(options)} cannot be given. Give them to prepare.py."
        )
    pushed = []
    for each in _pushes(arguments, options):
        pushed.append({**asdict(each), "lines": each.lines})
        if not arguments.json:
            print(each)
    if arguments.json:
        print(json.dumps(pushed))
    return 0


def _pushes(arguments: argparse.Namespace, options: dict[str, Any]) -> Iterator[Pushed]:
    """One push of a folder, or one a config that is built."""
    if arguments.prepared is not None:
        yield dancereid.push_to_hub(
            arguments.prepared, arguments.name, configs=arguments.config, public=arguments.public
        )
        return
    check_push(arguments.name, public=arguments.public)
    for config in arguments.config or ["paper"]:
        dataset = dancereid.load_dataset(config, **options)
        yield dancereid.push_to_hub(dataset, arguments.name, public=arguments.public)


if __name__ == "__main__":
    raise SystemExit(run("push_to_hub", main))
