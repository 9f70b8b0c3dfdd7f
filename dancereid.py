"""DanceReID as a Hugging Face dataset: `load_dataset("dancereid", ...)`.

`import dancereid` makes the name known to `datasets`; `dancereid.load_dataset(...)` is
the same call without it. Everything behind the builder is in `dancereid_pipeline`.
"""

from __future__ import annotations

import importlib
import logging
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import datasets
import numpy as np
from datasets.fingerprint import Hasher
from datasets.utils import tqdm

from dancereid_pipeline.build.config import DanceReIDConfig
from dancereid_pipeline.build.coverage import Coverage, Outcome
from dancereid_pipeline.build.coverage import coverage_of as coverage
from dancereid_pipeline.build.datasets_registry import register
from dancereid_pipeline.build.outcome_files import OutcomeFolder
from dancereid_pipeline.build.plan import (
    Plan,
    VideoJob,
    missing_videos,
    warn_of_missing,
)
from dancereid_pipeline.build.schema import example_features
from dancereid_pipeline.catalogue.metadata import CITATION, DESCRIPTION, HOMEPAGE

# Whoever has not installed this is told by datasets 3.6 to "pip install" what follows "From:".
from dancereid_pipeline.common.cpu import share_cores  # From: <the folder that dancereid.py is in>
from dancereid_pipeline.common.errors import DanceReIDError, MissingVideosError

if TYPE_CHECKING:
    from dancereid_pipeline.build.numpy_view import as_arrays
    from dancereid_pipeline.doctor.doctor import doctor
    from dancereid_pipeline.evaluation.evaluate import evaluate
    from dancereid_pipeline.export.export import export
    from dancereid_pipeline.formats.npy_tracks import write_tracks
    from dancereid_pipeline.preview.page.page import preview
    from dancereid_pipeline.publish.prepare import prepare
    from dancereid_pipeline.publish.push import push_to_hub

__version__ = "0.1.0"
__all__ = [
    "Coverage",
    "DanceReID",
    "DanceReIDConfig",
    "DanceReIDError",
    "as_arrays",
    "coverage",
    "doctor",
    "evaluate",
    "export",
    "load_dataset",
    "prepare",
    "preview",
    "push_to_hub",
    "write_tracks",
]

# What not every program does, by the room that does it: `import dancereid` need not wait for it.
_LATER = {
    "as_arrays": "build.numpy_view",
    "doctor": "doctor.doctor",
    "evaluate": "evaluation.evaluate",
    "export": "export.export",
    "prepare": "publish.prepare",
    "preview": "preview.page.page",
    "push_to_hub": "publish.push",
    "write_tracks": "formats.npy_tracks",
}

logger = logging.getLogger("dancereid")


if not TYPE_CHECKING:  # or type checkers would take any misspelt name for one of these

    def __getattr__(name: str) -> Any:
        if name not in _LATER:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(importlib.import_module(f"dancereid_pipeline.{_LATER[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})


class DanceReID(datasets.GeneratorBasedBuilder):
    """Builds DanceReID; a video is a shard.

    An example:

    | column | type | what |
    | --- | --- | --- |
    | `image` | Image | the crop, JPEG, `PPPP_FFFFFF.jpg` (person, frame) |
    | `keypoints` | 17 x 2 float32 | x, y in crop pixels, COCO order |
    | `person_id` | int32 | global, fixed by the catalogue |
    | `video_id` | string | of the catalogue |
    | `frame` | int32 | 0-based frame of the video |
    | `bbox` | 4 float32 | x1, y1, x2, y2 in source pixels |
    | `skeleton` | Image | on request: the crop with its pose |

    Cite: Ho, Shim, Wee, "Learning from Dances: Pose-Invariant Re-Identification for
    Multi-Person Tracking", ICASSP 2020.
    """

    BUILDER_CONFIG_CLASS = DanceReIDConfig
    BUILDER_CONFIGS = [
        DanceReIDConfig(
            name="demo",
            description="Four short drawn clips that ship with the package; 12 people.",
        ),
        DanceReIDConfig(
            name="paper",
            description="The paper's 21 videos and 100 people: trainval (71) and test (29), "
            "no person in both.",
        ),
        DanceReIDConfig(
            name="full",
            description="All 33 videos and 178 people: those of 'paper', and 'extra'.",
        ),
        DanceReIDConfig(
            name="published",
            description="The published query list, to compare with published numbers: its test "
            "leaves out video T4vr8mA4hoY and takes in qz2311gT1y4, whose five people are also "
            "trained on. Use 'paper' for anything new.",
        ),
    ]
    DEFAULT_CONFIG_NAME = "paper"

    _plan: Plan | None = None  # what a build is made from
    _outcomes: OutcomeFolder | None = None  # where a build's processes leave their outcomes
    _processes = 1  # that build side by side

    def _info(self) -> datasets.DatasetInfo:
        return datasets.DatasetInfo(
            description=f"{DESCRIPTION} {self.config.description}",
            citation=CITATION,
            homepage=HOMEPAGE,
            features=example_features(skeleton=self.config.skeleton),
        )

    def _resolved(self, *, streaming: bool = False) -> Plan:
        """What the examples are made from; of a build, resolved once."""
        if self._plan is None or streaming:
            return self.config.request().plan(streaming=streaming)
        return self._plan

    def _split_generators(self, dl_manager: Any) -> list[datasets.SplitGenerator]:
        plan = self._resolved(streaming=dl_manager.is_streaming)
        splits = plan.splits()
        self._processes = min(self._processes, max(map(len, splits.values())))
        if plan.missing and self.config.missing == "error":
            raise missing_videos(
                "missing='error' was asked for, and these are not there", plan.jobs
            )
        warn_of_missing(plan)
        generators = []
        for split, jobs in splits.items():
            generator = datasets.SplitGenerator(name=split, gen_kwargs={"jobs": jobs})
            # The progress bar's total; the build itself counts what it writes.
            generator.split_info.num_examples = sum(
                job.expected or 0 for job in jobs if not job.missing
            )
            generators.append(generator)
        return generators

    def _generate_examples(self, jobs: list[VideoJob]) -> Iterator[tuple[str, dict[str, Any]]]:
        # Here, not above: `import dancereid` need not wait for the decoder and OpenCV.
        from dancereid_pipeline.build.samples import VideoSamples

        share_cores(self._processes)
        for job in jobs:
            samples = VideoSamples(job)
            last = (-1, -1)
            for sample in samples:
                key = (sample.frame, sample.person_id)
                if key <= last:
                    raise DanceReIDError(
                        f"{job.video.video_id}: sample {sample.stem} came twice or out of order, "
                        "which is a fault of this package. Please report it."
                    )
                last = key
                example = {
                    "image": {"bytes": sample.image, "path": f"{sample.stem}.jpg"},
                    "keypoints": sample.keypoints.astype(np.float32),
                    "person_id": sample.person_id,
                    "video_id": sample.video_id,
                    "frame": sample.frame,
                    "bbox": sample.bbox,
                }
                if sample.skeleton is not None:
                    example["skeleton"] = {"bytes": sample.skeleton, "path": f"{sample.stem}.jpg"}
                yield sample.stem, example
            self._finish(samples.outcome, job)

    def _finish(self, outcome: Outcome, job: VideoJob) -> None:
        """Keeps a video's outcome (build), or acts on it at once (streaming)."""
        if self._outcomes is not None:
            self._outcomes.keep(outcome)
        elif not outcome.whole and not job.missing:
            summary = str(Coverage(self.config.name, {}, (outcome,)))
            if self.config.missing == "error":
                raise MissingVideosError(f"missing='error' was asked for. {summary}")
            logger.warning("%s", summary)

    def _download_and_prepare(self, dl_manager: Any, verification_mode: Any, **kwargs: Any) -> None:
        if self._output_dir.endswith(".incomplete"):
            # What a killed run left: it would end up, unread, in the finished folder.
            for leftover in self._fs.ls(self._output_dir, detail=False):
                self._fs.rm(leftover, recursive=True)
        # datasets 3.6 fills it from dataset_infos.json, and would refuse a build in part.
        self.info.splits = None
        self._outcomes = OutcomeFolder(self._fs, f"{self._output_dir}/outcomes")
        self._processes = kwargs.get("num_proc") or 1
        try:
            super()._download_and_prepare(dl_manager, verification_mode, **kwargs)
            plan = self._resolved()
            found = Coverage(
                self.config.name,
                self.config.sample_options.as_dict(),
                self._outcomes.gather(plan.video_ids, plan.left_out()),
            )
        finally:
            self._outcomes.remove()
            self._outcomes = None
        if not any(found.splits.values()):
            raise MissingVideosError(f"Not one image could be made.\n{found}")
        checked = verification_mode != datasets.VerificationMode.NO_CHECKS
        if checked and self.config.at_defaults:
            found.check_counts()
        # From the start again: what a cached build's info says is that build's coverage.
        self.info.description = found.describe(self._info().description)

    def download_and_prepare(self, *args: Any, **kwargs: Any) -> None:
        """As in `datasets`; and tells what is missing, built now or found in the cache.

        Raises:
            DanceReIDError: the input cannot be used, or videos are missing and
                `missing="error"`.
        """
        request = self.config.request()
        anew = (datasets.DownloadMode.FORCE_REDOWNLOAD, "force_redownload")
        has_come = request.fetch(again=kwargs.get("download_mode") in anew)
        self._plan = plan = request.plan()
        self._name_after(plan)
        super().download_and_prepare(*args, **kwargs)
        found = Coverage.from_description(self.info.description)
        if not found.whole:
            found = found.told_now(plan.missing)
            self.info.description = found.describe(self._info().description)
        if found.whole and has_come:
            tqdm.write(str(found), file=sys.stderr)
        elif found.whole:
            logger.info("%s", found)
        elif self.config.missing == "error":
            raise MissingVideosError(f"missing='error' was asked for.\n{found}")
        else:
            logger.warning("%s", found)

    def _name_after(self, plan: Plan) -> None:
        """Names the cache folder after what the build is made from: code, options and files.

        `datasets` names it when the builder is made, before anything has been fetched.
        """
        features = self.info.features.to_dict()  # the user's own, perhaps
        self.config_id = f"{self.config.name}-{Hasher.hash([plan.key, features])}"
        self._cache_dir = self._output_dir = self._build_cache_dir()

    def as_dataset(self, split: Any = None, **kwargs: Any) -> Any:
        """As in `datasets`, where a split without examples would be an error."""
        if split is None:
            return datasets.DatasetDict(
                {name: self.as_dataset(name, **kwargs) for name in self.info.splits}
            )
        if isinstance(split, list | tuple):
            return [self.as_dataset(name, **kwargs) for name in split]
        info = self.info.splits.get(str(split).partition("[")[0])  # a part of none is none
        if info is not None and info.num_examples == 0:
            columns: dict[str, list[Any]] = {name: [] for name in self.info.features}
            return datasets.Dataset.from_dict(
                columns, features=self.info.features, info=self.info, split=str(split)
            )
        return super().as_dataset(split, **kwargs)


def load_dataset(
    name: str | None = None,
    *,
    split: Any = None,
    streaming: bool = False,
    num_proc: int | None = None,
    cache_dir: str | None = None,
    download_mode: str | None = None,
    verification_mode: str | None = None,
    **options: Any,
) -> Any:
    """`datasets.load_dataset("dancereid", ...)`, without asking `datasets` for the name.

    Args:
        name: "demo", "paper" (the default), "full" or "published".
        split: "trainval", "test", "extra", or what `datasets` makes of such names; all if None.
        streaming: make examples as they are asked for; nothing is written.
        num_proc: processes to build with; a video is built by one.
        cache_dir: where `datasets` keeps what it builds.
        download_mode: "force_redownload" builds anew.
        verification_mode: "no_checks" does not compare counts with `dataset_infos.json`.
        **options: those of `DanceReIDConfig`.

    Returns:
        What `datasets.load_dataset` returns: a `Dataset` or `IterableDataset`, or a dict
        of them by split.

    Raises:
        DanceReIDError: an option, the folder or the data is not what it must be.
    """
    builder = DanceReID(cache_dir=cache_dir, config_name=name, **options)
    if streaming:
        return builder.as_streaming_dataset(split=split)
    builder.download_and_prepare(
        download_mode=download_mode, verification_mode=verification_mode, num_proc=num_proc
    )
    return builder.as_dataset(split=split)


# Run as a script by datasets 3.6, the module has another name and needs no registering.
if __name__ == "dancereid":
    register(__name__)
