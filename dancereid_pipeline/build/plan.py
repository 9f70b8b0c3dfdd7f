"""What a build comes to before anything is opened: which videos, for which split, from where."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..catalogue.catalogue import SCHEMES, Catalogue, Video
from ..common.errors import MissingVideosError, VideoError
from ..common.reasons import Reason
from ..formats.annotation import Annotation, VideoAnnotation, read_annotation
from ..formats.track_archive import TracksFile
from ..inputs.data_folder import Folder, VideoFiles
from .coverage import Outcome
from .fingerprint import code_fingerprint
from .options import SampleOptions


@dataclass(frozen=True)
class VideoJob:
    """Everything that the samples of one video are made from. Nothing is opened yet.

    Attributes:
        video: the row of the catalogue.
        splits: the splits it is built for.
        files: its files, or the error that says which one is missing.
        annotation: its annotation, or None where it has none.
        options: what the samples are to be like.
    """

    video: Video
    splits: tuple[str, ...]
    files: VideoFiles | VideoError
    annotation: VideoAnnotation | None
    options: SampleOptions

    def require(self) -> tuple[VideoFiles, VideoAnnotation]:
        """Its files and annotation.

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
        """What keeps the video from being read, as far as can be told without opening it."""
        try:
            self.require()
        except VideoError as error:
            return error
        return None

    @property
    def expected(self) -> int | None:
        """Images to come: what the annotation asks for, else what the catalogue counts."""
        stride = self.options.stride
        return (
            self.annotation.count(stride) if self.annotation else self.video.expected_images(stride)
        )


class Plan:
    """Videos, files, splits and options of one build.

    Args:
        scheme: "paper", "full" or "published": which splits, and who is in them.
        folder: where the files are.
        catalogue: all videos.
        videos: those of the build.
        options: what samples are to be like.
    """

    def __init__(
        self,
        scheme: str,
        folder: Folder,
        catalogue: Catalogue,
        videos: Sequence[Video],
        options: SampleOptions,
    ) -> None:
        self.scheme = scheme
        self.folder = folder
        self.catalogue = catalogue
        self.videos = videos
        self.options = options
        self._files = {video.video_id: self._find(video) for video in self.videos}

    def _find(self, video: Video) -> VideoFiles | VideoError:
        try:
            return self.folder.find(video)
        except VideoError as error:
            return error

    @property
    def key(self) -> str:
        """16 hex digits that change with the code, the options, and any file that is used.

        Files count by name, size and time of change; the annotation by its content.
        """
        parts = [
            code_fingerprint(),
            self.scheme,
            self.options.as_dict(),
            self.catalogue.fingerprint,
            hashlib.sha256(read_annotation(self.folder.annotation)).hexdigest(),
            [[video.video_id, *self._identity(video)] for video in self.videos],
        ]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]

    def _identity(self, video: Video) -> list[str | int]:
        files = self._files[video.video_id]
        # Of a clip that is not here (a stream's) nothing is known, and nothing is built.
        if not isinstance(files, VideoFiles) or not isinstance(files.clip, Path):
            return []
        clip, tracks = files.clip.stat(), files.tracks
        if not isinstance(tracks, TracksFile):
            return []
        return [
            *(files.clip.name, clip.st_size, clip.st_mtime_ns),
            *(tracks.name, tracks.size, tracks.changed_ns),
        ]

    @property
    def missing(self) -> dict[str, VideoError]:
        """The videos that are not here, by id, and why."""
        return {name: files for name, files in self._files.items() if isinstance(files, VideoError)}

    def left_out(self) -> list[Outcome]:
        """An outcome for each video of the config that was not asked for."""
        return [
            Outcome(
                video_id=video.video_id,
                splits=video.splits_in(self.scheme),
                reason=Reason.LEFT_OUT,
                expected=video.expected_images(self.options.stride),
                expected_people=video.people,
            )
            for video in self.catalogue.choose(self.scheme)
            if video.video_id not in self._files
        ]

    def jobs(self) -> dict[str, list[VideoJob]]:
        """A job a video, split by split, in catalogue order. Reads the annotation.

        Raises:
            AnnotationError: the annotation is broken or does not fit the catalogue.
            MissingVideosError: not one video is there.
        """
        annotation = Annotation.read(self.folder.annotation, self.catalogue)
        by_video = {
            video.video_id: VideoJob(
                video=video,
                splits=video.splits_in(self.scheme),
                files=self._files[video.video_id],
                annotation=annotation.videos.get(video.video_id),
                options=self.options,
            )
            for video in self.videos
        }
        missing = [job for job in by_video.values() if job.missing]
        if len(missing) == len(by_video):
            raise missing_videos(f"no video of '{self.scheme}' is in {self.folder.path}", missing)
        return {
            split: [job for job in by_video.values() if split in job.splits]
            for split in SCHEMES[self.scheme]
        }


def missing_videos(what: str, jobs: Iterable[VideoJob]) -> MissingVideosError:
    """The error that lists videos with what is missing of each."""
    lines = [
        f"  {job.video.video_id}: {job.missing.reason.value}. {job.missing}"
        for job in jobs
        if job.missing
    ]
    return MissingVideosError(f"{what}:\n" + "\n".join(lines))
