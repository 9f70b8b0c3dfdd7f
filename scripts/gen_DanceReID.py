"""The published command, with the published flags; `dancereid export` does the work.

    python scripts/gen_DanceReID.py -i VIDEOS -n NPY -a ANNOTATION -o OUTPUT -d 5 -gs

Whatever else `dancereid export` takes can be given, too.
"""

from __future__ import annotations

import sys

try:
    from dancereid_pipeline.cli.main import main
except ModuleNotFoundError:
    raise SystemExit(
        f"gen_DanceReID: dancereid is not installed for {sys.executable}. Install it: "
        "pip install . in a checkout of dancereid"
    ) from None

_FLAGS = {
    "-i": "--data-dir",
    "--input-path": "--data-dir",
    "-n": "--archive",
    "--npy-path": "--archive",
    "-a": "--annotation",
    "-o": "--output",
    "--output-path": "--output",
    "-d": "--stride",
    "--down-sample": "--stride",
    "-gs": "--skeleton",
    "--gen-skeleton": "--skeleton",
    "-h5": "--h5",
}
# "Do not write an image again": `dancereid export` never does.
_NEEDLESS = ("-nd", "--no-duplicate")


def _translated(word: str) -> str:
    name, equals, value = word.partition("=")
    return f"{_FLAGS.get(name, name)}{equals}{value}"


if __name__ == "__main__":
    words = [_translated(word) for word in sys.argv[1:] if word not in _NEEDLESS]
    raise SystemExit(main(["export", *words]))
