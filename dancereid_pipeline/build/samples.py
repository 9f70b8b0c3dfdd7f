"""Joins the steps that make the samples of one video. All samples are made here."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ..checks.clip_checks import check_size, rate_multiple
from ..checks.detections import doubts, kept_detections
from ..common.errors import DanceReIDError, InterruptedReadError, SourceError, VideoError
from ..common.reasons import Reason
from ..formats.annotation import VideoAnnotation
from ..formats.npy_tracks import Tracks, read_tracks
from ..formats.picture_clip import Picture
from ..formats.video_frame import DecodedFrame
from ..inputs.data_folder import VideoFiles
from .coverage import Outcome
from .crops import KEYPOINT_MAPPINGS, Window, crop_window, resize
from .draw_pose import draw_skeleton
from .options import SampleOptions
from .plan import VideoJob

logger = logging.getLogger("dancereid")


@dataclass(frozen=True)
class Sample:
    """One person in one frame.

    Attributes:
        image: the crop as JPEG; for unit "frame" the whole frame, the same object for its people.
        keypoints: x, y in pixels of the image, float64 `[17, 2]`; NaN for a joint that was not
            seen.
        person_id: the person id (global).
        video_id: the video id, as in the catalogue.
        frame: index of the frame in the tracks, from 0.
        bbox: x1, y1, x2, y2 in source pixels (unit "frame": of the image), float32 `[4]`.
        skeleton: the crop with its pose drawn on it, as JPEG; None without that option.
    """

    image: bytes
    keypoints: NDArray[np.float64]
    person_id: int
    video_id: str
    frame: int
    bbox: NDArray[np.float32]
    skeleton: bytes | None = None

    @property
    def stem(self) -> str:
        """Its name, unique in the dataset: `PPPP_FFFFFF`, person id and frame."""
        return f"{self.person_id:04d}_{self.frame:06d}"

    @property
    def example(self) -> dict[str, Any]:
        """The values of its columns, as `example_features` describes them."""
        columns = {
            "image": {"bytes": self.image, "path": f"{self.stem}.jpg"},
            "keypoints": self.keypoints.astype(np.float32),
            "person_id": self.person_id,
            "video_id": self.video_id,
            "frame": self.frame,
            "bbox": self.bbox,
        }
        if self.skeleton is not None:
            columns["skeleton"] = {"bytes": self.skeleton, "path": f"{self.stem}.jpg"}
        return columns


class VideoSamples:
    """The samples of one video, sorted by frame and then by person. Iterate only once.

    A problem with the video ends the iteration. It is not raised but recorded in `outcome`.

    Attributes:
        outcome: the outcome of the video, up to the sample that came last.
    """

    def __init__(self, job: VideoJob) -> None:
        self._job = job
        self._options = job.options
        self.outcome = Outcome(
            video_id=job.video.video_id,
            splits=job.splits,
            reason=Reason.USED,
            expected=job.expected,
            expected_people=job.video.people,
            first_id=job.video.first_id,
            row=job.video.row,
        )

    def __iter__(self) -> Iterator[Sample]:
        people: set[int] = set()
        last = (-1, -1)
        try:
            for sample in self._read():
                if (sample.frame, sample.person_id) <= last:
                    raise DanceReIDError(
                        f"{sample.video_id}: expected samples in order, but {sample.stem} came "
                        "twice or too late. This is a fault of this package: please report it."
                    )
                last = sample.frame, sample.person_id
                people.add(sample.person_id)
                unseen = int(np.isnan(sample.keypoints).any(axis=1).sum())
                self._record(
                    images=self.outcome.images + 1,
                    examples=self.outcome.examples + 1,
                    people=len(people),
                    unseen_joints=self.outcome.unseen_joints + unseen,
                )
                yield sample
        except VideoError as error:
            self._record(reason=error.reason, detail=str(error), since=error.since)
        except InterruptedReadError as error:
            raise error.interrupt from None
        except OSError as error:  # named here, or it would be taken for one of the output
            raise SourceError(
                f"{self._job.video.video_id}: its clip or tracks cannot be read ({error}). Get "
                "permission to read them, then run it again: it continues from there."
            ) from error

    def _record(self, **changes: Any) -> None:
        self.outcome = replace(self.outcome, **changes)

    def _read(self) -> Iterator[Sample]:
        files, annotation = self._job.require()
        tracks = self._tracks(files, annotation)
        with files.open_clip() as clip:
            multiple = rate_multiple(clip.frame_count, tracks.frame_count, str(files.clip))
            wanted = np.unique(tracks.frame) * multiple
            first = checked = None
            for index, decoded in clip.read(wanted.tolist()):
                size = decoded.width, decoded.height
                first = first or size
                if size != checked:  # it may change within a clip
                    check_size(size, tracks.bbox, str(files.clip))
                    checked = size
                frame = index // multiple
                view = _View(decoded, self._options)
                for row in range(*np.searchsorted(tracks.frame, [frame, frame + 1]).tolist()):
                    sample = self._sample(view, tracks, row, annotation)
                    if sample is not None:
                        yield sample
            past_end = np.count_nonzero(tracks.frame * multiple >= clip.frame_count)
            facts = clip.facts(*first) if first else None
            self._record(past_end=int(past_end), clip=facts)

    def _tracks(self, files: VideoFiles, annotation: VideoAnnotation) -> Tracks:
        """The detections that annotation and stride keep, sorted by frame and then by person."""
        stride, name = self._options.stride, str(files.tracks)
        tracks = read_tracks(files.tracks.read(), name, frames=annotation.any_frames(stride))
        if tracks.scored:
            _say_scores_are_dropped()
        kept = kept_detections(tracks, annotation, stride, name)
        self._record(
            tracked_frames=tracks.frame_count,
            detections=tracks.detections,
            untracked=annotation.count(stride) - len(kept.frame),
            findings=doubts(self._job.video.video_id, tracks, kept, annotation, stride),
        )
        return kept

    def _sample(
        self, view: _View, tracks: Tracks, row: int, annotation: VideoAnnotation
    ) -> Sample | None:
        """The sample of one detection; None if its bbox is outside the frame."""
        person = int(tracks.person[row])
        window = view.window(tracks.bbox[row])
        if window is None:
            self._record(outside=self.outcome.outside + 1)
            return None
        of_person = tracks.bbox[row], tracks.keypoints[row], person
        whole = self._options.unit == "frame"
        shown = view.whole(*of_person) if whole else view.crop(window, *of_person)
        return Sample(
            **shown,
            person_id=self._job.video.first_id + int(np.searchsorted(annotation.people, person)),
            video_id=self._job.video.video_id,
            frame=int(tracks.frame[row]),
        )


class _View:
    """A decoded frame, and what an image shows of it.

    Args:
        decoded: the frame.
        options: the options that shape samples.
    """

    def __init__(self, decoded: DecodedFrame | Picture, options: SampleOptions) -> None:
        self._decoded = decoded
        self._options = options

    def window(self, bbox: NDArray[np.float64]) -> Window | None:
        """The window around a bbox; None if the bbox is outside the frame."""
        size = self._decoded.height, self._decoded.width
        return crop_window(bbox, size, self._options.image_size)

    def crop(
        self,
        window: Window,
        bbox: NDArray[np.float64],
        keypoints: NDArray[np.float64],
        person: int,
    ) -> dict[str, Any]:
        """Image, keypoints, bbox and skeleton of a sample that shows a window."""
        options = self._options
        crop = resize(self._decoded.bgr(*window.pixels), options.image_size)
        mapped = KEYPOINT_MAPPINGS[options.keypoints](keypoints, window, options.image_size)
        skeleton = draw_skeleton(crop, mapped, person) if options.skeleton else None
        return {
            "image": _jpeg(crop, options.jpeg_quality),
            "keypoints": mapped,
            "bbox": bbox.astype(np.float32),
            "skeleton": None if skeleton is None else _jpeg(skeleton, options.jpeg_quality),
        }

    def whole(
        self,
        bbox: NDArray[np.float64],
        keypoints: NDArray[np.float64],
        person: int,  # noqa: ARG002  # as for `crop`
    ) -> dict[str, Any]:
        """Image, keypoints and bbox of a sample that shows the whole frame."""
        image, scale = self._whole
        return {
            "image": image,
            "keypoints": keypoints * scale,
            "bbox": (bbox * np.tile(scale, 2)).astype(np.float32),
        }

    @cached_property
    def _whole(self) -> tuple[bytes, NDArray[np.float64]]:
        """The frame as JPEG, encoded once; and its scale in x and y."""
        size = np.array([self._decoded.width, self._decoded.height])
        pixels: Any = self._decoded.bgr(0, int(size[1]), 0, int(size[0]))
        scaled = size
        if size.max() > self._options.max_side:
            scaled = np.maximum(np.rint(size * (self._options.max_side / size.max())), 1)
            pixels = cv2.resize(pixels, scaled.astype(int).tolist(), interpolation=cv2.INTER_AREA)
        return _bgr_jpeg(pixels, self._options.jpeg_quality), scaled / size


@cache  # once
def _say_scores_are_dropped() -> None:
    logger.warning(
        "pose_pos has a third column in some tracks. It is taken for a score of each joint, and "
        "dropped: the column `keypoints` has x and y only."
    )


def _jpeg(pixels: NDArray[np.uint8], quality: int) -> bytes:
    """The pixels (red, green, blue) as JPEG, with the same bytes that Pillow would write.

    Pillow wrote the published files. OpenCV takes half the time; both use libjpeg-turbo.
    """
    return _bgr_jpeg(cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), quality)


def _bgr_jpeg(pixels: Any, quality: int) -> bytes:
    """The same of pixels in OpenCV's order (blue, green, red)."""
    _, content = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return content.tobytes()
