"""Problems that one should look at before training: where they are, and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from ...build.coverage import Coverage, Outcome
from ...checks import finding as doubt
from ...checks.finding import Kind
from ...common.reasons import Reason, advice
from .dataset_rows import PageData, Rows, Track
from .measures import nearly_same, outside
from .timelines import frame_step
from .words import counted

FEW_IMAGES = 10
FAR = 0.5  # distance of a joint from the edge of its crop, in crop sizes
_MOSTLY = 0.5  # a person stands still if this share of neighbouring images is nearly the same
_ENOUGH = 10  # with fewer neighbouring images, or frames, a share or a step means nothing
# For reasons that are about the files of the data folder.
_REMEDY = (
    "Run dancereid check on the data folder: it says which files are missing or wrong. Put them "
    "there, or correct them, and build again."
)
_LISTED = 12  # at most this many entries are listed


@dataclass(frozen=True)
class Finding:
    """A problem in the data.

    Attributes:
        title: the problem, with a number.
        text: where it is, the worst first.
        advice: what to do.
        people: ids of the people concerned.
    """

    title: str
    text: str
    advice: str
    people: tuple[int, ...] = ()


def findings(data: PageData) -> list[Finding]:
    """Looks for all problems."""
    tracks = data.rows.tracks()
    return [
        *_missing(data.coverage),
        *_doubts(data.rows, data.coverage),
        *_few_images(tracks),
        *_far_outside(data.rows, tracks, data.image_size),
        *_near_duplicates(data.rows, tracks, data.image_size),
        *_frame_rates(data.rows, data.coverage),
        *_lengths(data.coverage),
    ]


def _missing(found: Coverage | None) -> Iterator[Finding]:
    """Videos that gave no images, or not all of them: one entry for each reason."""
    by_reason: dict[Reason, list[Outcome]] = {}
    for outcome in found.outcomes if found else ():
        if outcome.reason not in (Reason.USED, Reason.LEFT_OUT):
            by_reason.setdefault(outcome.reason, []).append(outcome)
    for reason, outcomes in by_reason.items():
        yield Finding(
            f"{counted(len(outcomes), 'video is', 'videos are')} missing or incomplete: "
            f"{reason.value}",
            _listed(map(_lost, outcomes)),
            advice(reason) or _REMEDY,
        )


def _lost(outcome: Outcome) -> str:
    """What is lacking of a video: its people, or a part of its images."""
    first, number = outcome.first_id, outcome.expected_people
    people = counted(number, "person", "people")
    if first is not None:
        people = f"person {first}" if number == 1 else f"people {first} to {first + number - 1}"
    lacking = "unknown" if outcome.expected is None else f"{outcome.expected - outcome.images:,}"
    return f"{outcome.video_id} ({people}; {', '.join(outcome.splits)}; images missing: {lacking})"


def _doubts(rows: Rows, found: Coverage | None) -> Iterator[Finding]:
    """What the build found to be doubtful in tracks and annotation: one entry for each kind."""
    by_kind: dict[Kind, dict[str, doubt.Finding]] = {}
    for of_video in found.findings if found else ():
        by_kind.setdefault(of_video.kind, {})[of_video.video_id] = of_video
    for kind, videos in by_kind.items():
        of_videos = np.isin(rows.video, [rows.videos.index(v) for v in videos if v in rows.videos])
        yield Finding(
            f"{counted(len(videos), 'video')}: {kind.value}",
            _listed(f"{video}: {one.message.rstrip('.')}" for video, one in videos.items()),
            next(iter(videos.values())).advice,
            tuple(np.unique(rows.person[of_videos]).tolist()),
        )


def _few_images(tracks: list[Track]) -> Iterator[Finding]:
    images: dict[int, int] = {}
    for track in tracks:
        images[track.person] = images.get(track.person, 0) + len(track.rows)
    few = sorted((count, person) for person, count in images.items() if count < FEW_IMAGES)
    if few:
        yield Finding(
            f"{counted(len(few), 'person has', 'people have')} fewer than {FEW_IMAGES} images",
            _listed([f"person {person}: {counted(count, 'image')}" for count, person in few]),
            "Leave them out of training, or take more frames (a smaller stride). In a stream or a "
            "part of a dataset, everybody has few images.",
            tuple(person for _, person in few),
        )


def _far_outside(rows: Rows, tracks: list[Track], image_size: tuple[int, int]) -> Iterator[Finding]:
    far = np.asarray(outside(rows, image_size, FAR).any(axis=1))
    by_track = sorted(((int(far[t.rows].sum()), t) for t in tracks), key=lambda pair: -pair[0])
    worst = [(count, track) for count, track in by_track if count]
    if worst:
        yield Finding(
            f"Joints far outside their crop in {counted(int(far.sum()), 'image')} "
            f"({far.mean():.1%})",
            _listed(
                f"person {track.person} ({rows.videos[track.video]}): {count:,} of "
                f"{len(track.rows):,}"
                for count, track in worst
            ),
            "These joints are more than half a crop away: the pose was guessed, or belongs to "
            "another person. Look at these people, and leave such images out where poses are used.",
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
            f"{counted(len(still), 'person hardly moves', 'people hardly move')}: half of their "
            "neighbouring images or more are nearly the same",
            _listed(
                f"person {track.person} ({rows.videos[track.video]}): {share:.0%}"
                for share, track in still
            )
            + f" Of all neighbouring images, {np.concatenate(same).mean():.0%} are.",
            "Nearly equal images teach a model little. Take fewer frames (a larger stride), and "
            "do not put neighbouring images into the same batch, or one into the query and the "
            "other into the gallery.",
            tuple(track.person for _, track in still),
        )


def _frame_rates(rows: Rows, found: Coverage | None) -> Iterator[Finding]:
    """Finds videos whose frames are further apart than those of the others."""
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
            f"{counted(len(wrong), 'video has its', 'videos have their')} frames further apart "
            "than the others",
            _listed(f"{name}: {step} instead of {usual}" for name, step in wrong.items()),
            "Maybe the frame rate of the tracks is a multiple of that of the annotation. Compare "
            "the frame rate and the number of frames of the clip with those of the tracks.",
        )


def _lengths(found: Coverage | None) -> Iterator[Finding]:
    """Finds clips that end before their annotation."""
    wrong = [o.video_id for o in (found.outcomes if found else ()) if o.past_end]
    if wrong:
        yield Finding(
            f"{counted(len(wrong), 'clip lacks', 'clips lack')} frames that the tracks have",
            _listed(wrong),
            "The clip was cut, is another edit, or has a frame rate that is not a whole multiple. "
            "Get the original clip.",
        )


def _listed(entries: Iterable[str]) -> str:
    """The first entries, and the number of the others."""
    listed = list(entries)
    more = f"; and {len(listed) - _LISTED:,} more" if len(listed) > _LISTED else ""
    return "; ".join(listed[:_LISTED]) + more + "."
