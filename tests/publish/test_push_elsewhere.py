"""Pushing to a branch, and as a pull request."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.servers.hub import Hub
from tests.support.servers.hub_terminal import Terminal
from tests.support.servers.web import Answer

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


def test_a_pull_request_whose_answer_was_lost_is_continued(
    hub: Hub, terminal: Terminal, prepared: Path
) -> None:
    """It was opened, and whoever asked for it does not know."""
    repo = hub.create("stranger/reid", private=False)
    command = ["stranger/reid", "--dataset", prepared, "--public", "--create-pr"]
    hub.answers["commit"] = [Answer(cut=0)]
    assert "the connection to the Hub failed" in terminal.refused(*command)
    assert set(repo.proposals) == {"refs/pr/1"}
    pushed = terminal.pushes(*command)
    assert set(repo.proposals) == {"refs/pr/1"}
    assert (pushed["branch"], pushed["changed"]) == ("refs/pr/1", False)
    assert pushed["lines"] == ['load_dataset("stranger/reid", "paper", revision="refs/pr/1")']
    # One that is closed, somebody else's, or with other data, is another one.
    repo.proposals["refs/pr/1"].status = "closed"
    assert terminal.pushes(*command)["branch"] == "refs/pr/2"
    repo.proposals["refs/pr/2"].author = "somebody"
    assert terminal.pushes(*command)["branch"] == "refs/pr/3"
    assert terminal.pushes(*command)["branch"] == "refs/pr/3"
    files = {name: f.content for name, f in repo.revision("refs/pr/3").files.items()}
    other = files["paper/build.json"].replace(b'"sha256": "', b'"sha256": "0')
    repo.put({**files, "paper/build.json": other}, "refs/pr/3")
    assert terminal.pushes(*command)["branch"] == "refs/pr/4"
    assert set(repo.files) == {".gitattributes"}
