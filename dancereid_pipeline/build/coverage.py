"""The coverage of a build: the outcome of each video, compared with the complete dataset."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from ..catalogue.catalogue import OWN, in_order
from ..checks.finding import Finding
from ..common.errors import CountMismatchError, DanceReIDError, VideoError
from ..common.package_files import project_file
from ..common.reasons import REFUSALS, Reason, advice
from ..common.records import parse_record
from ..common.report import Report
from ..formats.clip_facts import ClipFacts
from ..formats.pose import JOINT_NAMES
from .options import UNIT_NAMES, UNITS
from .prepared_names import prepared_name

# For these reasons nothing of the video was read, and the reason needs no detail.
_ABSENT = REFUSALS | {
    *(Reason.NO_CLIP, Reason.NO_TRACKS, Reason.NO_ANNOTATION, Reason.LEFT_OUT, Reason.TAKEN_DOWN)
}
_MARK = "Coverage (JSON): "


@dataclass(frozen=True)
class Outcome:
    """The outcome of one video.

    Attributes:
        video_id: the video id.
        splits: the splits that have the video (two in the published list's overlap).
        reason: `Reason.USED`, or why the video gave no images or only a part of them.
        detail: a message for the user: where, what was expected, what was found, what to do.
        images: number of images that it gave to each of its splits. Also where an example is a
            tracklet or a frame, each person in each frame counts as one.
        examples: number of examples that it gave to each of its splits of a dataset.
        expected: number of images that its annotation lists; None if unknown.
        people: number of people with at least one image.
        expected_people: number of people in the catalogue.
        first_id: the lowest person id (global) of its people; None in builds without it.
        row: its row in the catalogue, from 0.
        copy: the name of the copy that it was taken from, where copies were joined.
        outside: annotated detections left out because their bbox is outside the frame.
        untracked: annotated (person, frame) pairs without a detection in the tracks.
        past_end: annotated detections past the last frame of the clip.
        unseen_joints: joints of its images that the tracks mark as not seen (NaN), of 17 each.
        since: time at which the reason was first found, UTC, ISO 8601; "" if unknown.
        findings: what is doubtful in its tracks or its annotation.
        clip: the properties of its clip, if that was read to its end. Width and height are those
            of the first frame that was decoded, upright: bboxes are in these pixels.
        tracked_frames: number of frames of the clip that was tracked; the clip may have a multiple
            of them, at a multiple of the frame rate.
        detections: number of detections in its tracks, annotated or not.
    """

    video_id: str
    splits: tuple[str, ...]
    reason: Reason
    detail: str = ""
    images: int = 0
    examples: int = 0
    expected: int | None = None
    people: int = 0
    expected_people: int = 0
    first_id: int | None = None
    row: int = 0
    copy: str = ""
    outside: int = 0
    untracked: int = 0
    past_end: int = 0
    unseen_joints: int = 0
    since: str = ""
    findings: tuple[Finding, ...] = ()
    clip: ClipFacts | None = None
    tracked_frames: int = 0
    detections: int = 0

    @property
    def whole(self) -> bool:
        """Whether the video gave all images that its annotation lists."""
        return self.reason is Reason.USED and self.images == self.expected

    @property
    def absent(self) -> bool:
        """Whether nothing of the video was read."""
        return self.reason in _ABSENT and not self.images


@dataclass(frozen=True, repr=False)
class Coverage(Report):
    """What a build has, compared with all that its catalogue describes.

    `print` and notebooks show it as a short report. It describes the build, not what `filter` or
    `select` left of it.

    Attributes:
        config: name of the config.
        options: the options that shape examples (stride, image size and so on).
        outcomes: the outcome of each video of the config, requested or not, in catalogue order.
        title: what data of one's own is called; "" if it has no title.
    """

    config: str
    options: Mapping[str, Any] = field(default_factory=dict)
    outcomes: tuple[Outcome, ...] = ()
    title: str = ""

    @property
    def shown_title(self) -> str:
        """What the dataset is called, in one line."""
        title = " ".join(self.title.split())  # it may come from anybody
        return title or ("Own videos" if self.config == OWN else "DanceReID")

    @property
    def whole(self) -> bool:
        """Whether each requested video gave all its images."""
        return all(o.whole for o in self.outcomes if o.reason is not Reason.LEFT_OUT)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is doubtful in the tracks or the annotation of its videos."""
        return tuple(finding for outcome in self.outcomes for finding in outcome.findings)

    @property
    def splits(self) -> dict[str, int]:
        """The number of images in each split."""
        return self._by_split("images")

    @property
    def examples(self) -> dict[str, int]:
        """The number of examples in each split: of images, or of tracklets or frames."""
        return self._by_split("examples")

    def _by_split(self, count: str) -> dict[str, int]:
        return {
            split: sum(getattr(o, count) for o in self.outcomes if split in o.splits)
            for split in in_order(s for outcome in self.outcomes for s in outcome.splits)
        }

    @property
    def unit(self) -> str:
        """What an example is: "crop", "tracklet" or "frame"."""
        unit = self.options.get("unit")
        return str(unit) if unit in UNITS else "crop"

    @property
    def fingerprint(self) -> str:
        """16 hex digits that identify a build, so that results of two builds are not mixed up.

        They depend on the config, the options and the number of images of each video. They do
        not depend on pixels, which change a little when a clip is encoded again.
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
            f"{self.shown_title} '{self.config}': {sum(o.images > 0 for o in self.outcomes)} of "
            f"{len(self.outcomes)} videos, {sum(o.people for o in self.outcomes)} of "
            f"{sum(o.expected_people for o in self.outcomes)} people, "
            f"{sum(o.images for o in self.outcomes):,} of {whole:,}{more} images "
            f"(fingerprint {self.fingerprint})"
        ]
        examples = self.examples
        for split, count in self.splits.items():
            of_unit = f" in {examples[split]:,} {UNIT_NAMES[self.unit]}"
            where = "" if self.unit == "crop" else of_unit
            lines.append(f"  {split}: {count:,} images{where}")
        absent = {o.video_id: o.reason for o in self.outcomes if o.absent}
        lines += [f"  {line}" for line in by_reason(absent)]
        for outcome in self.outcomes:
            lines += [f"  {outcome.video_id}: {loss}" for loss in _losses(outcome)]
        lines += [f"  {doubt.video_id}: doubtful: {doubt}" for doubt in self.findings]
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"{self}\n  This is what was built, whatever filter, select or map left of it."

    def check_counts(self) -> None:
        """Compares a complete build at default options with `dataset_infos.json`.

        Raises:
            CountMismatchError: each video gave all its images, but the counts differ.
        """
        infos = json.loads(project_file("dataset_infos.json").read_text("utf-8"))
        name, examples = prepared_name(self.config, self.unit), self.examples
        expected = {s: split["num_examples"] for s, split in infos[name]["splits"].items()}
        if self.whole and examples != expected:
            raise CountMismatchError(
                f"Expected {expected} {UNIT_NAMES[self.unit]}, as published, but '{self.config}' "
                f"has {examples}, and no video is missing. So the annotation is not the published "
                "one: get that, or, if you changed it on purpose, pass "
                "verification_mode='no_checks'."
            )

    def with_reasons(self, absent: Mapping[str, VideoError]) -> Coverage:
        """The coverage with today's reasons why videos are absent: they may have changed.

        Args:
            absent: the reasons, by video id.
        """
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
        """The coverage as one line of JSON, for `from_json`."""
        return json.dumps(
            {
                "config": self.config,
                "title": self.title,
                "options": dict(self.options),
                "fingerprint": self.fingerprint,
                "outcomes": [asdict(o) for o in self.outcomes],
            }
        )

    @classmethod
    def from_json(cls, text: str) -> Coverage:
        """The inverse of `to_json`, for a text from any source.

        Raises:
            DanceReIDError: the text is no coverage.
        """
        try:
            values = json.loads(text)
            if isinstance(values, dict):
                values.pop("fingerprint", None)  # it is computed
            return parse_record(cls, values)
        except (ValueError, RecursionError) as error:
            raise DanceReIDError(
                f"The coverage of this dataset cannot be read ({error}). Was it written by another "
                "version, or changed by hand? Build or prepare the dataset again."
            ) from error

    def describe(self, description: str) -> str:
        """The description with the coverage behind it, for people and for `from_description`."""
        return f"{description}\n\n{self}\n\n{_MARK}{self.to_json()}"

    @classmethod
    def from_description(cls, description: str) -> Coverage:
        """The coverage that `describe` put into a dataset's description.

        Raises:
            DanceReIDError: it has none, or several.
        """
        marked = {line for line in description.splitlines() if line.startswith(_MARK)}
        if len(marked) > 1:
            raise DanceReIDError(
                "This dataset was joined from several builds, and each has its own coverage. Get "
                "the coverage of each part before you join them."
            )
        for line in marked:
            return cls.from_json(line[len(_MARK) :])
        raise DanceReIDError(
            "This dataset carries no coverage: expected a DanceReID dataset, as "
            "load_dataset('dancereid', ...) gives it, got one with the description "
            f"{description[:80]!r}. Build it with this package."
        )


def coverage_of(dataset: Any) -> Coverage:
    """What a built dataset has, compared with the complete one, and why videos are missing.

    It describes the build: `filter`, `select` and `map` do not change it.

    Args:
        dataset: a `Dataset` or a `DatasetDict` as `load_dataset` gives it, also after `map`,
            `filter`, `select` or `save_to_disk`. A stream has a coverage only if it comes from
            a prepared folder or the Hub.

    Returns:
        The coverage: `print` shows a report, `splits` counts images, and `outcomes` has each
        video's reason.

    Raises:
        DanceReIDError: the dataset has no coverage, or was joined from several builds.
    """
    if isinstance(dataset, dict):
        dataset = next(iter(dataset.values()), None)
    info = getattr(dataset, "info", None)
    return Coverage.from_description(getattr(info, "description", None) or "")


def by_reason(reasons: Mapping[str, Reason]) -> list[str]:
    """A line for each reason, with its videos and what to do: `removed (2): id, id. ...`."""
    groups: dict[Reason, list[str]] = {}
    for video_id, reason in reasons.items():
        groups.setdefault(reason, []).append(video_id)
    return [
        f"{r.value} ({len(ids)}): {', '.join(ids)}" + (f". {advice(r)}" if advice(r) else "")
        for r, ids in groups.items()
    ]


def _losses(outcome: Outcome) -> list[str]:
    """What a user should know about a video that gave only a part, or failed when it was read."""
    losses = []
    if outcome.reason is not Reason.USED and not outcome.absent:
        part = f" after {outcome.images:,} images" if outcome.images else ""
        # A file's name may have line breaks.
        loss = f"{outcome.reason.value}{part}. {' '.join(outcome.detail.split())}"
        losses.append(loss.rstrip())
    for count, what in (
        (outcome.outside, "annotated detections whose bbox is outside the frame"),
        (outcome.untracked, "annotated detections that the tracks do not have"),
        (outcome.past_end, "annotated detections past the end of the clip"),
    ):
        if count:
            losses.append(f"left out {count:,} {what}")
    if outcome.unseen_joints:
        joints = outcome.images * len(JOINT_NAMES)
        losses.append(f"joints not seen: {outcome.unseen_joints:,} of {joints:,}")
    return losses
