"""Where detections are doubtful, as runs of a person's frames; and an annotation without some."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..catalogue.catalogue import Catalogue
from ..common.errors import SourceError
from ..common.records import parse_record
from ..formats.annotation import Annotation, VideoAnnotation, write_annotation
from ..formats.npy_tracks import Tracks
from .detections import rows_with_joints_outside
from .finding import Kind
from .moves import Doubtful, doubtful_detections

_MAX_BYTES = 64 << 20
# These are doubtful from one frame on; the others in single frames.
_FROM_HERE_ON = (Kind.JUMP, Kind.SWAPPED)


@dataclass(frozen=True)
class Run:
    """A run of frames in which a person's detections are doubtful.

    Attributes:
        kind: what is doubtful.
        person: the person in the video, from 0.
        first: the first frame.
        last: the last frame.
        other: the person whose detections these may be; None if it is nobody's.
    """

    kind: Kind
    person: int
    first: int
    last: int
    other: int | None = None


@dataclass(frozen=True)
class Ticked:
    """A run of a person's frames that somebody ticked on the page.

    Attributes:
        video_id: the video.
        person: the person in the video, from 0.
        first: the first frame.
        last: the last frame.
    """

    video_id: str
    person: int
    first: int
    last: int


@dataclass(frozen=True)
class _DoubtfulFile:
    ticked: tuple[Ticked, ...]


def doubtful_runs(kept: Tracks) -> list[Run]:
    """The doubtful runs of a video, in order of their first frames.

    A jump or a swap is doubtful up to the person's next one, or to the next frame without a
    detection. Neighbouring frames in which a person is there twice, or in which joints are outside
    the bbox, are one run.

    Args:
        kept: all annotated detections of the video, sorted by frame and then by person.
    """
    found = doubtful_detections(kept)
    found += [
        Doubtful(Kind.JOINTS_OUTSIDE, int(kept.frame[row]), int(kept.person[row]))
        for row in rows_with_joints_outside(kept).tolist()
    ]
    by_person: dict[int, list[Doubtful]] = {}
    for one in found:
        by_person.setdefault(one.person, []).append(one)
    order = np.lexsort((kept.frame, kept.person))
    people = kept.person[order]
    runs: list[Run] = []
    for person, of_person in by_person.items():
        start, stop = np.searchsorted(people, [person, person + 1])
        runs += _open_ended(of_person, kept.frame[order[start:stop]])
        runs += _joined([one for one in of_person if one.kind not in _FROM_HERE_ON])
    return sorted(runs, key=lambda run: (run.first, run.person, run.kind.value))


def _open_ended(found: Sequence[Doubtful], frames: NDArray[np.int64]) -> Iterator[Run]:
    """The runs of a person that begin with a jump or a swap.

    Args:
        found: what is doubtful of the person.
        frames: all frames of the person, ascending.
    """
    ends = frames[np.append(np.flatnonzero(np.diff(frames) != 1), len(frames) - 1)]
    turns = sorted({one.frame for one in found if one.kind in _FROM_HERE_ON})
    for one in found:
        if one.kind in _FROM_HERE_ON:
            last = int(ends[np.searchsorted(ends, one.frame)])
            after = turns[bisect_right(turns, one.frame) :][:1]
            last = min([last, *(turn - 1 for turn in after)])
            yield Run(one.kind, one.person, one.frame, last, one.other)


def _joined(found: Sequence[Doubtful]) -> Iterator[Run]:
    """Joins neighbouring frames of the same kind and the same people."""
    run: Run | None = None
    for one in sorted(found, key=lambda d: (d.kind.value, d.other or 0, d.frame)):
        if run and (run.kind, run.other, run.last) == (one.kind, one.other, one.frame - 1):
            run = Run(run.kind, run.person, run.first, one.frame, run.other)
            continue
        if run:
            yield run
        run = Run(one.kind, one.person, one.frame, one.frame, one.other)
    if run:
        yield run


def drop_ticked(annotation: Path, catalogue: Path, ticked: Path, output: Path) -> int:
    """Writes an annotation without what was ticked. People stay, so that ids stay.

    Args:
        annotation: the annotation.
        catalogue: its catalogue.
        ticked: the file that the page saved.
        output: the annotation to write.

    Returns:
        The number of (person, frame) pairs that were dropped.

    Raises:
        DanceReIDError: a file is not valid, or names a video or a person that is not there.
    """
    videos = Annotation.read(annotation, Catalogue.read(catalogue)).videos
    kept = {video_id: _by_person(of_video) for video_id, of_video in videos.items()}
    before = _count(kept)
    for one in _read_ticked(ticked):
        frames = kept.get(one.video_id, {}).get(one.person)
        if frames is None:
            raise SourceError(
                f"{ticked}: person {one.person} of video {one.video_id[:100]!r} is not in "
                f"{annotation}. Make the page again, of this folder."
            )
        inside = (frames >= one.first) & (frames <= one.last)
        kept[one.video_id][one.person] = frames[~inside]
    write_annotation(output, kept)
    return before - _count(kept)


def _by_person(of_video: VideoAnnotation) -> dict[int, NDArray[np.int64]]:
    return dict(zip(of_video.people.tolist(), of_video.frames, strict=True))


def _count(videos: Mapping[str, Mapping[int, NDArray[np.int64]]]) -> int:
    return sum(len(frames) for people in videos.values() for frames in people.values())


def _read_ticked(path: Path) -> tuple[Ticked, ...]:
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
        if len(content) > _MAX_BYTES:
            raise ValueError(f"it has more than {_MAX_BYTES:,} bytes")
        return parse_record(_DoubtfulFile, json.loads(content)).ticked
    except (OSError, ValueError, RecursionError) as error:
        raise SourceError(
            f"{path}: expected what the page of dancereid check --page saves ({error}). Save it "
            "again there."
        ) from error
