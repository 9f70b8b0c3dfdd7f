"""What `datasets` can do with a dataset, done with this one, and the content checked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest

from dancereid_pipeline.publish.prepare import prepare
from tests.support.data.folders import contents, load

DOORS = ("built", "prepared")


@pytest.fixture(scope="module")
def doors(small: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The small folder as the builder makes it, and as its Parquet gives it."""
    folder, cache = tmp_path_factory.mktemp("parquet"), str(tmp_path_factory.mktemp("cache"))
    built = load(small, cache)
    prepare(built, folder)
    return {"built": built, "prepared": datasets.load_dataset(str(folder), cache_dir=cache)}


@pytest.fixture(params=DOORS)
def test(request: pytest.FixtureRequest, doors: dict[str, Any]) -> datasets.Dataset:
    """The split `test`: 24 images of bbb (person 2) and ccc (3 to 5), frames 0 to 25."""
    return doors[request.param]["test"]


def test_to_iterable_dataset(test: datasets.Dataset) -> None:
    stream = test.to_iterable_dataset(num_shards=3)
    assert contents(stream) == contents(test)
    assert sorted(contents(stream.shuffle(seed=1))) == sorted(contents(test))
    assert [row["frame"] for row in stream.skip(1).take(2)] == test["frame"][1:3] == [5, 10]


def test_numpy(test: datasets.Dataset) -> None:
    batch = test.with_format("numpy")[[0, 7]]
    assert (batch["image"].dtype, batch["image"].shape) == (np.uint8, (2, 256, 128, 3))
    assert (batch["keypoints"].dtype, batch["keypoints"].shape) == (np.float32, (2, 17, 2))
    assert batch["bbox"].shape == (2, 4)
    assert (batch["image"][1] == np.asarray(test[7]["image"])).all()
    assert batch["keypoints"].tolist() == [test[0]["keypoints"], test[7]["keypoints"]]
    assert batch["person_id"].tolist() == [2, 4]
    assert list(batch["video_id"]) == ["bbb", "ccc"]


@pytest.mark.slow
def test_torch(test: datasets.Dataset) -> None:
    torch = pytest.importorskip("torch", reason="needs torch: make test-slow")
    batch = test.with_format("torch")[[0, 7]]
    assert (batch["keypoints"].dtype, tuple(batch["keypoints"].shape)) == (
        torch.float32, (2, 17, 2),
    )  # fmt: skip
    assert tuple(batch["image"][0].shape) == (3, 256, 128)
    pixels = np.asarray(test[7]["image"]).transpose(2, 0, 1)
    assert (batch["image"][1].numpy() == pixels).all()
    assert batch["person_id"].tolist() == [2, 4]


def test_select(test: datasets.Dataset) -> None:
    everything = contents(test)
    assert contents(test.select([20, 3, 3])) == [everything[i] for i in (20, 3, 3)]


def test_filter_by_people(test: datasets.Dataset) -> None:
    train_people = {2, 4}
    kept = test.filter(lambda person: person in train_people, input_columns="person_id")
    rest = test.filter(lambda person: person not in train_people, input_columns="person_id")
    assert (len(kept), len(rest)) == (12, 12)
    assert set(kept["person_id"]) == train_people
    assert set(rest["person_id"]) == {3, 5}
    assert sorted(contents(kept) + contents(rest)) == sorted(contents(test))


def test_interleave(doors: dict[str, Any], test: datasets.Dataset) -> None:
    trainval = doors["built"]["trainval"]
    both = datasets.interleave_datasets([trainval, test])
    expected = [h for pair in zip(contents(trainval), contents(test), strict=False) for h in pair]
    assert contents(both) == expected
    assert len(expected) == 36
    streams = [part.to_iterable_dataset() for part in (trainval, test)]
    # Streams end with the first that has no more, which is in the 18th pair.
    assert contents(datasets.interleave_datasets(streams))[:34] == expected[:34]
