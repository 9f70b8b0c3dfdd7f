"""Says whether this machine can fetch and build the dataset, and what to do where it cannot.

    python scripts/doctor.py           # a table
    python scripts/doctor.py --json    # the same, to be read by a program

Nothing is fetched and nothing is left behind. Exit code 0: all that is needed is there;
1: something is not; 2: an option has a value that it cannot have.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
from collections.abc import Iterable
from dataclasses import asdict

try:
    from dancereid_pipeline.cli.flags import add_network_flags, read_network, run
    from dancereid_pipeline.doctor.check import Check
    from dancereid_pipeline.doctor.software import all_there, checks
except ModuleNotFoundError as missing:
    # Whoever asks a doctor may not have installed anything yet.
    raise SystemExit(
        f"doctor: {missing}. In the checkout, 'pip install .' installs what this Python "
        f"({sys.executable}) needs."
    ) from missing

_OPTIONS = ("annotation", "archive", "video_url", "cookies", "proxy", "download_dir")


def main() -> int:
    """Parses the command line, looks, prints."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_network_flags(parser, *_OPTIONS)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    arguments = parser.parse_args()
    given = [name for name in _OPTIONS if getattr(arguments, name) is not None]
    found = checks(read_network(arguments), given)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # paths may hold any bytes
    ready = all_there(found)
    if arguments.json:
        print(json.dumps({"ready": ready, "checks": [asdict(c) for c in found]}, indent=2))
    else:
        print(table(found))
        missing = ", ".join(check.name for check in found if check.state == "no")
        print(f"\n{f'Not ready: {missing}.' if missing else 'Ready: all that is needed is there.'}")
    return 0 if ready else 1


def table(found: Iterable[Check]) -> str:
    """A line a check: name, state, what was found; below it what to do."""
    found = list(found)
    width = max(len(check.name) for check in found)
    indent = " " * (width + len("  warning  "))
    lines = []
    for check in found:
        lines.append(f"{check.name:<{width}}  {check.state:<7}  {check.found}")
        if check.advice:
            lines.append(f"{indent}-> {check.advice}")
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(run("doctor", main))
