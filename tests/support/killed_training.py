"""Runs `dancereid train` to its end; then again, killing it at ten moments; then to its end.

A program of its own, so that each run is a fork of a process that has imported everything and has
no threads. Takes JSON: `words` of the command without `--output`, and `folder`, in which it makes
"whole" and "killed". Prints JSON: the files that each kill left in "killed".

A moment is what was about to happen, and how many times it had happened in that run before: a step
was to be taken; the state was being written, and half of it was; a whole file was to get its name.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

# Most of these are here so that a run need not import them.
import pandas  # noqa: F401
import scipy.io  # noqa: F401
import torch
import torch._dynamo

import dancereid_pipeline.evaluation.evaluate
import dancereid_pipeline.training.trainer  # noqa: F401
from dancereid_pipeline.cli.main import main as dancereid
from dancereid_pipeline.training import loop

MOMENTS = (
    *(("step", 0), ("writing", 0), ("naming unfinished.pt", 0), ("step", 1), ("writing", 1)),
    *(("step", 2), ("naming unfinished.pt", 1), ("naming log.jsonl", 0)),
    *(("naming model.safetensors", 0), ("naming result.json", 0)),
)


def train(words: list[str], moment: tuple[str, int] | None) -> int:
    """Trains in a fork, which kills itself at a moment; its exit status."""
    pid = os.fork()
    if pid == 0:
        try:
            if moment is not None:
                _kill_at(*moment)
            os._exit(dancereid(words))
        except BaseException:  # noqa: BLE001  # of whatever kind, the fork ends here
            sys.excepthook(*sys.exc_info())
            os._exit(70)
    return os.waitpid(pid, 0)[1]


def _kill_at(event: str, times: int) -> None:
    left = [times]

    def happens(what: str) -> None:
        if what != event:
            return
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)
        left[0] -= 1

    begin, save = loop.Training._begin, torch.save

    def _begin(*arguments: Any) -> Any:
        happens("step")
        return begin(*arguments)

    def _save(state: Any, path: Path) -> None:
        save(state, path)
        content = path.read_bytes()
        path.write_bytes(content[: len(content) // 2])
        happens("writing")
        path.write_bytes(content)

    def hook(name: str, values: tuple[Any, ...]) -> None:
        if name == "os.rename":
            happens(f"naming {Path(values[1]).name}")

    loop.Training._begin, torch.save = _begin, _save
    sys.addaudithook(hook)


def main() -> None:
    """Kills, and says what was left."""
    asked = json.loads(sys.argv[1])
    folder = Path(asked["folder"])
    loop._EVERY_S = 0.0  # a state after each step
    if train([*asked["words"], "--output", str(folder / "whole")], None):
        raise SystemExit("the run that is left alone failed")
    words, left = [*asked["words"], "--resume", "--output", str(folder / "killed")], []
    for moment in MOMENTS:
        if train(words, moment) != signal.SIGKILL:
            raise SystemExit(f"{moment}: the run was not killed")
        left.append(sorted(path.name for path in (folder / "killed").iterdir()))
    if train(words, None):
        raise SystemExit("the last run failed")
    print(json.dumps(left))


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
