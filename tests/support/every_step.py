"""Does some work again and again, and ends it at its first file operation, its second, and so on.

A program of its own, so that each run is a fork of a process that has no threads. Takes JSON:
`work` ("module:function", called with a folder), `start` (the folder to work on, copied for each
run), `folder` (for the copies, named by number), `how` ("kill", or "fail": the operation raises an
`OSError`). Opening a file to write it has two steps: nothing is done yet, and the file is empty.
Prints the number of runs that were ended; one more, the last, was left alone.
"""

from __future__ import annotations

import errno
import importlib
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

# What Python reports before it does it: see the table of audit events in its documentation.
OPERATIONS = {"open", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.scandir"}


def ended_at_every_step(work: str, start: Path, folder: Path, how: str) -> list[Path]:
    """The folders that the runs left, in order of the step that ended them; the last one ended."""
    asked = {"work": work, "start": str(start), "folder": str(folder), "how": how}
    command = [sys.executable, "-m", "tests.support.every_step", json.dumps(asked)]
    done = subprocess.run(
        command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return [folder / str(step) for step in range(int(done.stdout) + 1)]


def run(work: Callable[[Path], object], place: Path, step: int, how: str) -> bool:
    """Does it in a fork that is ended at a step; whether it came to that step."""
    pid = os.fork()
    if pid == 0:
        count = itertools.count()

        def end() -> None:
            if how == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            raise OSError(errno.EIO, "Input/output error")

        def hook(event: str, values: tuple[Any, ...]) -> None:
            if event not in OPERATIONS:
                return
            if next(count) == step:
                end()
            if event == "open" and values[2] & os.O_TRUNC and next(count) == step:
                os.close(os.open(values[0], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666))
                end()

        sys.addaudithook(hook)
        try:
            work(place)
        except BaseException:  # noqa: BLE001  # of whatever kind, the fork ends here
            if next(count) <= step:
                sys.excepthook(*sys.exc_info())
                os._exit(1)
        os._exit(3 if next(count) > step else 0)
    _, status = os.waitpid(pid, 0)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status) == 1:
        raise SystemExit("the work failed by itself")
    return status != 0


def main() -> None:
    """Until the work comes to its end."""
    asked = json.loads(sys.argv[1])
    module, _, name = asked["work"].partition(":")
    work = getattr(importlib.import_module(module), name)
    for step in itertools.count():
        place = Path(asked["folder"], str(step))
        shutil.copytree(asked["start"], place)
        if not run(work, place, step, asked["how"]):
            print(step)
            return


if __name__ == "__main__":
    main()
