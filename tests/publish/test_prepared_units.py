"""Tracklets and frames in a prepared folder, beside crops, and on the Hub."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow.parquet as pq
import pytest
from huggingface_hub import DatasetCard
from PIL import Image

import dancereid
from dancereid_pipeline.build.options import SampleOptions
from dancereid_pipeline.common.errors import OptionError, SourceError
from dancereid_pipeline.common.reasons import Reason
from dancereid_pipeline.publish.prepared_folder import Prepared
from dancereid_pipeline.shards.parquet_shards import check_shard
from tests.support.command import refusal, run
from tests.support.data.folders import all_contents, load, prepared_files
from tests.support.servers.hub import Hub
from tests.support.servers.hub_terminal import Terminal

NAMES = {"crop": "paper", "tracklet": "paper-tracklet", "frame": "paper-frame"}


@pytest.fixture
def inputs(small: Path) -> dict[str, str]:
    return {"data_dir": str(small), "catalogue": str(small / "catalogue.csv")}


@pytest.fixture(scope="module")
def prepared(small: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small folder with all units; not to be written to."""
    folder = tmp_path_factory.mktemp("prepared") / "reid"
    for unit in ("frame", "crop", "tracklet"):
        done = run(
            "prepare", "--data-dir", small, "--catalogue", small / "catalogue.csv",
            "--unit", unit, "--output", folder,
        )  # fmt: skip
        assert f'"{NAMES[unit]}")' in done.stdout
    return folder


def test_one_folder_holds_all_units_as_configs(prepared: Path, small: Path, cache: str) -> None:
    folders = {path.name for path in prepared.iterdir() if path.is_dir() and path.name[0] != "."}
    assert folders == set(NAMES.values())
    data = DatasetCard.load(prepared / "README.md").data
    # In the order of crops, tracklets, frames, in whatever order they were prepared.
    assert [config["config_name"] for config in data.configs] == list(NAMES.values())
    assert data.configs[0]["default"]
    for unit, name in NAMES.items():
        built = load(small, cache, unit=unit)
        loaded = datasets.load_dataset(str(prepared), name, cache_dir=cache)
        assert all_contents(loaded) == all_contents(built)
        assert loaded["test"].features == built["test"].features
        streamed = datasets.load_dataset(str(prepared), name, streaming=True)
        assert all_contents(streamed) == all_contents(built)
        found = dancereid.coverage(loaded)
        assert (found.config, found.unit, found.whole) == ("paper", unit, True)
        assert found.fingerprint == dancereid.coverage(built).fingerprint
        counts = {split: len(of_split) for split, of_split in loaded.items()}
        assert counts == found.examples
        (brief,) = (b.brief for b in Prepared.read(prepared).builds if b.config == name)
        number = f"{sum(counts.values())} {unit}s" if unit != "crop" else "images"
        assert f" {number}, fingerprint" in brief
        with Image.open(prepared / name / "people.jpg") as picture:
            assert min(picture.size) > 200
    Prepared.read(prepared).check()


def test_the_card_and_croissant_describe_each_unit(prepared: Path) -> None:
    card = (prepared / "README.md").read_text()
    for text in (
        "In `paper`, one person in one frame:",
        "In `paper-tracklet`, a tracklet:",
        "In `paper-frame`, a whole frame with the N annotated people in it:",
        "a gap of more than 0 frames ends a tracklet",
        "at most 4096 pixels a side",
        "| trainval | 18 | 3 | 2 |",
        "| trainval | 18 in 3 tracklets | 3 | 2 |",
        "| trainval | 18 in 12 frames | 3 | 2 |",
    ):
        assert text in card
    sets = json.loads((prepared / "croissant.json").read_text())["recordSet"]
    assert [each["@id"] for each in sets] == list(NAMES.values())
    _, of_tracklets, of_frames = sets
    shapes = {f["name"]: f.get("arrayShape") for f in of_tracklets["field"]}
    assert shapes == {
        "split": None, "images": None, "keypoints": "-1,17,2", "person_id": None,
        "video_id": None, "frames": "-1", "bbox": "-1,4",
    }  # fmt: skip
    assert [f["name"] for f in of_tracklets["field"] if f.get("repeated")] == ["images"]
    (objects,) = (f for f in of_frames["field"] if f["name"] == "objects")
    assert [f["name"].rpartition("/")[2] for f in objects["subField"]] == [
        "person_id", "bbox", "keypoints",
    ]  # fmt: skip


@pytest.mark.parametrize("unit", ["tracklet", "frame"])
def test_a_card_of_that_unit_alone_shows_how_to_load_it(
    unit: str, inputs: dict[str, str], tmp_path: Path
) -> None:
    dancereid.prepare("paper", tmp_path / "p", unit=unit, **inputs)
    card = (tmp_path / "p" / "README.md").read_text()
    shown = {"tracklet": '["images"][0]', "frame": '["image"]'}[unit]
    assert f'ds["trainval"][0]{shown}\n' in card
    assert f'"{NAMES[unit]}")' in card


@pytest.mark.parametrize("unit", ["tracklet", "frame"])
def test_a_loaded_dataset_is_written_to_the_same_bytes(
    unit: str, prepared: Path, tmp_path: Path
) -> None:
    ds = datasets.load_dataset(str(prepared), NAMES[unit], cache_dir=str(tmp_path / "cache"))
    dancereid.prepare(ds, tmp_path / "again")
    shards = {n: c for n, c in prepared_files(prepared / NAMES[unit]).items() if "parquet" in n}
    found = prepared_files(tmp_path / "again" / NAMES[unit])
    assert shards
    assert {n: c for n, c in found.items() if "parquet" in n} == shards
    ds["test"] = ds["test"].select(range(1))
    with pytest.raises(dancereid.DanceReIDError, match="found other images or people"):
        dancereid.prepare(ds, tmp_path / "part")


@pytest.mark.parametrize("unit", ["tracklet", "frame"])
def test_parts_and_copies_of_a_unit_are_joined(
    unit: str, prepared: Path, inputs: dict[str, str], tmp_path: Path
) -> None:
    for number in (2, 1):
        part = dancereid.prepare_part("paper", tmp_path / "p", number, 2, unit=unit, **inputs)
        assert part.videos > 0
    (build,) = dancereid.merge(tmp_path / "p")
    assert build.config == NAMES[unit]
    whole = prepared_files(prepared / NAMES[unit])
    assert len(whole) > 8
    found = prepared_files(tmp_path / "p" / NAMES[unit])
    assert {n for n in found if found[n] != whole[n]} <= {"build.json"}  # it has the day
    (joined,) = dancereid.merge_copies([tmp_path / "p", tmp_path / "p"], tmp_path / "joined")
    assert joined.shards == build.shards


def test_a_unit_takes_the_place_of_no_other(
    prepared: Path, inputs: dict[str, str], tmp_path: Path
) -> None:
    dancereid.prepare("paper", tmp_path / "p", unit="tracklet", **inputs)
    before = prepared_files(tmp_path / "p" / "paper-tracklet")
    with pytest.raises(SourceError, match=r"another build, made with max_gap=0, not 5: paper-tr"):
        dancereid.prepare("paper", tmp_path / "p", unit="tracklet", max_gap=5, **inputs)
    dancereid.prepare("paper", tmp_path / "p", unit="frame", **inputs)
    assert prepared_files(tmp_path / "p" / "paper-tracklet") == before
    (tmp_path / "p" / "paper-frame").rename(tmp_path / "p" / "full-frame")
    with pytest.raises(SourceError, match="record of 'paper-frame'"):
        Prepared.read(tmp_path / "p")
    with pytest.raises(OptionError, match="unit: expected one of crop, tracklet, frame"):
        dancereid.prepare("paper", tmp_path / "p", unit="clip", **inputs)


def test_a_person_is_taken_out_of_every_unit(
    prepared: Path, inputs: dict[str, str], tmp_path: Path
) -> None:
    """Video ccc has the people 3 to 5, each in six frames."""
    for unit in NAMES:
        dancereid.prepare("paper", tmp_path / "p", unit=unit, **inputs)
    done = dancereid.take_down(tmp_path / "p", ["ccc"], person=4)
    # Six crops, as many in tracklets; of the frames all, since any may show the person.
    assert done.images == 6 + 6 + 18
    left: dict[str, Any] = {
        name: datasets.load_dataset(str(tmp_path / "p"), name, cache_dir=str(tmp_path / "cache"))
        for name in NAMES.values()
    }
    for name in ("paper", "paper-tracklet"):
        assert set(left[name]["test"]["person_id"]) == {2, 3, 5}
    assert set(left["paper-frame"]["test"]["video_id"]) == {"bbb"}
    outcomes = {n: dancereid.coverage(ds).outcomes[2] for n, ds in left.items()}
    assert [(o.reason, o.images, o.examples) for o in outcomes.values()] == [
        (Reason.TAKEN_DOWN, 12, 12), (Reason.TAKEN_DOWN, 12, 2), (Reason.TAKEN_DOWN, 0, 0),
    ]  # fmt: skip
    Prepared.read(tmp_path / "p").check()


def test_a_strangers_image_is_found(prepared: Path, tmp_path: Path) -> None:
    for unit, column in (("tracklet", "images"), ("frame", "image")):
        shard = prepared / NAMES[unit] / "test-002-ccc.parquet"
        table = pq.read_table(shard)
        rows = table.to_pylist()
        check_shard(shard, SampleOptions(unit=unit))
        image = rows[1][column][-1] if unit == "tracklet" else rows[1][column]
        image |= {"bytes": None, "path": "/etc/hostname"}
        pq.write_table(table.from_pylist(rows, table.schema), tmp_path / "x.parquet")
        with pytest.raises(dancereid.DanceReIDError, match=rf"row 1, column '{column}'.*only the"):
            check_shard(tmp_path / "x.parquet", SampleOptions(unit=unit))
        if unit == "frame":
            rows[1]["width"] = 10**6
            pq.write_table(table.from_pylist(rows, table.schema), tmp_path / "x.parquet")
            with pytest.raises(dancereid.DanceReIDError, match="1 to 4,096 pixels a side"):
                check_shard(tmp_path / "x.parquet", SampleOptions(unit=unit))


def test_it_is_pushed_and_read_back(hub: Hub, terminal: Terminal, prepared: Path) -> None:
    name = "dancer/reid"
    said = terminal.pushes(name, "--dataset", prepared, "--config", "paper", "--unit", "tracklet")
    assert said["configs"] == ["paper-tracklet"]
    terminal.pushes(name, "--dataset", prepared, "--config", "paper", "--unit", "frame")
    data = DatasetCard(hub.repos[name].files["README.md"].decode()).data
    assert [config["config_name"] for config in data.configs] == ["paper-tracklet", "paper-frame"]


def test_a_page_of_each_unit(
    prepared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page, sheet = tmp_path / "page.html", tmp_path / "sheet.png"
    asked = ["preview", "--dataset", prepared, "--config", "paper", "--output", page]
    for unit, *streaming in product(("tracklet", "frame"), ("--json", "--streaming")):
        run(*asked, "--unit", unit, "--contact-sheet", sheet, *streaming)
        with Image.open(sheet) as picture:
            assert np.asarray(picture).std() > 10
        html = page.read_text()
        assert "7 people" in html
        page.unlink()
    asked.remove("--config")
    asked.remove("paper")
    code, said = refusal([*asked, "--unit", "tracklet"], capsys)
    assert code == 2
    assert "--unit: name the config of the dataset, too" in said
