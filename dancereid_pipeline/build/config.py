"""The options of `load_dataset`, and the request that they make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import datasets

from ..catalogue.catalogue import OWN
from ..common.validation import one_of
from .options import MAX_SIDE, MISSING, SampleOptions
from .request import Request

# The version of the examples. It goes up when the same files and options give other examples.
VERSION = "1.0.0"


@dataclass
class DanceReIDConfig(datasets.BuilderConfig):
    """A config and its options. `load_dataset` takes each option as a keyword.

    Attributes:
        data_dir: folder with `videos/`, `npy/` (or `npy.zip`, `npy.tar.gz`) and
            `annotation.json`, or its address in a store (`s3://...`). Without it they are
            fetched into `download_dir`; the config "demo" brings its own.
        stride: take each frame whose number is divisible by this; 5 is the paper's setting,
            1 takes all frames.
        image_size: height and width of a crop, in pixels.
        jpeg_quality: JPEG quality of the crops, from 1 to 95.
        skeleton: add the column `skeleton`: the crop with its pose drawn on it.
        keypoints: "exact" gives each joint where the crop shows it; "published" gives the
            values of the published files, which are shifted where a crop was cut at an edge
            of the frame.
        unit: what an example is: "crop", one person in one frame; "tracklet", a person's crops in
            an unbroken run of frames; "frame", a whole frame with all its people.
        max_gap: the most frames of the video that may be missing between two crops of a tracklet,
            beyond the stride; a larger gap ends it. The published annotation leaves out 10 of
            every 100 frames.
        max_length: the most crops of a tracklet; a longer run is cut into several.
        overlap: the number of crops that two neighbours have in common where a run is cut.
        max_side: the most pixels of the longer side of a whole frame; a larger one is scaled
            down, and bboxes and keypoints with it.
        missing: what to do if videos are missing: "skip" builds the others and lists what is
            missing; "error" lists it and builds nothing.
        catalogue: path, or address in a store, of a CSV of your own videos, with a row for each
            video and the columns `video_id`, `people` and `split`. Config "own" has
            `catalogue.csv` in `data_dir` if none is named.
        title: what your own data is called, in reports, pages and cards; only for config "own".
        videos: only these video ids. Person ids and splits stay the same.
        annotation, archive, video_url, cookies, proxy, rate, time_limit, download_dir:
            where to fetch from, and how: see `dancereid_pipeline.transfer.settings.Network`.
        storage_options: what fsspec is called with for inputs in a store, for example credentials.
            Its own configuration holds as well.
    """

    version: str = VERSION
    stride: int = 5
    image_size: Sequence[int] = (256, 128)
    jpeg_quality: int = 75
    skeleton: bool = False
    keypoints: str = "exact"
    unit: str = "crop"
    max_gap: int = 0
    max_length: int = 100
    overlap: int = 0
    max_side: int = MAX_SIDE
    missing: str = "skip"
    catalogue: str | None = None
    title: str | None = None
    videos: Sequence[str] | None = None
    # Their addresses may have secrets, so `repr` does not show them.
    annotation: str | None = field(default=None, repr=False)
    archive: str | None = field(default=None, repr=False)
    video_url: str | None = field(default=None, repr=False)
    cookies: str | None = field(default=None, repr=False)
    proxy: str | None = field(default=None, repr=False)
    rate: str | int | None = None
    time_limit: float | None = None
    download_dir: str | None = None
    storage_options: Mapping[str, Any] | None = field(default=None, repr=False)

    @property
    def sample_options(self) -> SampleOptions:
        """The options that shape samples, checked."""
        return SampleOptions(**{f.name: getattr(self, f.name) for f in fields(SampleOptions)})

    @property
    def at_defaults(self) -> bool:
        """Whether a complete build must have the counts in `dataset_infos.json`."""
        counted = ("stride", "max_gap", "max_length", "overlap", "catalogue", "videos")
        default = all(getattr(self, name) == getattr(type(self), name) for name in counted)
        return default and self.name != OWN

    def request(self) -> Request:
        """The request, checked, before any file is searched.

        Raises:
            DanceReIDError: an option or the catalogue is not valid.
        """
        one_of("missing", self.missing, MISSING)
        return Request.read(self.name, self.sample_options, vars(self))

    def create_config_id(
        self,
        config_kwargs: dict[str, Any],  # noqa: ARG002  # the signature is that of `datasets`
        custom_features: datasets.Features | None = None,  # noqa: ARG002
    ) -> str:
        """The builder's id until its files are known (see `DanceReID`); checks the options.

        Raises:
            DanceReIDError: an option or the catalogue is not valid.
        """
        self.request()
        return f"{self.name}-unresolved"
