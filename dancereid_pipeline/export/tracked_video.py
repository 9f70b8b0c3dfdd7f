"""The annotated detections of a video in its own pixels, and its whole frames."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from ..build.coverage import Outcome
from ..build.plan import VideoJob
from ..checks.clip_checks import check_size, rate_multiple
from ..checks.detections import doubts, kept_detections
from ..common.errors import VideoError
from ..common.reasons import Reason
from ..formats.clip_facts import ClipFacts
from ..formats.npy_tracks import Tracks, read_tracks
from ..formats.picture_clip import PictureClip
from ..formats.video import Clip
from .tracked_frame import Detection, WholeFrame

_JPEG_QUALITY = 95  # of whole frames: trackers are run on them


class TrackedVideo:
    """The detections of a video, sorted by frame and then by person. Iterate only once.

    A problem with the video ends the iteration. It is not raised but recorded in `outcome`.

    Args:
        job: the video and its files.
        frames: also yield each frame of the clip, before its detections.

    Attributes:
        outcome: the outcome of the video; `images` counts detections.
    """

    def __init__(self, job: VideoJob, *, frames: bool) -> None:
        self._job = job
        self._frames = frames
        self.outcome = Outcome(
            video_id=job.video.video_id,
            splits=job.splits,
            reason=Reason.USED,
            expected=job.expected,
            expected_people=job.video.people,
            first_id=job.video.first_id,
        )

    def __iter__(self) -> Iterator[Detection | WholeFrame]:
        people: set[int] = set()
        try:
            for item in self._read():
                if isinstance(item, Detection):
                    people.add(item.person)
                    images = self.outcome.images + 1
                    self.outcome = replace(self.outcome, images=images, people=len(people))
                yield item
        except VideoError as error:
            # Nothing of it is kept: a sequence that lacks frames must not look whole.
            self.outcome = replace(
                self.outcome,
                reason=error.reason,
                detail=str(error),
                since=error.since,
                images=0,
                people=0,
            )

    def _read(self) -> Iterator[Detection | WholeFrame]:
        files, annotation = self._job.require()
        stride, name = self._job.options.stride, str(files.tracks)
        tracks = read_tracks(files.tracks.read(), name, frames=annotation.any_frames(stride))
        kept = kept_detections(tracks, annotation, stride, name)
        with files.open_clip() as clip:
            multiple = rate_multiple(clip.frame_count, tracks.frame_count, str(files.clip))
            count = min(tracks.frame_count, len(range(0, clip.frame_count, multiple)))
            inside = kept.take(np.flatnonzero(kept.frame < count))
            self.outcome = replace(
                self.outcome,
                tracked_frames=tracks.frame_count,
                detections=tracks.detections,
                untracked=annotation.count(stride) - len(kept.frame),
                past_end=len(kept.frame) - len(inside.frame),
                findings=doubts(self._job.video.video_id, tracks, kept, annotation, stride),
            )
            yield from self._walk(clip, inside, count, multiple)

    def _walk(
        self, clip: Clip | PictureClip, kept: Tracks, count: int, multiple: int
    ) -> Iterator[Detection | WholeFrame]:
        """Yields the detections; decodes all frames, or only one, for the size."""
        facts: ClipFacts | None = None
        wanted = range(count) if self._frames else [0]
        row = 0
        for index, decoded in clip.read(frame * multiple for frame in wanted):
            frame = index // multiple
            if facts is None:
                check_size((decoded.width, decoded.height), kept.bbox, str(clip.path))
                facts = clip.facts(decoded.width, decoded.height)
                self.outcome = replace(self.outcome, clip=facts)
                facts = replace(facts, frames=count, fps=facts.fps / multiple)
            if self._frames:
                whole = decoded.bgr(0, decoded.height, 0, decoded.width)
                yield WholeFrame(frame, _jpeg(whole))
            last = frame if self._frames else count
            while row < len(kept.frame) and kept.frame[row] <= last:
                yield Detection(
                    int(kept.frame[row]),
                    int(kept.person[row]),
                    kept.bbox[row],
                    kept.keypoints[row],
                    facts,
                )
                row += 1


def _jpeg(pixels: NDArray[np.uint8]) -> bytes:
    _, content = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    return content.tobytes()
