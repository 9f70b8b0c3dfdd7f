"""Examples -> one row for each person in each frame, whatever the unit of the examples is.

No image is copied: Arrow flattens a list of images where it is.
"""

from __future__ import annotations

from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from .schema import IMAGES, example_features, unit_of

# The lists of a tracklet -> the columns of its crops.
_LISTS = {"images": "image", "keypoints": "keypoints", "frames": "frame", "bbox": "bbox"}


def as_crops(dataset: Any) -> Any:
    """A built split of crops or tracklets as a split of crops, each (person, frame) once."""
    if unit_of(dataset.features) != "tracklet":
        return dataset
    table = dataset.with_format("arrow")[:]
    features = example_features()
    crops = datasets.Dataset(
        datasets.table.InMemoryTable(
            _flat(table).select(list(features)).cast(features.arrow_schema)
        ),
        info=datasets.DatasetInfo(description=dataset.info.description, features=features),
        split=dataset.split,
    )
    rows = _distinct(crops.data)
    return crops if len(rows) == len(crops) else crops.select(rows)


def crop_numbers(table: pa.Table) -> pa.Table:
    """The columns but the images, of any unit, with a row for each person in each frame.

    Args:
        table: examples. The bboxes and keypoints of frames are in pixels of the frame.
    """
    numbers = table.select([name for name in table.column_names if name not in IMAGES])
    crops = _flat(numbers)
    if crops is numbers:
        return crops
    rows = _distinct(crops)
    return crops if len(rows) == len(crops) else crops.take(rows)


def without_person(table: pa.Table, person_id: int) -> pa.Table:
    """The examples of a video of this person that do not show the person.

    Any whole frame may: in some, the person is not annotated.
    """
    if "objects" in table.column_names:
        return table.slice(0, 0)
    return table.filter(pc.not_equal(table["person_id"], person_id))


def _flat(table: pa.Table) -> pa.Table:
    """A row for each person in each frame, in order."""
    flatten = _of_tracklets if "frames" in table.column_names else _of_frames
    if {"frames", "objects"}.isdisjoint(table.column_names):
        return table
    # Batch by batch: all images together may be more than one array of Arrow can hold.
    batches = table.to_batches() or [pa.RecordBatch.from_pylist([], table.schema)]
    return pa.Table.from_batches([flatten(batch) for batch in batches])


def _of_tracklets(batch: pa.RecordBatch) -> pa.RecordBatch:
    tracklet = _repeated(batch["frames"])
    columns = {
        _LISTS.get(name, name): column.flatten() if name in _LISTS else column.take(tracklet)
        for name, column in zip(batch.schema.names, batch.columns, strict=True)
    }
    return pa.RecordBatch.from_pydict(columns)


def _of_frames(batch: pa.RecordBatch) -> pa.RecordBatch:
    kind = batch["objects"].type
    names = [kind.field(i).name for i in range(kind.num_fields)]
    lists = dict(zip(names, batch["objects"].flatten(), strict=True))
    frame = _repeated(lists["person_id"])
    columns = {name: values.flatten() for name, values in lists.items()}
    columns |= {name: batch[name].take(frame) for name in ("video_id", "frame")}
    return pa.RecordBatch.from_pydict(columns)


def _repeated(lists: pa.Array) -> pa.Array:
    """The index of the row that each value in lists is of."""
    lengths = pc.list_value_length(lists).to_numpy(zero_copy_only=False)
    return pa.array(np.repeat(np.arange(len(lists)), lengths.astype(np.int64)))


def _distinct(crops: Any) -> NDArray[np.int64]:
    """The rows that are the first of their person and frame: tracklets may overlap."""
    person, frame = (np.asarray(crops.column(name), np.int64) for name in ("person_id", "frame"))
    _, first = np.unique((person << 32) + frame, return_index=True)
    return np.sort(first)
