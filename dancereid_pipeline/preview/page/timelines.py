"""Who is visible when: a video's people as lines along its frames."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .dataset_rows import Rows, Track

WIDTH = 1000  # units that a video's frames are drawn on; gaps below one are not to be seen


@dataclass(frozen=True)
class Line:
    """A person's line.

    Attributes:
        person: the id.
        split: place of the split.
        path: of an SVG, x from 0 to `WIDTH`; y is 0.
        images: how many there are.
        gaps: how often the person is away in between.
        longest_gap: in frames; 0 if never.
    """

    person: int
    split: int
    path: str
    images: int
    gaps: int
    longest_gap: int


@dataclass(frozen=True)
class Timeline:
    """One video.

    Attributes:
        video: its id.
        splits: places of the splits that its people are in.
        first, last: frames.
        step: frames from one to the next.
        lines: its people.
    """

    video: str
    splits: tuple[int, ...]
    first: int
    last: int
    step: int
    lines: tuple[Line, ...]

    @property
    def gaps(self) -> int:
        """Of all its people."""
        return sum(line.gaps for line in self.lines)

    @property
    def longest(self) -> Line:
        """The line with the longest gap."""
        return max(self.lines, key=lambda line: line.longest_gap)


def timelines(rows: Rows) -> list[Timeline]:
    """All videos, in the order of the data."""
    tracks: dict[int, list[Track]] = {}
    for track in rows.tracks():
        tracks.setdefault(track.video, []).append(track)
    return [_timeline(rows, video, tracks[video]) for video in sorted(tracks)]


def frame_step(frames: NDArray[np.int64]) -> int:
    """How far apart frames are: the largest number that divides all distances, 1 for one frame."""
    return int(np.gcd.reduce(np.diff(np.unique(frames)))) or 1


def _timeline(rows: Rows, video: int, tracks: list[Track]) -> Timeline:
    frames = np.concatenate([rows.frame[track.rows] for track in tracks])
    first, last, step = int(frames.min()), int(frames.max()), frame_step(frames)
    lines = tuple(_line(rows, track, first, last + step, step) for track in tracks)
    splits = tuple(sorted({track.split for track in tracks}))
    return Timeline(rows.videos[video], splits, first, last, step, lines)


def _line(rows: Rows, track: Track, start: int, end: int, step: int) -> Line:
    frames = np.unique(rows.frame[track.rows])
    away = np.diff(frames) - step
    breaks = np.flatnonzero(away > 0) + 1
    drawn = [
        (
            int((run[0] - start) * WIDTH / (end - start)),
            int((run[-1] + step - start) * WIDTH / (end - start)),
        )
        for run in np.split(frames, breaks)
    ]
    return Line(
        person=track.person,
        split=track.split,
        path=_path(drawn),
        images=len(track.rows),
        gaps=len(breaks),
        longest_gap=int(away.max(initial=0)),
    )


def _path(runs: list[tuple[int, int]]) -> str:
    """The runs as strokes; those that touch become one, which bounds how many there are."""
    joined: list[list[int]] = []
    for left, right in runs:
        right = max(right, left + 1)
        if joined and left <= joined[-1][1]:
            joined[-1][1] = max(right, joined[-1][1])
        else:
            joined.append([left, right])
    return "".join(f"M{left} 0H{right}" for left, right in joined)
