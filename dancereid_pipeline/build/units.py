"""What an example is, planned from the annotation alone: a crop, a tracklet or a whole frame.

So counts, keys and the limits of tracklets do not depend on what a clip or its tracks lack.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..formats.annotation import VideoAnnotation
from .options import SampleOptions


@dataclass(frozen=True, order=True)
class Tracklet:
    """The crops of a person from one frame to another. In order, the one that ends first is first.

    Attributes:
        last: its last frame.
        person: index of the person in the video, from 0.
        first: its first frame, which is part of its key.
        needed_from: first frame of the person's next tracklet: crops before it are not needed
            again.
    """

    last: int
    person: int
    first: int
    needed_from: int


def planned_tracklets(annotation: VideoAnnotation, options: SampleOptions) -> list[Tracklet]:
    """The tracklets of a video, in order.

    Args:
        annotation: the valid detections of the video.
        options: `stride`, `max_gap`, `max_length` and `overlap` are used.
    """
    planned = []
    for person, frames in enumerate(annotation.frames):
        spans = _spans(frames[frames % options.stride == 0], options)
        after = [*(first for first, _ in spans), 2**31][1:]
        planned += [
            Tracklet(last, person, first, needed_from)
            for (first, last), needed_from in zip(spans, after, strict=True)
        ]
    return sorted(planned)


def _spans(frames: NDArray[np.int64], options: SampleOptions) -> list[tuple[int, int]]:
    """First and last frame of each tracklet of a person with these frames, ascending."""
    ends = np.flatnonzero(np.diff(frames) > options.stride + options.max_gap) + 1
    spans = []
    for run in np.split(frames, ends):
        step = options.max_length - options.overlap
        # A part that would have only crops of the one before is none.
        for start in range(0, max(len(run) - options.overlap, min(len(run), 1)), step):
            part = run[start : start + options.max_length]
            spans.append((int(part[0]), int(part[-1])))
    return spans


def count_examples(annotation: VideoAnnotation, options: SampleOptions) -> int:
    """The number of examples that a video has by its annotation."""
    if options.unit == "tracklet":
        return len(planned_tracklets(annotation, options))
    if options.unit == "frame":
        return len(annotation.any_frames(options.stride))
    return annotation.count(options.stride)
