"""What the builder promises of every config: the demo's, and the others over small stand-in data.

The stand-in has every video and every person of the project's catalogue, in clips of 11 frames.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pytest
from datasets.download import DownloadManager

import dancereid
from tests.conftest import PROJECT
from tests.support.data.folders import all_contents, contents, write_folder

# Videos, people and examples of each split. In the stand-in each person has frames 0, 5 and 10.
SPLITS = {
    "demo": {"trainval": (2, 6, 120), "test": (2, 6, 145)},
    "paper": {"trainval": (15, 71, 213), "test": (6, 29, 87)},
    "full": {"trainval": (15, 71, 213), "test": (6, 29, 87), "extra": (12, 78, 234)},
    "published": {"trainval": (15, 71, 213), "test": (6, 29, 87)},
}
IN_BOTH = {"published": ("qz2311gT1y4", 15)}  # the video, and its examples in each split


@dataclass
class Config:
    """A config, built.

    Attributes:
        name: of the config.
        options: what it was loaded with.
        people: the person ids of each video of its catalogue, by video id.
        ds: what was built, its images as bytes.
    """

    name: str
    options: dict[str, str]
    people: dict[str, range]
    ds: datasets.DatasetDict = field(init=False)

    def load(self, **options: Any) -> Any:
        # The stand-in's counts are not those that were published.
        mode = "all_checks" if self.name == "demo" else "no_checks"
        return datasets.load_dataset(
            "dancereid", self.name, verification_mode=mode, **self.options, **options
        )


def read_people(catalogue: Path) -> dict[str, range]:
    """A video's person ids begin where those of the row above it end."""
    people, first = {}, 0
    for row in csv.DictReader(catalogue.read_text().splitlines()):
        people[row["video_id"]] = range(first, first + int(row["people"]))
        first = people[row["video_id"]].stop
    return people


@pytest.fixture(scope="module")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    in_video = {v: range(len(ids)) for v, ids in read_people(PROJECT / "video_data.csv").items()}
    return write_folder(tmp_path_factory.mktemp("stand-in") / "data", in_video, frames=11)


@pytest.fixture(scope="module", params=list(SPLITS))
def config(
    request: pytest.FixtureRequest, stand_in: Path, tmp_path_factory: pytest.TempPathFactory
) -> Config:
    options = {"cache_dir": str(tmp_path_factory.mktemp("cache"))}
    catalogue = PROJECT / "dancereid_pipeline" / "demo" / "video_data.csv"
    if request.param != "demo":
        options["data_dir"] = str(stand_in)
        catalogue = PROJECT / "video_data.csv"
    config = Config(request.param, options, read_people(catalogue))
    config.ds = config.load().cast_column("image", datasets.Image(decode=False))
    return config


def test_splits_videos_people_and_examples(config: Config) -> None:
    found = {
        split: (len(set(rows["video_id"])), len(set(rows["person_id"])), len(rows))
        for split, rows in config.ds.items()
    }
    assert found == SPLITS[config.name]
    info = config.load()["test"].info
    assert {name: split.num_examples for name, split in info.splits.items()} == {
        name: examples for name, (_, _, examples) in SPLITS[config.name].items()
    }
    assert dancereid.coverage(config.ds).whole


def test_columns_and_types(config: Config) -> None:
    number = datasets.Value("float32")
    features = datasets.Features(
        {
            "image": datasets.Image(),
            "keypoints": datasets.Sequence(datasets.Sequence(number, length=2), length=17),
            "person_id": datasets.Value("int32"),
            "video_id": datasets.Value("string"),
            "frame": datasets.Value("int32"),
            "bbox": datasets.Sequence(number, length=4),
        }
    )
    as_arrow = {
        "image": pa.struct({"bytes": pa.binary(), "path": pa.string()}),
        "keypoints": pa.list_(pa.list_(pa.float32(), 2), 17),
        "person_id": pa.int32(),
        "video_id": pa.string(),
        "frame": pa.int32(),
        "bbox": pa.list_(pa.float32(), 4),
    }
    built, stream = config.load(), config.load(streaming=True)
    assert list(built) == list(stream) == list(SPLITS[config.name])
    for split in built:
        for found in (built[split].features, stream[split].features):
            assert found == features
            assert list(found) == list(features)
        schema = built[split].data.schema
        assert dict(zip(schema.names, schema.types, strict=True)) == as_arrow
        example = built[split][0]
        assert (example["image"].format, example["image"].mode) == ("JPEG", "RGB")
        assert example["image"].size == (128, 256)
        x1, y1, x2, y2 = example["bbox"]
        assert x1 < x2
        assert y1 < y2


def test_loaded_again_it_comes_from_the_cache_and_is_equal(config: Config) -> None:
    def files() -> dict[Path, int]:
        folder = Path(config.options["cache_dir"])
        return {path: path.stat().st_mtime_ns for path in folder.rglob("*.arrow")}

    before = files()
    again = config.load()
    assert len(before) == len(SPLITS[config.name])
    assert files() == before
    assert all_contents(again) == all_contents(config.ds)


def test_a_stream_is_equal_to_what_was_built(config: Config) -> None:
    stream = config.load(streaming=True)
    assert {split: contents(stream[split]) for split in stream} == all_contents(config.ds)


def test_no_example_is_in_two_splits(config: Config) -> None:
    """But for the config "published", where exactly one video is in both."""
    examples = {
        split: list(zip(rows["video_id"], rows["person_id"], rows["frame"], strict=True))
        for split, rows in config.ds.items()
    }
    hashes = all_contents(config.ds)
    in_both, count = IN_BOTH.get(config.name, ("", 0))
    for split in examples:
        assert len(set(examples[split])) == len(examples[split])
        assert len(set(hashes[split])) == len(hashes[split])
    shared = set(examples["trainval"]) & set(examples["test"])
    assert len(shared) == len(set(hashes["trainval"]) & set(hashes["test"])) == count
    people = config.people.get(in_both, ())
    assert {(video, person) for video, person, _ in shared} == {(in_both, p) for p in people}
    if "extra" in examples:
        others = {*hashes["trainval"], *hashes["test"]}
        assert not others & set(hashes["extra"])


def test_person_ids_are_those_of_the_catalogue(config: Config) -> None:
    for rows in config.ds.values():
        found = set(zip(rows["video_id"], rows["person_id"], strict=True))
        videos = set(rows["video_id"])
        # All of each video's: the stand-in and the demo lack nobody.
        assert found == {(video, person) for video in videos for person in config.people[video]}


def texts(value: Any) -> Iterator[str]:
    """Every text in an example, and the bytes of its images as text."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, bytes):
        yield value.decode("latin-1")
    elif isinstance(value, dict):
        for inner in value.values():
            yield from texts(inner)


def test_keys_are_unique_and_nothing_names_a_local_path(config: Config) -> None:
    builder = datasets.load_dataset_builder("dancereid", config.name, **config.options)
    local = [str(PROJECT), *config.options.values()]
    for generator in builder._split_generators(DownloadManager()):
        keys = []
        for key, example in builder._generate_examples(**generator.gen_kwargs):
            keys.append(key)
            assert example["image"]["path"] == f"{key}.jpg"
            assert key == f"{example['person_id']:04d}_{example['frame']:06d}"
            found = list(texts(example))
            assert example["video_id"] in found
            assert not [text for text in found for path in local if path in text]
        assert len(set(keys)) == len(keys) == SPLITS[config.name][str(generator.name)][2]
    for rows in config.ds.values():
        for path in (image["path"] for image in rows["image"]):
            assert path == Path(path).name != ""


def test_keypoints_and_bboxes_are_finite_numbers(config: Config) -> None:
    for rows in config.ds.with_format("numpy").values():
        keypoints, bboxes = np.stack(rows["keypoints"][:]), np.stack(rows["bbox"][:])
        assert keypoints.shape == (len(rows), 17, 2)
        assert bboxes.shape == (len(rows), 4)
        assert np.isfinite(keypoints).all()
        assert np.isfinite(bboxes).all()
        assert (bboxes[:, :2] < bboxes[:, 2:]).all()
