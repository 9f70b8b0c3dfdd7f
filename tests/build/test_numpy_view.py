from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest
from PIL import Image

import dancereid
from dancereid_pipeline.common.errors import DanceReIDError


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Any:
    cache = str(tmp_path_factory.mktemp("cache"))
    return dancereid.load_dataset("demo", cache_dir=cache, skeleton=True)


def check(found: Iterable[dict[str, Any]], expected: Iterable[dict[str, Any]]) -> int:
    """Compares all columns; how many examples there are."""
    count = 0
    for one, other in zip(found, expected, strict=True):
        count += 1
        assert one.keys() == other.keys()
        for name in ("image", "skeleton"):
            if name in one:
                assert (one[name].dtype, one[name].shape) == (np.uint8, (256, 128, 3))
                assert np.array_equal(one[name], np.asarray(other[name]))
        for name, shape in (("keypoints", (17, 2)), ("bbox", (4,))):
            assert (one[name].dtype, one[name].shape) == (np.float32, shape)
            assert np.array_equal(one[name], np.asarray(other[name], np.float32))
        for name in ("person_id", "video_id", "frame"):
            assert one[name] == other[name]
    return count


def test_arrays_are_what_pillow_gives(demo: Any) -> None:
    arrays = dancereid.as_arrays(demo)
    assert type(arrays) is datasets.DatasetDict
    assert {name: check(arrays[name], demo[name]) for name in demo} == {
        "trainval": 120,
        "test": 145,
    }


def test_whatever_is_done_with_a_dataset(demo: Any) -> None:
    arrays, test = dancereid.as_arrays(demo["test"]), demo["test"]
    assert check(arrays.shuffle(seed=3), test.shuffle(seed=3)) == 145
    assert check(arrays.shard(4, 1), test.shard(4, 1)) == 36
    assert check(arrays.__getitems__([5, 3, 5]), [test[5], test[3], test[5]]) == 3  # DataLoader
    assert [pixels.shape for pixels in arrays[:2]["image"]] == [(256, 128, 3)] * 2
    assert arrays[7:9]["person_id"] == test[7:9]["person_id"]
    assert arrays["keypoints"][0].dtype == np.float32  # a column by itself


def grey(example: dict[str, Any]) -> dict[str, Any]:
    return {"grey": example["image"].mean(axis=2), "person_id": example["person_id"]}


def test_a_transform_sees_arrays(demo: Any) -> None:
    arrays = dancereid.as_arrays(demo, transform=grey)["test"]
    plain = dancereid.as_arrays(demo["test"])
    assert set(arrays[3]) == {"grey", "person_id"}
    assert np.array_equal(arrays[3]["grey"], plain[3]["image"].mean(axis=2))
    assert [row.shape for row in arrays.select([4, 2])[:]["grey"]] == [(256, 128)] * 2
    stream = dancereid.load_dataset("demo", streaming=True, split="test")
    first = next(iter(dancereid.as_arrays(stream, transform=grey)))
    assert np.array_equal(first["grey"], plain[0]["image"].mean(axis=2))


def test_streams(demo: Any) -> None:
    streams = dancereid.load_dataset("demo", streaming=True, skeleton=True)
    arrays = dancereid.as_arrays(streams)
    assert type(arrays) is datasets.IterableDatasetDict
    assert check(arrays["test"], demo["test"]) == 145


def test_what_was_prepared(tmp_path: Path) -> None:
    built = dancereid.load_dataset("demo", cache_dir=str(tmp_path / "cache"))
    dancereid.prepare(built, tmp_path / "out")
    loaded = datasets.load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "other"))
    assert check(dancereid.as_arrays(loaded["test"]), loaded["test"]) == 145


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 2])
def test_a_data_loader_makes_tensors_of_them(demo: Any, workers: int) -> None:
    torch_data = pytest.importorskip("torch.utils.data", reason="needs torch: make test-slow")
    arrays = dancereid.as_arrays(demo["test"])
    batches = list(torch_data.DataLoader(arrays, batch_size=50, num_workers=workers))
    assert [tuple(batch["image"].shape) for batch in batches] == [
        (50, 256, 128, 3),
        (50, 256, 128, 3),
        (45, 256, 128, 3),
    ]
    assert tuple(batches[0]["keypoints"].shape) == (50, 17, 2)
    assert batches[2]["person_id"].tolist() == demo["test"][100:]["person_id"]


def grey_png(height: int, width: int) -> bytes:
    file = io.BytesIO()
    Image.new("1", (width, height)).save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"not a jpeg", "expected a JPEG or PNG .*, found b'not a jp'"),
        (b"\xff\xd8", "expected a JPEG or PNG .*, found b'"),
        (b"<svg/>", "expected a JPEG or PNG .*, found b'<svg/>'"),
        (
            grey_png(4097, 8),
            "of at most 4096 x 4096 pixels, found 4097 x 8 pixels",
        ),
        # 110 KB that would be decoded to 2.7 GB
        (
            grey_png(30_000, 30_000),
            "of at most 4096 x 4096 pixels, found 30000 x 30000 pixels",
        ),
        (grey_png(8, 8)[:40], "expected an image, found 40 bytes that OpenCV cannot decode"),
    ],
    ids=["text", "start of a JPEG", "SVG", "too high", "bomb", "start of a PNG"],
)
def test_a_broken_image_is_named(demo: Any, content: bytes, says: str) -> None:
    raw = demo["test"].select([0]).cast_column("image", datasets.Image(decode=False))
    image = {"bytes": content, "path": "0006_000015.jpg"}
    changed = raw.map(lambda _: {"image": image}, load_from_cache_file=False)
    with pytest.raises(DanceReIDError, match=f"Image '0006_000015.jpg': .*{says}"):
        dancereid.as_arrays(changed)[0]


def test_the_largest_image_is_read(demo: Any) -> None:
    raw = demo["test"].select([0]).cast_column("image", datasets.Image(decode=False))
    image = {"bytes": grey_png(4096, 12), "path": None}
    changed = raw.map(lambda _: {"image": image}, load_from_cache_file=False)
    assert dancereid.as_arrays(changed)[0]["image"].shape == (4096, 12, 3)


# -- what `datasets` does to a format


def test_a_later_transform_gets_arrays(demo: Any) -> None:
    arrays, plain = dancereid.as_arrays(demo["test"]), dancereid.as_arrays(demo["test"])[3]

    def top(batch: dict[str, Any]) -> dict[str, Any]:
        return {"top": [image[:8] for image in batch["image"]], "frame": batch["frame"]}

    assert np.array_equal(arrays.with_transform(top)[3]["top"], plain["image"][:8])
    assert set(arrays.shuffle(seed=1).with_transform(top)[0]) == {"top", "frame"}
    arrays.set_transform(top)  # in place
    assert np.array_equal(arrays[3]["top"], plain["image"][:8])
    assert [image.shape for image in arrays.select([4, 2])[:]["top"]] == [(8, 128, 3)] * 2


@pytest.mark.parametrize("kind", [None, "numpy"])
def test_a_later_format_gets_arrays(demo: Any, kind: str | None) -> None:
    plain = dancereid.as_arrays(demo["test"])[3]
    changed = dancereid.as_arrays(demo["test"]).with_format(kind)
    for found in (changed[3]["image"], changed.select([3])[0]["image"], changed[2:5]["image"][1]):
        assert np.array_equal(found, plain["image"])
    assert np.array_equal(np.asarray(changed[3]["keypoints"], np.float32), plain["keypoints"])


def test_it_is_saved_as_any_dataset(demo: Any, tmp_path: Path) -> None:
    dancereid.as_arrays(demo["test"]).with_format(None).save_to_disk(str(tmp_path / "saved"))
    saved = datasets.load_from_disk(str(tmp_path / "saved"))
    assert saved.features == demo["test"].features
    assert saved[3]["image"].tobytes() == demo["test"][3]["image"].tobytes()


@pytest.mark.parametrize("other", [None, "demo", [1], {"test": 3}])
def test_anything_but_a_dataset_is_refused(other: Any) -> None:
    with pytest.raises(DanceReIDError, match="Expected a dataset, as load_dataset gives it, got"):
        dancereid.as_arrays(other)
