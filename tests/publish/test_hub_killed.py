"""Pushes and takedowns are killed at their requests to the Hub, in turn, and run again."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import DatasetCard

from dancereid_pipeline.publish.prepare import prepare
from dancereid_pipeline.shards.build_record import RECORD, Build
from tests.support.data.folders import load
from tests.support.servers.hub_store import Repo
from tests.support.servers.hub_terminal import Terminal
from tests.support.servers.hub_watched import WatchedHub

pytestmark = pytest.mark.slow

KILLS = int(os.environ.get("DANCEREID_TEST_KILLS", "3"))
NAME = "dancer/reid"


@pytest.fixture
def hub() -> Iterator[WatchedHub]:
    """An empty Hub that is watched."""
    with WatchedHub() as hub:
        yield hub


def undisturbed(hub: WatchedHub, terminal: Terminal, command: list[object]) -> int:
    """Runs it; the number of its requests."""
    before = len(hub.requests)
    done = terminal.run("-m", "dancereid_pipeline", *command)
    assert done.returncode == 0, done.stderr
    return len(hub.requests) - before


def killed(hub: WatchedHub, terminal: Terminal, command: list[object], step: int, how: str) -> None:
    """Runs it until it is killed at a request."""
    hub.count, hub.ended, hub.step, hub.how = itertools.count(), False, step, how
    hub.pusher = terminal.start("-m", "dancereid_pipeline", *command)
    _, errors = hub.pusher.communicate()
    hub.step = -1
    assert hub.pusher.returncode == -9, errors


def steps(requests: int) -> list[tuple[int, str]]:
    """Requests from all over the run, each with whether the Hub still does what it asks for."""
    ways = itertools.cycle(["kill after", "kill before"])
    return [((2 * n + 1) * requests // (2 * KILLS), next(ways)) for n in range(KILLS)]


def check_whole(repo: Repo) -> set[str]:
    """The configs on the card are there, whole, and nothing else is; their names."""
    if "README.md" not in repo.files:
        assert set(repo.files) == {".gitattributes"}
        return set()
    data = DatasetCard(repo.files["README.md"].decode()).data
    configs = {config["config_name"] for config in data.configs}
    expected = {"README.md", "croissant.json", ".gitattributes"}
    for config in configs:
        record = Build.from_json(repo.files[f"{config}/{RECORD}"].decode(), config)
        assert {s.sha256 for s in record.shards} <= set(repo.objects)
        expected |= set(record.files)
    assert set(repo.files) == expected
    return configs


def seen(repo: Repo) -> dict[str, Any]:
    """What a repository has, without the day on which it was made."""
    files = repo.head.files
    return {
        "large files": {name: file.sha256 for name, file in files.items() if file.lfs},
        "files": set(files),
        "objects": set(repo.objects),
        "refs": (set(repo.branches), set(repo.tags)),
        "seen by": (repo.private, repo.gated),
    }


def test_a_push_with_a_gate(hub: WatchedHub, terminal: Terminal, prepared: Path) -> None:
    def command(name: str) -> list[object]:
        return ["push", name, "--dataset", prepared, "--gated", "manual"]

    requests = undisturbed(hub, terminal, command("dancer/whole"))
    expected = seen(hub.repos["dancer/whole"])
    between = set()
    for number, (step, how) in enumerate(steps(requests)):
        name = f"dancer/reid{number}"
        killed(hub, terminal, command(name), step, how)
        if repo := hub.repos.get(name):
            check_whole(repo)
            between.add((repo.private, repo.gated, len(repo.files) > 1))
            assert repo.private or seen(repo) == expected
        undisturbed(hub, terminal, command(name))
        assert seen(hub.repos[name]) == expected
    assert hub.too_open == []
    assert (True, "manual", False) in between or (True, "manual", True) in between


@pytest.fixture
def pushed(
    hub: WatchedHub, terminal: Terminal, prepared: Path, small: Path, tmp_path: Path
) -> Callable[[], Repo]:
    """Makes a repository as a push with a gate did, with old files in a branch and in a tag."""
    folder = tmp_path / "two" / "dancereid"
    shutil.copytree(prepared, folder)
    prepare(load(small, str(tmp_path / "cache"), name="full", videos=["aaa", "bbb"]), folder)
    terminal.pushes(NAME, "--dataset", folder, "--gated", "manual")
    first = hub.repos[NAME]
    first.tags["v1"] = first.branches["fix"] = first.head.id

    def again() -> Repo:
        hub.repos[NAME] = repo = Repo(NAME)
        repo.gated = first.gated
        repo.revisions, repo.objects = [*first.revisions], {**first.objects}
        repo.branches, repo.tags = {**first.branches}, {**first.tags}
        return repo

    again()
    return again


@pytest.mark.parametrize(
    "taken",
    [["ccc"], ["ccc", "--person", "4"], ["aaa", "bbb"], ["aaa", "bbb", "ccc", "ddd"]],
    ids=["video", "person", "config", "all"],
)
def test_a_takedown(
    hub: WatchedHub, terminal: Terminal, pushed: Callable[[], Repo], taken: list[object]
) -> None:
    command = ["takedown", NAME, *taken, "--yes"]
    undisturbed(hub, terminal, command)  # the client keeps small files, so others ask for less
    before = check_whole(pushed())
    requests = undisturbed(hub, terminal, command)
    expected, left = seen(hub.repos[NAME]), check_whole(hub.repos[NAME])
    assert set(expected["large files"].values()) == expected["objects"]
    for step, how in steps(requests):
        repo = pushed()
        killed(hub, terminal, command, step, how)
        assert check_whole(repo) in (before, left)
        assert (repo.private, repo.gated) == (False, "manual")
        done = terminal.run("-m", "dancereid_pipeline", *command)
        gone = "and no old file of it" in done.stderr  # it was killed when all was done
        assert done.returncode == (2 if gone else 0), done.stderr
        assert seen(repo) == expected
        assert len(repo.history("main")) == 1
        copies = terminal.home.rglob("dancereid-takedown/.unfinished-*")
        assert list(copies) == []
    assert hub.too_open == []
