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
from ..common.validation import shown
from .schema import IMAGES
from .stored_image import StoredImage, decodable, image_bytes, require_values

_NUMBERS = {"keypoints": (17, 2), "bbox": (4,)}

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
            dict. With a `DataLoader` that has workers, it must be a function of a module, not a
            lambda.

    Returns:
        The same dataset. `image` (and `skeleton`) is uint8 `[height, width, 3]`, red, green,
        blue. `keypoints` is float32 `[17, 2]`, x and y in crop pixels. `bbox` is float32 `[4]`,
        x1, y1, x2, y2 in source pixels. The other columns stay the same.

        A later `set_transform` or `with_format` of `datasets` takes the place of `transform`, as
        each of these takes the place of the one before. It gets the images as arrays, too;
        `keypoints` and `bbox` come as the new format gives them (lists, for a transform).

    Raises:
        DanceReIDError: it is not a dataset, or an image has no bytes; later, when an example is
            read, its image is broken or too large.
    """
    if isinstance(dataset, Mapping):
        splits = {name: as_arrays(split, transform=transform) for name, split in dataset.items()}
        return type(dataset)(splits)  # type: ignore[call-arg,return-value]  # one of two dicts
    if not isinstance(dataset, datasets.Dataset | datasets.IterableDataset):
        raise DanceReIDError(
            f"Expected a dataset, as load_dataset gives it, got a {type(dataset).__name__}. Pass "
            "one split, or all splits."
        )
    if isinstance(dataset, datasets.Dataset):
        require_values(dataset, f"Split {dataset.split}")
    raw: Any = dataset
    for name in IMAGES:
        if name in (dataset.column_names or ()):
            raw = raw.cast_column(name, _Pixels())
    decode = _Decode(transform)
    return (
        raw.map(decode.example)
        if isinstance(raw, datasets.IterableDataset)
        else raw.with_transform(decode.batch)
    )


class _Pixels(StoredImage):
    """Decoded to an array, whatever format the user gives the dataset later."""

    def decode_example(
        self,
        value: Any,
        token_per_repo_id: object = None,  # noqa: ARG002  # the signature is that of `datasets`
    ) -> NDArray[np.uint8]:
        return value if isinstance(value, np.ndarray) else pixels_of(value)


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
    if name in IMAGES and value is None:  # `datasets` decodes no null
        return pixels_of(value)
    return _numbers(name, value) if name in _NUMBERS else value


def _numbers(name: str, value: Any) -> NDArray[np.float32]:
    try:
        numbers = np.asarray(value, np.float32)
        if numbers.shape != _NUMBERS[name]:
            raise ValueError(f"the shape is {list(numbers.shape)}")
    except (ValueError, TypeError) as error:
        raise DanceReIDError(
            f"Column '{name}': expected numbers of the shape {list(_NUMBERS[name])} in every row "
            f"({error}). Use the dataset as it was loaded."
        ) from error
    return numbers


def pixels_of(image: Mapping[str, Any] | None) -> NDArray[np.uint8]:
    """Decodes an image of a dataset: uint8 `[height, width, 3]`, red, green, blue.

    Raises:
        DanceReIDError: it has no bytes, or they are no image, or one that is too large.
    """
    where = f"Image {shown((image or {}).get('path'))}"
    content = decodable(image_bytes(image, where), where)
    pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    if pixels is None:
        raise DanceReIDError(
            f"{where}: expected an image, found {len(content):,} bytes that OpenCV cannot decode. "
            "Build the dataset again, or get it again."
        )
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8)
