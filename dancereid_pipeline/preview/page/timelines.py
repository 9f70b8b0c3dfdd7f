"""Timelines: in which frames of a video each person has images, drawn as lines."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .dataset_rows import Rows, Track

WIDTH = 1000  # of a line, in units of the SVG; gaps of less than one unit are invisible


@dataclass(frozen=True)
class Line:
    """The line of one person.

    Attributes:
        person: the person id.
        split: index of the split in `Rows.splits`.
        path: path for an SVG, x from 0 to `WIDTH`, y = 0.
        images: number of images.
        gaps: number of gaps between images.
        longest_gap: length of the longest gap in frames; 0 without gaps.
    """

    person: int
    split: int
    path: str
    images: int
    gaps: int
    longest_gap: int


@dataclass(frozen=True)
class Timeline:
    """The lines of one video.

    Attributes:
        video: the video id.
        splits: indices of its splits in `Rows.splits`.
        first, last: its first and last frame with an image.
        step: number of frames from one image to the next.
        lines: the lines of its people.
    """

    video: str
    splits: tuple[int, ...]
    first: int
    last: int
    step: int
    lines: tuple[Line, ...]

    @property
    def gaps(self) -> int:
        """The number of gaps in all its lines."""
        return sum(line.gaps for line in self.lines)

    @property
    def longest(self) -> Line:
        """The line with the longest gap."""
        return max(self.lines, key=lambda line: line.longest_gap)


def timelines(rows: Rows) -> list[Timeline]:
    """The timelines of all videos, in the order of the data."""
    tracks: dict[int, list[Track]] = {}
    for track in rows.tracks():
        tracks.setdefault(track.video, []).append(track)
    return [_timeline(rows, video, tracks[video]) for video in sorted(tracks)]


def frame_step(frames: NDArray[np.int64]) -> int:
    """The largest number that divides all distances between frames; 1 for a single frame."""
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
    edges = np.array([(run[0], run[-1] + step) for run in np.split(frames, breaks)])
    drawn = ((edges - start) * WIDTH / (end - start)).astype(int).tolist()
    return Line(
        person=track.person,
        split=track.split,
        path=_path(drawn),
        images=len(track.rows),
        gaps=len(breaks),
        longest_gap=int(away.max(initial=0)),
    )


def _path(runs: list[list[int]]) -> str:
    """The runs as strokes. Strokes that touch are joined, so there are at most `WIDTH`."""
    joined: list[list[int]] = []
    for left, right in runs:
        right = max(right, left + 1)
        if joined and left <= joined[-1][1]:
            joined[-1][1] = max(right, joined[-1][1])
        else:
            joined.append([left, right])
    return "".join(f"M{left} 0H{right}" for left, right in joined)
