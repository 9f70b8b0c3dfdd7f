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
    "-n": "--archive",
    "-a": "--annotation",
    "-o": "--output",
    "-d": "--stride",
    "-gs": "--skeleton",
    "-h5": "--h5",
}

if __name__ == "__main__":
    raise SystemExit(main(["export", *(_FLAGS.get(word, word) for word in sys.argv[1:])]))
