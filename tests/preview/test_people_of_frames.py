"""The people of whole frames are seen as the crops of the same data are."""

from __future__ import annotations

from typing import Any

import datasets
import numpy as np
import pytest

import dancereid
from dancereid_pipeline.common.errors import DanceReIDError
from dancereid_pipeline.preview.page.dataset_rows import PageData, see


def seen(demo_cache: str, **options: Any) -> PageData:
    return see(dancereid.load_dataset("demo", cache_dir=demo_cache, **options))


def in_order(data: PageData) -> Any:
    rows = data.rows
    return np.lexsort((rows.person, rows.frame, rows.video, rows.split))


@pytest.mark.parametrize("options", [{}, {"max_side": 300}])
def test_they_are_the_crops(demo_cache: str, options: dict[str, int]) -> None:
    crops, people = seen(demo_cache), seen(demo_cache, unit="frame", **options)
    assert people.image_size == crops.image_size
    assert len(people.rows) == len(crops.rows) > 200
    first, second = in_order(crops), in_order(people)
    for name in ("split", "video", "person", "frame"):
        one, other = getattr(crops.rows, name)[first], getattr(people.rows, name)[second]
        np.testing.assert_array_equal(one, other)
    np.testing.assert_allclose(crops.rows.bbox[first], people.rows.bbox[second], atol=1e-3)
    # The window is cut in whole pixels of the image, which are larger in a smaller image.
    most = 8 if options else 1e-2
    np.testing.assert_allclose(
        crops.rows.keypoints[first], people.rows.keypoints[second], atol=most
    )
    for index in range(0, len(first), 100):
        one, other = (
            np.asarray(data.image(int(rows[index])), float)
            for data, rows in ((crops, first), (people, second))
        )
        assert np.abs(one - other).mean() < (16 if options else 4)


def test_a_stream_and_one_split_are_read_the_same(demo_cache: str) -> None:
    built = dancereid.load_dataset("demo", unit="frame", cache_dir=demo_cache)
    stream = dancereid.load_dataset("demo", unit="frame", streaming=True)
    of_built, of_stream = see(built, "test"), see(stream, "test")
    assert of_stream.streamed
    np.testing.assert_array_equal(of_built.rows.bbox, of_stream.rows.bbox)
    assert of_built.image(7) == of_stream.image(7)


def changed(demo_cache: str, **columns: Any) -> datasets.Dataset:
    """The test split; its first frame has other values in some columns."""
    split = dancereid.load_dataset("demo", unit="frame", split="test", cache_dir=demo_cache)
    rows = [split.with_format(None).cast_column("image", datasets.Image(decode=False))[0]]
    return datasets.Dataset.from_list([{**rows[0], **columns}], features=split.features)


def test_other_values_are_refused(demo_cache: str) -> None:
    objects = {"person_id": [1], "bbox": [[0.0, 0.0, 9.0, 9.0]], "keypoints": [[[1.0, 1.0]] * 17]}
    assert len(see(changed(demo_cache, objects=objects)).rows) == 1
    for wrong in (
        {"objects": {**objects, "bbox": [None]}},
        {"objects": {**objects, "person_id": [1, 2]}},
        {"objects": None},
        {"width": None},
    ):
        with pytest.raises(DanceReIDError, match="expected whole frames with the bbox"):
            see(changed(demo_cache, **wrong))
    far = {**objects, "bbox": [[9e5, 9e5, 9.5e5, 9.9e5]]}
    large = changed(demo_cache, width=10**6, height=10**6, objects=far)
    with pytest.raises(DanceReIDError, match="expected an image of the width and height in its"):
        see(large)
    with pytest.raises(DanceReIDError, match=r"expected the columns .*; width is missing"):
        see(large.remove_columns("width"))
    with pytest.raises(DanceReIDError, match="has none"):
        see(changed(demo_cache, width=0))
