"""A dataset -> the same dataset with NumPy arrays, which is faster for training."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

import cv2
import datasets
import numpy as np
from numpy.typing import NDArray

from ..common.errors import DanceReIDError

_IMAGES = ("image", "skeleton")
_NUMBERS = ("keypoints", "bbox")

AnyDataset = TypeVar("AnyDataset")
Transform: TypeAlias = Callable[[dict[str, Any]], dict[str, Any]]


def as_arrays(dataset: AnyDataset, *, transform: Transform | None = None) -> AnyDataset:
    """The dataset with NumPy arrays in its examples. It decodes images directly from their bytes.

    The pixels are the same as those that `datasets` decodes with Pillow, in half the time
    (benchmarks/dataloader.py). You can shuffle, select, shard and batch it as before. PyTorch's
    DataLoader makes tensors from it.

    Args:
        dataset: one split or all splits; built, prepared or streamed.
        transform: changes an example, a dict with these arrays, whenever it is read; returns a
            dict. Give it here: a later `set_transform` or `with_format` of `datasets` would
            replace the decoding, too. With a `DataLoader` that has workers, it must be a function
            of a module, not a lambda.

    Returns:
        The same dataset. `image` (and `skeleton`) is uint8 `[height, width, 3]`, red, green,
        blue. `keypoints` is float32 `[17, 2]`, x and y in crop pixels. `bbox` is float32 `[4]`,
        x1, y1, x2, y2 in source pixels. The other columns stay the same.

    Raises:
        DanceReIDError: it is not a dataset; later, when an example is read, its image is
            broken.
    """
    if isinstance(dataset, Mapping):
        splits = {name: as_arrays(split, transform=transform) for name, split in dataset.items()}
        return type(dataset)(splits)  # type: ignore[call-arg,return-value]  # one of two dicts
    if not isinstance(dataset, datasets.Dataset | datasets.IterableDataset):
        raise DanceReIDError(
            f"Expected a dataset, as load_dataset gives it, got a {type(dataset).__name__}. Pass "
            "one split, or all splits."
        )
    raw: Any = dataset
    for name in _IMAGES:
        if name in (dataset.column_names or ()):
            raw = raw.cast_column(name, datasets.Image(decode=False))
    decode = _Decode(transform)
    return (
        raw.map(decode.example)
        if isinstance(raw, datasets.IterableDataset)
        else raw.with_transform(decode.batch)
    )


@dataclass(frozen=True)
class _Decode:
    """It can be pickled, for the workers of a loader, if the transform can."""

    transform: Transform | None

    def example(self, columns: dict[str, Any]) -> dict[str, Any]:
        arrays = {name: _array(name, value) for name, value in columns.items()}
        return arrays if self.transform is None else self.transform(arrays)

    def batch(self, columns: dict[str, list[Any]]) -> dict[str, list[Any]]:
        rows = [
            self.example(dict(zip(columns, row, strict=True)))
            for row in zip(*columns.values(), strict=True)
        ]
        return {name: [row[name] for row in rows] for name in (rows[0] if rows else columns)}


def _array(name: str, value: Any) -> Any:
    if name in _IMAGES:
        return _pixels(name, value)
    return np.asarray(value, np.float32) if name in _NUMBERS else value


def _pixels(column: str, image: Mapping[str, Any]) -> NDArray[np.uint8]:
    content = image["bytes"] or b""
    pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR) if content else None
    if pixels is None:
        raise DanceReIDError(
            f"Column {column!r}, {image['path']}: expected an image, found {len(content):,} bytes "
            "that OpenCV cannot decode. Build the dataset again, or get it again."
        )
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8)
