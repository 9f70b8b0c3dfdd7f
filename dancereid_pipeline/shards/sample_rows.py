"""A few examples of many shards, for a picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ..common.storage import Storage
from .parquet_shards import Shard


def sample_rows(shards: Sequence[tuple[Storage, Shard]], people: int, images: int) -> pa.Table:
    """Examples of some people, spread over the shards, and over the person's frames.

    It reads at most `people` shards, and of each only the row groups of these examples.

    Args:
        shards: folder and shard; at least one.
        people: number of people, or of frames, at most.
        images: number of examples of each of them, at most.
    """
    chosen = _spread(len(shards), people)
    shared = [people // len(chosen) + (i < people % len(chosen)) for i in range(len(chosen))]
    tables = [_of_shard(*shards[i], most, images) for i, most in zip(chosen, shared, strict=True)]
    return pa.concat_tables(tables)


def _of_shard(folder: Storage, shard: Shard, people: int, images: int) -> pa.Table:
    with folder.open(shard.name) as opened, pq.ParquetFile(opened) as file:
        if "person_id" in file.schema_arrow.names:
            rows = _of_people(np.asarray(file.read(["person_id"])["person_id"]), people, images)
        else:  # frames, with several people in each
            rows = _spread(shard.rows, people)
        sizes = [file.metadata.row_group(g).num_rows for g in range(file.num_row_groups)]
        starts = np.cumsum([0, *sizes])
        groups = np.searchsorted(starts, rows, side="right") - 1
        return pa.concat_tables(
            file.read_row_group(g).take(
                [r - starts[g] for r in sorted(rows) if starts[g] <= r < starts[g + 1]]
            )
            for g in sorted(set(groups.tolist()))
        )


def _of_people(person: NDArray[np.int64], people: int, images: int) -> list[int]:
    """Rows of some people, spread over the rows of each."""
    ids = np.unique(person)
    return [
        int(of_person[i])
        for each in ids[_spread(len(ids), people)]
        for of_person in [np.flatnonzero(person == each)]
        for i in _spread(len(of_person), images)
    ]


def _spread(count: int, most: int) -> list[int]:
    """At most `most` of the indices 0 to count - 1, evenly spread from the first to the last."""
    return np.linspace(0, count - 1, min(most, count)).astype(int).tolist()
