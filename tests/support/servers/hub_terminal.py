"""Programs of somebody who uses a stand-in of the Hub, each in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.support.servers.hub import Hub


class Terminal:
    """Runs programs of a user of a hub."""

    def __init__(self, hub: Hub, home: Path) -> None:
        self.hub = hub
        self.home = home

    def start(self, *command: object, token: str | None = "hf_write") -> subprocess.Popen[str]:
        """A program of Python, which may be killed."""
        return subprocess.Popen(
            [sys.executable, *map(str, command)],
            env=self.hub.environment(self.home, token=token),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *command: object, token: str | None = "hf_write") -> Any:
        """A program of Python, to its end."""
        started = self.start(*command, token=token)
        output, errors = started.communicate()
        return subprocess.CompletedProcess(command, started.returncode, output, errors)

    def push(self, *arguments: object, token: str | None = "hf_write") -> Any:
        """`dancereid push`."""
        return self.run("-m", "dancereid_pipeline", "push", *arguments, token=token)

    def pushes(self, *arguments: object) -> dict[str, Any]:
        """What it says when all goes well, as JSON."""
        done = self.push(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)[0]

    def refused(self, *arguments: object, token: str | None = "hf_write", code: int = 1) -> str:
        """The one line that it ends with."""
        done = self.push(*arguments, token=token)
        assert (done.returncode, done.stdout) == (code, ""), done.stderr
        assert "Traceback" not in done.stderr
        return done.stderr.strip().splitlines()[-1]
