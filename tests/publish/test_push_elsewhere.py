"""Pushing to a branch, and as a pull request."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.servers.hub import Hub
from tests.support.servers.hub_terminal import Terminal

NAME = "dancer/reid"
LOAD = """
import sys
from datasets import load_dataset
print(sum(len(split) for split in eval(sys.argv[1]).values()))
"""


def test_a_branch(hub: Hub, terminal: Terminal, prepared: Path) -> None:
    pushed = terminal.pushes(NAME, "--dataset", prepared, "--revision", "spring")
    repo = hub.repos[NAME]
    assert set(repo.files) == {".gitattributes"}  # the main branch is as it was
    assert (pushed["revision"], pushed["branch"]) == (repo.branches["spring"], "spring")
    line = f'load_dataset("{NAME}", "paper", revision="spring")'
    assert pushed["lines"] == [line]
    assert terminal.run("-c", LOAD, line).stdout == "42\n"
    again = terminal.pushes(NAME, "--dataset", prepared, "--revision", "spring")
    assert (again["changed"], again["revision"]) == (False, repo.branches["spring"])
    # From there to the main branch: nothing is sent again.
    sent = len(hub.uploads)
    assert terminal.pushes(NAME, "--dataset", prepared)["changed"]
    assert len(hub.uploads) == sent
    files = repo.revision("spring").files
    assert {name: file.content for name, file in files.items()} == repo.files


def test_a_pull_request(hub: Hub, terminal: Terminal, prepared: Path) -> None:
    """To somebody else's repository, too."""
    repo = hub.create("stranger/reid", private=False)
    refused = terminal.refused("stranger/reid", "--dataset", prepared, "--public")
    assert "pass `create_pr=1`" in refused
    done = terminal.push("stranger/reid", "--dataset", prepared, "--public", "--create-pr")
    assert done.returncode == 0, done.stderr
    line = 'load_dataset("stranger/reid", "paper", revision="refs/pr/1")'
    assert f" of refs/pr/1; read back and compared\n  {line}\n" in done.stdout
    assert set(repo.files) == {".gitattributes"}
    assert "paper/build.json" in repo.revision("refs/pr/1").files
    assert terminal.run("-c", LOAD, line).stdout == "42\n"


def test_several_configs_are_one_pull_request(hub: Hub, terminal: Terminal, small: Path) -> None:
    repo = hub.create(NAME, private=True)
    data = ["--data-dir", small, "--catalogue", small / "catalogue.csv"]
    done = terminal.push(NAME, *data, "--config", "paper", "full", "--create-pr", "--json")
    assert done.returncode == 0, done.stderr
    assert [each["branch"] for each in json.loads(done.stdout)] == ["refs/pr/1"] * 2
    assert set(repo.branches) == {"main", "refs/pr/1"}
    proposed = set(repo.revision("refs/pr/1").files)
    assert {"paper/build.json", "full/build.json"} < proposed
