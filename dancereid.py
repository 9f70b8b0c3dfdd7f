"""DanceReID as a Hugging Face dataset.

DanceReID has dancers cropped from YouTube dance videos, with identities and poses, for person
re-identification.

    import dancereid

    ds = dancereid.load_dataset("demo")  # four short clips, no network
    print(dancereid.coverage(ds))

After `import dancereid`, `datasets.load_dataset("dancereid", ...)` works, too. The steps that
make the examples are in the package `dancereid_pipeline`.
"""

from __future__ import annotations

import importlib
import logging
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import datasets
from datasets.fingerprint import Hasher
from datasets.utils import tqdm

from dancereid_pipeline.build.build_processes import orderly_processes, usable_cache
from dancereid_pipeline.build.config import DanceReIDConfig
from dancereid_pipeline.build.coverage import Coverage, Outcome
from dancereid_pipeline.build.coverage import coverage_of as coverage
from dancereid_pipeline.build.datasets_registry import register
from dancereid_pipeline.build.outcome_files import OutcomeFolder
from dancereid_pipeline.build.plan import (
    Plan,
    VideoJob,
    warn_of_missing,
)
from dancereid_pipeline.build.schema import example_features
from dancereid_pipeline.catalogue.catalogue import OWN
from dancereid_pipeline.catalogue.metadata import (
    CITATION,
    DESCRIPTION,
    HOMEPAGE,
    OF_CONFIGS,
    OWN_DESCRIPTION,
)

# If this is not installed, datasets 3.6 tells the user to "pip install" what follows "From:".
from dancereid_pipeline.common.cpu import share_cores  # From: <the folder that dancereid.py is in>
from dancereid_pipeline.common.errors import DanceReIDError, MissingVideosError
from dancereid_pipeline.common.validation import whole_number

if TYPE_CHECKING:
    from dancereid_pipeline.build.numpy_view import as_arrays
    from dancereid_pipeline.checks.folder_check import check
    from dancereid_pipeline.doctor.doctor import doctor
    from dancereid_pipeline.evaluation.evaluate import evaluate
    from dancereid_pipeline.evaluation.tracklet_means import tracklet_means
    from dancereid_pipeline.export.export import export
    from dancereid_pipeline.formats.annotation import write_annotation
    from dancereid_pipeline.formats.npy_tracks import write_tracks
    from dancereid_pipeline.importers.import_data import import_data
    from dancereid_pipeline.preview.page.page import preview
    from dancereid_pipeline.publish.hub_takedown import take_down_from_hub
    from dancereid_pipeline.publish.merge import merge
    from dancereid_pipeline.publish.merge_copies import merge_copies
    from dancereid_pipeline.publish.prepare import prepare, prepare_part
    from dancereid_pipeline.publish.push import push_to_hub
    from dancereid_pipeline.publish.takedown import take_down
    from dancereid_pipeline.training.extract import extract
    from dancereid_pipeline.training.hub_model import push_model_to_hub
    from dancereid_pipeline.training.loader import people_loader
    from dancereid_pipeline.training.reproduce import reproduce
    from dancereid_pipeline.training.train import train

__version__ = "0.1.0"
__all__ = [
    "Coverage",
    "DanceReID",
    "DanceReIDConfig",
    "DanceReIDError",
    "as_arrays",
    "check",
    "coverage",
    "doctor",
    "evaluate",
    "export",
    "extract",
    "import_data",
    "load_dataset",
    "merge",
    "merge_copies",
    "people_loader",
    "prepare",
    "prepare_part",
    "preview",
    "push_model_to_hub",
    "push_to_hub",
    "reproduce",
    "take_down",
    "take_down_from_hub",
    "tracklet_means",
    "train",
    "write_annotation",
    "write_tracks",
]

# What not every program does, by the room that does it: `import dancereid` need not wait for it.
_LATER = {
    "as_arrays": "build.numpy_view",
    "check": "checks.folder_check",
    "doctor": "doctor.doctor",
    "evaluate": "evaluation.evaluate",
    "export": "export.export",
    "extract": "training.extract",
    "import_data": "importers.import_data",
    "merge": "publish.merge",
    "merge_copies": "publish.merge_copies",
    "people_loader": "training.loader",
    "prepare": "publish.prepare",
    "prepare_part": "publish.prepare",
    "preview": "preview.page.page",
    "push_model_to_hub": "training.hub_model",
    "push_to_hub": "publish.push",
    "reproduce": "training.reproduce",
    "take_down": "publish.takedown",
    "take_down_from_hub": "publish.hub_takedown",
    "tracklet_means": "evaluation.tracklet_means",
    "train": "training.train",
    "write_annotation": "formats.annotation",
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
    """The builder of DanceReID. Most programs use `load_dataset` instead.

    An example is one person in one frame; with `unit="tracklet"` or `unit="frame"` it is another
    (docs/index.md). Its columns:

    | column | type | content |
    | --- | --- | --- |
    | `image` | Image | the crop, a JPEG named `PPPP_FFFFFF.jpg` (person id, frame) |
    | `keypoints` | 17 x 2 float32 | x, y in crop pixels, in COCO's order; NaN: not seen |
    | `person_id` | int32 | the person id, global; the catalogue fixes it |
    | `video_id` | string | the video id, as in the catalogue |
    | `frame` | int32 | index of the frame in the video, from 0 |
    | `bbox` | 4 float32 | x1, y1, x2, y2 in pixels of the video |
    | `skeleton` | Image | with `skeleton=True`: the crop with its pose drawn on it |

    Cite: Ho, Shim, Wee, "Learning from Dances: Pose-Invariant Re-Identification for
    Multi-Person Tracking", ICASSP 2020.
    """

    BUILDER_CONFIG_CLASS = DanceReIDConfig
    BUILDER_CONFIGS = [
        DanceReIDConfig(name=name, description=text) for name, text in OF_CONFIGS.items()
    ]
    DEFAULT_CONFIG_NAME = "paper"

    _plan: Plan | None = None  # everything that a build uses
    _outcomes: OutcomeFolder | None = None  # of a build, while it runs
    _processes = 1  # number of processes that build

    def __init__(self, cache_dir: str | None = None, *args: Any, **kwargs: Any) -> None:
        with usable_cache(cache_dir or datasets.config.HF_DATASETS_CACHE):
            super().__init__(cache_dir, *args, **kwargs)

    def _create_builder_config(self, *args: Any, **kwargs: Any) -> Any:
        """Hands the config the options of stores, which `datasets` gives to the builder alone."""
        options = self.storage_options or None
        return super()._create_builder_config(*args, storage_options=options, **kwargs)

    def _info(self) -> datasets.DatasetInfo:
        own = self.config.name == OWN
        return datasets.DatasetInfo(
            description=OWN_DESCRIPTION if own else f"{DESCRIPTION} {self.config.description}",
            citation=CITATION,
            homepage=HOMEPAGE,
            features=example_features(skeleton=self.config.skeleton, unit=self.config.unit),
        )

    @classmethod
    def get_all_exported_dataset_infos(cls) -> dict[str, Any]:
        """None. From files beside this one, datasets 3.6 would take counts, and demand them."""
        return {}

    def _resolved(self, *, streaming: bool = False) -> Plan:
        """The plan of the build, which is resolved once; or that of a stream."""
        if self._plan is None or streaming:
            return self.config.request().plan(streaming=streaming)
        return self._plan

    def _split_generators(self, dl_manager: Any) -> list[datasets.SplitGenerator]:
        plan = self._resolved(streaming=dl_manager.is_streaming)
        splits = plan.splits()
        self._processes = min(self._processes, max(map(len, splits.values())))
        if plan.missing and self.config.missing == "error":
            raise plan.missing_error("Expected all videos, since missing='error'; not found")
        warn_of_missing(plan)
        generators = []
        for split, jobs in splits.items():
            generator = datasets.SplitGenerator(name=split, gen_kwargs={"jobs": jobs})
            # For the progress bar only: the build counts the examples that it writes.
            generator.split_info.num_examples = sum(job.expected_examples for job in jobs)
            generators.append(generator)
        return generators

    def _generate_examples(self, jobs: list[VideoJob]) -> Iterator[tuple[str, dict[str, Any]]]:
        # Here, not above: so `import dancereid` does not import the decoder and OpenCV.
        from dancereid_pipeline.build.examples import VideoExamples
        from dancereid_pipeline.build.stored_image import refuse_file_of_name

        share_cores(self._processes)
        for job in jobs:
            examples = VideoExamples(job)
            for example in examples:
                for name in example.names:
                    refuse_file_of_name(name)
                yield example.key, example.columns
            self._finish(examples.outcome, job)

    def _prepare_split_single(self, *args: Any, **kwargs: Any) -> Iterator[Any]:
        """Builds a part of a split, in any process; raises the error that `datasets` would hide."""
        with usable_cache(self._cache_dir_root):
            try:
                yield from super()._prepare_split_single(*args, **kwargs)
            except datasets.exceptions.DatasetGenerationError as error:
                raise error.__cause__ or error from None
            except RuntimeError as error:
                # That of `datasets` yields once more when it is closed early, as by Ctrl-C.
                if "ignored GeneratorExit" not in str(error):
                    raise

    def _finish(self, outcome: Outcome, job: VideoJob) -> None:
        """Writes a video's outcome for the build; in a stream, warns or raises an error."""
        if self._outcomes is not None:
            self._outcomes.keep(outcome)
        elif outcome.findings or not (outcome.whole or job.missing):
            summary = str(Coverage(self.config.name, {}, (outcome,), self.config.title or ""))
            if self.config.missing == "error" and not outcome.whole:
                raise MissingVideosError(f"Expected all images, since missing='error'. {summary}")
            logger.warning("%s", summary)

    def _download_and_prepare(self, dl_manager: Any, verification_mode: Any, **kwargs: Any) -> None:
        if self._output_dir.endswith(".incomplete"):
            # Files of a killed run: otherwise they would stay, unused, in the finished folder.
            for leftover in self._fs.ls(self._output_dir, detail=False):
                self._fs.rm(leftover, recursive=True)
        self._outcomes = OutcomeFolder(self._fs, f"{self._output_dir}/outcomes")
        self._processes = kwargs.get("num_proc") or 1
        try:
            with orderly_processes():
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
        # Not the old description: it may have the coverage of a build that was in the cache.
        self.info.description = found.describe(self._info().description)

    def download_and_prepare(self, *args: Any, **kwargs: Any) -> None:
        """Builds the dataset or finds it in the cache, and reports what is missing.

        Arguments are those of `datasets`.

        Raises:
            DanceReIDError: the input cannot be used; or videos are missing, and `missing` is
                "error".
        """
        request = self.config.request()
        force = (datasets.DownloadMode.FORCE_REDOWNLOAD, "force_redownload")
        fetched = request.fetch(again=kwargs.get("download_mode") in force)
        self._plan = plan = request.plan()
        self._set_cache_folder(plan)
        with usable_cache(self._cache_dir_root):
            super().download_and_prepare(*args, **kwargs)
        found = Coverage.from_description(self.info.description)
        # The build may be of the cache, and today's title and reasons others.
        found = replace(found.with_reasons(plan.missing), title=request.title)
        self.info.description = found.describe(self._info().description)
        if not found.whole and self.config.missing == "error":
            raise MissingVideosError(f"Expected all images, since missing='error'.\n{found}")
        if not found.whole or found.findings:
            logger.warning("%s", found)
        elif fetched:
            tqdm.write(str(found), file=sys.stderr)
        else:
            logger.info("%s", found)

    def _set_cache_folder(self, plan: Plan) -> None:
        """Sets the cache folder's name, which depends on code, options and files.

        `datasets` sets it when the builder is made: too early, since files may be fetched later.
        """
        features = self.info.features.to_dict()  # they may be the user's own
        self.config_id = f"{self.config.name}-{Hasher.hash([plan.key, features])}"
        self._cache_dir = self._output_dir = self._build_cache_dir()

    def as_dataset(self, split: Any = None, **kwargs: Any) -> Any:
        """The built dataset, as in `datasets`. But a split without examples is not an error."""
        if split is None:
            return datasets.DatasetDict(
                {name: self.as_dataset(name, **kwargs) for name in self.info.splits}
            )
        if isinstance(split, list | tuple):
            return [self.as_dataset(name, **kwargs) for name in split]
        info = self.info.splits.get(str(split).partition("[")[0])  # "test[:10]" -> "test"
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
    """Loads DanceReID: builds it, or finds the build in the cache.

    It is the same as `datasets.load_dataset("dancereid", ...)`.

    Args:
        name: "demo", "paper" (the default), "full", "published" or "own".
        split: "trainval", "test", "extra" (of "own": any that its catalogue names), or an
            expression of `datasets` as "test[:10]"; all splits if None.
        streaming: make each example when it is read; nothing is written.
        num_proc: number of processes that build. One video is built by one process.
        cache_dir: the folder in which `datasets` stores its builds.
        download_mode: "force_redownload" builds again even if the build is in the cache.
        verification_mode: "no_checks" does not compare counts with `dataset_infos.json`.
        **options: the options of `DanceReIDConfig`, for example `stride=1`.

    Returns:
        A `Dataset` (or `IterableDataset` if streaming) if `split` is given, else a dict of them
        by split, as `datasets.load_dataset` returns it.

    Raises:
        DanceReIDError: an option, a file or a folder is not valid, or no video can be used.
    """
    if num_proc is not None:
        num_proc = whole_number("num_proc", num_proc, 1, 1000)
    builder = DanceReID(cache_dir=cache_dir, config_name=name, **options)
    if streaming:
        return builder.as_streaming_dataset(split=split)
    builder.download_and_prepare(
        download_mode=download_mode, verification_mode=verification_mode, num_proc=num_proc
    )
    return builder.as_dataset(split=split)


# datasets 3.6 runs this file as a script under another name: then there is nothing to register.
if __name__ == "dancereid":
    register(__name__)
