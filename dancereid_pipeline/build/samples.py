"""Joins the steps: the samples of one video. The only way anyone gets samples."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ..common.errors import InterruptedReadError, TracksError, VideoError
from ..common.reasons import Reason
from ..formats.annotation import VideoAnnotation
from ..formats.npy_tracks import Tracks, read_tracks
from ..formats.video_frame import Picture
from ..inputs.data_folder import VideoFiles
from .clip_checks import check_size, rate_multiple
from .coverage import Outcome
from .crops import KEYPOINT_MAPPINGS, resize, window
from .draw_pose import draw_skeleton
from .plan import VideoJob


@dataclass(frozen=True)
class Sample:
    """One person in one frame.

    Attributes:
        image: the crop as JPEG.
        keypoints: x, y in crop pixels, float64 `[17, 2]`.
        person_id: global id.
        video_id: the catalogue's.
        frame: 0-based, in the frames of the tracks.
        bbox: x1, y1, x2, y2 in source pixels, float32 `[4]`.
        skeleton: the crop with its pose drawn on it, as JPEG; None unless asked for.
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
        """Its name, unique in the catalogue: `PPPP_FFFFFF`, person and frame."""
        return f"{self.person_id:04d}_{self.frame:06d}"


class VideoSamples:
    """The samples of one video, in order of frame and then person. Iterate once.

    Whatever is wrong with the video ends the iteration and is told by `outcome`; it is
    never raised.

    Attributes:
        outcome: what came of it, up to date with the iteration.
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
        )

    def __iter__(self) -> Iterator[Sample]:
        people: set[int] = set()
        try:
            for sample in self._read():
                people.add(sample.person_id)
                self._note(images=self.outcome.images + 1, people=len(people))
                yield sample
        except VideoError as error:
            self._note(reason=error.reason, detail=str(error), since=error.since)
        except InterruptedReadError as error:
            raise error.interrupt from None

    def _note(self, **changes: Any) -> None:
        self.outcome = replace(self.outcome, **changes)

    def _read(self) -> Iterator[Sample]:
        files, annotation = self._job.require()
        tracks = self._tracks(files, annotation)
        with files.open_clip() as clip:
            multiple = rate_multiple(clip.frame_count, tracks.frame_count, str(files.clip))
            wanted = np.unique(tracks.frame) * multiple
            for index, picture in clip.read(wanted.tolist()):
                if index == wanted[0]:
                    check_size((picture.width, picture.height), tracks.box, str(files.clip))
                frame = index // multiple
                for row in range(*np.searchsorted(tracks.frame, [frame, frame + 1]).tolist()):
                    sample = self._sample(picture, tracks, row, annotation)
                    if sample is not None:
                        yield sample
            past_end = np.count_nonzero(tracks.frame * multiple >= clip.frame_count)
            self._note(past_end=int(past_end))

    def _tracks(self, files: VideoFiles, annotation: VideoAnnotation) -> Tracks:
        """Of the tracks what annotation and stride keep, by frame and then person."""
        stride, name = self._options.stride, str(files.tracks)
        tracks = read_tracks(files.tracks.read(), name, frames=annotation.any_frames(stride))
        keep = np.zeros(len(tracks.frame), bool)
        for person, frames in zip(annotation.persons, annotation.frames, strict=True):
            of_person = tracks.person == person
            keep |= of_person & np.isin(tracks.frame, frames[frames % stride == 0])
        rows = np.flatnonzero(keep)
        valid = tracks.take(rows[np.lexsort((tracks.person[rows], tracks.frame[rows]))])
        twice = np.flatnonzero((np.diff(valid.frame) == 0) & (np.diff(valid.person) == 0))
        if twice.size:
            raise TracksError(
                f"{name}, frame {valid.frame[twice[0]]}: id "
                f"{valid.person[twice[0]] + 1} is detected twice. A person can be in a frame "
                "once; give one of the two another id."
            )
        self._note(untracked=annotation.count(stride) - len(rows))
        return valid

    def _sample(
        self, picture: Picture, tracks: Tracks, row: int, annotation: VideoAnnotation
    ) -> Sample | None:
        """The sample of one detection; None if its box is outside the picture."""
        options = self._options
        around = window(tracks.box[row], (picture.height, picture.width), options.image_size)
        if around is None:
            self._note(outside=self.outcome.outside + 1)
            return None
        crop = resize(picture.bgr(*around.pixels), options.image_size)
        mapping = KEYPOINT_MAPPINGS[options.keypoints]
        keypoints = mapping(tracks.keypoints[row], around, options.image_size)
        person = int(tracks.person[row])
        skeleton = draw_skeleton(crop, keypoints, person) if options.skeleton else None
        quality = options.jpeg_quality
        return Sample(
            image=_jpeg(crop, quality),
            keypoints=keypoints,
            person_id=self._job.video.first_id + int(np.searchsorted(annotation.persons, person)),
            video_id=self._job.video.video_id,
            frame=int(tracks.frame[row]),
            bbox=tracks.box[row].astype(np.float32),
            skeleton=None if skeleton is None else _jpeg(skeleton, quality),
        )


def _jpeg(pixels: NDArray[np.uint8], quality: int) -> bytes:
    """The bytes that Pillow, which wrote the published files, makes of red, green, blue."""
    # In half of Pillow's time; both hand the pixels to libjpeg-turbo, as it comes.
    options = [cv2.IMWRITE_JPEG_QUALITY, quality]
    _, content = cv2.imencode(".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), options)
    return content.tobytes()
