"""The Hub does what it is asked for, and its answer is lost: the same command, again, ends well."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.servers.hub import Hub
from tests.support.servers.hub_store import Repo
from tests.support.servers.hub_terminal import Terminal
from tests.support.servers.web import Answer

NAME = "dancer/reid"
LOST = Answer(cut=0)
# The answer that was lost was the last one, and the dataset has no images any more.
GONE = "and no old file of it; the videos in it: none."


def until_it_ends(terminal: Terminal, *command: object) -> int:
    """Runs a command again and again, until it ends well; how often it said that it did not."""
    for failed in range(20):
        done = terminal.run("-m", "dancereid_pipeline", *command)
        if done.returncode == 0 or GONE in done.stderr:
            return failed
        assert done.returncode == 1, done.stderr
        said = done.stderr.splitlines()[-1]
        assert f"{NAME}: the connection to the Hub failed" in said
        assert said.endswith("Run it again: it sends only what is not on the Hub yet.")
    raise AssertionError(f"it never ends: {said}")


def state(repo: Repo) -> dict[str, Any]:
    """What others see of a repository."""
    return {
        "files": repo.files.keys(),
        "branches": {n: repo.revision(n).files.keys() for n in repo.branches},
        "seen": (repo.private, repo.gated),
        "tags": set(repo.tags),
        "proposals": set(repo.proposals),
        "objects": set(repo.objects),
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    "options", [[], ["--gated", "auto"], ["--public", "--revision", "spring"], ["--create-pr"]]
)
def test_a_push(hub: Hub, terminal: Terminal, prepared: Path, options: list[str]) -> None:
    command = ["push", NAME, "--dataset", prepared, *options]
    with Hub() as other:
        undisturbed = Terminal(other, terminal.home / "other")
        assert until_it_ends(undisturbed, *command) == 0
        expected = state(other.repos[NAME])
    kinds = ["create", "settings", "branch", "commit"]
    hub.answers.update({kind: [LOST] * 2 for kind in kinds})
    failed = until_it_ends(terminal, *command)
    lost = sum(2 - len(hub.answers[kind]) for kind in kinds)
    assert failed == lost >= 2
    assert state(hub.repos[NAME]) == expected


@pytest.mark.slow
def test_what_is_sent_to_the_store(hub: Hub, terminal: Terminal, prepared: Path) -> None:
    """The client asks again by itself, where its version does."""
    command = ["push", NAME, "--dataset", prepared]
    assert until_it_ends(terminal, *command) == 0
    expected = state(hub.repos.pop(NAME))
    for kind in ["upload", "verify", "preupload", "batch"]:
        hub.answers = {kind: [LOST]}
        until_it_ends(terminal, *command)
        assert hub.answers[kind] == []
        assert state(hub.repos.pop(NAME)) == expected


@pytest.mark.slow
@pytest.mark.parametrize("videos", [["ccc"], ["aaa", "bbb", "ccc", "ddd"]])
def test_a_takedown(hub: Hub, terminal: Terminal, prepared: Path, videos: list[str]) -> None:
    terminal.pushes(NAME, "--dataset", prepared, "--gated", "manual")
    repo = hub.repos[NAME]
    repo.tags["v1"] = repo.branches["fix"] = repo.head.id
    kinds = ["commit", "squash", "untag", "unbranch", "purge"]
    hub.answers.update({kind: [LOST] for kind in kinds})
    until_it_ends(terminal, "takedown", NAME, *videos, "--yes")
    assert [kind for kind in kinds if hub.answers[kind]] == []
    left = {f.sha256 for f in repo.head.files.values() if f.lfs}
    assert state(repo) == {
        "files": repo.files.keys(),
        "branches": {"main": repo.files.keys()},
        "seen": (False, "manual"),
        "tags": set(),
        "proposals": set(),
        "objects": left,
    }
    assert len(repo.history("main")) == 1
    shards = [name for name in repo.files if name.endswith(".parquet")]
    assert len(shards) == 4 - len(videos)
