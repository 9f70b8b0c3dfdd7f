"""Videos and people are taken out of a dataset on the Hub, and out of its history."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dancereid_pipeline.shards.build_record import Build
from tests.support.servers.hub import Hub
from tests.support.servers.hub_requests import json_answer, refusal
from tests.support.servers.hub_store import Repo
from tests.support.servers.hub_terminal import Terminal
from tests.support.servers.web import Answer

NAME = "dancer/reid"
CCC = "paper/test-002-ccc.parquet"


@pytest.fixture
def repo(hub: Hub, terminal: Terminal, prepared: Path) -> Repo:
    """What was prepared, pushed; a tag, a branch and a pull request have it, too."""
    terminal.pushes(NAME, "--dataset", prepared, "--config", "paper")
    found = hub.repos[NAME]
    found.tags["v1"] = found.head.id
    found.branches["fix"] = found.head.id
    found.branches["refs/pr/1"] = found.head.id
    return found


def takedown(terminal: Terminal, *arguments: object, **options: Any) -> Any:
    """`dancereid takedown` of the dataset on the Hub."""
    return terminal.run("-m", "dancereid_pipeline", "takedown", NAME, *arguments, **options)


def everywhere(repo: Repo) -> set[bytes]:
    """The content of all files that the Hub can give, at any revision."""
    return {
        file.content
        for revision in repo.revisions
        for file in revision.files.values()
        if not file.lfs or file.sha256 in repo.objects
    }


def test_a_dry_run_shows_what_would_go(repo: Repo, terminal: Terminal) -> None:
    before, objects = repo.head.id, set(repo.objects)
    done = takedown(terminal, "ccc", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert f"{NAME}: 18 images would be taken out" in done.stdout
    assert "refs/tags/v1 would be deleted, since it has the old files." in done.stdout
    assert "refs/pr/1: has old files, and cannot be changed from here." in done.stdout
    assert (repo.head.id, set(repo.objects), set(repo.tags)) == (before, objects, {"v1"})


def test_a_video_goes_out_of_the_head_the_history_and_the_store(
    repo: Repo, terminal: Terminal
) -> None:
    shard, picture = repo.files[CCC], repo.files["paper/people.jpg"]
    repo.branches["other"] = repo.revisions[0].id  # has nothing of it, and stays
    done = takedown(terminal, "ccc", "--yes")
    assert done.returncode == 0, done.stderr
    assert f"{NAME}: 18 images were taken out" in done.stdout
    assert CCC not in repo.files
    assert not {shard, picture} & everywhere(repo)
    assert len(repo.history("main")) == 1
    assert (set(repo.tags), set(repo.branches)) == (set(), {"main", "other", "refs/pr/1"})
    record = json.loads(repo.files["paper/build.json"])
    build = Build.from_json(json.dumps(record), "there")
    assert [(o.video_id, o.images) for o in build.coverage.outcomes] == [
        ("aaa", 12), ("bbb", 6), ("ccc", 0), ("ddd", 6),
    ]  # fmt: skip
    assert repo.private
    # The shards of the others were not sent again.
    again = takedown(terminal, "ccc", "--yes")
    assert again.returncode == 0, again.stderr
    assert f"{NAME}: 0 images" in again.stdout


def test_a_person_goes_and_the_rest_of_the_video_stays(repo: Repo, terminal: Terminal) -> None:
    shard = repo.files[CCC]
    done = takedown(terminal, "ccc", "--person", "4", "--yes")
    assert done.returncode == 0, done.stderr
    assert f"{NAME}: 6 images" in done.stdout
    assert CCC in repo.files
    assert shard not in everywhere(repo)


def test_with_the_last_image_the_config_goes(repo: Repo, terminal: Terminal) -> None:
    done = takedown(terminal, "aaa", "bbb", "ccc", "ddd", "--yes")
    assert done.returncode == 0, done.stderr
    assert set(repo.files) == {".gitattributes"}
    assert repo.objects == {}


@pytest.mark.parametrize("kind", ["commit", "squash", "untag", "unbranch", "lfs_files", "purge"])
def test_what_the_hub_refuses_is_said_and_ended_by_another_run(
    hub: Hub, repo: Repo, terminal: Terminal, kind: str
) -> None:
    shard = repo.files[CCC]
    hub.answers[kind] = [refusal(403, "Forbidden: this token may not do that")]
    done = takedown(terminal, "ccc", "--yes")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert NAME in done.stderr.splitlines()[-1]
    done = takedown(terminal, "ccc", "--yes")
    assert done.returncode == 0, done.stderr
    assert shard not in everywhere(repo)
    assert set(repo.tags) == set()


def test_what_can_still_be_had_is_said(hub: Hub, repo: Repo, terminal: Terminal) -> None:
    hub.answers["purge"] = [Answer(body=b"{}", headers={"Content-Type": "application/json"})]
    done = takedown(terminal, "ccc", "--yes")
    assert done.returncode == 0, done.stderr
    assert "refs/pr/1: still has old files, and cannot be changed from here." in done.stdout


def test_what_the_hub_converted_or_others_pushed_is_named(
    hub: Hub, repo: Repo, terminal: Terminal
) -> None:
    shard = repo.files[CCC]
    for branch, name in [
        ("refs/convert/parquet", "paper/test/0000.parquet"),
        ("theirs", "paper/test-00000-of-00001.parquet"),
    ]:
        repo.branches[branch] = repo.revisions[0].id
        repo.put({name: shard if "convert" in branch else b"PAR1 other PAR1"}, branch)
    done = takedown(terminal, "ccc", "--yes")
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if "other Parquet files than main" in line]
    assert [line.partition(":")[0] for line in lines] == [
        "refs/convert/parquet",
        "refs/heads/theirs",
    ]
    assert lines[0].endswith(
        "Wait until the Hub converts the dataset again; then ask the Hub's support."
    )
    assert lines[1].endswith("Look into them, and delete it if need be.")
    # The file itself is gone from there, too: the Hub's own branch keeps none of it.
    assert shard not in everywhere(repo)
    assert set(repo.branches) == {"main", "refs/pr/1", "refs/convert/parquet", "theirs"}


def test_a_list_of_files_that_lacks_some_purges_nothing(
    hub: Hub, repo: Repo, terminal: Terminal
) -> None:
    hub.answers["lfs_files"] = [json_answer([])]
    objects = set(repo.objects)
    done = takedown(terminal, "ccc", "--yes")
    assert done.returncode == 1
    assert "the Hub's list of large files lacks" in done.stderr.splitlines()[-1]
    assert objects <= set(repo.objects)


def test_a_fault_of_the_hub_is_not_taken_for_a_file_that_is_gone(
    hub: Hub, repo: Repo, terminal: Terminal
) -> None:
    hub.answers["purge"] = [json_answer({})]  # it says so, and does nothing
    hub.answers["object"] = [Answer()] * 5 + [refusal(500, "oh", always=True)]
    done = takedown(terminal, "ccc", "--yes")
    assert done.returncode == 1, done.stdout
    assert "the Hub has an error (500" in done.stderr.splitlines()[-1]


def test_it_asks_first_and_a_wrong_id_is_one_line(repo: Repo, terminal: Terminal) -> None:
    before = repo.head.id
    done = takedown(terminal, "ccc")
    assert done.returncode == 2
    assert "This cannot be undone, and nobody can be asked here" in done.stderr
    done = takedown(terminal, "zzz", "--yes")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].endswith(
        "has no video 'zzz', and no old file of it; the videos in it: aaa, bbb, ccc, ddd."
    )
    assert repo.head.id == before
