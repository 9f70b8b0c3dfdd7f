"""A dataset -> the same with NumPy arrays for examples, as training wants them, fast."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import cv2
import datasets
import numpy as np
from numpy.typing import NDArray

from ..common.errors import DanceReIDError

_PICTURES = ("image", "skeleton")
_NUMBERS = ("keypoints", "bbox")

AnyDataset = TypeVar("AnyDataset")


def as_arrays(dataset: AnyDataset) -> AnyDataset:
    """The dataset with arrays for examples, whose pictures are decoded straight from their bytes.

    The pixels are those that `datasets` gives, by way of Pillow; it takes half the time
    (benchmarks/dataloader.py). Shuffle, select, shard and batch it as before; PyTorch's DataLoader
    makes tensors of it.

    Args:
        dataset: built, prepared or streamed; one split, or all.

    Returns:
        The same, with `image` (and `skeleton`) uint8 `[height, width, 3]`, red, green, blue;
        `keypoints` float32 `[17, 2]`, x and y in crop pixels; `bbox` float32 `[4]`. The other
        columns are what they were.

    Raises:
        DanceReIDError: it is no dataset; and when a picture is read that is none.
    """
    if isinstance(dataset, Mapping):
        splits = {name: as_arrays(split) for name, split in dataset.items()}
        return type(dataset)(splits)  # type: ignore[call-arg,return-value]  # one of two dicts
    if not isinstance(dataset, datasets.Dataset | datasets.IterableDataset):
        raise DanceReIDError(
            f"Expected a dataset, as load_dataset gives it, got a {type(dataset).__name__}. Hand "
            "over one split, or all of them."
        )
    raw: Any = dataset
    for name in _PICTURES:
        if name in (dataset.column_names or ()):
            raw = raw.cast_column(name, datasets.Image(decode=False))
    return (
        raw.map(_example)
        if isinstance(raw, datasets.IterableDataset)
        else raw.with_transform(_batch)
    )


def _batch(columns: dict[str, list[Any]]) -> dict[str, list[Any]]:
    return {name: [_array(name, value) for value in column] for name, column in columns.items()}


def _example(columns: dict[str, Any]) -> dict[str, Any]:
    return {name: _array(name, value) for name, value in columns.items()}


def _array(name: str, value: Any) -> Any:
    if name in _PICTURES:
        return _pixels(name, value)
    return np.asarray(value, np.float32) if name in _NUMBERS else value


def _pixels(column: str, picture: Mapping[str, Any]) -> NDArray[np.uint8]:
    content = picture["bytes"] or b""
    pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR) if content else None
    if pixels is None:
        raise DanceReIDError(
            f"Column {column!r}, {picture['path']}: expected a picture, found {len(content):,} "
            "bytes that are none. Build the dataset again, or get it again."
        )
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8)
