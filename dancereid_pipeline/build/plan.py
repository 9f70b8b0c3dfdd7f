"""Everything that a build uses, before any clip is opened: for each video its files."""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import dataclass

from ..catalogue.catalogue import Catalogue, Video
from ..common.errors import MissingVideosError, SourceError, VideoError
from ..common.reasons import Reason
from ..common.store_path import AnyPath
from ..formats.annotation import Annotation, VideoAnnotation, not_listed
from ..inputs.data_folder import Inputs, VideoFiles, clip_state
from .coverage import Outcome, by_reason
from .fingerprint import code_fingerprint
from .options import SampleOptions
from .units import count_examples

logger = logging.getLogger("dancereid")


@dataclass(frozen=True)
class VideoJob:
    """Everything that the samples of one video are made from. It is picklable.

    Attributes:
        video: the row of the catalogue.
        splits: the splits that the samples are in.
        files: the video's files, or the error that says what is missing.
        annotation: the valid detections; None if the annotation does not list the video.
        options: the options that shape samples.
    """

    video: Video
    splits: tuple[str, ...]
    files: VideoFiles | VideoError
    annotation: VideoAnnotation | None
    options: SampleOptions

    def require(self) -> tuple[VideoFiles, VideoAnnotation]:
        """The files and the annotation of the video.

        Raises:
            VideoError: one of them is missing.
        """
        if isinstance(self.files, VideoError):
            raise self.files
        if self.annotation is None:
            raise not_listed(self.video.video_id)
        return self.files, self.annotation

    @property
    def missing(self) -> VideoError | None:
        """Why the video cannot be read, as far as it is known without opening its files."""
        try:
            self.require()
        except VideoError as error:
            return error
        return None

    @property
    def expected(self) -> int | None:
        """The number of images by the annotation, or else by the catalogue; None if unknown."""
        stride, annotation = self.options.stride, self.annotation
        return annotation.count(stride) if annotation else self.video.expected_images(stride)

    @property
    def expected_examples(self) -> int:
        """The number of examples by the annotation; 0 if the video cannot be read."""
        if self.annotation is None or self.missing:
            return 0
        return count_examples(self.annotation, self.options)

    @property
    def identity(self) -> list[str | int]:
        """Name, size and time of change of each file; empty if the clip is not a file yet.

        Raises:
            SourceError: the clip cannot be read.
        """
        if not isinstance(self.files, VideoFiles) or not isinstance(self.files.clip, AnyPath):
            return []
        tracks = self.files.tracks
        try:
            state = clip_state(self.files.clip)
        except OSError as error:
            raise SourceError(
                f"{self.files.clip}: cannot be read ({error.strerror or error}). Get permission to "
                "read it; or run it again, if it was removed meanwhile."
            ) from error
        return [*state, tracks.name, tracks.size, tracks.changed]


@dataclass(frozen=True)
class Plan:
    """Everything that a build uses, resolved once.

    Attributes:
        config: name of the config.
        options: the options that shape samples.
        catalogue: all videos.
        jobs: one for each requested video, in catalogue order.
        path: the folder with the files.
        key: 16 hex digits that change with the code, the options, and each file that is used:
            with name, size and time of change of a file, and with the content of the annotation.
    """

    config: str
    options: SampleOptions
    catalogue: Catalogue
    jobs: tuple[VideoJob, ...]
    path: AnyPath
    key: str

    @classmethod
    def of(cls, config: str, options: SampleOptions, catalogue: Catalogue, inputs: Inputs) -> Plan:
        """Reads the annotation and joins it with the files.

        Raises:
            AnnotationError: the annotation is not valid or does not fit the catalogue.
            SourceError: the annotation or a clip cannot be read.
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
        """The missing videos: the reason of each, by video id."""
        return {job.video.video_id: job.missing for job in self.jobs if job.missing}

    @property
    def video_ids(self) -> list[str]:
        """The ids of all videos of the config, requested or not, in catalogue order."""
        return [video.video_id for video in self.catalogue.choose(self.config)]

    def left_out(self) -> list[Outcome]:
        """An outcome for each video of the config that was not requested."""
        requested = {job.video.video_id for job in self.jobs}
        return [
            Outcome(
                video_id=video.video_id,
                splits=video.splits_in(self.config),
                reason=Reason.LEFT_OUT,
                expected=video.expected_images(self.options.stride),
                expected_people=video.people,
                first_id=video.first_id,
                row=video.row,
            )
            for video in self.catalogue.choose(self.config)
            if video.video_id not in requested
        ]

    def splits(self) -> dict[str, list[VideoJob]]:
        """The jobs of each split, in catalogue order.

        Raises:
            MissingVideosError: all videos are missing.
        """
        if len(self.missing) == len(self.jobs):
            raise self.missing_error(f"No video of '{self.config}' is in {self.path}")
        return {
            split: [job for job in self.jobs if split in job.splits]
            for split in self.catalogue.splits(self.config)
        }

    def missing_error(self, what: str) -> MissingVideosError:
        """An error that lists the missing videos, with the reason of each."""
        lines = [f"  {name}: {e.reason.value}. {e}" for name, e in self.missing.items()]
        return MissingVideosError("\n".join([f"{what}:", *lines]))


def warn_of_missing(plan: Plan) -> None:
    """Warns of the missing videos."""
    if plan.missing:
        lines = by_reason({name: error.reason for name, error in plan.missing.items()})
        logger.warning(
            "Config '%s': %d of %d videos are missing; continuing without them.\n  %s",
            *(plan.config, len(plan.missing), len(plan.jobs), "\n  ".join(lines)),
        )
