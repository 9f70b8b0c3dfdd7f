"""The command `dancereid` as a user runs it: a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dancereid_pipeline.cli.main import main


def command(*arguments: object) -> list[str]:
    """The words that run it."""
    return [sys.executable, "-m", "dancereid_pipeline", *map(str, arguments)]


def hear_ctrl_c() -> None:
    """For `preexec_fn`: an interrupt reaches what is started, also where our parent ignores it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def start(*arguments: object, **options: Any) -> subprocess.Popen[str]:
    """Starts it, with what it says to be read as text; `options` are those of `Popen`."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    # No `preexec_fn`: where several threads start programs, it may wait for ever.
    return subprocess.Popen(command(*arguments), **pipes, **options)


def end(process: subprocess.Popen[str]) -> subprocess.CompletedProcess[str]:
    """Waits for what was started; a traceback is nothing that a user should see."""
    with process:
        output, errors = process.communicate()
    assert "Traceback" not in errors, errors
    return subprocess.CompletedProcess(process.args, process.returncode, output, errors)


def run(
    *arguments: object, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs it to its end."""
    return end(start(*arguments, cwd=cwd, env=dict(os.environ if env is None else env)))


def refusal(words: Sequence[object], capsys: Any) -> tuple[object, str]:
    """Runs it in this process, where it must refuse: its exit code, and its one line.

    Args:
        words: the command and its options.
        capsys: pytest's fixture of this name.
    """
    try:
        code: object = main([str(word) for word in words])
    except SystemExit as ended:
        code = ended.code
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(f"dancereid {words[0]}: ")
    assert said.err.count("\n") == 1
    return code, said.err
