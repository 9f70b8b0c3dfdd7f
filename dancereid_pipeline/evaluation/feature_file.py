"""Reads and writes files with one row of features for each image; joins them to a dataset.

    .npy       [N, D], in the order of the dataset
    .npz       `feature` [N, D]; and any of `video_id`, `person_id`, `frame`, each [N]
    .parquet   a column `feature`, lists of equal length; and any of these three columns

If a file has all of `video_id`, `person_id` and `frame`, its rows are found by them, in any
order. Otherwise its rows must be in the order of the dataset, and the columns that it has must
be equal to those of the dataset.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.lib.format import MAGIC_PREFIX
from numpy.typing import NDArray

from ..common.errors import FeaturesError
from ..common.store_path import AnyPath, StorePath, input_path, written

FEATURE = "feature"
KEYS = ("video_id", "person_id", "frame")
_METADATA = b"dancereid"


@dataclass(frozen=True)
class Features:
    """What a file of features holds.

    Attributes:
        path: path of the file.
        rows: features, real numbers, `[N, D]`.
        keys: those columns of `KEYS` that the file has, each `[N]`.
        origin: what made the features, as `write_features` wrote it; empty if the file has none.
    """

    path: AnyPath
    rows: NDArray[Any]
    keys: Mapping[str, NDArray[Any]]
    origin: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Joined:
    """Features in the order of a dataset's images.

    Attributes:
        rows: features, `[images, D]`.
        how: how rows and images were matched, in words.
        left_over: number of rows in the file that belong to none of the images.
    """

    rows: NDArray[Any]
    how: str
    left_over: int


def read_features(path: str | Path, storage_options: Mapping[str, Any] | None = None) -> Features:
    """Reads a file, whose ending tells its format. No code in it is run.

    Args:
        path: its path, or its address in a store.
        storage_options: what fsspec is called with for an address.

    Raises:
        FeaturesError: the file does not exist, or is not such a file.
    """
    given = input_path("features", path, storage_options)
    if isinstance(given, StorePath):
        try:
            with given.copied() as copy:
                return replace(_read(copy, given), path=given)
        except FileNotFoundError as error:
            raise FeaturesError(f"{given}: there is no such file. Check the address.") from error
    return _read(given, given)


def _read(path: Path, given: AnyPath) -> Features:
    """Reads a file; `given` is its name in errors."""
    read = _READERS.get(path.suffix.lower())
    if read is None:
        raise FeaturesError(
            f"{given}: expected a file that ends in {', '.join(_READERS)}. Save the features in "
            "one of these formats, one row for each image."
        )
    try:
        found = read(path)
    except Exception as error:  # what NumPy, zipfile and pyarrow raise for any file is not listed
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        raise FeaturesError(
            f"{given}: cannot be read as {path.suffix} ({reason}). Expected numbers, one row for "
            "each image. Save it again, or name another file."
        ) from error
    if found.rows.ndim != 2:
        raise FeaturesError(
            f"{given}: expected features of the shape [images, dimensions], got "
            f"{list(found.rows.shape)}. Save one row for each image."
        )
    for name, values in found.keys.items():
        if values.shape != (len(found.rows),):
            raise FeaturesError(
                f"{given}: expected {len(found.rows):,} values of '{name}', one for each row of "
                f"features, got the shape {list(values.shape)}. Save those of the same images."
            )
        expected, kind = ("text" if name == "video_id" else "whole numbers"), _kind(values)
        if kind != expected:
            raise FeaturesError(
                f"{given}: expected {expected} in '{name}', got {kind}. Save the dataset's column "
                "as it is."
            )
    return found


def _kind(values: NDArray[Any]) -> str:
    """What an array holds, in words."""
    if values.dtype.kind in "iu":
        return "whole numbers"
    texts = values.dtype.kind == "U" or (
        values.dtype.kind == "O" and all(isinstance(value, str) for value in values.tolist())
    )
    return "text" if texts else f"values of the type {values.dtype}"


def write_features(
    path: AnyPath, rows: NDArray[Any], keys: Mapping[str, Any], origin: Mapping[str, Any]
) -> None:
    """Writes a Parquet file that `read_features` reads. It appears only when it is complete.

    Args:
        path: path of the file; an existing file is replaced.
        rows: features, float32 `[N, D]`.
        keys: the columns named in `KEYS`, each `[N]`.
        origin: what made the features, as JSON values: "model", "fingerprint" of the dataset, ...

    Raises:
        SourceError: the file cannot be written.
    """
    column = pa.FixedSizeListArray.from_arrays(pa.array(rows.reshape(-1)), rows.shape[1])
    table = pa.table({**{name: pa.array(keys[name]) for name in KEYS}, FEATURE: column})
    table = table.replace_schema_metadata({_METADATA: json.dumps(dict(origin)).encode()})
    with written(path) as unfinished:
        pq.write_table(table, unfinished)


def join(features: Features, images: Mapping[str, Any]) -> Joined:
    """Brings features into the order of a dataset's images.

    Args:
        features: features of these images; those of other images are left out.
        images: the dataset's columns named in `KEYS`, each `[images]`.

    Raises:
        FeaturesError: an image has no row or several rows, or a row belongs to another image.
    """
    expected = {name: np.asarray(images[name]) for name in KEYS}
    if features.keys.keys() == set(KEYS):
        return _by_key(features, expected)
    count = len(expected["frame"])
    if len(features.rows) != count:
        raise FeaturesError(
            f"{features.path}: expected {count:,} rows, one for each image in the dataset's order, "
            f"got {len(features.rows):,}. Is it of another split, or were batches dropped? Save "
            f"{', '.join(KEYS)} with the features, and rows are found by them."
        )
    for name, values in features.keys.items():
        other = np.flatnonzero(values != expected[name])
        if len(other):
            raise FeaturesError(
                f"{features.path}, row {other[0]}: expected {name} {expected[name][other[0]]}, as "
                f"in the dataset, got {values[other[0]]}; {len(other):,} of {count:,} rows "
                f"differ. Keep the dataset's order, or save {', '.join(KEYS)} with the features."
            )
    checked = f", {' and '.join(features.keys)} compared" if features.keys else ", not compared"
    return Joined(features.rows, f"by order{checked}", 0)


def _by_key(features: Features, expected: Mapping[str, NDArray[Any]]) -> Joined:
    rows_of: dict[tuple[Any, ...], int] = {}
    for row, key in enumerate(_tuples(features.keys)):
        first = rows_of.setdefault(key, row)
        if first != row:
            raise FeaturesError(
                f"{features.path}, row {row}: {_named(key)} is already in row {first}. Expected "
                "one row for each image. Remove the second one."
            )
    wanted = _tuples(expected)
    lacking = [key for key in wanted if key not in rows_of]
    if lacking:
        raise FeaturesError(
            f"{features.path}: {len(lacking):,} of the {len(wanted):,} images have no row, the "
            f"first is {_named(lacking[0])}; the file has {len(rows_of):,} rows. Extract the "
            "features of this split and build."
        )
    rows = features.rows[[rows_of[key] for key in wanted]]
    return Joined(rows, f"by {', '.join(KEYS)}", len(rows_of) - len(set(wanted)))


def _tuples(keys: Mapping[str, NDArray[Any]]) -> list[tuple[Any, ...]]:
    return list(zip(*(keys[name].tolist() for name in KEYS), strict=True))


def _named(key: tuple[Any, ...]) -> str:
    return ", ".join(f"{name} {value}" for name, value in zip(KEYS, key, strict=True))


def _read_npy(path: Path) -> Features:
    with path.open("rb") as file:
        # NumPy takes any other file for a pickle, and its message advises to allow pickles.
        if file.read(len(MAGIC_PREFIX)) != MAGIC_PREFIX:
            raise ValueError("it does not begin like an npy file")
    return Features(path, np.load(path, allow_pickle=False), {})


def _read_npz(path: Path) -> Features:
    if path.is_file() and not zipfile.is_zipfile(path):
        raise ValueError("it is not a zip archive, as npz files are")
    with np.load(path, allow_pickle=False) as arrays:
        if FEATURE not in arrays:
            raise ValueError(f"there is no array '{FEATURE}' in it")
        found = {name: arrays[name] for name in (FEATURE, *KEYS) if name in arrays}
    for name, values in found.items():
        if not isinstance(values, np.ndarray):  # NumPy gives the bytes of other files
            raise ValueError(f"'{name}' in it is not an array")
    return Features(path, found.pop(FEATURE), found)


def _read_parquet(path: Path) -> Features:
    columns = [name for name in pq.read_schema(path).names if name in (FEATURE, *KEYS)]
    table = pq.read_table(path, columns=columns)
    if FEATURE not in columns:
        raise ValueError(f"there is no column '{FEATURE}'")
    for name in columns:
        if table[name].null_count:
            raise ValueError(f"column '{name}' has {table[name].null_count:,} empty rows")
    keys = {k: table[k].to_numpy() for k in KEYS if k in columns}
    metadata = table.schema.metadata or {}
    origin = json.loads(metadata.get(_METADATA, b"{}"))
    if not isinstance(origin, dict):
        raise ValueError("its metadata 'dancereid' is not a JSON object")
    return Features(path, _lists(table[FEATURE].combine_chunks()), keys, origin)


_READERS: dict[str, Callable[[Path], Features]] = {
    ".npy": _read_npy,
    ".npz": _read_npz,
    ".parquet": _read_parquet,
}


def _lists(column: Any) -> NDArray[Any]:
    """A column of lists of equal length as an array, `[N, D]`."""
    if isinstance(column, pa.ChunkedArray):  # it has several chunks, or none
        column = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    kind = column.type
    if not isinstance(kind, pa.ListType | pa.LargeListType | pa.FixedSizeListType) or not (
        pa.types.is_floating(kind.value_type) or pa.types.is_integer(kind.value_type)
    ):
        raise ValueError(f"column '{FEATURE}' has {kind}, expected lists of numbers")
    values = column.flatten()
    if values.null_count:
        raise ValueError(f"column '{FEATURE}' has {values.null_count:,} empty numbers")
    lengths = pc.list_value_length(column).to_numpy()
    other = np.flatnonzero(lengths != lengths[:1])
    if len(other):
        raise ValueError(
            f"row {other[0]} has {lengths[other[0]]:,} numbers, row 0 has {lengths[0]:,}"
        )
    return values.to_numpy(zero_copy_only=False).reshape(len(column), -1 if len(column) else 0)
