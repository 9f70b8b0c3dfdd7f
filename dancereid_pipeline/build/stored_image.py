"""An image as a dataset stores it: its bytes, and the path that they came from.

The dataset may be anybody's. Where a row has a path and no bytes, `datasets` reads the file or
asks the address. So a stranger's dataset could put a private file into what its user shares.
This project reads the bytes only.
"""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from PIL import Image

from ..common.errors import DanceReIDError, SourceError
from ..formats.image_header import size_of_image
from .options import MAX_SIDE, UNITS
from .schema import IMAGES, example_features

_BATCH = 1000  # rows
_COLUMNS = {name for unit in UNITS for name in example_features(unit=unit)} | set(IMAGES)
_TRUST = (
    "Do not use this dataset if you do not know who made it; if you made it, build or prepare it "
    "again."
)


class StoredImage(datasets.Image):
    """The feature `Image`, as which it is also written; but an image with bytes keeps them.

    `datasets` drops the bytes of an example that it encodes, as in a stream, if the current folder
    has a file of the image's path.
    """

    def encode_example(self, value: Any) -> Any:
        """The image as it is stored: a dict with bytes and path."""
        kept = isinstance(value, Mapping) and value.get("bytes")
        return value if kept else super().encode_example(value)


def require_values(dataset: datasets.Dataset, where: str) -> None:
    """Refuses a dataset with an image that has no bytes, or with another column without a value.

    It reads no bytes of images.

    Args:
        dataset: one split, built.
        where: names the split, for the error message.

    Raises:
        DanceReIDError: there is one; the message names its row.
    """
    for name in dataset.features:
        if name not in _COLUMNS:
            continue
        # All stored rows first: to gather those that `select` or `filter` left would copy them.
        if not pc.any(_empty(dataset.data.column(name))).as_py():
            continue
        for number, batch in enumerate(
            dataset.select_columns(name).with_format("arrow").iter(_BATCH)
        ):
            row = pc.index(_empty(batch[name]), True).as_py()
            if row >= 0:
                column = f"{where}, row {number * _BATCH + row}, column '{name}'"
                value = batch[name][row].as_py()
                for image in value if name == "images" else [value] if name in IMAGES else ():
                    image_bytes(image, column)
                raise DanceReIDError(f"{column}: expected a value, found nothing. {_TRUST}")


def _empty(column: Any) -> Any:
    """Whether each value of a column is null, or an image or a list with one without bytes."""
    if pa.types.is_list(column.type) and pa.types.is_struct(column.type.value_type):
        empty = [_with_empty(chunk) for chunk in column.chunks]
        return pa.chunked_array(empty, pa.bool_())
    if not pa.types.is_struct(column.type) or column.type.get_field_index("bytes") < 0:
        return pc.is_null(column)
    return pc.equal(pc.fill_null(pc.binary_length(pc.struct_field(column, "bytes")), 0), 0)


def _with_empty(images: pa.ListArray) -> pa.Array:
    """Whether each list of images is null, empty, or has an image without bytes."""
    lengths = pc.fill_null(pc.list_value_length(images), 0).to_numpy()
    row = np.repeat(np.arange(len(lengths)), lengths)
    without = _empty(pa.chunked_array([images.flatten()])).to_numpy().astype(bool)
    found = lengths == 0
    found[row[without]] = True
    return pa.array(found)


def refuse_file_of_name(name: str) -> None:
    """Refuses to store an image where the current folder has a file of its name.

    Raises:
        SourceError: there is one. `datasets` would store its path instead of the image.
    """
    if os.path.isfile(name):  # noqa: PTH113  # a third of the time, and there are many images
        raise SourceError(
            f"{Path(name).absolute()}: has the name of an image of this dataset, and `datasets` "
            "would store this path instead of the image. Work in another folder."
        )


def image_bytes(image: Mapping[str, Any] | None, where: str) -> bytes:
    """The bytes of an image, as they are stored.

    Raises:
        DanceReIDError: it has none.
    """
    content: bytes | None = (image or {}).get("bytes")
    if content:
        return content
    path = (image or {}).get("path")
    found = f"only the path {path!r:.300}, which is not read" if path else "nothing"
    raise DanceReIDError(f"{where}: expected an image as bytes, found {found}. {_TRUST}")


def decodable(content: bytes, where: str) -> bytes:
    """The same bytes, if they are those of an image that needs no more memory than a crop may.

    Raises:
        DanceReIDError: they are no JPEG or PNG, or one that is too large.
    """
    size = size_of_image(content)
    if size is None or not all(0 < side <= MAX_SIDE for side in size):
        found = f"{size[0]} x {size[1]} pixels" if size else f"{content[:8]!r}"
        raise DanceReIDError(
            f"{where}: expected a JPEG or PNG of at most {MAX_SIDE} x {MAX_SIDE} pixels, found "
            f"{found}. Build or prepare the dataset again, or get it again."
        )
    return content


def check_jpeg(content: bytes, size: tuple[int, int], where: str) -> None:
    """Refuses bytes that are to be passed on and are not a crop of this size, as a JPEG.

    Args:
        content: the bytes. They are decoded, at an eighth of the size.
        size: height and width, in pixels.
        where: names the image, for the error message.

    Raises:
        DanceReIDError: they are something else.
    """
    found = size_of_image(content)
    try:
        if found != size:
            raise ValueError(f"{found[0]} x {found[1]} pixels" if found else "not an image")
        with Image.open(io.BytesIO(content), formats=["JPEG"]) as image:
            image.draft("L", (size[1] // 8, size[0] // 8))
            image.load()
    except (OSError, ValueError, SyntaxError) as error:
        raise DanceReIDError(
            f"{where}: expected a JPEG of {size[0]} x {size[1]} pixels, as load_dataset gives it, "
            f"found {len(content):,} bytes that begin with {content[:8]!r} ({error}). Was the "
            "column changed? Use the dataset as it was loaded."
        ) from error
