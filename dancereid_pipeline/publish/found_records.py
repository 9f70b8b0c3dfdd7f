"""The records of a config's videos in a prepared folder: those of before, and those built last."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from ..build.prepared_names import in_card_order, is_prepared_name
from ..common.errors import SourceError, VideoError
from ..common.reasons import Reason
from ..common.storage import Storage
from ..shards.build_record import RECORD
from ..shards.build_shard import ShardJob
from ..shards.parquet_shards import Shard
from ..shards.shard_record import SUFFIX, BuildIdentity, ShardRecord, is_record, record_names

PARTS = ".parts-"
_GONE = ".taken-down-"


@dataclass(frozen=True)
class Found:
    """The records of a config: those that were built last, and those from before.

    Attributes:
        output: the prepared folder.
        config: name of the config in the folder.
        new: the records in the folder of parts, by name.
        old: the records in the config's folder, by name.
        moving: the names of the files in the folder of parts.
        gone: by name, the records of what was taken down, if nothing was left of the config.
    """

    output: Storage
    config: str
    new: Mapping[str, ShardRecord]
    old: Mapping[str, ShardRecord]
    moving: Collection[str]
    gone: Mapping[str, ShardRecord]

    @classmethod
    def of(cls, output: Storage, config: str) -> Found:
        """Reads all records of a config."""
        parts = parts_of(output, config)
        names = parts.names()
        old, gone = _records(output.folder(config)), _records(gone_of(output, config))
        return cls(output, config, _records(parts), old, names, gone)

    @property
    def records(self) -> list[ShardRecord]:
        """The record of each video, in the catalogue's order.

        Raises:
            SourceError: they are not those of one whole build.
        """
        where = f"{self.output}, config '{self.config}'"
        found = {**self.old, **self.new}
        if not found:
            raise SourceError(
                f"{where}: expected the record of each video, as dancereid prepare writes them, "
                "found none. Prepare it first."
            )
        first = next(iter((self.new or self.old).values()))
        others = {n: first.build.differences(r.build) for n, r in found.items()}
        # Those from before may be of another build, which this one replaces when it is whole.
        same = [found[name] for name in sorted(found) if not others[name]]
        wrong = [name for name in self.new if others[name]]
        if not wrong and len(same) == first.build.videos:
            return same
        wrong = wrong or [name for name in others if others[name]]
        also = (
            f"; {wrong[0]} is of another build ({'; '.join(others[wrong[0]])}), and cannot be "
            f"merged with {first.name}"
            if wrong
            else ""
        )
        raise SourceError(
            f"{where}: expected the records of {first.build.videos} videos, found {len(same)}"
            f"{also}. Prepare the config, or its other parts (--part), with the same version, "
            "options and catalogue everywhere; then merge again."
        )

    @property
    def is_takedown(self) -> bool:
        """Whether a takedown was killed: nothing is new but what was taken out."""
        reasons = {record.outcome.reason for record in self.new.values()}
        return reasons == {Reason.TAKEN_DOWN}

    @property
    def has_images(self) -> bool:
        """Whether any video has an image."""
        return any(record.outcome.images for record in {**self.old, **self.new}.values())

    def folder_of(self, shard: Shard, record: ShardRecord) -> Storage:
        """The folder that has a shard. A merge that was killed may have moved it."""
        if record.name in self.new and shard.name in self.moving:
            return parts_of(self.output, self.config)
        return self.output.folder(self.config)

    def refuse_other_parts(self, build: BuildIdentity, *, force: bool) -> None:
        """Refuses to continue a build that was begun otherwise; or removes what it made.

        Raises:
            SourceError: there is one, and `force` is not set.
        """
        parts = parts_of(self.output, self.config)
        for record in self.new.values():
            if (other := record.build.differences(build)) and not force:
                raise SourceError(
                    f"{parts} is half done, and was begun otherwise ({'; '.join(other)}). Ask for "
                    "the same to continue it; --force (force=True) starts again; or name another "
                    "folder. Nothing was changed."
                )
            if other:
                parts.remove(record.name + SUFFIX)

    def without_taken_down(self, job: ShardJob) -> ShardJob:
        """The job; if its video, or a person of it, was taken down, one that gives no image."""
        old = self.old.get(job.name) or self.gone.get(job.name)
        if old is None or old.outcome.reason is not Reason.TAKEN_DOWN:
            return job
        taken_down = VideoError(Reason.TAKEN_DOWN, "")
        return replace(job, video=replace(job.video, files=taken_down))

    def fitting(self, job: ShardJob) -> ShardRecord | None:
        """The record of a job's video, if it was made of the same files with the same options.

        One that says that something failed does not count: it may succeed now. What was taken down
        stays so.
        """
        record = self.new.get(job.name) or self.old.get(job.name)
        if record and record.outcome.reason is Reason.TAKEN_DOWN:
            return None if record.build.differences(job.build) else record
        if (
            record is None
            or record.build.differences(job.build)
            or record.inputs != job.inputs
            or record.outcome.reason is not Reason.USED
        ):
            return None
        return record


def parts_of(output: Storage, config: str) -> Storage:
    """The folder for the new shards and records of a config, while it is built."""
    return output.folder(PARTS + config)


def gone_of(output: Storage, config: str) -> Storage:
    """The folder for the records of what was taken down, when nothing is left of a config."""
    return output.folder(_GONE + config)


def gone_videos(output: Storage) -> set[str]:
    """The ids of the videos that were taken down with the last image of a config."""
    folders = [output.folder(name) for name in output.folders() if name.startswith(_GONE)]
    return {name.partition("-")[2] for folder in folders for name in record_names(folder)}


def configs_in(output: Storage) -> list[str]:
    """The configs of which a folder has records, in the order of the card."""
    # Only these names are looked at: other folders may vanish meanwhile, or permit no look.
    folders = [n for n in output.folders() if is_prepared_name(n.removeprefix(PARTS))]
    ours = (n for n in folders if _is_config(output.folder(n).names(), parts=n.startswith(PARTS)))
    return in_card_order({name.removeprefix(PARTS) for name in ours})


def configs_of(paths: Iterable[str]) -> list[str]:
    """The configs of which a repository has records, in the order of the card.

    Args:
        paths: the paths of all its files.
    """
    folders: dict[str, set[str]] = {}
    for path in paths:
        folder, slash, name = path.partition("/")
        folders.setdefault(folder if slash else "", set()).add(name)
    return in_card_order(folder for folder, names in folders.items() if _is_config(names))


def _is_config(names: Collection[str], *, parts: bool = False) -> bool:
    """Whether files of these names are those of a config: records, and shards or `build.json`.

    Records alone are enough in a folder of parts. Elsewhere others may have JSON files whose names
    begin with a year.
    """
    records = [name.removesuffix(SUFFIX) for name in names if is_record(name)]
    shards = tuple(f"-{record}.parquet" for record in records)
    return bool(records) and (
        parts or RECORD in names or any(name.endswith(shards) for name in names)
    )


def _records(folder: Storage) -> dict[str, ShardRecord]:
    names = record_names(folder)
    records = folder.for_each(lambda name: ShardRecord.read(folder, name), names)
    return dict(zip(names, records, strict=True))
