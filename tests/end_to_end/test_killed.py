"""Work that is killed at random moments, again and again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import PROJECT
from tests.support.servers.remote import serve
from tests.support.servers.web import Site

pytestmark = pytest.mark.slow

FILES = {"crawl": 6, "build": 8}  # annotation, archive, four clips; and two of Arrow


@pytest.fixture(scope="module")
def at_work(
    demo: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, subprocess.Popen[str]]]:
    """Both at once: each mostly computes, and in one process."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with Site() as site:
        options = serve(site, demo)
        programs = {}
        for work in FILES:
            folder = str(tmp_path_factory.mktemp(work))
            asked = {"options": options, "work": work, "folder": folder, "kills": 20, "seed": work}
            programs[work] = subprocess.Popen(
                [sys.executable, "-m", "tests.support.killed", json.dumps(asked)],
                cwd=PROJECT,
                env={**os.environ, "HF_HUB_OFFLINE": "0"},
                **pipes,
            )
        yield programs
        for program in programs.values():
            program.kill()
            program.communicate()


@pytest.mark.parametrize("work", FILES)
def test_what_is_killed_goes_on_and_ends_with_the_same_bytes(
    at_work: dict[str, subprocess.Popen[str]], work: str
) -> None:
    output, errors = at_work[work].communicate()
    assert at_work[work].returncode == 0, errors[-3000:]
    found = json.loads(output)
    assert found["files"] == FILES[work]
    assert found["killed"] == 20
    assert len(found["ends"]) > 20
    assert all(found["ends"])
