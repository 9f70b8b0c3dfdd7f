from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import PROJECT
from tests.support.remote import serve
from tests.support.web import Site


@pytest.mark.parametrize(("work", "files"), [("crawl", 6), ("build", 8)])
def test_what_is_killed_goes_on_and_ends_with_the_same_bytes(
    site: Site, demo: Path, tmp_path: Path, work: str, files: int
) -> None:
    asked = {
        "options": serve(site, demo),
        "work": work,
        "folder": str(tmp_path),
        "kills": 20,
        "seed": work,
    }
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.killed", json.dumps(asked)],
        cwd=PROJECT,
        env={**os.environ, "HF_HUB_OFFLINE": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout)
    assert found["files"] == files  # annotation, archive, four clips; and two of Arrow
    assert found["killed"] == 20
    assert len(found["ends"]) > 20
    assert all(found["ends"])
