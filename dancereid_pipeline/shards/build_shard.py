"""One video in, its shard and its record out: the unit of a build, wherever it runs."""

from __future__ import annotations

import shutil
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ..build.coverage import Outcome
from ..build.options import SampleOptions
from ..build.plan import VideoJob
from ..build.schema import IMAGES
from ..common.files import sha256, usable
from ..common.storage import Storage
from .parquet_shards import Shard, rows_a_group, shard_schema, shard_writer
from .shard_record import SUFFIX, BuildIdentity, ShardRecord, shard_name
from .split_statistics import shard_figures

_CROPS_SHOWN = 5


@dataclass(frozen=True)
class ShardJob:
    """Everything that a video's shard and record are made from. It can be sent to any process.

    Attributes:
        build: what all records of the build have in common.
        video: everything that the video's samples are made from.
        inputs: 16 hex digits that change with the video's files and annotation.
    """

    build: BuildIdentity
    video: VideoJob
    inputs: str

    @property
    def name(self) -> str:
        """The name of the video's files, without split and ending."""
        return self.build.name(self.video.video.row, self.video.video.video_id)


def build_shard(job: ShardJob, output: Storage) -> ShardRecord:
    """Builds one video: writes its shard (one for each of its splits), and then its record.

    It depends on nothing else, and changes nothing else. Whoever runs it again gets the same bytes,
    with the same versions of the libraries. A video that gives no image has only a record.

    Args:
        job: the video, and what its build is.
        output: the folder for shard and record.

    Returns:
        The record; its outcome has the details that the file does not have.

    Raises:
        DanceReIDError: an input changed meanwhile, or the folder cannot be written to.
    """
    steps = shard_steps(job, output)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            record: ShardRecord = end.value
            return record


def shard_steps(job: ShardJob, output: Storage) -> Generator[None, None, ShardRecord]:
    """As `build_shard`, with a step after each example."""
    # Here, not above: who only reads records need not import the decoder and OpenCV.
    from ..build.examples import VideoExamples

    examples, options = VideoExamples(job.video), job.video.options
    schema, most = shard_schema(options), rows_a_group(options)
    rows: list[dict[str, Any]] = []
    with usable(output), output.temporary() as folder:
        file = folder / "shard"
        with shard_writer(file, schema) as write:
            for example in examples:
                rows.append(example.columns)
                if len(rows) == most:
                    write(_table(rows, schema))
                    rows.clear()
                yield
            if rows:
                write(_table(rows, schema))
        return put_video(job.build, job.inputs, examples.outcome, file, output)


def _table(examples: list[dict[str, Any]], schema: pa.Schema) -> pa.Table:
    columns = {name: [_plain(row[name]) for row in examples] for name in schema.names}
    return pa.Table.from_pydict(columns, schema)


def _plain(value: Any) -> Any:
    """A value with lists instead of arrays."""
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    return value.tolist() if isinstance(value, np.ndarray) else value


def put_video(
    build: BuildIdentity, inputs: str, outcome: Outcome, file: Path, output: Storage
) -> ShardRecord:
    """Puts what was made of one video into a folder: the shards, and then the record.

    Args:
        build: what all records of the build have in common.
        inputs: as in the record.
        outcome: the outcome of the video.
        file: a Parquet file of `output.temporary` with the examples; it is moved.
        output: the folder.
    """
    name = build.name(outcome.row, outcome.video_id)
    names = {split: shard_name(split, name) for split in outcome.splits if outcome.examples}
    shards: tuple[Shard, ...] = ()
    figures, example = None, {}
    if names:
        size, digest = file.stat().st_size, sha256(file)
        shards = tuple(
            Shard(shard, split, outcome.video_id, outcome.examples, size, digest)
            for split, shard in names.items()
        )
        figures = shard_figures(file, SampleOptions.from_dict(build.options))
        example = _first_example(file)
    record = ShardRecord(build, inputs, outcome, shards, figures, example)
    output.remove(name + SUFFIX)  # what has no record is not there
    for shard in shards:
        copy = file.with_name(shard.name)
        shutil.copyfile(file, copy) if shard is not shards[-1] else file.rename(copy)
        output.put(copy, shard.name)
    record.write(output)
    return record


def _first_example(file: Path) -> dict[str, Any]:
    """The first example without its images, with rounded numbers, for the card.

    Of a tracklet, which may be long, only the first crops.
    """
    with pq.ParquetFile(file) as parquet:
        names = [name for name in parquet.schema_arrow.names if name not in IMAGES]
        example: dict[str, Any] = parquet.read_row_group(0, names).slice(0, 1).to_pylist()[0]
    if "frames" in example:
        for name in ("frames", "keypoints", "bbox"):
            example[name] = example[name][:_CROPS_SHOWN]
    for values in (example, example.get("objects", {})):
        for name in {"keypoints", "bbox"} & values.keys():
            numbers = np.round(np.asarray(values[name], np.float64), 2).astype(object)
            numbers[numbers != numbers] = None  # NaN, which JSON does not have: a joint not seen
            values[name] = numbers.tolist()
    return example
