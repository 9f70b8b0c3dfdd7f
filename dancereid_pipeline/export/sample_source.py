"""The samples to export, made from videos or taken from a built dataset."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import datasets
import numpy as np
from numpy.typing import NDArray

from ..build.coverage import Coverage, Outcome, coverage_of
from ..build.options import SampleOptions
from ..build.plan import warn_of_missing
from ..build.request import Request
from ..build.schema import check_columns, check_splits
from ..build.stored_image import check_jpeg, image_bytes, require_values
from ..catalogue.catalogue import Catalogue, Video
from ..common.errors import CatalogueError
from ..common.package_files import project_file
from ..common.validation import path_or_none, shown

if TYPE_CHECKING:
    from ..build.samples import Sample, VideoSamples
    from .tracked_video import TrackedVideo

_COLUMNS = ("image", "keypoints", "person_id", "video_id", "frame", "bbox")

# It can be pickled, for another process.
Work: TypeAlias = "tuple[Video, VideoSamples | LoadedSamples | TrackedVideo]"


@dataclass(frozen=True)
class Contents:
    """The samples to export, and all that they depend on.

    Attributes:
        coverage: their coverage, as far as it is known before the videos are opened.
        catalogue: the catalogue.
        works: each video and its samples.
        fingerprint: fingerprint of code and files.
    """

    coverage: Coverage
    catalogue: Catalogue
    works: Sequence[Work]
    fingerprint: str

    @property
    def rows(self) -> Sequence[Video]:
        """All videos of the catalogue up to the config's last one."""
        chosen = self.catalogue.choose(self.coverage.config)
        return self.catalogue.videos[: chosen[-1].row + 1]


def from_videos(request: Request, *, tracking: bool = False, frames: bool = False) -> Contents:
    """Makes the samples from the videos that were fetched; fetches nothing.

    Args:
        request: the videos.
        tracking: give detections instead of samples, for a layout of tracking.
        frames: with `tracking`: also give whole frames.

    Raises:
        DanceReIDError: the annotation cannot be used, or no video is there.
    """
    # Here, not above: `import dancereid` need not wait for the decoder and OpenCV.
    from ..build.samples import VideoSamples
    from .tracked_video import TrackedVideo

    plan = request.plan()
    plan.splits()  # refuses where not one video is there
    warn_of_missing(plan)
    samples = [
        (job.video, TrackedVideo(job, frames=frames) if tracking else VideoSamples(job))
        for job in plan.jobs
    ]
    outcomes = tuple(of_video.outcome for _, of_video in samples)
    coverage = Coverage(plan.config, plan.options.as_dict(), outcomes, request.title)
    return Contents(coverage, plan.catalogue, samples, plan.key)


def from_dataset(dataset: Any, catalogue: str | Path | None = None) -> Contents:
    """Takes the samples from a built dataset.

    Args:
        dataset: all splits.
        catalogue: path of the catalogue that it was built with; if None, the project's, or the
            demo's for config "demo".

    Raises:
        DanceReIDError: it is not a built dataset, or was built with another catalogue.
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


@dataclass(frozen=True)
class LoadedSamples:
    """The samples of one video of a built dataset, in order of frame and then person.

    Attributes:
        dataset: the examples of the video, with encoded images.
        outcome: the video's outcome in the dataset's coverage, but with the counts of these
            examples.
        image_size: height and width of each image, in pixels.
    """

    dataset: Any
    outcome: Outcome
    image_size: tuple[int, int]

    def __iter__(self) -> Iterator[Sample]:
        # Here, not above: `import dancereid` need not wait for OpenCV.
        from ..build.samples import Sample

        for example in self.dataset:
            skeleton = self._jpeg(example, "skeleton") if "skeleton" in example else None
            yield Sample(
                image=self._jpeg(example, "image"),
                keypoints=np.asarray(example["keypoints"], np.float64),
                person_id=example["person_id"],
                video_id=example["video_id"],
                frame=example["frame"],
                bbox=np.asarray(example["bbox"], np.float32),
                skeleton=skeleton,
            )

    def _jpeg(self, example: Mapping[str, Any], column: str) -> bytes:
        image = example[column] or {}
        where = f"{self.outcome.video_id}, {column} {shown(image.get('path'))}"
        content = image_bytes(image, where)
        check_jpeg(content, self.image_size, where)
        return content


def check_built(dataset: Any) -> Coverage:
    """Checks that a dataset is built and complete, and returns its coverage.

    Raises:
        DanceReIDError: it is a stream or a single split, columns are missing, or an image has no
            bytes.
    """
    check_splits(dataset)
    for name, of_split in dataset.items():
        check_columns(of_split.features, _COLUMNS, f"Split {name}")
        require_values(of_split, f"Split {name}")
    return coverage_of(dataset)


def loaded_videos(
    dataset: Mapping[str, Any], found: Coverage, catalogue: Catalogue
) -> list[tuple[Video, LoadedSamples]]:
    """Takes the samples of each video in the coverage from a built dataset.

    Raises:
        CatalogueError: a video is not in the catalogue, or its people have other ids there.
    """
    rows = {video.video_id: video for video in catalogue}
    image_size = SampleOptions.from_dict(found.options).image_size
    encoded = {name: _encoded(of_split) for name, of_split in dataset.items()}
    indices = {name: _indices(of_split) for name, of_split in encoded.items()}
    videos = []
    for outcome in found.outcomes:
        video = rows.get(outcome.video_id)
        if video is None or video.people != outcome.expected_people:
            raise CatalogueError(
                f"{catalogue.path}: expected a row for {outcome.video_id} with "
                f"{outcome.expected_people} people, as in this dataset. Name the catalogue that "
                "it was built with: catalogue= (--catalogue)."
            )
        # A video in two splits has the same examples in both.
        of_split = {n: indices[n][video.video_id] for n in indices if video.video_id in indices[n]}
        name, order = next(iter(of_split.items()), (next(iter(encoded)), np.zeros(0, np.int64)))
        examples = encoded[name].select(order)
        people = set(examples["person_id"][:])
        if not people <= set(video.person_ids):
            raise CatalogueError(
                f"{catalogue.path}: expected {video.video_id} to have people "
                f"{min(people)} to {max(people)}, as in this dataset, found {video.person_ids[0]} "
                f"to {video.person_ids[-1]}. The dataset was built with a catalogue whose rows "
                "have another order. Name that one: catalogue= (--catalogue)."
            )
        unseen = _unseen_joints(examples) if outcome.unseen_joints else 0
        outcome = replace(
            outcome,
            images=len(order),
            examples=len(order),
            people=len(people),
            unseen_joints=unseen,
        )
        videos.append((video, LoadedSamples(examples, outcome, image_size)))
    return videos


def _unseen_joints(examples: Any) -> int:
    keypoints = examples.select_columns("keypoints").with_format("numpy")[:]["keypoints"]
    return int(np.isnan(np.asarray(keypoints, np.float64)).any(axis=-1).sum())


def _encoded(dataset: Any) -> Any:
    for column, feature in dataset.features.items():
        if isinstance(feature, datasets.Image):
            dataset = dataset.cast_column(column, datasets.Image(decode=False))
    return dataset.with_format(None)


def _indices(dataset: Any) -> dict[str, NDArray[np.int64]]:
    """The indices of each video's examples, in order of frame and then person."""
    ids, frames, people = (np.asarray(dataset[c][:]) for c in ("video_id", "frame", "person_id"))
    order = np.lexsort((people, frames))
    return {str(video_id): order[ids[order] == video_id] for video_id in np.unique(ids)}
