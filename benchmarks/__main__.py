"""Runs all benchmarks, or those that are named; prints a table and writes JSON.

python -m benchmarks [NAME ...] [--runs 5] [--json FILE]
"""

from __future__ import annotations

import argparse
import importlib
import json
from importlib.util import find_spec
from pathlib import Path

from benchmarks.harness import Figure, Size, machine, table

# Each is a file.
NAMES = (
    *("build", "num_proc", "memory", "import_time", "dataloader", "frame_skipping"),
    *("units", "export", "many_videos", "evaluation", "preview", "training"),
)
_NEED_TORCH = {"training"}


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help=f"which of {', '.join(NAMES)} to run; all by default",
    )
    parser.add_argument(
        "--runs",
        type=int,
        default=5,
        help="runs to count, after one that does not count (default: %(default)s)",
    )
    parser.add_argument(
        "--json", type=Path, default=Path(__file__).with_name("results.json"), help="file to write"
    )
    parser.add_argument(
        "--tiny", action="store_true", help="only see whether they run; the figures mean nothing"
    )
    arguments = parser.parse_args()
    if unknown := sorted(set(arguments.names) - set(NAMES)):
        parser.error(f"no benchmark {', '.join(unknown)}; choose from {', '.join(NAMES)}")
    size = Size(max(1, arguments.runs), arguments.tiny)
    found: dict[str, list[Figure]] = {}
    for name in arguments.names or NAMES:
        if name in _NEED_TORCH and not find_spec("torch"):
            print(f"{name}: left out, since it needs the extra 'train'")
            continue
        found[name] = importlib.import_module(f"benchmarks.{name}").measure(size)
        print(f"\n{name}, {size.runs} runs\n\n{table(found[name])}\n", flush=True)
    results = {
        "on": machine(),
        "runs": size.runs,
        "tiny": size.tiny,
        "figures": {name: [figure.as_dict() for figure in of] for name, of in found.items()},
    }
    arguments.json.write_text(json.dumps(results, indent=1))
    print("\n".join(f"{name}: {value}" for name, value in results["on"].items()))
    print(
        f"\n{table(figure for of in found.values() for figure in of)}\n\nwritten: {arguments.json}"
    )


if __name__ == "__main__":
    main()
