"""What `push_to_hub` of `datasets` itself does with this data: what the documentation warns of."""

from __future__ import annotations

import json
from pathlib import Path

import datasets
from huggingface_hub import DatasetCard

from tests.support.servers.hub import Hub
from tests.support.servers.hub_terminal import Terminal

PUSH = """
import json, sys
import datasets, dancereid
from tests.support.data.folders import all_contents
folder, cache, name, options = sys.argv[1], sys.argv[2], sys.argv[3], json.loads(sys.argv[4])
ds = datasets.load_dataset(folder, "paper", cache_dir=cache)
dancereid.coverage(ds)
ds.push_to_hub(name, **options)
loaded = datasets.load_dataset(name, options.get("config_name"), cache_dir=cache)
try:
    coverage = dancereid.coverage(loaded).to_json()
except dancereid.DanceReIDError as error:
    coverage = str(error)
print(json.dumps([all_contents(loaded) == all_contents(ds), coverage]))
"""


def push(terminal: Terminal, prepared: Path, name: str, **options: object) -> list[object]:
    """Whether all examples came back, and their coverage or why there is none."""
    cache = terminal.home / "cache"
    done = terminal.run("-c", PUSH, prepared, cache, name, json.dumps(options))
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout))


def test_it_makes_a_public_repository_without_card_and_coverage(
    hub: Hub, terminal: Terminal, prepared: Path
) -> None:
    same, coverage = push(terminal, prepared, "dancer/plain")
    repo = hub.repos["dancer/plain"]
    assert (repo.private, repo.gated) == (False, False)
    assert same
    assert "This dataset carries no coverage" in str(coverage)
    written = DatasetCard(repo.files["README.md"].decode())
    assert written.text.strip() == ""
    assert set(written.data.to_dict()) == {"dataset_info", "configs"}
    assert not [name for name in repo.files if name.endswith((".json", ".jpg"))]
    # With private=True it is private, and nothing else is better.
    push(terminal, prepared, "dancer/closed", private=True)
    assert hub.repos["dancer/closed"].private


def test_over_what_this_project_pushed_it_removes_record_and_coverage(
    hub: Hub, terminal: Terminal, prepared: Path
) -> None:
    terminal.pushes("dancer/reid", "--dataset", prepared, "--gated", "manual")
    repo = hub.repos["dancer/reid"]
    before = repo.files["README.md"].decode()
    same, coverage = push(terminal, prepared, "dancer/reid", config_name="paper")
    assert (repo.private, repo.gated) == (False, "manual")  # who sees it stays as it is
    assert same
    assert "This dataset carries no coverage" in str(coverage)
    written = {"paper/test-00000-of-00001.parquet", "paper/trainval-00000-of-00001.parquet"}
    found = {name for name in repo.files if name.startswith("paper/")}
    if datasets.__version__.startswith("3."):  # it removes the shards, and nothing else
        assert {name for name in found if name.endswith(".parquet")} == written
        assert "paper/build.json" in found
        return
    assert found == written
    # The text of the card stays, and describes files that are gone.
    after = repo.files["README.md"].decode()
    assert DatasetCard(after).text == DatasetCard(before).text
    # So this project does not take the repository for its own any more, and says so.
    said = terminal.refused("dancer/reid", "--dataset", prepared, "--gated", "manual")
    assert "which this project did not push. Use another name; nothing was changed." in said
