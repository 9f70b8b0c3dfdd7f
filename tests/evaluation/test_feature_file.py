"""Files of features: read, checked, joined to the images of a dataset."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import Dataset

from dancereid_pipeline.common.errors import FeaturesError
from dancereid_pipeline.evaluation.feature_file import (
    KEYS,
    Features,
    join,
    read_features,
    write_features,
)

ROWS = np.arange(12, dtype=np.float32).reshape(4, 3)
IMAGES: dict[str, Any] = {
    "video_id": ["a", "a", "b", "b"],
    "person_id": [0, 1, 2, 2],
    "frame": [0, 0, 0, 5],
}


def write(folder: Path, kind: str, rows: Any = ROWS, **keys: Any) -> Path:
    """A file of that kind, as people write it."""
    path = folder / f"features.{kind.partition(' ')[0]}"
    if kind == "npy":
        np.save(path, rows)
    elif kind == "npz":
        np.savez(path, feature=rows, **keys)
    elif kind == "parquet datasets":
        Dataset.from_dict({"feature": [list(row) for row in rows], **keys}).to_parquet(path)
    else:
        table = pa.table(
            {**keys, "feature": [list(row) for row in rows], "other": ["x"] * len(rows)}
        )
        pq.write_table(table, path, row_group_size=3)
    return path


TABLES = ["npz", "parquet", "parquet datasets"]


@pytest.mark.parametrize("kind", TABLES)
def test_rows_are_found_by_their_keys_whatever_their_order(tmp_path: Path, kind: str) -> None:
    order = [2, 0, 3, 1]
    keys = {name: [values[i] for i in order] for name, values in IMAGES.items()}
    found = join(read_features(write(tmp_path, kind, ROWS[order], **keys)), IMAGES)
    assert np.array_equal(found.rows, ROWS)
    assert (found.how, found.left_over) == ("by video_id, person_id, frame", 0)


@pytest.mark.parametrize("kind", ["npy", *TABLES])
def test_without_keys_rows_are_taken_in_order(tmp_path: Path, kind: str) -> None:
    found = join(read_features(write(tmp_path, kind)), IMAGES)
    assert np.array_equal(found.rows, ROWS)
    assert found.how == "by order, not compared"


def test_in_order_what_keys_there_are_are_compared(tmp_path: Path) -> None:
    some = {"person_id": IMAGES["person_id"], "frame": IMAGES["frame"]}
    assert join(read_features(write(tmp_path, "npz", **some)), IMAGES).how == (
        "by order, person_id and frame compared"
    )
    some["frame"] = [0, 0, 5, 0]
    with pytest.raises(FeaturesError, match="row 2: expected frame 0, as in the dataset, got 5; 2"):
        join(read_features(write(tmp_path, "npz", **some)), IMAGES)


def test_rows_of_other_images_are_left_over_and_counted(tmp_path: Path) -> None:
    keys = {"video_id": ["z", *IMAGES["video_id"]], "person_id": [0, *IMAGES["person_id"]]}
    path = write(tmp_path, "npz", ROWS[[0, 0, 1, 2, 3]], **keys, frame=[0, *IMAGES["frame"]])
    found = join(read_features(path), IMAGES)
    assert np.array_equal(found.rows, ROWS)
    assert found.left_over == 1


def test_images_without_a_row_and_rows_that_come_twice() -> None:
    def of(*order: int) -> Features:
        keys = {name: np.array(values)[list(order)] for name, values in IMAGES.items()}
        return Features(Path("f.npz"), ROWS[list(order)], keys)

    with pytest.raises(
        FeaturesError, match="1 of the 4 images have no row, the first is video_id b, pe"
    ):
        join(of(0, 1, 3), IMAGES)
    with pytest.raises(
        FeaturesError, match="row 3: video_id a, person_id 1, frame 0 is already in row 1"
    ):
        join(of(0, 1, 2, 1), IMAGES)
    with pytest.raises(FeaturesError, match=r"expected 4 rows, one for each image .* got 3"):
        join(Features(Path("f.npy"), ROWS[:3], {}), IMAGES)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "new" / "features.parquet"
    origin = {"model": "colour", "fingerprint": "0123"}
    write_features(path, ROWS, IMAGES, origin)
    found = read_features(path)
    assert found.rows.dtype == np.float32
    assert np.array_equal(found.rows, ROWS)
    assert {name: found.keys[name].tolist() for name in KEYS} == IMAGES
    assert found.origin == origin
    assert [p.name for p in path.parent.iterdir()] == ["features.parquet"]


@pytest.mark.parametrize("kind", ["parquet", "npz"])
def test_a_file_that_was_cut(tmp_path: Path, kind: str) -> None:
    path = write(tmp_path, kind, **IMAGES)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(FeaturesError, match="cannot be read as"):
        read_features(path)


def test_nothing_in_a_file_is_run(tmp_path: Path) -> None:
    np.save(tmp_path / "f.npy", np.array([{"a": print}], object), allow_pickle=True)
    with pytest.raises(FeaturesError, match=r"cannot be read as \.npy"):
        read_features(tmp_path / "f.npy")


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ([[1.0, 2.0], [3.0]], "row 1 has 1 numbers, row 0 has 2"),
        ([[1.0, 2.0], None], "column 'feature' has 1 empty rows"),
        ([[1.0, None], [3.0, 4.0]], "column 'feature' has 1 empty numbers"),
        ([1.0, 2.0], "has double, expected lists of numbers"),
        ([["a"], ["b"]], r"expected lists of numbers"),
    ],
)
def test_columns_that_are_no_features(tmp_path: Path, column: list[Any], message: str) -> None:
    pq.write_table(pa.table({"feature": column}), tmp_path / "f.parquet")
    with pytest.raises(FeaturesError, match=message):
        read_features(tmp_path / "f.parquet")


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(
        FeaturesError, match=r"expected a file that ends in \.npy, \.npz, \.parquet"
    ):
        read_features(tmp_path / "features.txt")
    # Parquet does what Arrow's own files do, and a broken one of those can end pyarrow itself.
    with pytest.raises(FeaturesError, match=r"expected a file that ends in"):
        read_features(tmp_path / "features.arrow")
    with pytest.raises(FeaturesError, match="No such file"):
        read_features(tmp_path / "features.npy")
    for kind in ("npy", "npz", "parquet"):
        (tmp_path / f"junk.{kind}").write_bytes(b"junk" * 20)
        with pytest.raises(FeaturesError, match=f"cannot be read as .{kind}") as error:
            read_features(tmp_path / f"junk.{kind}")
        assert "pickle" not in str(error.value)
    np.savez(tmp_path / "f.npz", features=ROWS)
    with pytest.raises(FeaturesError, match="there is no array 'feature'"):
        read_features(tmp_path / "f.npz")
    np.savez(tmp_path / "g.npz", feature=ROWS, frame=[1, 2])
    with pytest.raises(FeaturesError, match="expected 4 values of 'frame'"):
        read_features(tmp_path / "g.npz")
    np.save(tmp_path / "f.npy", ROWS.ravel())
    with pytest.raises(FeaturesError, match=r"of the shape \[images, dimensions\], got \[12\]"):
        read_features(tmp_path / "f.npy")
    table = pa.table({"feature": [[1.0]]}).replace_schema_metadata({"dancereid": json.dumps([1])})
    pq.write_table(table, tmp_path / "f.parquet")
    with pytest.raises(FeaturesError, match="not a JSON object"):
        read_features(tmp_path / "f.parquet")


@pytest.mark.parametrize(
    ("name", "values", "said"),
    [
        ("video_id", [b"a", b"b"], r"expected text in 'video_id', got values of the type"),
        ("video_id", [1, 2], "expected text in 'video_id', got whole numbers"),
        ("person_id", ["1", "2"], "expected whole numbers in 'person_id', got text"),
        ("person_id", [1.0, 2.0], "whole numbers in 'person_id', got values of the type float64"),
        ("frame", [True, False], "expected whole numbers in 'frame', got values of the type"),
    ],
)
def test_keys_of_another_kind_are_named(
    name: str, values: list[Any], said: str, tmp_path: Path
) -> None:
    rows = np.eye(2, dtype=np.float32)
    np.savez(tmp_path / "f.npz", feature=rows, **{name: values})
    pq.write_table(pa.table({"feature": rows.tolist(), name: values}), tmp_path / "f.parquet")
    for file in ("f.npz", "f.parquet"):
        with pytest.raises(FeaturesError, match=said):
            read_features(tmp_path / file)
