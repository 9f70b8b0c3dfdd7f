"""Statistics of a shard, as numbers that can be added, and of a split, from those of its shards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from ..build.crop_rows import crop_numbers
from ..build.options import SampleOptions
from ..build.schema import IMAGES


@dataclass(frozen=True)
class ShardFigures:
    """What the statistics of a split need to know of one shard.

    Attributes:
        bytes: size without compression.
        images_a_person: number of images of each of its people.
        box_heights: pairs of a bbox height, in whole pixels of the video, and a number of images.
        joints: number of joints that were seen.
        joints_outside: how many of them lie outside their image.
        rows: number of rows, an example each.
    """

    bytes: int
    images_a_person: tuple[int, ...]
    box_heights: tuple[tuple[int, int], ...]
    joints: int
    joints_outside: int
    rows: int


@dataclass(frozen=True)
class SplitStatistics:
    """Statistics of one split.

    Attributes:
        images: number of images; of tracklets and frames, of people in a frame.
        people: number of people with at least one image.
        videos: number of videos with at least one image.
        bytes: size without compression.
        images_a_person: minimum, median and maximum number of images of a person.
        box_height: 5th, 50th and 95th percentile of bbox heights (nearest rank), in whole pixels of
            the video.
        joints_outside: share of the joints that lie outside their image, 0 to 1. Joints that were
            not seen do not count.
        examples: number of examples.
    """

    images: int
    people: int
    videos: int
    bytes: int
    images_a_person: tuple[float, float, float]
    box_height: tuple[float, float, float]
    joints_outside: float
    examples: int

    @classmethod
    def of(cls, shards: Iterable[ShardFigures]) -> SplitStatistics:
        """The statistics of a split with these shards, of one video each; at least one."""
        shards = list(shards)
        counts = np.array([n for shard in shards for n in shard.images_a_person])
        heights: Counter[int] = Counter()
        for shard in shards:
            heights.update(dict(shard.box_heights))
        joints = sum(shard.joints for shard in shards)
        outside = sum(shard.joints_outside for shard in shards)
        return cls(
            images=int(counts.sum()),
            people=len(counts),
            videos=len(shards),
            bytes=sum(shard.bytes for shard in shards),
            images_a_person=(float(counts.min()), float(np.median(counts)), float(counts.max())),
            box_height=_percentiles(heights),
            joints_outside=round(outside / joints, 4) if joints else 0.0,
            examples=sum(shard.rows for shard in shards),
        )


def shard_figures(shard: Path, options: SampleOptions) -> ShardFigures:
    """Counts the examples of one shard; reads no image.

    Args:
        shard: the Parquet file.
        options: those that the examples were made with.
    """
    with pq.ParquetFile(shard) as file:
        names = [name for name in file.schema_arrow.names if name not in IMAGES]
        table = file.read(names)
        groups = [file.metadata.row_group(i) for i in range(file.num_row_groups)]
    height, width = options.image_size
    if options.unit == "frame":  # all frames of a video have one size
        height, width = (table[name][0].as_py() for name in ("height", "width"))
    rows, table = len(table), crop_numbers(table)
    box = np.array(table["bbox"].to_pylist(), np.float64)
    joints = np.array(table["keypoints"].to_pylist(), np.float64).reshape(-1, 2)
    joints = joints[~np.isnan(joints).any(axis=1)]
    outside = ~((joints >= 0) & (joints < (width, height))).all(axis=1)
    heights = Counter(np.rint(box[:, 3] - box[:, 1]).astype(int).tolist())
    _, people = np.unique(table["person_id"], return_counts=True)
    return ShardFigures(
        bytes=sum(group.total_byte_size for group in groups),
        images_a_person=tuple(people.tolist()),
        box_heights=tuple(sorted(heights.items())),
        joints=len(joints),
        joints_outside=int(outside.sum()),
        rows=rows,
    )


def _percentiles(counts: Counter[int]) -> tuple[float, float, float]:
    """The values that 5, 50 and 95 of 100 do not exceed."""
    values = sorted(counts)
    up_to = np.cumsum([counts[value] for value in values])
    low, middle, high = (
        float(values[int(np.searchsorted(up_to, share * up_to[-1]))]) for share in (0.05, 0.5, 0.95)
    )
    return low, middle, high
