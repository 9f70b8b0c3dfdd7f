"""Takes videos, or a person, out of a prepared folder: new shards, counts, card and picture.

What is taken out stays out: a later `prepare` does not build it again, and `merge` of two copies
does not bring it back from the other one. Its record says "taken down".
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ..build.crop_rows import crop_numbers, without_person
from ..build.options import SampleOptions
from ..common.errors import OptionError, SourceError
from ..common.files import usable
from ..common.reasons import Reason
from ..common.report import Report
from ..common.storage import Storage
from ..common.validation import whole_number
from ..shards.build_record import PICTURE
from ..shards.build_shard import put_video
from ..shards.parquet_shards import rows_a_group, shard_writer
from ..shards.shard_record import ShardRecord
from .found_records import Found, configs_in, gone_videos, parts_of
from .merge import alone_in, end_takedown


@dataclass(frozen=True, repr=False)
class TakenDown(Report):
    """What was taken out, or would be.

    Attributes:
        folder: the folder's path or address.
        videos: config and video id of each video that is changed.
        images: number of images that are removed, in all configs and splits.
        files: path in the folder -> SHA-256 of each file that may show what is removed: the shards,
            and the pictures of the cards.
        done: whether it was done.
    """

    folder: str
    videos: tuple[tuple[str, str], ...]
    images: int
    files: Mapping[str, str]
    done: bool

    def __str__(self) -> str:
        if not self.videos:
            return f"{self.folder}: has none of this; nothing to take down."
        what = "taken out" if self.done else "would be taken out (nothing was changed)"
        lines = [f"{self.folder}: {self.images:,} images {what}"]
        lines += [f"  {config}: {video_id}" for config, video_id in self.videos]
        if self.done:
            lines.append("Who has a copy still has them. On the Hub, take them down there, too.")
        return "\n".join(lines)


def take_down(
    folder: str | Path,
    video_ids: Sequence[str],
    *,
    person: int | None = None,
    dry_run: bool = False,
    storage_options: Mapping[str, Any] | None = None,
) -> TakenDown:
    """Takes videos, or one person of a video, out of all configs of a prepared folder.

    Run again, it ends what was interrupted, and changes nothing else. The removed images are gone.

    Args:
        folder: the folder, or its address in a store.
        video_ids: the videos.
        person: take only this person (global id) out of the one video.
        dry_run: only say what would be removed.
        storage_options: what fsspec is called with for an address.

    Raises:
        DanceReIDError: the folder has no such video, the person is not in it, a build in the folder
            is half done, or the folder cannot be written to.
    """
    ids = list(dict.fromkeys(video_ids))
    if not ids or (person is not None and len(ids) > 1):
        raise OptionError(
            f"video ids: expected {'one' if ids else 'at least one'}, got {len(ids)}. Name the "
            "video that the person is in, or leave out the person."
        )
    if person is not None:
        person = whole_number("person", person, 0, 2**31 - 1)
    storage = Storage.of(folder, storage_options)
    with usable(storage):
        configs = configs_in(storage)
        if not configs and not gone_videos(storage):
            raise SourceError(
                f"{storage}: expected a folder that dancereid prepare wrote, found none there."
            )
        with alone_in(storage, configs[0]) if configs and not dry_run else nullcontext():
            if not dry_run:
                _end_last(storage)
            cuts = _cuts(storage, ids, person)
            files = _files(storage, cuts)
            if not dry_run:
                _take_out(storage, cuts)
    return TakenDown(
        folder=str(folder),
        videos=tuple((cut.config, cut.record.outcome.video_id) for cut in cuts),
        images=sum(cut.removed * len(cut.record.shards) for cut in cuts),
        files=files,
        done=not dry_run,
    )


def videos_in(storage: Storage) -> set[str]:
    """The ids of the videos that a folder has records of."""
    return {
        record.outcome.video_id
        for config in configs_in(storage)
        for record in Found.of(storage, config).records
    }


@dataclass(frozen=True)
class _Cut:
    """What is removed of one video in one config.

    Attributes:
        config: name of the config.
        record: the video's record.
        kept: its examples that stay; None if none does.
        removed: number of images that are removed.
    """

    config: str
    record: ShardRecord
    kept: pa.Table | None
    removed: int


def _end_last(storage: Storage) -> None:
    """Ends a takedown that was killed after it had written records of what it took out."""
    for config in configs_in(storage):
        if Found.of(storage, config).is_takedown:
            end_takedown(storage, config)


def _cuts(storage: Storage, ids: Sequence[str], person: int | None) -> list[_Cut]:
    """What is to be removed, of each config.

    Raises:
        DanceReIDError: there is no such video or person, or a build is half done.
    """
    cuts = []
    for config in configs_in(storage):
        found = Found.of(storage, config)
        if found.new and not found.is_takedown:
            raise SourceError(
                f"{parts_of(storage, config)} is half done. End that build first: run dancereid "
                "prepare again, or dancereid merge."
            )
        for record in found.records:
            if record.outcome.video_id in ids and record.outcome.images:
                cuts.append(_cut(found, record, person))
    known = videos_in(storage) | gone_videos(storage)
    if unknown := [video_id for video_id in ids if video_id not in known]:
        raise OptionError(
            f"{storage}: has no video {unknown[0]!r}; expected one of {', '.join(sorted(known))}."
        )
    return [cut for cut in cuts if cut.removed]


def _cut(found: Found, record: ShardRecord, person: int | None) -> _Cut:
    outcome = record.outcome
    if person is None:
        return _Cut(found.config, record, None, outcome.images)
    first = outcome.first_id or 0
    if person not in range(first, first + outcome.expected_people):
        raise OptionError(
            f"person: {outcome.video_id} has the people {first} to "
            f"{first + outcome.expected_people - 1} (global ids), not {person}."
        )
    shard = record.shards[0]
    with found.folder_of(shard, record).open(shard.name) as file:
        table = pq.read_table(file)
    kept = without_person(table, person)
    return _Cut(found.config, record, kept if len(kept) else None, _images(table) - _images(kept))


def _images(table: pa.Table) -> int:
    return len(crop_numbers(table))


def _files(storage: Storage, cuts: Sequence[_Cut]) -> dict[str, str]:
    """The files that may show what is removed: path -> SHA-256."""
    files = {f"{cut.config}/{s.name}": s.sha256 for cut in cuts for s in cut.record.shards}
    for config in {cut.config for cut in cuts}:
        picture = storage.folder(config).read(PICTURE)
        files[f"{config}/{PICTURE}"] = hashlib.sha256(picture).hexdigest()
    return files


def _take_out(storage: Storage, cuts: Sequence[_Cut]) -> None:
    """Removes from each config, and makes its counts, card and picture anew."""
    for config in dict.fromkeys(cut.config for cut in cuts):
        parts = parts_of(storage, config)
        parts.remove_all()  # what a killed run left there has no record
        for cut in cuts:
            if cut.config == config:
                _put_rest(cut, parts)
        end_takedown(storage, config)


def _put_rest(cut: _Cut, parts: Storage) -> None:
    """Puts what stays of a video beside the others, with a record that says what happened."""
    kept, images, people, unseen = cut.kept, 0, 0, 0
    most = rows_a_group(SampleOptions.from_dict(cut.record.build.options))
    with parts.temporary() as folder:
        if kept is not None:
            numbers = crop_numbers(kept)
            joints = np.array(numbers["keypoints"].to_pylist(), np.float64)
            images, people = len(numbers), len(pc.unique(numbers["person_id"]))
            unseen = int(np.isnan(joints).any(axis=2).sum())
            with shard_writer(folder / "shard", kept.schema) as write:
                for start in range(0, len(kept), most):
                    write(kept.slice(start, most).combine_chunks())
        outcome = replace(
            cut.record.outcome,
            reason=Reason.TAKEN_DOWN,
            images=images,
            examples=0 if kept is None else len(kept),
            people=people,
            unseen_joints=unseen,
        )
        put_video(cut.record.build, cut.record.inputs, outcome, folder / "shard", parts)
