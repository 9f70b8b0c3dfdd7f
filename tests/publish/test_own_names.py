"""Data of one's own under names of its own: in a folder, on the Hub, joined, and taken down."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import datasets
import pytest
from huggingface_hub import DatasetCard

import dancereid
from dancereid_pipeline.build.prepared_names import in_card_order
from dancereid_pipeline.common.errors import OptionError, SourceError
from tests.support.command import refusal, run
from tests.support.data.folders import all_contents, write_folder
from tests.support.servers.hub import Hub
from tests.support.servers.hub_terminal import Terminal

NAME = "dancer/reid"


@pytest.fixture(scope="module")
def houses(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two videos of one's own."""
    return write_folder(tmp_path_factory.mktemp("own") / "houses", {"aaa": [0, 1], "bbb": [0]})


@pytest.fixture(scope="module")
def parks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another video of one's own."""
    return write_folder(tmp_path_factory.mktemp("own") / "parks", {"ccc": [0, 1]})


@pytest.fixture(scope="module")
def prepared(houses: Path, parks: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both in one folder, beside what is not ours; not to be written to."""
    output = tmp_path_factory.mktemp("prepared") / "reid"
    for name in ("frontend/build.json", "logs/2024-05-01.json"):
        (output / name).parent.mkdir(parents=True)
        (output / name).write_text("[]")
    for folder, name, unit in (
        (parks, "parks", "crop"), (houses, "houses_2", "tracklet"), (houses, "houses_2", "crop"),
    ):  # fmt: skip
        done = run(
            "prepare", "--config", "own", "--data-dir", folder, "--name", name, "--unit", unit,
            "--output", output,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    assert f'\n  load_dataset("{output}", "houses_2-tracklet")\n' in done.stdout
    return output


def configs(card: str) -> list[str]:
    return [entry["config_name"] for entry in DatasetCard(card).data.to_dict()["configs"]]


def test_a_folder_has_several_and_they_load_by_their_names(
    prepared: Path, houses: Path, cache: str
) -> None:
    names = ["houses_2", "houses_2-tracklet", "parks"]
    assert datasets.get_dataset_config_names(str(prepared), cache_dir=cache) == names
    assert configs((prepared / "README.md").read_text()) == names
    ours = datasets.load_dataset(str(prepared), "houses_2", cache_dir=cache)
    built = dancereid.load_dataset("own", data_dir=str(houses), cache_dir=cache)
    assert all_contents(ours) == all_contents(built)
    assert dancereid.coverage(ours) == dancereid.coverage(built)
    (split,) = datasets.load_dataset(str(prepared), "houses_2-tracklet", cache_dir=cache).values()
    assert set(split["video_id"]) == {"aaa", "bbb"}
    for name in ("frontend/build.json", "logs/2024-05-01.json"):
        assert (prepared / name).read_text() == "[]"


@pytest.mark.parametrize(("config", "video"), [("parks", "ccc"), ("houses_2-tracklet", "aaa")])
def test_commands_read_them_by_their_names(
    prepared: Path, config: str, video: str, tmp_path: Path
) -> None:
    page = tmp_path / "page.html"
    name, _, unit = config.partition("-")
    flags = ["--unit", unit] if unit else []
    done = run("preview", "--dataset", prepared, "--config", name, *flags, "--output", page)
    assert done.returncode == 0, done.stderr
    html = page.read_text()
    assert [name for name in ("aaa", "ccc") if name in html] == [video]


def test_parts_and_a_loaded_dataset_are_given_the_same_name(
    prepared: Path, houses: Path, cache: str, tmp_path: Path
) -> None:
    for part in ("1/2", "2/2"):
        done = run(
            "prepare", "--config", "own", "--data-dir", houses, "--name", "houses_2",
            "--output", tmp_path / "parts", "--part", part,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    (merged,) = dancereid.merge(tmp_path / "parts")
    loaded = dancereid.load_dataset("own", data_dir=str(houses), cache_dir=cache)
    written = dancereid.prepare(loaded, tmp_path / "loaded", name="houses_2")
    record = json.loads((prepared / "houses_2" / "build.json").read_text())
    for build in (merged, written):
        assert build.config == "houses_2"
        assert [shard.sha256 for shard in build.shards] == [s["sha256"] for s in record["shards"]]


def test_another_build_under_a_name_is_refused(
    prepared: Path, houses: Path, parks: Path, tmp_path: Path, capsys: Any
) -> None:
    output = shutil.copytree(prepared, tmp_path / "reid")
    words = ["prepare", "--config", "own", "--output", output, "--name"]
    code, said = refusal([*words, "houses_2", "--data-dir", parks], capsys)
    assert code == 1
    assert "houses_2 holds another build, which has video aaa, too" in said
    (output / "photos" / "2024").mkdir(parents=True)
    for name in ("frontend", "photos"):
        code, said = refusal([*words, name, "--data-dir", parks], capsys)
        assert code == 1
        assert f"{name} exists, and this project did not write it" in said
    code, said = refusal(["prepare", "--config", "x", "--output", output, "--name", "y"], capsys)
    assert code == 2
    assert "config: expected one of paper" in said
    broken = output / "parks" / "build.json"
    broken.write_text(broken.read_text().replace('"config": "own"', '"config": "paper"'))
    with pytest.raises(SourceError, match=r"coverage has config 'paper', unit 'crop'"):
        dancereid.prepare("own", output, name="parks", data_dir=str(houses))


@pytest.mark.parametrize(
    "name", ["", "Houses", "-x", "paper", "demo", "x-tracklet", "x-frame", "a/b", "..", "x" * 51, 3]
)
def test_other_names_are_refused(name: Any, houses: Path, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"name: expected 1 to 50 small letters.*; got"):
        dancereid.prepare("own", tmp_path / "x", name=name, data_dir=str(houses))
    with pytest.raises(OptionError, match="'demo' keeps its name"):
        dancereid.prepare("demo", tmp_path / "x", name="houses")
    assert not (tmp_path / "x").exists()


def test_configs_of_one_catalogue_stand_next_to_each_other() -> None:
    names = ["x", "own-frame", "a-tracklet", "paper-tracklet", "A", "a", "demo", "paper", ".git"]
    assert in_card_order(names) == [
        "paper", "paper-tracklet", "demo", "a", "a-tracklet", "own-frame", "x",
    ]  # fmt: skip


def test_on_the_hub_they_stay_beside_each_other_and_go_when_they_are_taken_down(
    hub: Hub, terminal: Terminal, prepared: Path, parks: Path, tmp_path: Path
) -> None:
    said = terminal.pushes(NAME, "--dataset", prepared, "--config", "parks")
    assert said["lines"] == [f'load_dataset("{NAME}", "parks")']
    terminal.pushes(NAME, "--dataset", prepared, "--config", "houses_2")
    repo = hub.repos[NAME]
    assert configs(repo.files["README.md"].decode()) == ["houses_2", "parks"]
    assert terminal.pushes(NAME, "--dataset", prepared, "--config", "parks")["changed"] is False

    # A copy on the Hub is joined with one here, which has another of the two configs.
    dancereid.prepare("own", tmp_path / "mine", name="parks", data_dir=str(parks))
    joined = tmp_path / "joined"
    command = ("-m", "dancereid_pipeline")
    done = terminal.run(*command, "merge", NAME, tmp_path / "mine", "--output", joined)
    assert done.returncode == 0, done.stderr
    assert configs((joined / "README.md").read_text()) == ["houses_2", "parks"]

    done = terminal.run(*command, "takedown", NAME, "ccc", "--yes")
    assert done.returncode == 0, done.stderr
    assert configs(repo.files["README.md"].decode()) == ["houses_2"]
    assert not [path for path in repo.files if path.startswith("parks/")]
