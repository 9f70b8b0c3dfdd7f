"""The samples of a video -> examples: each alone, by tracklet or by frame."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import numpy as np

from ..formats.image_header import size_of_image
from .coverage import Outcome
from .plan import VideoJob
from .samples import Sample, VideoSamples
from .units import planned_tracklets


@dataclass(frozen=True)
class Example:
    """What a dataset holds in one row.

    Attributes:
        key: its name, unique in the dataset.
        columns: the values of its columns, as `example_features` describes them.
        names: the names of its images.
    """

    key: str
    columns: dict[str, Any]
    names: tuple[str, ...]


class VideoExamples:
    """The examples of one video, in order. Iterate only once.

    A problem with the video ends the iteration, and is recorded in `outcome`.
    """

    def __init__(self, job: VideoJob) -> None:
        self._job = job
        self._samples = VideoSamples(job)
        self._count = 0

    @property
    def outcome(self) -> Outcome:
        """The outcome of the video, up to the example that came last."""
        return replace(self._samples.outcome, examples=self._count)

    def __iter__(self) -> Iterator[Example]:
        group = {"crop": self._crops, "tracklet": self._tracklets, "frame": self._frames}
        for example in group[self._job.options.unit]():
            self._count += 1
            yield example

    def _crops(self) -> Iterator[Example]:
        for sample in self._samples:
            yield Example(sample.stem, sample.example, (f"{sample.stem}.jpg",))

    def _tracklets(self) -> Iterator[Example]:
        """A tracklet follows when the samples have passed its last frame.

        Its limits are those of the plan; what the video lacks is not in it.
        """
        annotation = self._job.annotation
        planned = deque(planned_tracklets(annotation, self._job.options) if annotation else ())
        first_id = self._job.video.first_id
        waiting: dict[int, list[Sample]] = {}

        def passed(frame: float) -> Iterator[Example]:
            while planned and planned[0].last < frame:
                tracklet = planned.popleft()
                person_id = first_id + tracklet.person
                crops = waiting.get(person_id, [])
                waiting[person_id] = [c for c in crops if c.frame >= tracklet.needed_from]
                if own := [c for c in crops if c.frame >= tracklet.first]:
                    yield _tracklet(f"{person_id:04d}_{tracklet.first:06d}", own)

        for sample in self._samples:
            yield from passed(sample.frame)
            waiting.setdefault(sample.person_id, []).append(sample)
        yield from passed(np.inf)

    def _frames(self) -> Iterator[Example]:
        for _, people in groupby(self._samples, key=lambda sample: sample.frame):
            yield _frame(list(people))


def _tracklet(key: str, crops: list[Sample]) -> Example:
    names = tuple(f"{crop.stem}.jpg" for crop in crops)
    images = [{"bytes": crop.image, "path": name} for crop, name in zip(crops, names, strict=True)]
    columns = {
        "images": images,
        "keypoints": np.stack([crop.keypoints for crop in crops]).astype(np.float32),
        "person_id": crops[0].person_id,
        "video_id": crops[0].video_id,
        "frames": np.array([crop.frame for crop in crops], np.int32),
        "bbox": np.stack([crop.bbox for crop in crops]),
    }
    return Example(key, columns, names)


def _frame(people: list[Sample]) -> Example:
    first = people[0]
    key = f"{first.video_id}_{first.frame:06d}"
    height, width = size_of_image(first.image) or (0, 0)
    columns = {
        "image": {"bytes": first.image, "path": f"{key}.jpg"},
        "width": width,
        "height": height,
        "video_id": first.video_id,
        "frame": first.frame,
        "objects": {
            "person_id": np.array([person.person_id for person in people], np.int32),
            "bbox": np.stack([person.bbox for person in people]),
            "keypoints": np.stack([person.keypoints for person in people]).astype(np.float32),
        },
    }
    return Example(key, columns, (f"{key}.jpg",))
