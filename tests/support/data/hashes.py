"""Loads datasets and prints hashes of their examples: a program for an environment of its own.

Reads a line of JSON for each: the arguments of `datasets.load_dataset`. Answers with a line
of JSON: the hashes by split.
"""

from __future__ import annotations

import json
import sys

import datasets

from tests.support.data.folders import all_contents


def main() -> None:
    """The program."""
    for line in sys.stdin:
        arguments = json.loads(line)
        if arguments["path"] == "dancereid":
            import dancereid  # noqa: F401  # only here: a script must do without
        print(json.dumps(all_contents(datasets.load_dataset(**arguments))), flush=True)


if __name__ == "__main__":
    main()
