"""What CONTRIBUTING.md, CITATION.cff and the workflows say is so."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from dancereid_pipeline import ROOMS
from dancereid_pipeline.catalogue.metadata import CITATION
from tests.conftest import PROJECT

PAGE = (PROJECT / "CONTRIBUTING.md").read_text("utf-8")
CI = re.findall(r"^make (\S+)$", (PROJECT / ".ci" / "run").read_text(), re.MULTILINE)
WORKFLOWS = {p.name: yaml.safe_load(p.read_text()) for p in PROJECT.glob(".github/workflows/*.yml")}
STEPS = [
    step for flow in WORKFLOWS.values() for job in flow["jobs"].values() for step in job["steps"]
]


def test_the_rooms_are_those_of_the_package() -> None:
    listed = re.findall(r"^(\w+) {2,}(.+)$", PAGE, re.MULTILINE)
    assert dict(listed) == ROOMS
    assert [name for name, _ in listed] == [*ROOMS]


def test_each_make_target_has_a_line() -> None:
    phony = re.search(r"^\.PHONY: (.+)$", (PROJECT / "Makefile").read_text(), re.MULTILINE)
    assert phony
    assert set(re.findall(r"^\| `make (\S+)` \|", PAGE, re.MULTILINE)) == {*phony[1].split()}


def test_it_says_what_ci_calls() -> None:
    line = re.search(r"`\.ci/run` calls (.+?)\. ", PAGE.replace("\n", " "))
    assert line
    assert re.findall(r"`make (\S+)`", line[1]) == CI


def is_there(path: str) -> bool:
    """Whether a path is one of the project's, or of the package's; NAME and ROOM stand for any."""
    pattern = re.sub(r"\b(NAME|ROOM)\b", "*", path.rstrip("/"))
    return any(any(folder.glob(pattern)) for folder in (PROJECT, PROJECT / "dancereid_pipeline"))


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "SECURITY.md"])
def test_paths_that_pages_name_are_there(page: str) -> None:
    text = (PROJECT / page).read_text("utf-8")
    made_or_shared = ("dist/", "golden/", "data/", "real_footage/", "../")
    named = set(re.findall(r"`((?:\w|[./-])+(?:/|\.py|\.md|\.cff|\.toml))`", text))
    found = {path for path in named if not path.startswith(made_or_shared)}
    assert len(found) >= 1
    assert [path for path in sorted(found) if not is_there(path)] == []


def test_workflows_call_what_ci_calls_and_test_the_lowest_versions() -> None:
    called = [step["run"] for step in STEPS if "run" in step]
    assert len(called) >= 5
    assert {*called} == {f"make {target}" for target in [*CI, "test-lowest"]}
    needed = WORKFLOWS["release.yml"]["jobs"]["publish"]["needs"]
    assert {*needed} == WORKFLOWS["release.yml"]["jobs"].keys() - {"publish"}


def test_workflows_may_read_and_only_the_one_that_publishes_may_ask_for_a_token() -> None:
    assert {*WORKFLOWS} == {"test.yml", "release.yml"}
    assert [flow["permissions"] for flow in WORKFLOWS.values()] == [{"contents": "read"}] * 2
    asking = {
        name: job["permissions"]
        for flow in WORKFLOWS.values()
        for name, job in flow["jobs"].items()
        if "permissions" in job
    }
    assert asking == {"publish": {"id-token": "write"}}
    assert WORKFLOWS["release.yml"]["jobs"]["publish"]["environment"] == "pypi"
    actions = [step["uses"] for step in STEPS if "uses" in step]
    assert len(actions) >= 8
    assert [action for action in actions if not re.search(r"@(release/)?v\d+$", action)] == []


def test_the_paper_is_cited_as_everywhere_else() -> None:
    paper: dict[str, Any] = yaml.safe_load(Path(PROJECT, "CITATION.cff").read_text())[
        "preferred-citation"
    ]
    authors = " and ".join(f"{a['family-names']}, {a['given-names']}" for a in paper["authors"])
    for value in (authors, paper["title"], str(paper["year"]), paper["collection-title"]):
        assert f"{{{value}}}" in CITATION
