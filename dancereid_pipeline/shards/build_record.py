"""The record of a config in a prepared folder: a JSON file beside its Parquet shards."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

from datasets import Features

from ..build.coverage import Coverage
from ..build.options import UNIT_NAMES, SampleOptions
from ..build.prepared_names import config_and_unit, is_prepared_name
from ..catalogue.catalogue import Catalogue
from ..common.errors import SourceError
from ..common.package_files import project_file
from ..common.records import parse_record
from ..common.storage import Storage
from .parquet_shards import Shard
from .split_statistics import SplitStatistics

RECORD = "build.json"
PICTURE = "people.jpg"


@dataclass(frozen=True)
class Build:
    """One config that was built and written.

    Attributes:
        config: name of the config in a prepared folder, as `prepared_name` gives it.
        made: when it was written, UTC, ISO 8601.
        made_with: name of each library -> its version.
        coverage: its coverage, without details, which name paths of a machine.
        features: columns and their types, as `plain_features` gives them.
        statistics: the statistics of each split.
        shards: its Parquet files.
        records: names of the records of its videos.
        example: the first example, without images.
    """

    config: str
    made: str
    made_with: Mapping[str, str]
    coverage: Coverage
    features: Mapping[str, Any]
    statistics: Mapping[str, SplitStatistics]
    shards: tuple[Shard, ...]
    records: tuple[str, ...]
    example: Mapping[str, Any]

    @property
    def images(self) -> int:
        """The number of images in all splits."""
        return sum(split.images for split in self.statistics.values())

    @property
    def examples(self) -> int:
        """The number of examples in all splits."""
        return sum(split.examples for split in self.statistics.values())

    @property
    def options(self) -> SampleOptions:
        """The options that it was built with."""
        return SampleOptions.from_dict(self.coverage.options)

    @property
    def origin(self) -> str:
        """Whose videos it has: "dancereid", "demo", or "own" for any others."""
        recorded = {(o.video_id, o.splits, o.expected_people) for o in self.coverage.outcomes}
        demo = project_file("demo") / "video_data.csv"
        for origin, path in (("dancereid", None), ("demo", demo)):
            config = self.coverage.config
            videos = Catalogue.read(path).choose(config)
            if recorded == {(v.video_id, v.splits_in(config), v.people) for v in videos}:
                return origin
        return "own"

    @property
    def of_dancereid(self) -> bool:
        """Whether any of its videos is one of DanceReID's."""
        known = {video.video_id for video in Catalogue.read()}
        return any(outcome.video_id in known for outcome in self.coverage.outcomes)

    @property
    def files(self) -> tuple[str, ...]:
        """Paths of all its files, relative to the prepared folder."""
        names = (*(shard.name for shard in self.shards), *self.records, RECORD, PICTURE)
        return tuple(f"{self.config}/{name}" for name in names)

    @property
    def libraries(self) -> str:
        """The libraries that wrote it, and their versions, as text."""
        return ", ".join(f"{name} {version}" for name, version in self.made_with.items())

    @property
    def brief(self) -> str:
        """One line that distinguishes it from other builds of the config."""
        videos = sum(outcome.images > 0 for outcome in self.coverage.outcomes)
        unit = self.coverage.unit
        grouped = "" if unit == "crop" else f" in {self.examples:,} {UNIT_NAMES[unit]}"
        return (
            f"{self.config}: {videos} videos, {self.images:,} images{grouped}, fingerprint "
            f"{self.coverage.fingerprint}, made {self.made[:10]} with {self.libraries}"
        )

    def same_data(self, other: Build) -> bool:
        """Whether both have the same shards. Reasons why videos are missing may differ."""
        same_build = self.coverage.fingerprint == other.coverage.fingerprint
        return same_build and self.shards == other.shards

    def to_json(self) -> str:
        """Indented JSON, which `from_json` reads."""
        values = {**asdict(self), "coverage": json.loads(self.coverage.to_json())}
        return json.dumps(values, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str, where: str) -> Build:
        """The inverse of `to_json`.

        Args:
            text: the JSON text, from any source; it is checked.
            where: path or address of the text, for error messages.

        Raises:
            SourceError: the text is not such a record.
        """
        try:
            values = json.loads(text)
            if isinstance(values, dict) and isinstance(values.get("coverage"), dict):
                values["coverage"].pop("fingerprint", None)  # it is computed
            build = parse_record(cls, values)
            _check(build)
        except Exception as error:  # what `Features.from_dict` raises is not listed
            raise SourceError(
                f"{where}: is not the record of a prepared config ({error}). Was it written by "
                "another version, or changed by hand? Prepare the config again in an empty folder."
            ) from error
        return build

    @classmethod
    def read(cls, folder: Storage) -> Build:
        """Reads the record in a config's folder.

        Raises:
            SourceError: it is not a record, or its config is not the folder's name.
        """
        where = f"{folder}/{RECORD}"
        build = cls.from_json(folder.read(RECORD).decode("utf-8", errors="replace"), where)
        if build.config != folder.name:
            raise SourceError(
                f"{where}: is the record of '{build.config}'. Rename the folder to {build.config}; "
                "if it is a copy, move it out of the folder that it is in."
            )
        return build


# None stands for NaN, which JSON does not have.
_Numbers: TypeAlias = tuple[float | None, ...]
_Joints: TypeAlias = tuple[_Numbers, ...]


@dataclass(frozen=True)
class _Crop:
    """What `Build.example` must hold of crops."""

    keypoints: _Joints
    person_id: int
    video_id: str
    frame: int
    bbox: _Numbers


@dataclass(frozen=True)
class _Tracklet:
    """What `Build.example` must hold of tracklets."""

    keypoints: tuple[_Joints, ...]
    person_id: int
    video_id: str
    frames: tuple[int, ...]
    bbox: tuple[_Numbers, ...]


@dataclass(frozen=True)
class _Objects:
    person_id: tuple[int, ...]
    bbox: tuple[_Numbers, ...]
    keypoints: tuple[_Joints, ...]


@dataclass(frozen=True)
class _Frame:
    """What `Build.example` must hold of frames."""

    width: int
    height: int
    video_id: str
    frame: int
    objects: _Objects


_EXAMPLES: dict[str, type] = {"crop": _Crop, "tracklet": _Tracklet, "frame": _Frame}


def _check(build: Build) -> None:
    """Refuses values that would fail later, or that name files outside of the folder."""
    if not is_prepared_name(build.config) or not build.shards:
        raise ValueError(f"it has config {build.config!r} and {len(build.shards)} shards")
    Features.from_dict(dict(build.features))
    described = build.coverage.config, build.options.unit  # raises an error if they are wrong
    if config_and_unit(build.config) != described:
        raise ValueError(f"its coverage has config {described[0]!r}, unit {described[1]!r}")
    parse_record(_EXAMPLES[build.options.unit], dict(build.example))
    rows = dict.fromkeys(build.statistics, 0)
    for shard in build.shards:
        name = re.escape(shard.video_id)
        named = re.fullmatch(rf"{shard.split}-[0-9]{{3,}}-{name}\.parquet", shard.name)
        if named is None or "/" in shard.name:
            raise ValueError(f"it has shard {shard.name!r} of split {shard.split!r}")
        rows[shard.split] += shard.rows
    if rows != {split: of_split.examples for split, of_split in build.statistics.items()}:
        raise ValueError(f"its shards have {rows} examples")
    for name in build.records:
        if not re.fullmatch(r"[0-9]{3,}-[^/]+\.json", name):
            raise ValueError(f"it has record {name!r}")
