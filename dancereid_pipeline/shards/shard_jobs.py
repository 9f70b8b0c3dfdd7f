"""A plan -> a job for each video of the config; and which of them one part of several builds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

import numpy as np

from ..build.config import VERSION
from ..build.plan import Plan, VideoJob
from ..build.prepared_names import prepared_name
from ..common.errors import VideoError
from ..common.reasons import Reason
from .build_shard import ShardJob
from .shard_record import BuildIdentity


def jobs_of(plan: Plan, title: str = "", name: str | None = None) -> list[ShardJob]:
    """A job for each video of the config, in the catalogue's order; also for one that is missing,
    or was not requested, which gives only a record.

    Args:
        plan: what the build uses.
        title: what data of one's own is called.
        name: the name of such data in the prepared folder, if it is not "own".
    """
    config, videos = plan.config, plan.catalogue.choose(plan.config)
    identity = BuildIdentity.of(
        VERSION,
        prepared_name(config, plan.options.unit, name),
        plan.options,
        ((v.row, v.video_id, v.splits_in(config), v.people, v.first_id) for v in videos),
        title,
    )
    requested = {job.video.video_id: job for job in plan.jobs}
    left_out = VideoError(Reason.LEFT_OUT, "")
    jobs = []
    for video in videos:
        job = requested.get(video.video_id) or VideoJob(
            video, video.splits_in(config), left_out, None, plan.options
        )
        jobs.append(ShardJob(identity, job, _inputs(job)))
    return jobs


def _inputs(job: VideoJob) -> str:
    """16 hex digits that change with a video's files and annotation."""
    digest = hashlib.sha256(json.dumps(job.identity).encode())
    if job.annotation:
        digest.update(job.annotation.people.tobytes())
        for frames in job.annotation.frames:
            digest.update(len(frames).to_bytes(8, "little") + frames.tobytes())
    return digest.hexdigest()[:16]


def part_of(jobs: Sequence[ShardJob], number: int, parts: int) -> list[ShardJob]:
    """The jobs of one of several parts, which have about the same number of annotated frames.

    Every part must be made of the same jobs. It may be empty.

    Args:
        jobs: all jobs of a build.
        number: number of the part, from 1.
        parts: number of parts.
    """
    loads = np.zeros(parts, np.int64)
    mine = []
    for job in sorted(jobs, key=annotated_frames, reverse=True):
        lightest = int(loads.argmin())
        # A video without frames costs a little, too.
        loads[lightest] += annotated_frames(job) + 1
        if lightest == number - 1:
            mine.append(job)
    return sorted(mine, key=lambda job: job.name)


def annotated_frames(job: ShardJob) -> int:
    """The number of annotated frames that the job decodes; 0 if the video is missing."""
    annotation = job.video.annotation
    if annotation is None or job.video.missing:
        return 0
    return len(annotation.any_frames(job.video.options.stride))
