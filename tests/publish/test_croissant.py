"""`croissant.json`: read by the format's own library, and true of the build."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import datasets
import numpy as np
import pytest

import dancereid
from dancereid_pipeline.build.coverage import Outcome
from dancereid_pipeline.build.schema import example_features
from dancereid_pipeline.common.reasons import Reason
from dancereid_pipeline.publish.croissant import CROISSANT, croissant
from dancereid_pipeline.publish.prepare import prepare
from dancereid_pipeline.shards.build_record import Build
from tests.conftest import PROJECT
from tests.publish.test_card import build, outcomes_of
from tests.support.data.folders import load


def test_it_names_every_shard_and_every_column(output: Path, ds: datasets.DatasetDict) -> None:
    described = json.loads((output / CROISSANT).read_text())
    *shards, files = described["distribution"]
    assert {shard["contentUrl"]: shard["sha256"] for shard in shards} == {
        str(path.relative_to(output)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in output.rglob("*.parquet")
    }
    assert files["includes"] == "paper/*.parquet"
    (records,) = described["recordSet"]
    assert [field["name"] for field in records["field"]] == ["split", *ds["test"].features]
    assert dancereid.coverage(ds).fingerprint in described["version"]


def test_all_columns_that_a_build_may_have_are_described(paper: Build) -> None:
    both = {**paper.features, **example_features(skeleton=True).to_dict()}
    described = json.loads(croissant([replace(paper, features=both)], "x"))
    names = [field["name"] for field in described["recordSet"][0]["field"]]
    assert names == ["split", *example_features(skeleton=True)]


def test_it_says_what_is_missing_and_why(paper: Build) -> None:
    described = json.loads(croissant([paper], "me/reid"))
    missing = described["rai:dataCollectionMissingData"]
    assert missing.startswith("paper: 20 of 21 videos, 95 of 100 people, 49,425 of 54,280 images")
    assert "T4vr8mA4hoY (removed; 0 of 4,154 images)" in missing
    assert "2 bboxes outside the frame" in missing
    assert "filtered the tracks by hand" in described["rai:dataAnnotationProtocol"]
    assert "most of them with their faces" in described["rai:personalSensitiveInformation"]
    assert described["rai:dataCollectionType"] == ["User-generated content data"]
    assert "Frames whose number 5 divides" in described["rai:dataPreprocessingProtocol"][0]


def test_of_own_videos_nothing_is_made_up(
    paper: Build,
    demo_build: Build,
) -> None:
    own = build("paper", [Outcome("mine", ("test",), Reason.USED, images=9, expected=9)])
    described = json.loads(croissant([own], "mine"))
    assert "citeAs" not in described
    assert "license" not in described
    blanks = [name for name, value in described.items() if "has to fill in" in str(value)]
    assert len(blanks) >= 5
    assert "YouTube" not in json.dumps({k: v for k, v in described.items() if k[:4] == "rai:"})
    # Of two origins, each statement says whose it is.
    both = json.loads(croissant([paper, demo_build], "x"))
    assert both["rai:dataUseCases"].startswith("paper: Research on methods")
    assert "demo: To try programs on" in both["rai:dataUseCases"]
    assert both["rai:dataCollectionType"] == ["User-generated content data", "Others"]
    assert json.loads(croissant([demo_build], "x"))["license"].endswith("/MIT")


@pytest.mark.slow
def test_the_library_of_the_format_finds_nothing_wrong(tmp_path: Path) -> None:
    import mlcroissant

    whole = build("paper", outcomes_of(PROJECT / "video_data.csv"))
    (tmp_path / CROISSANT).write_text(croissant([whole], "dancereid"))
    metadata = mlcroissant.Dataset(str(tmp_path / CROISSANT)).metadata
    assert (metadata.ctx.issues.errors, metadata.ctx.issues.warnings) == (set(), set())
    assert metadata.ctx.is_v1_1()
    # It knows each statement: one that it did not know would be lost.
    written = json.loads(croissant([whole], "dancereid"))
    stated = {name for name in metadata.to_json() if name.startswith("rai:")}
    assert stated == {name for name in written if name.startswith("rai:")}


@pytest.mark.slow
def test_the_library_of_the_format_reads_the_records(
    small: Path, cache: str, tmp_path: Path
) -> None:
    import mlcroissant

    expected = load(small, cache, skeleton=True)
    prepare(expected, tmp_path / "out")
    prepare(dancereid.load_dataset("demo", cache_dir=cache), tmp_path / "out")
    described = mlcroissant.Dataset(str(tmp_path / "out" / CROISSANT))
    found = {}
    for record in described.records("paper"):
        values = {name.removeprefix("paper/"): value for name, value in record.items()}
        key = (values["split"].decode(), int(values["person_id"]), int(values["frame"]))
        found[key] = values
    assert len(found) == sum(len(split) for split in expected.values()) > 0
    for name, split in expected.items():
        for example in split:
            values = found[name, example["person_id"], example["frame"]]
            assert values["video_id"].decode() == example["video_id"]
            for column in ("keypoints", "bbox"):
                np.testing.assert_array_equal(
                    np.asarray(values[column], np.float32), np.asarray(example[column], np.float32)
                )
            for column in ("image", "skeleton"):
                np.testing.assert_array_equal(values[column], example[column])
    assert len(list(described.records("demo"))) == 265


@pytest.mark.slow
def test_the_library_of_the_format_reads_tracklets_and_frames(cache: str, tmp_path: Path) -> None:
    import mlcroissant

    for unit in ("tracklet", "frame"):
        prepare("demo", tmp_path / "out", unit=unit)
    described = mlcroissant.Dataset(str(tmp_path / "out" / CROISSANT))
    assert described.metadata.ctx.issues.errors == set()
    ds = dancereid.load_dataset("demo", unit="tracklet", split="test", cache_dir=cache)
    found = [r for r in described.records("demo-tracklet") if r["demo-tracklet/split"] == b"test"]
    assert len(found) == len(ds) == 11
    for record, example in zip(found, ds, strict=True):
        values = {name.removeprefix("demo-tracklet/"): value for name, value in record.items()}
        assert [int(frame) for frame in values["frames"]] == example["frames"]
        assert np.asarray(values["keypoints"]).shape == (len(example["frames"]), 17, 2)
        for one, other in zip(values["images"], example["images"], strict=True):
            np.testing.assert_array_equal(one, other)
    ds = dancereid.load_dataset("demo", unit="frame", split="test", cache_dir=cache)
    found = [r for r in described.records("demo-frame") if r["demo-frame/split"] == b"test"]
    assert len(found) == len(ds) == 55
    for record, example in zip(found, ds, strict=True):
        objects = record["demo-frame/objects"]
        for name in ("person_id", "bbox", "keypoints"):
            np.testing.assert_array_equal(
                np.asarray(objects[f"demo-frame/objects/{name}"], np.float32),
                np.asarray(example["objects"][name], np.float32),
            )
