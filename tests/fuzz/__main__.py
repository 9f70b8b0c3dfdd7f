"""Tries readers with files that are changed at random: `python -m tests.fuzz clips --count 1000`.

Each reader is tried in a child process, so that a crash is seen as well. A file must be read, or
be refused with a `DanceReIDError`, in bounded time and memory.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dancereid_pipeline.common.errors import DanceReIDError

from .readers import READERS, changed

# Far above what a file of some kB needs, and far below what harms.
CPU_SECONDS = 20
ADDRESS_SPACE = 3 << 30


class _TooLongError(BaseException):
    """One file took too long."""


def _refuse(_signal: int, _frame: object) -> None:
    raise _TooLongError


def _outcome(read: Callable[[Path], object], path: Path) -> str | None:
    """What came of a file: None if it was read, else the error."""
    signal.setitimer(signal.ITIMER_VIRTUAL, CPU_SECONDS)
    try:
        read(path)
    except DanceReIDError:
        return "refused"
    except (Exception, _TooLongError):  # noqa: BLE001  # whatever it is, it is shown
        return traceback.format_exc()
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    return None


def _child(name: str, seed: int, count: int, folder: Path) -> None:
    """Tries a reader; prints what came of it, as JSON."""
    reader = READERS[name]
    signal.signal(signal.SIGVTALRM, _refuse)
    seeds = reader.seeds(folder)
    for path in seeds:
        reader.read(path)  # so that the readers are known to read; it imports what comes late
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    found: dict[str, Any] = {"read": 0, "refused": 0, "surprises": {}}
    for path in changed(name, seeds, seed, count):
        outcome = _outcome(reader.read, path)
        if outcome is None or outcome == "refused":
            found[outcome or "read"] += 1
        else:
            found["surprises"][path.name] = outcome
            shutil.copy(path, folder / "kept")
    print(json.dumps(found))


def attack(name: str, seed: int, count: int, kept: Path) -> dict[str, Any]:
    """Tries a reader in a child process.

    Args:
        name: of the reader, see `READERS`.
        seed: other seeds give other files.
        count: number of changed files.
        kept: the folder for files that caused a surprise.

    Returns:
        "read" and "refused", numbers of files; "surprises", by file name what happened.
    """
    with tempfile.TemporaryDirectory() as folder:
        kept.mkdir(parents=True, exist_ok=True)
        Path(folder, "kept").symlink_to(kept.absolute())
        command = [sys.executable, "-m", "tests.fuzz", name, "--child", folder]
        done = subprocess.run(
            [*command, "--seed", str(seed), "--count", str(count)],
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | {"PYTHONFAULTHANDLER": "1"},
        )
        if done.returncode == 0:
            return json.loads(done.stdout.splitlines()[-1])
        last = next(Path(folder).glob(f"{seed}-*"), None)
        if last is None:
            raise RuntimeError(done.stderr)
        shutil.copy(last, kept)
        what = f"exit status {done.returncode}\n{done.stderr[-3000:]}"
        return {"read": 0, "refused": 0, "surprises": {last.name: what}}


def main() -> int:
    parser = argparse.ArgumentParser("python -m tests.fuzz", description=__doc__)
    parser.add_argument("readers", nargs="*", metavar="READER", help=f"of {', '.join(READERS)}")
    parser.add_argument("--count", type=int, default=5000, help="of files a reader (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="other seeds, other files")
    parser.add_argument("--kept", type=Path, default=Path("out/fuzz"), help="for surprises")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if unknown := {*arguments.readers} - {*READERS}:
        parser.error(f"no such reader: {', '.join(sorted(unknown))}")
    if arguments.child:
        _child(arguments.readers[0], arguments.seed, arguments.count, arguments.child)
        return 0
    surprises = 0
    for name in arguments.readers or READERS:
        found = attack(name, arguments.seed, arguments.count, arguments.kept)
        print(f"{name}: {found['read']} read, {found['refused']} refused")
        for file, what in found["surprises"].items():
            print(f"{arguments.kept / file}:\n{what}")
        surprises += len(found["surprises"])
    return min(surprises, 1)


if __name__ == "__main__":
    sys.exit(main())
