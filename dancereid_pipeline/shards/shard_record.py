"""The record of one video in a prepared folder: a small JSON file beside its shards."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, TypeAlias

from ..build.coverage import Outcome
from ..build.options import SampleOptions
from ..common.errors import SourceError
from ..common.records import parse_record
from ..common.storage import Storage
from .parquet_shards import Shard
from .split_statistics import ShardFigures

SUFFIX = ".json"


# Row in the catalogue, video id, splits, number of people, lowest person id.
VideoIdentity: TypeAlias = tuple[int, str, tuple[str, ...], int, int | None]


@dataclass(frozen=True)
class BuildIdentity:
    """What all records of a build have in common. Records that differ in it cannot be merged.

    Attributes:
        version: the version of the examples; it goes up when the same files and options give
            other examples.
        config: name of the config in a prepared folder.
        options: the options that shape samples, as plain values.
        videos: the number of videos of the config.
        catalogue: 16 hex digits that change with the ids, splits and people of these videos.
        digits: number of digits of a row in the names of files.
        title: what data of one's own is called; it may differ.
    """

    version: str
    config: str
    options: Mapping[str, Any]
    videos: int
    catalogue: str
    digits: int
    title: str = ""

    @classmethod
    def of(
        cls,
        version: str,
        config: str,
        options: SampleOptions,
        videos: Iterable[VideoIdentity],
        title: str,
    ) -> BuildIdentity:
        """The identity of a build with these videos.

        Args:
            version: the version of the examples.
            config: name of the config.
            options: the options that shape samples.
            videos: all videos of the config, in the catalogue's order.
            title: what data of one's own is called.
        """
        videos = list(videos)
        digest = hashlib.sha256(json.dumps(videos).encode()).hexdigest()[:16]
        digits = max(3, *(len(str(row)) for row, *_ in videos))
        return cls(version, config, options.as_dict(), len(videos), digest, digits, title)

    def name(self, row: int, video_id: str) -> str:
        """The name of a video's files, without split and ending: `ROW-VIDEOID`."""
        return f"{row:0{self.digits}d}-{video_id}"

    def differences(self, other: BuildIdentity) -> list[str]:
        """What is not equal, in words."""
        names = ("version", "config", "videos", "catalogue")
        ours, others = asdict(self), asdict(other)
        found = [f"{n} {others[n]}, not {ours[n]}" for n in names if ours[n] != others[n]]
        mine, its = self.options, other.options
        return found + [f"{n}={its.get(n)}, not {mine[n]}" for n in mine if mine[n] != its.get(n)]


@dataclass(frozen=True)
class ShardRecord:
    """One video of a build: its outcome and its shards.

    Attributes:
        build: what all records of the build have in common.
        inputs: 16 hex digits that change with the video's files and annotation; "" if unknown.
        outcome: the outcome; in a file it has no detail, which names paths of a machine.
        shards: its shards, one for each of its splits; none without an image.
        figures: what is counted in each of them; None without an image.
        example: the first example, without images; empty without an image.
    """

    build: BuildIdentity
    inputs: str
    outcome: Outcome
    shards: tuple[Shard, ...]
    figures: ShardFigures | None
    example: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The name of its file, without the ending."""
        return self.build.name(self.outcome.row, self.outcome.video_id)

    def write(self, storage: Storage) -> None:
        """Writes it beside its shards, which must be there."""
        for_others = replace(self, outcome=replace(self.outcome, detail=""))
        text = json.dumps(asdict(for_others), indent=1) + "\n"
        storage.write(self.name + SUFFIX, text.encode())

    @classmethod
    def read(cls, storage: Storage, name: str) -> ShardRecord:
        """Reads and checks a record, which may be anybody's.

        Raises:
            SourceError: it is not a record, or not that of the video in its name.
        """
        where = f"{storage}/{name}{SUFFIX}"
        try:
            record = parse_record(cls, json.loads(storage.read(name + SUFFIX)))
            _check(record, name)
        except (ValueError, RecursionError) as error:
            raise SourceError(
                f"{where}: is not the record of a video ({error}). Was it written by another "
                "version, or changed by hand? Remove it, and prepare the config again."
            ) from error
        return record


def record_names(folder: Storage) -> list[str]:
    """The names of the records in a folder, without their ending, in the catalogue's order."""
    return sorted(name.removesuffix(SUFFIX) for name in folder.names() if is_record(name))


def is_record(name: str) -> bool:
    """Whether a file of this name is the record of a video."""
    return re.fullmatch(rf"[0-9]{{3,}}-.+{re.escape(SUFFIX)}", name) is not None


def shard_name(split: str, name: str) -> str:
    """The name of a shard's file.

    Args:
        split: the split.
        name: `ROW-VIDEOID`.
    """
    return f"{split}-{name}.parquet"


def _check(record: ShardRecord, name: str) -> None:
    """Refuses values that would fail later, or that name files outside of the folder."""
    SampleOptions.from_dict(record.build.options)
    if record.name != name or "/" in name:
        raise ValueError(f"it is the record of {record.name!r}")
    rows = {split: record.outcome.examples for split in record.outcome.splits}
    found = {shard.split: shard.rows for shard in record.shards}
    if found != (rows if record.outcome.examples else {}):
        raise ValueError(f"it has shards with {found} examples, and says {rows}")
    for shard in record.shards:
        if shard.name != shard_name(shard.split, name) or shard.video_id != record.outcome.video_id:
            raise ValueError(f"it has shard {shard.name!r}")
    if bool(record.shards) != (record.figures is not None) or bool(record.shards) != bool(
        record.example
    ):
        raise ValueError("it has shards without figures, or figures without shards")
    if record.figures and sum(record.figures.images_a_person) != record.outcome.images:
        raise ValueError("its figures count other images")
