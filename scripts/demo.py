"""Loads the bundled demo, says what is in it, and leaves a picture of it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import dancereid
from dancereid_pipeline.preview.contact_sheet import contact_sheet


def main() -> int:
    """Parses the command line, loads, prints, draws."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("out/demo.png"),
        help="where the picture goes (default: %(default)s)",
    )
    output = parser.parse_args().output
    splits = dancereid.load_dataset("demo")
    print(f"\n{dancereid.coverage(splits)}\n")
    for name, feature in splits["trainval"].features.items():
        print(f"  {name:<10} {feature}")
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        contact_sheet(splits).save(output)
    except (OSError, ValueError) as error:  # ValueError: no picture format has that ending
        print(f"demo: cannot write {output}: {error}. Name another --output.", file=sys.stderr)
        return 1
    print(f"\nCrops of all 12 people, every second one with its pose: {output.resolve()}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
