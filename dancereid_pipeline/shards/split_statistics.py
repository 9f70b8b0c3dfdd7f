"""Statistics of a split: how many images, people and videos, and of what size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..build.options import SampleOptions


@dataclass(frozen=True)
class SplitStatistics:
    """Statistics of one split.

    Attributes:
        images: number of examples.
        people: number of people with at least one image.
        videos: number of videos with at least one image.
        bytes: size in Arrow format.
        images_a_person: minimum, median and maximum number of images of a person.
        box_height: 5th, 50th and 95th percentile of bbox heights, in pixels of the video.
        joints_outside: share of the joints that lie outside their crop, 0 to 1. Joints that were
            not seen do not count.
    """

    images: int
    people: int
    videos: int
    bytes: int
    images_a_person: tuple[float, float, float]
    box_height: tuple[float, float, float]
    joints_outside: float


def split_statistics(dataset: Any, options: SampleOptions) -> SplitStatistics:
    """Computes the statistics of a built split with at least one example; decodes no image."""
    columns = dataset.select_columns(["person_id", "video_id", "bbox", "keypoints"])
    values = columns.with_format("numpy")[:]
    people, counts = np.unique(values["person_id"], return_counts=True)
    height, width = options.image_size
    joints = np.asarray(values["keypoints"], np.float64)
    joints = joints[~np.isnan(joints).any(axis=-1)]  # those that were seen
    inside = ((joints >= 0) & (joints < (width, height))).all(axis=-1)
    box = np.asarray(values["bbox"], np.float64)
    return SplitStatistics(
        images=len(dataset),
        people=len(people),
        videos=len(np.unique(values["video_id"])),
        bytes=int(dataset.data.nbytes),
        images_a_person=(float(counts.min()), float(np.median(counts)), float(counts.max())),
        box_height=_rounded(np.percentile(box[:, 3] - box[:, 1], (5, 50, 95))),
        joints_outside=round(float(1 - inside.mean()), 4) if len(joints) else 0.0,
    )


def _rounded(values: Any) -> tuple[float, float, float]:
    low, middle, high = (round(float(value), 1) for value in values)
    return low, middle, high
