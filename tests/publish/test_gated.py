"""Pushing with a gate: who sees what, and when, whatever fails on the way."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Iterator
from pathlib import Path
from subprocess import Popen
from typing import Any

import pytest
from huggingface_hub import DatasetCard

import dancereid
from dancereid_pipeline.common.errors import OptionError
from dancereid_pipeline.publish.access import FORM
from tests.support.servers.hub_requests import json_answer, refusal
from tests.support.servers.hub_terminal import Terminal
from tests.support.servers.hub_watched import WatchedHub

NAME = "dancer/reid"


@pytest.fixture
def hub() -> Iterator[WatchedHub]:
    """An empty Hub that is watched."""
    with WatchedHub() as hub:
        yield hub


def test_the_gate_is_first_and_seen_by_all_is_last(
    hub: WatchedHub, terminal: Terminal, prepared: Path
) -> None:
    said = terminal.pushes(NAME, "--dataset", prepared, "--gated", "manual")
    repo = hub.repos[NAME]
    assert (repo.private, repo.gated) == (False, "manual")
    assert (said["private"], said["gated"]) == (False, "manual")
    assert hub.too_open == []
    kinds = [r.kind for r in hub.requests if r.kind in ("create", "settings", "upload", "commit")]
    assert list(dict(itertools.groupby(kinds))) == ["create", "settings", "upload", "commit"]
    first, last = (json.loads(request.body) for request in hub.of("settings"))
    assert first == {"gated": "manual"}
    seen = {"visibility": "public"}, {"private": False}  # the second is an older client's
    assert last in [{"gated": "manual", **by_all} for by_all in seen]
    # What each request for the settings did was read back, and so was what is there at the end.
    kinds = [request.kind for request in hub.requests]
    places = [place for place, kind in enumerate(kinds) if kind == "settings"]
    assert [kinds[place + 1] for place in places] == ["info", "info"]

    form = DatasetCard(repo.files["README.md"].decode()).data.to_dict()
    assert "not try to find out who anybody in them is" in form["extra_gated_prompt"]
    assert list(form["extra_gated_fields"])[:2] == ["Affiliation", "Purpose"]
    assert list(form["extra_gated_fields"].values()) == ["text", "text", "checkbox"]

    # Again: nothing changes, and no setting is touched.
    settings = len(hub.of("settings"))
    again = terminal.pushes(NAME, "--dataset", prepared, "--gated", "manual")
    assert (again["changed"], len(hub.of("settings"))) == (False, settings)
    # A push that says nothing of the gate is refused, and says what to give.
    said = terminal.refused(NAME, "--dataset", prepared)
    assert f"{NAME} exists and is gated (manual); expected private." in said
    assert "push with --gated manual (gated='manual')" in said
    assert "expected public" in terminal.refused(NAME, "--dataset", prepared, "--public")


LOAD = """
import sys
from datasets import load_dataset
try:
    print(sum(len(split) for split in eval(sys.argv[1]).values()))
except Exception as error:
    print(type(error).__name__, error)
"""


def test_its_lines_load_for_those_who_were_let_in(
    hub: WatchedHub, terminal: Terminal, prepared: Path
) -> None:
    done = terminal.push(NAME, "--dataset", prepared, "--gated", "auto")
    first, second, line = done.stdout.splitlines()
    assert first == (
        f"{hub.url}/datasets/{NAME} (gated: all see it; whoever signs in and fills in its form "
        "gets the files)"
    )
    assert second.endswith("; read back and compared")
    assert line == f'  load_dataset("{NAME}", "paper")'

    def loads(token: str | None) -> str:
        terminal.home = terminal.home.with_name(f"home-of-{token}")  # with a cache of its own
        return terminal.run("-c", LOAD, line.strip(), token=token).stdout.strip()

    assert loads("hf_write") == "42"
    assert loads(None).startswith(f"DatasetNotFoundError Dataset '{NAME}' is a gated dataset")
    assert "to ask for access" in loads("hf_stranger")
    hub.repos[NAME].accepted.add("stranger")
    assert loads("hf_stranger") == "42"


@pytest.mark.parametrize("private", [True, False])
def test_a_repository_that_exists_gets_its_gate_first(
    hub: WatchedHub, terminal: Terminal, prepared: Path, private: bool
) -> None:
    repo = hub.create(NAME, private=private)
    repo.put({"README.md": b"---\nextra_gated_prompt: What for?\n---\n# Mine\n"})
    said = terminal.pushes(NAME, "--dataset", prepared, "--gated", "auto")
    assert (said["private"], said["gated"], repo.private, repo.gated) == (False, "auto") * 2
    early = [kind for kind in hub.too_open if "info" not in kind and "whoami" not in kind]
    assert early == []  # before the gate nothing was asked but what is there
    data = DatasetCard(repo.files["README.md"].decode()).data.to_dict()
    assert data["extra_gated_prompt"] == "What for?"  # the owner's own question stays
    assert data["extra_gated_fields"] == FORM["extra_gated_fields"]


def test_a_gate_that_does_not_hold_stops_the_push(
    hub: WatchedHub, terminal: Terminal, prepared: Path
) -> None:
    hub.answers["settings"] = [json_answer({"gated": "auto"})]  # it says so, and does nothing
    said = terminal.refused(NAME, "--dataset", prepared, "--gated", "auto")
    assert "was asked for a repository that is gated (auto), and made one that is private" in said
    assert "without a gate. Nothing was sent." in said
    assert (hub.uploads, hub.repos[NAME].private) == ([], True)

    class Forgetful(type(hub.repos[NAME])):  # type: ignore[misc]
        """Loses its gate as soon as all see it."""

        @property
        def gated(self) -> Any:
            return self.private and "auto"

        @gated.setter
        def gated(self, value: Any) -> None: ...

    hub.repos[NAME].__class__ = Forgetful
    said = terminal.refused(NAME, "--dataset", prepared, "--gated", "auto")
    assert "is visible to all, without a gate instead of gated (auto); it was made private" in said
    assert hub.repos[NAME].private is True


def test_a_private_repository_that_is_not_is_found_before_anything_is_sent(
    hub: WatchedHub, terminal: Terminal, prepared: Path
) -> None:
    hub.answers["create"] = [json_answer({"url": f"{hub.url}/datasets/{NAME}", "name": NAME})]
    hub.create(NAME, private=False)
    hub.answers["info"] = [refusal(404, "Repository not found", "RepoNotFound")]
    said = terminal.refused(NAME, "--dataset", prepared)
    assert "was asked for a repository that is private, and made one that is visible to" in said
    assert hub.uploads == []


@pytest.mark.slow
def test_whatever_ends_it_nothing_is_open_too_early(
    hub: WatchedHub, terminal: Terminal, prepared: Path
) -> None:
    """Ends it at random requests, in each way, and resumes it; 20 kills, and refusals."""
    rng = random.Random(20)
    command = ["-m", "dancereid_pipeline", "push", "--dataset", prepared, "--gated", "auto"]
    first = Popen.wait(terminal.start(*command, "dancer/undisturbed"))
    assert first == 0
    whole = hub.repos["dancer/undisturbed"].files
    requests, kills, refusals, number, resumed = len(hub.requests), 0, 0, 0, 0
    while kills < 20:
        name = f"dancer/reid{number}"
        begun = name in hub.repos and bool(hub.repos[name].objects)
        hub.count, hub.ended = itertools.count(), False
        hub.step = rng.randrange(requests)
        hub.how = rng.choice(["kill before", "kill after", "refuse"])
        hub.pusher = terminal.start(*command, name)
        _, errors = hub.pusher.communicate()
        assert hub.pusher.returncode in (0, 1, -9), errors
        assert "Traceback" not in errors
        kills += hub.pusher.returncode == -9
        refusals += hub.ended and hub.how == "refuse"
        if hub.pusher.returncode == 0:
            resumed += begun
            repo = hub.repos[name]
            assert (repo.private, repo.gated) == (False, "auto")
            assert repo.files.keys() == whole.keys()
            number += 1
        elif name in hub.repos and not hub.repos[name].private:
            # It ended after the last step but one: everything is there, and behind the gate.
            assert hub.repos[name].gated == "auto"
            assert hub.repos[name].files.keys() == whole.keys()
    hub.step = -1
    hub.pusher = terminal.start(*command, name)
    assert hub.pusher.wait() == 0
    assert hub.too_open == []
    assert (number > 0, refusals > 0, resumed > 0) == (True, True, True)
    assert {r.kind for r in hub.requests} >= {"settings", "upload", "commit", "tree"}


def test_options_that_exclude_each_other(terminal: Terminal, prepared: Path) -> None:
    with pytest.raises(OptionError, match="public and gated: expected one of them"):
        dancereid.push_to_hub(prepared, NAME, public=True, gated="auto")
    with pytest.raises(OptionError, match="gated: expected 'auto', 'manual' or None, got True"):
        dancereid.push_to_hub(prepared, NAME, gated=True)
    with pytest.raises(OptionError, match="revision and create_pr: expected one of them"):
        dancereid.push_to_hub(prepared, NAME, revision="more", create_pr=True)
    said = terminal.refused(NAME, "--dataset", prepared, "--public", "--gated", "auto", code=2)
    assert "not allowed with argument --public" in said


def test_a_bucket_is_no_repository(hub: WatchedHub, terminal: Terminal, prepared: Path) -> None:
    said = terminal.refused("buckets/dancer/reid", "--dataset", prepared, code=2)
    assert said == (
        "dancereid push: buckets/dancer/reid is the name of a storage bucket. A bucket has no "
        "card, no gate and no revisions, so a dataset is pushed to a repository: USER/NAME."
    )
    assert hub.requests == []
