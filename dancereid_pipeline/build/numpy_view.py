"""A dataset -> the same dataset with NumPy arrays, which is faster for training."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

import cv2
import datasets
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..common.errors import DanceReIDError
from ..common.validation import shown
from .schema import IMAGES, unit_of
from .stored_image import StoredImage, decodable, image_bytes, require_values

_NUMBERS = {"keypoints": (17, 2), "bbox": (4,)}
_LISTS = {"frames", "person_id"}  # of whole numbers, where they are lists

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

        Of tracklets, `images` is uint8 `[T, height, width, 3]`, `keypoints` `[T, 17, 2]`, `bbox`
        `[T, 4]` and `frames` int32 `[T]`. Of frames, `objects` is a dict with `person_id` int32
        `[N]`, `bbox` `[N, 4]` and `keypoints` `[N, 17, 2]`, in pixels of the image.

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
            raw = raw.cast_column(name, _ListOfPixels() if name == "images" else _Pixels())
    decode = _Decode(transform, unit_of(dataset.column_names))
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


class _ListOfPixels(StoredImage):
    """As `_Pixels`, of the images of a tracklet. `datasets` cannot decode a list to arrays."""

    pa_type = pa.list_(datasets.Image.pa_type)

    def __call__(self) -> pa.DataType:
        return self.pa_type

    def cast_storage(self, storage: Any) -> Any:
        return storage.cast(self.pa_type)

    def encode_example(self, value: Any) -> Any:
        return value

    def decode_example(
        self,
        value: Any,
        token_per_repo_id: object = None,  # noqa: ARG002  # the signature is that of `datasets`
    ) -> NDArray[np.uint8]:
        return value if isinstance(value, np.ndarray) else _stack([pixels_of(v) for v in value])


@dataclass(frozen=True)
class _Decode:
    """It can be pickled, for the workers of a loader, if the transform can."""

    transform: Transform | None
    unit: str

    def example(self, columns: dict[str, Any]) -> dict[str, Any]:
        arrays = {name: _array(name, value, self.unit) for name, value in columns.items()}
        return arrays if self.transform is None else self.transform(arrays)

    def batch(self, columns: dict[str, list[Any]]) -> dict[str, list[Any]]:
        rows = [
            self.example(dict(zip(columns, row, strict=True)))
            for row in zip(*columns.values(), strict=True)
        ]
        return {name: [row[name] for row in rows] for name in (rows[0] if rows else columns)}


def _array(name: str, value: Any, unit: str) -> Any:
    if name in IMAGES and value is None:  # `datasets` decodes no null
        return pixels_of(value)
    if unit == "frame" and name == "objects":
        return {inner: _array(inner, values, "objects") for inner, values in value.items()}
    several = unit in ("tracklet", "objects")
    if several and name in _LISTS and not isinstance(value, int):
        return np.asarray(value, np.int32)
    return _numbers(name, value, several=several) if name in _NUMBERS else value


def _stack(images: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """The images of a tracklet as one array, `[T, height, width, 3]`."""
    if not images or len({image.shape for image in images}) > 1:
        found = ", ".join(sorted({str(image.shape) for image in images})) or "none"
        raise DanceReIDError(
            f"Column 'images': expected images of one size in every row, found {found}. Use the "
            "dataset as it was loaded."
        )
    return np.stack(images)


def _numbers(name: str, value: Any, *, several: bool) -> NDArray[np.float32]:
    shape = _NUMBERS[name]
    try:
        numbers = np.asarray(value, np.float32)
        if numbers.shape[several:] != shape or numbers.ndim != len(shape) + several:
            raise ValueError(f"the shape is {list(numbers.shape)}")
    except (ValueError, TypeError) as error:
        expected = ["N", *shape] if several else [*shape]
        raise DanceReIDError(
            f"Column '{name}': expected numbers of the shape [{', '.join(map(str, expected))}] in "
            f"every row ({error}). Use the dataset as it was loaded."
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
