"""The columns of an example and their types."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import datasets

from ..common.errors import DanceReIDError
from ..common.validation import shown

IMAGES = ("image", "skeleton", "images")


def example_features(*, skeleton: bool = False, unit: str = "crop") -> datasets.Features:
    """The columns of an example and their types, in order.

    Args:
        skeleton: whether the column `skeleton` is there.
        unit: what an example is.
    """
    number, integer = datasets.Value("float32"), datasets.Value("int32")
    # Plain lists of fixed size: all programs that read Parquet can read them.
    keypoints = datasets.Sequence(datasets.Sequence(number, length=2), length=17)
    bbox = datasets.Sequence(number, length=4)
    if unit == "tracklet":
        columns: dict[str, Any] = {
            "images": datasets.Sequence(datasets.Image()),
            "keypoints": datasets.Sequence(keypoints),
            "person_id": integer,
            "video_id": datasets.Value("string"),
            "frames": datasets.Sequence(integer),
            "bbox": datasets.Sequence(bbox),
        }
    elif unit == "frame":
        columns = {
            "image": datasets.Image(),
            "width": integer,
            "height": integer,
            "video_id": datasets.Value("string"),
            "frame": integer,
            "objects": {
                "person_id": datasets.Sequence(integer),
                "bbox": datasets.Sequence(bbox),
                "keypoints": datasets.Sequence(keypoints),
            },
        }
    else:
        columns = {
            "image": datasets.Image(),
            "keypoints": keypoints,
            "person_id": integer,
            "video_id": datasets.Value("string"),
            "frame": integer,
            "bbox": bbox,
        }
    if skeleton:
        columns["skeleton"] = datasets.Image()
    return datasets.Features(columns)


def unit_of(features: Iterable[str] | None) -> str:
    """What an example is, by the names of the columns."""
    names = set(features or ())
    return "tracklet" if "images" in names else "frame" if "objects" in names else "crop"


def check_splits(dataset: Any) -> None:
    """Refuses what is not all splits of a built dataset.

    Raises:
        DanceReIDError: it is a stream, a single split or something else.
    """
    splits = dataset.values() if isinstance(dataset, Mapping) else ()
    if not splits or not all(isinstance(split, datasets.Dataset) for split in splits):
        raise DanceReIDError(
            "Expected all splits, built, as load_dataset('dancereid', ...) gives them, got "
            f"{shown(dataset)}. Load it without split= and without streaming=True."
        )


def check_columns(
    features: datasets.Features | None, names: Iterable[str], where: str, unit: str = "crop"
) -> None:
    """Refuses a dataset without these columns, or where one holds values of another kind.

    Args:
        features: the columns of the dataset; None if they are not known, as in a stream after
            `map`.
        names: columns that must be there.
        where: names the dataset, for the error message.
        unit: what an example must be.

    Raises:
        DanceReIDError: a column is missing, or of another kind.
    """
    names, expected = list(names), example_features(skeleton=True, unit=unit)
    lacking = [name for name in names if name not in (features or ())]
    if lacking and (found := unit_of(features)) != unit:
        raise DanceReIDError(
            f"{where}: expected {unit}s, got {found}s. Load the dataset with unit='{unit}' (--unit "
            f"{unit}), or name that config of a prepared folder."
        )
    if features is None or lacking:
        raise DanceReIDError(
            f"{where}: expected the columns {', '.join(names)}; {', '.join(lacking)} is missing. "
            "Use the dataset as it was loaded (a stream forgets its columns in map() without "
            "features=)."
        )
    for name in names:
        if _kind(features[name]) != _kind(expected[name]):
            raise DanceReIDError(
                f"{where}: expected {_kind(expected[name])} in the column {name}, got "
                f"{_kind(features[name])}. Use the dataset as it was loaded, without casts "
                "(class_encode_column)."
            )


def _kind(feature: Any) -> str:
    """What a column holds, in words."""
    if isinstance(feature, datasets.Value):
        return "whole numbers" if "int" in feature.dtype else feature.dtype.removeprefix("large_")
    if isinstance(feature, datasets.Image):
        return "Image"
    if isinstance(feature, datasets.ClassLabel):
        return "ClassLabel"
    return "lists"
