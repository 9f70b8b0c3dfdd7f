"""Does some work again and again, and ends it at its first file operation, its second, and so on.

Operations outside the folder that it works on do not count: Python reads its own modules.

A program of its own, so that each run is a fork of a process that has no threads. Takes JSON:
`work` ("module:function", called with a folder), `start` (the folder to work on, copied for each
run), `folder` (for the copies, named by number), `how` ("kill", or "fail": the operation raises an
`OSError`), `some` (so many runs, ended at steps from all over the work; null: at each). Opening a
file to write it has two steps: nothing is done yet, and the file is empty.
Prints the steps at which runs were ended, and one more, of the last run, which was left alone.
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
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

# What Python reports before it does it: see the table of audit events in its documentation.
OPERATIONS = {"open", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.scandir"}


def ended_at_every_step(
    work: str, start: Path, folder: Path, how: str, some: int | None = None
) -> list[Path]:
    """The folders that the runs left, in order of the step that ended them; the last one ended."""
    asked = {"work": work, "start": str(start), "folder": str(folder), "how": how, "some": some}
    command = [sys.executable, "-m", "tests.support.every_step", json.dumps(asked)]
    done = subprocess.run(
        command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return [folder / step for step in done.stdout.split()]


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
            if event not in OPERATIONS or _is_elsewhere(values[0], place):
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
        done = next(count)
        place.with_name("steps").write_text(str(done))
        os._exit(3 if done > step else 0)
    _, status = os.waitpid(pid, 0)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status) == 1:
        raise SystemExit("the work failed by itself")
    return status != 0


def _is_elsewhere(path: Any, place: Path) -> bool:
    """Whether a path is known to be outside a folder; one that is relative, or a number, is not."""
    if not isinstance(path, str | os.PathLike) or not Path(path).is_absolute():
        return False
    return not Path(path).is_relative_to(place)


def steps_of(work: Callable[[Path], object], start: Path, folder: Path, some: int) -> list[int]:
    """So many steps of the work, from all over it."""
    place = Path(shutil.copytree(start, folder / "counted"))
    run(work, place, 10**9, "kill")
    count = int((folder / "steps").read_text())
    return [count * (2 * number + 1) // (2 * some) for number in range(some)]


def main() -> None:
    """Until the work comes to its end."""
    asked = json.loads(sys.argv[1])
    module, _, name = asked["work"].partition(":")
    work = getattr(importlib.import_module(module), name)
    start, folder = Path(asked["start"]), Path(asked["folder"])
    steps: Iterable[int] = itertools.count()
    if asked["some"] is not None:
        steps = [*steps_of(work, start, folder, asked["some"]), 10**9]
    for step in steps:
        place = Path(shutil.copytree(start, folder / str(step)))
        print(step)
        if not run(work, place, step, asked["how"]):
            return


if __name__ == "__main__":
    main()
