"""Loads the bundled demo, prints its coverage, and draws a picture of its people."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import dancereid

from ..preview.contact_sheet import contact_sheet
from .flag_types import local_path
from .outputs import check_picture

EXAMPLES = "  dancereid demo\n  dancereid demo --output people.png"


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Adds the flags of this command."""
    parser.add_argument(
        "--output",
        type=local_path,
        default=Path("out/demo.png"),
        metavar="FILE.png",
        help="the picture to write (default: %(default)s)",
    )


def main(arguments: argparse.Namespace) -> int:
    """Loads the demo, prints its coverage, draws the picture."""
    check_picture("--output", arguments.output)
    splits = dancereid.load_dataset("demo")
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    contact_sheet(splits).save(arguments.output)
    coverage, picture = dancereid.coverage(splits), arguments.output.resolve()
    if arguments.json:
        print(json.dumps({"coverage": json.loads(coverage.to_json()), "picture": str(picture)}))
        return 0
    print(f"{coverage}\n\nAn example has these columns:")
    for name, feature in splits["trainval"].features.items():
        print(f"  {name:<10} {feature}")
    print(f"\nCrops of all 12 people, every second crop with its pose: {picture}")
    return 0
