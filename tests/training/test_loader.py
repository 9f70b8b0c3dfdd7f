from __future__ import annotations

from typing import Any

import datasets
import numpy as np
import pytest

import dancereid
from dancereid_pipeline.common.errors import DanceReIDError, OptionError

torch = pytest.importorskip("torch", reason="needs torch: make test-slow")

pytestmark = pytest.mark.slow


def half(example: dict[str, Any]) -> dict[str, Any]:
    return {"image": example["image"][::2, ::2], "person_id": example["person_id"]}


@pytest.mark.parametrize("workers", [0, 2])
def test_batches_of_people(demo_built: Any, workers: int) -> None:
    train = demo_built["trainval"]
    loader = dancereid.people_loader(train, people=4, per_person=3, workers=workers)
    batches = list(loader)
    assert len(batches) == len(loader) == 10
    by_key = {(e["person_id"], e["frame"]): e for e in dancereid.as_arrays(train)}
    for batch in batches:
        assert (batch["image"].dtype, tuple(batch["image"].shape)) == (
            torch.uint8, (12, 256, 128, 3),
        )  # fmt: skip
        people = batch["person_id"].reshape(4, 3)
        assert (people == people[:, :1]).all()
        assert len(people[:, 0].unique()) == 4
        for row in range(12):
            example = by_key[int(batch["person_id"][row]), int(batch["frame"][row])]
            assert np.array_equal(batch["image"][row], example["image"])
            assert np.array_equal(batch["keypoints"][row], example["keypoints"])
            assert batch["video_id"][row] == example["video_id"]
    # The second pass is another epoch; the same loader, made again, gives the first.
    frames = [batch["frame"].tolist() for batch in batches]
    assert [batch["frame"].tolist() for batch in loader] != frames
    again = dancereid.people_loader(train, people=4, per_person=3)
    assert [batch["frame"].tolist() for batch in again] == frames


def test_a_transform(demo_built: Any) -> None:
    train = demo_built["trainval"]
    batch = next(iter(dancereid.people_loader(train, people=2, per_person=2, transform=half)))
    assert set(batch) == {"image", "person_id"}
    assert tuple(batch["image"].shape) == (4, 128, 64, 3)


def test_images_of_several_sizes(demo_built: Any) -> None:
    def cut(example: dict[str, Any]) -> dict[str, Any]:
        return {"image": example["image"][: 100 + example["frame"]]}

    loader = dancereid.people_loader(demo_built["trainval"], people=2, transform=cut)
    with pytest.raises(DanceReIDError, match="'image': expected arrays of one shape in a batch"):
        next(iter(loader))


def test_what_cannot_be_drawn(demo_built: Any) -> None:
    train: datasets.Dataset = demo_built["trainval"]
    with pytest.raises(OptionError, match=r"people: expected at most 6, .* got 16"):
        dancereid.people_loader(train)
    with pytest.raises(DanceReIDError, match="at least 2 images of each person"):
        dancereid.people_loader(train.select([0, 1, 2]), people=2)
