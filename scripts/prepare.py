"""Builds configs and writes them into a folder in the Hub's layout: Parquet and a dataset card.

    python scripts/prepare.py --config paper --output dancereid -j 4
    python scripts/prepare.py --config demo --output dancereid     # beside it

Beside the folder, `load_dataset("dancereid")` then works in any recent `datasets`, without this
package. A config that is there already stays as it is, unless --force says to replace it.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import dancereid
from dancereid_pipeline.cli.flags import add_build_flags, build_options, run
from dancereid_pipeline.publish.prepared_folder import Prepared, check_output


def main() -> int:
    """Parses the command line, builds, writes, says what there is."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--output", required=True, type=Path, help="the folder to write into")
    parser.add_argument(
        "--force", action="store_true", help="replace configs that are there with other data"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a summary")
    add_build_flags(parser)
    arguments = parser.parse_args()
    configs = arguments.config or ["paper"]
    check_output(arguments.output, configs)
    builds = []
    for config in configs:
        dataset = dancereid.load_dataset(config, **build_options(arguments))
        builds.append(dancereid.prepare(dataset, arguments.output, force=arguments.force))
    if arguments.json:
        print(json.dumps([json.loads(build.to_json()) for build in builds]))
    else:
        print(Prepared.read(arguments.output))
    return 0


if __name__ == "__main__":
    raise SystemExit(run("prepare", main))
