"""What is worth acting on before training: each finding says where, and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from ...build.coverage import Coverage
from ...common.reasons import Reason
from .dataset_rows import Rows, Seen, Track
from .measures import nearly_same, outside
from .timelines import frame_step

FEW_IMAGES = 10
FAR = 0.5  # crops away from the crop's edge
_MOSTLY = 0.5
_ENOUGH = 10  # neighbours, or frames, of which a share or a step says something
_LISTED = 12


@dataclass(frozen=True)
class Finding:
    """Something to look at.

    Attributes:
        title: what is so, with its number.
        text: where, the worst first.
        advice: what to do.
        people: ids that it concerns.
    """

    title: str
    text: str
    advice: str
    people: tuple[int, ...] = ()


def findings(seen: Seen) -> list[Finding]:
    """All that is found."""
    tracks = seen.rows.tracks()
    return [
        *_few_images(tracks),
        *_far_outside(seen.rows, tracks, seen.image_size),
        *_near_duplicates(seen.rows, tracks, seen.image_size),
        *_frame_rates(seen.rows, seen.coverage),
        *_lengths(seen.coverage),
    ]


def _few_images(tracks: list[Track]) -> Iterator[Finding]:
    images: dict[int, int] = {}
    for track in tracks:
        images[track.person] = images.get(track.person, 0) + len(track.rows)
    few = sorted((count, person) for person, count in images.items() if count < FEW_IMAGES)
    if few:
        yield Finding(
            f"{_count(len(few), 'person has', 'people have')} fewer than {FEW_IMAGES} images",
            _listed([f"person {person}: {_count(count, 'image')}" for count, person in few]),
            "Leave them out of training, or take more frames (a smaller stride). A stream or a "
            "part of a dataset has few of everybody.",
            tuple(person for _, person in few),
        )


def _far_outside(rows: Rows, tracks: list[Track], image_size: tuple[int, int]) -> Iterator[Finding]:
    far = np.asarray(outside(rows, image_size, FAR).any(axis=1))
    by_track = sorted(((int(far[t.rows].sum()), t) for t in tracks), key=lambda pair: -pair[0])
    worst = [(count, track) for count, track in by_track if count]
    if worst:
        yield Finding(
            f"Joints far outside their crop in {_count(int(far.sum()), 'image')} "
            f"({far.mean():.1%})",
            _listed(
                f"person {track.person} ({rows.videos[track.video]}): {count:,} of "
                f"{len(track.rows):,}"
                for count, track in worst
            ),
            "More than half a crop away: the pose was guessed, or is somebody else's. Look at "
            "these people, and leave such images out where poses are used.",
            tuple(track.person for _, track in worst),
        )


def _near_duplicates(
    rows: Rows, tracks: list[Track], image_size: tuple[int, int]
) -> Iterator[Finding]:
    same = [nearly_same(rows, track, image_size) for track in tracks]
    still = [
        (float(of_track.mean()), track)
        for of_track, track in zip(same, tracks, strict=True)
        if len(of_track) >= _ENOUGH and of_track.mean() >= _MOSTLY
    ]
    if still:
        still.sort(key=lambda pair: -pair[0])
        yield Finding(
            f"{_count(len(still), 'person hardly moves', 'people hardly move')}: half of their "
            "neighbouring images or more are nearly the same",
            _listed(
                f"person {track.person} ({rows.videos[track.video]}): {share:.0%}"
                for share, track in still
            )
            + f" Of all neighbours, {np.concatenate(same).mean():.0%} are.",
            "They count for fewer images than there are. Take fewer frames (a larger stride), or "
            "keep neighbours out of the same batch and out of query and gallery at once.",
            tuple(track.person for _, track in still),
        )


def _frame_rates(rows: Rows, found: Coverage | None) -> Iterator[Finding]:
    """Videos whose frames lie a multiple further apart than those of the others."""
    frames = [rows.frame[rows.video == video] for video in range(len(rows.videos))]
    steps = {
        name: frame_step(of_video)
        for name, of_video in zip(rows.videos, frames, strict=True)
        if len(np.unique(of_video)) >= _ENOUGH
    }
    stride = found.options.get("stride") if found else None
    usual = stride if isinstance(stride, int) else min(steps.values(), default=1)
    wrong = {name: step for name, step in steps.items() if step > usual}
    if wrong:
        yield Finding(
            f"{_count(len(wrong), 'video has its', 'videos have their')} frames further apart than "
            "the others",
            _listed(f"{name}: {step} instead of {usual}" for name, step in wrong.items()),
            "As if the tracks were made at a multiple of the frame rate that the labels mean. "
            "Compare the clip's frame rate and number of frames with those of the tracks.",
        )


def _lengths(found: Coverage | None) -> Iterator[Finding]:
    """Clips that are not as long as their tracks, nor a multiple: another edit or frame rate."""
    outcomes = found.outcomes if found else ()
    wrong = [o.video_id for o in outcomes if o.reason is Reason.WRONG_LENGTH]
    wrong += [o.video_id for o in outcomes if o.past_end and o.video_id not in wrong]
    if wrong:
        yield Finding(
            f"{_count(len(wrong), 'clip lacks', 'clips lack')} frames that the tracks have",
            _listed(wrong),
            "The clip was cut, is another edit, or has a frame rate that is no whole multiple. Get "
            "the one that was tracked.",
        )


def _count(number: int, one: str, many: str | None = None) -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def _listed(entries: Iterable[str]) -> str:
    """The first entries, and how many there are more."""
    listed = list(entries)
    more = f"; and {len(listed) - _LISTED:,} more" if len(listed) > _LISTED else ""
    return "; ".join(listed[:_LISTED]) + more + "."
