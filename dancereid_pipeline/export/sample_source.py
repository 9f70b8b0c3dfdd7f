"""What a folder is to hold: the samples of videos, made from them or from a dataset of them."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from ..build.coverage import Coverage, by_reason
from ..build.options import path_or_none
from ..build.request import Request
from ..catalogue.catalogue import Catalogue, Video, project_file
from .loaded import LoadedSamples, check_built, loaded_videos

if TYPE_CHECKING:
    from ..build.samples import VideoSamples

logger = logging.getLogger("dancereid")

# Can be sent to another process.
Work: TypeAlias = "tuple[Video, VideoSamples | LoadedSamples]"


@dataclass(frozen=True)
class Contents:
    """What a folder is to hold, and all that it depends on.

    Attributes:
        coverage: of what there is, as far as is known before.
        catalogue: all videos.
        works: each video, and its samples.
        fingerprint: of code and files.
    """

    coverage: Coverage
    catalogue: Catalogue
    works: Sequence[Work]
    fingerprint: str

    @property
    def people(self) -> int:
        """People that the config has, with images or without: one more than the highest id."""
        config = self.coverage.config
        chosen = self.catalogue.choose("paper" if config == "demo" else config)
        return chosen[-1].person_ids.stop


def from_videos(config: str, request: Request) -> Contents:
    """The samples of what was asked for, made from the videos that are here.

    Args:
        config: its name.
        request: what was asked for; nothing is fetched any more.

    Raises:
        DanceReIDError: the labels cannot be used, or not one video is there.
    """
    # Here, not above: `import dancereid` need not wait for the decoder and OpenCV.
    from ..build.samples import VideoSamples

    plan = request.plan()
    jobs = {job.video.video_id: job for jobs in plan.jobs().values() for job in jobs}
    absent = {name: job.missing.reason for name, job in jobs.items() if job.missing}
    if absent:
        logger.warning(
            "DanceReID '%s': %d of %d videos are not there; going on without.\n  %s",
            *(config, len(absent), len(jobs), "\n  ".join(by_reason(absent))),
        )
    samples = [(video, VideoSamples(jobs[video.video_id])) for video in plan.videos]
    coverage = Coverage(config, plan.options.as_dict(), tuple(s.outcome for _, s in samples))
    return Contents(coverage, plan.catalogue, samples, plan.key)


def from_dataset(dataset: Any, catalogue: str | Path | None = None) -> Contents:
    """The samples of a dataset that was built.

    Args:
        dataset: all splits.
        catalogue: the CSV that it was built with; DanceReID's own, or the demo's, if None.

    Raises:
        DanceReIDError: it is no built dataset, or of another catalogue.
    """
    found = check_built(dataset)
    path = path_or_none("catalogue", catalogue)
    if path is None and found.config == "demo":
        path = str(project_file("demo") / "video_data.csv")
    rows = Catalogue.read(path)
    samples = loaded_videos(dataset, found, rows)
    coverage = replace(found, outcomes=tuple(s.outcome for _, s in samples))
    prints = [[name, of_split._fingerprint] for name, of_split in dataset.items()]
    return Contents(coverage, rows, samples, json.dumps([prints, rows.fingerprint]))
