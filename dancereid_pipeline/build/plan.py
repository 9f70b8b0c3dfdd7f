"""All that a build is made from, before anything is opened: for each video its files."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ..catalogue.catalogue import CONFIGS, Catalogue, Video
from ..common.errors import MissingVideosError, VideoError
from ..common.reasons import Reason
from ..formats.annotation import Annotation, VideoAnnotation
from ..inputs.data_folder import Inputs, VideoFiles
from .coverage import Outcome, by_reason
from .fingerprint import code_fingerprint
from .options import SampleOptions

logger = logging.getLogger("dancereid")


@dataclass(frozen=True)
class VideoJob:
    """All that the samples of one video are made from. It can be sent to another process.

    Attributes:
        video: the row of the catalogue.
        splits: the splits it is built for.
        files: its files, or the error that says what is missing.
        annotation: its valid detections; None where the annotation does not list it.
        options: what the samples are to be like.
    """

    video: Video
    splits: tuple[str, ...]
    files: VideoFiles | VideoError
    annotation: VideoAnnotation | None
    options: SampleOptions

    def require(self) -> tuple[VideoFiles, VideoAnnotation]:
        """Its files and its annotation.

        Raises:
            VideoError: one of them is missing.
        """
        if isinstance(self.files, VideoError):
            raise self.files
        if self.annotation is None:
            raise VideoError(
                Reason.NO_ANNOTATION,
                f"The annotation does not list {self.video.video_id}. Add it there.",
            )
        return self.files, self.annotation

    @property
    def missing(self) -> VideoError | None:
        """What keeps the video from being read, as far as is known without opening it."""
        try:
            self.require()
        except VideoError as error:
            return error
        return None

    @property
    def expected(self) -> int | None:
        """Images to come: what the annotation asks for, else what the catalogue counts."""
        stride, annotation = self.options.stride, self.annotation
        return annotation.count(stride) if annotation else self.video.expected_images(stride)

    @property
    def identity(self) -> list[str | int]:
        """Name, size and time of change of the files; nothing of a clip that is not here."""
        if not isinstance(self.files, VideoFiles) or not isinstance(self.files.clip, Path):
            return []
        clip, tracks = self.files.clip.stat(), self.files.tracks
        return [
            *(self.files.clip.name, clip.st_size, clip.st_mtime_ns),
            *(tracks.name, tracks.size, tracks.changed_ns),
        ]


@dataclass(frozen=True)
class Plan:
    """All that a build is made from, resolved once.

    Attributes:
        config: the config's name.
        options: what samples are to be like.
        catalogue: all videos.
        jobs: one a video that was asked for, in catalogue order.
        path: the folder that the files are in.
        key: 16 hex digits that change with the code, the options, and any file that is used.
            Files count by name, size and time of change; the annotation by its content.
    """

    config: str
    options: SampleOptions
    catalogue: Catalogue
    jobs: tuple[VideoJob, ...]
    path: Path
    key: str

    @classmethod
    def of(cls, config: str, options: SampleOptions, catalogue: Catalogue, inputs: Inputs) -> Plan:
        """Reads the annotation, and joins it with the files.

        Raises:
            AnnotationError: it is broken or does not fit the catalogue.
            SourceError: it cannot be read.
        """
        annotation = Annotation.read(inputs.annotation, catalogue)
        jobs = tuple(
            VideoJob(
                video=video,
                splits=video.splits_in(config),
                files=inputs.videos[video.video_id],
                annotation=annotation.videos.get(video.video_id),
                options=options,
            )
            for video in catalogue.choose(config, inputs.videos)
        )
        parts = [
            code_fingerprint(),
            config,
            options.as_dict(),
            catalogue.fingerprint,
            annotation.fingerprint,
            [[job.video.video_id, *job.identity] for job in jobs],
        ]
        key = hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]
        return cls(config, options, catalogue, jobs, inputs.path, key)

    @property
    def missing(self) -> dict[str, VideoError]:
        """The videos that are not here, by id, and why."""
        return {job.video.video_id: job.missing for job in self.jobs if job.missing}

    @property
    def video_ids(self) -> list[str]:
        """The videos of the config, asked for or not, in catalogue order."""
        return [video.video_id for video in self.catalogue.choose(self.config)]

    def left_out(self) -> list[Outcome]:
        """An outcome for each video of the config that was not asked for."""
        asked_for = {job.video.video_id for job in self.jobs}
        return [
            Outcome(
                video_id=video.video_id,
                splits=video.splits_in(self.config),
                reason=Reason.LEFT_OUT,
                expected=video.expected_images(self.options.stride),
                expected_people=video.people,
            )
            for video in self.catalogue.choose(self.config)
            if video.video_id not in asked_for
        ]

    def splits(self) -> dict[str, list[VideoJob]]:
        """The jobs of each split, in catalogue order.

        Raises:
            MissingVideosError: not one video is there.
        """
        if len(self.missing) == len(self.jobs):
            raise missing_videos(f"no video of '{self.config}' is in {self.path}", self.jobs)
        return {
            split: [job for job in self.jobs if split in job.splits]
            for split in CONFIGS[self.config]
        }


def missing_videos(what: str, jobs: Iterable[VideoJob]) -> MissingVideosError:
    """The error that lists videos with what is missing of each."""
    lines = [
        f"  {job.video.video_id}: {job.missing.reason.value}. {job.missing}"
        for job in jobs
        if job.missing
    ]
    return MissingVideosError(f"{what}:\n" + "\n".join(lines))


def warn_of_missing(plan: Plan) -> None:
    """Says which videos are not there, and goes on without them."""
    if plan.missing:
        lines = by_reason({name: error.reason for name, error in plan.missing.items()})
        logger.warning(
            "DanceReID '%s': %d of %d videos are not there; going on without.\n  %s",
            *(plan.config, len(plan.missing), len(plan.jobs), "\n  ".join(lines)),
        )
