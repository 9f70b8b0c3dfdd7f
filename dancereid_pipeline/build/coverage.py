"""What came of a build: one outcome a video, and the sum of them against the whole."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from ..catalogue.catalogue import SPLITS
from ..common.errors import CountMismatchError, DanceReIDError, VideoError
from ..common.package_files import project_file
from ..common.reasons import REFUSALS, Reason, advice

# Reasons that say all by themselves: nothing of the video was there to be looked at.
_ABSENT = REFUSALS | {Reason.NO_CLIP, Reason.NO_TRACKS, Reason.NO_ANNOTATION, Reason.LEFT_OUT}
_MARK = "Coverage (JSON): "


@dataclass(frozen=True)
class Outcome:
    """What one video gave.

    Attributes:
        video_id: the video.
        splits: the splits it belongs to (two where a published list overlaps).
        reason: `Reason.USED`, or why it gave nothing or only a part.
        detail: a sentence for a person: where, what was expected, what to do.
        images: images it gave, to each of its splits as many.
        expected: images its annotation asks for; None where nothing says.
        people: people of whom it gave at least one image.
        expected_people: people the catalogue gives it.
        outside: annotated boxes without area inside the picture, left out.
        untracked: annotated (person, frame) pairs without a detection in the tracks.
        past_end: annotated frames past the last frame of the clip.
        since: when the reason was first found, UTC, ISO 8601; "" where nobody noted it.
    """

    video_id: str
    splits: tuple[str, ...]
    reason: Reason
    detail: str = ""
    images: int = 0
    expected: int | None = None
    people: int = 0
    expected_people: int = 0
    outside: int = 0
    untracked: int = 0
    past_end: int = 0
    since: str = ""

    @property
    def whole(self) -> bool:
        """Whether the video gave every image that its annotation asks for."""
        return self.reason is Reason.USED and self.images == self.expected

    @property
    def absent(self) -> bool:
        """Whether nothing of the video was there to be looked at."""
        return self.reason in _ABSENT and not self.images

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Outcome:
        """The inverse of `dataclasses.asdict`, from JSON too."""
        return cls(
            **{**values, "reason": Reason(values["reason"]), "splits": tuple(values["splits"])}
        )


@dataclass(frozen=True)
class Coverage:
    """What a build holds, against the whole that its catalogue describes.

    Attributes:
        config: the config's name.
        options: the options that shape examples (stride, image size and so on).
        outcomes: one a video of the config, in catalogue order, asked for or not.
    """

    config: str
    options: Mapping[str, Any] = field(default_factory=dict)
    outcomes: tuple[Outcome, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether every video that was asked for gave all its images."""
        return all(o.whole for o in self.outcomes if o.reason is not Reason.LEFT_OUT)

    @property
    def splits(self) -> dict[str, int]:
        """Images a split."""
        splits = {split for outcome in self.outcomes for split in outcome.splits}
        return {
            split: sum(o.images for o in self.outcomes if split in o.splits)
            for split in SPLITS
            if split in splits
        }

    @property
    def fingerprint(self) -> str:
        """16 hex digits that tell builds apart, so that results on them are not mixed up.

        Made of the config, the options and the number of images each video gave; not of
        pixels, which a clip encoded anew changes a little.
        """
        parts: list[Any] = [self.config, dict(self.options)]
        parts += [[o.video_id, list(o.splits), o.images] for o in self.outcomes if o.images]
        text = json.dumps(parts, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def __str__(self) -> str:
        expected = [o.expected for o in self.outcomes]
        whole = sum(e for e in expected if e is not None)
        more = "+" if None in expected else ""
        lines = [
            f"DanceReID '{self.config}': {sum(o.images > 0 for o in self.outcomes)} of "
            f"{len(self.outcomes)} videos, {sum(o.people for o in self.outcomes)} of "
            f"{sum(o.expected_people for o in self.outcomes)} people, "
            f"{sum(o.images for o in self.outcomes):,} of {whole:,}{more} images "
            f"(fingerprint {self.fingerprint})"
        ]
        lines += [f"  {split}: {count:,} images" for split, count in self.splits.items()]
        absent = {o.video_id: o.reason for o in self.outcomes if o.absent}
        lines += [f"  {line}" for line in by_reason(absent)]
        for outcome in self.outcomes:
            lines += [f"  {outcome.video_id}: {loss}" for loss in _losses(outcome)]
        return "\n".join(lines)

    def check_counts(self) -> None:
        """Compares a whole build at default options with `dataset_infos.json`.

        Raises:
            CountMismatchError: every video is whole, and yet the counts differ.
        """
        infos = json.loads(project_file("dataset_infos.json").read_text("utf-8"))
        expected = {
            name: split["num_examples"] for name, split in infos[self.config]["splits"].items()
        }
        if self.whole and self.splits != expected:
            raise CountMismatchError(
                f"Every video of '{self.config}' is whole, but the images are {self.splits}, not "
                f"{expected} as published. The annotation is another one than the published: get "
                "that, or, if you changed it on purpose, pass verification_mode='no_checks'."
            )

    def told_now(self, absent: Mapping[str, VideoError]) -> Coverage:
        """The same, with what is known today of why videos are absent: that may have changed."""
        outcomes = []
        for outcome in self.outcomes:
            error = absent.get(outcome.video_id)
            if outcome.absent and error:
                outcome = replace(
                    outcome, reason=error.reason, detail=str(error), since=error.since
                )
            outcomes.append(outcome)
        return replace(self, outcomes=tuple(outcomes))

    def to_json(self) -> str:
        """One line of JSON, read back by `from_json`."""
        return json.dumps(
            {
                "config": self.config,
                "options": dict(self.options),
                "fingerprint": self.fingerprint,
                "outcomes": [asdict(o) for o in self.outcomes],
            }
        )

    @classmethod
    def from_json(cls, text: str) -> Coverage:
        """The inverse of `to_json`."""
        values = json.loads(text)
        return cls(
            values["config"],
            values["options"],
            tuple(Outcome.from_dict(o) for o in values["outcomes"]),
        )

    def describe(self, description: str) -> str:
        """`description` with the coverage appended, for a person and for `from_description`."""
        return f"{description}\n\n{self}\n\n{_MARK}{self.to_json()}"

    @classmethod
    def from_description(cls, description: str) -> Coverage:
        """The coverage that `describe` put into a dataset's description.

        Raises:
            DanceReIDError: there is none.
        """
        marked = {line for line in description.splitlines() if line.startswith(_MARK)}
        if len(marked) > 1:
            raise DanceReIDError(
                "This dataset was joined from several builds, each with a coverage of its own. "
                "Ask for that of each part, before joining."
            )
        for line in marked:
            return cls.from_json(line[len(_MARK) :])
        raise DanceReIDError(
            "This dataset carries no coverage: expected a DanceReID dataset as "
            "load_dataset('dancereid', ...) gives it. Its description was: "
            f"{description[:80]!r}. Build it with this package, or read the source's own notes."
        )


def coverage_of(dataset: Any) -> Coverage:
    """What a built dataset holds, against the whole: per video, and why not.

    Args:
        dataset: a `Dataset` or a `DatasetDict` as `load_dataset` gives it, or what
            `map`, `filter`, `select` or `save_to_disk` made of it; from a prepared
            folder or the Hub also a stream.

    Raises:
        DanceReIDError: it carries none (a stream of what was never built, say), or was
            joined from several builds.
    """
    if isinstance(dataset, dict):
        dataset = next(iter(dataset.values()), None)
    info = getattr(dataset, "info", None)
    return Coverage.from_description(getattr(info, "description", None) or "")


def by_reason(reasons: Mapping[str, Reason]) -> list[str]:
    """Videos grouped by reason, a line each, with what to do: `removed (2): id, id. ...`."""
    groups: dict[Reason, list[str]] = {}
    for video_id, reason in reasons.items():
        groups.setdefault(reason, []).append(video_id)
    return [
        f"{r.value} ({len(ids)}): {', '.join(ids)}" + (f". {advice(r)}" if advice(r) else "")
        for r, ids in groups.items()
    ]


def _losses(outcome: Outcome) -> list[str]:
    """What a person should know of a video that is not simply absent or whole."""
    losses = []
    if outcome.reason is not Reason.USED and not outcome.absent:
        part = f" after {outcome.images:,} images" if outcome.images else ""
        # A file's name may hold line breaks.
        said = f"{outcome.reason.value}{part}. {' '.join(outcome.detail.split())}"
        losses.append(said.rstrip())
    for count, what in (
        (outcome.outside, "annotated boxes without area inside the picture"),
        (outcome.untracked, "annotated detections that the tracks do not have"),
        (outcome.past_end, "annotated detections past the end of the clip"),
    ):
        if count:
            losses.append(f"left out {count:,} {what}")
    return losses
