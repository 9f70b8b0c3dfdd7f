"""Several people's copies of a config -> one that has the best copy of each video.

Ids need no care: the catalogue fixes them, and copies with another catalogue are refused.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from huggingface_hub import snapshot_download

from ..build.prepared_names import in_card_order
from ..common.errors import SourceError
from ..common.files import sha256, usable
from ..common.progress import progress
from ..common.reasons import Reason
from ..common.storage import Storage
from ..shards.build_record import Build
from ..shards.shard_record import ShardRecord, record_names
from .found_records import configs_in, gone_of, parts_of
from .hub_errors import hub_errors
from .merge import alone_in, merge_config
from .prepared_folder import folder_or_name


def merge_copies(
    copies: Sequence[str | Path],
    output: str | Path,
    *,
    storage_options: Mapping[str, Any] | None = None,
) -> list[Build]:
    """Joins copies of the same configs, video by video.

    Of each video it takes the copy with all of its images before one with a part of them; then the
    one of the better clip: with more frames, then with a larger picture; then the one whose
    checksum comes first. The coverage says of which copy each video is. What was taken down in one
    copy is not brought back from another.

    Args:
        copies: prepared folders, or `user/name` on the Hub; the first has the configs.
        output: a new folder, or its address in a store.
        storage_options: what fsspec is called with for an address.

    Returns:
        The configs of the new folder.

    Raises:
        DanceReIDError: a copy was made by another version, with other options or another catalogue,
            or it is broken; or the output has something already.
    """
    storage = Storage.of(output, storage_options)
    with usable(storage):
        found = [_found(copy) for copy in copies]
        configs = in_card_order({config for _, copy in found for config in configs_in(copy)})
        folders = [storage.folder(config) for config in configs]
        if any(folder.names() or folder.folders() for folder in folders):
            raise SourceError(
                f"{storage}: has something already. Name a new folder for what is joined."
            )
        if not configs:
            raise SourceError(
                f"{', '.join(map(str, copies))}: expected folders that dancereid prepare wrote, "
                "found none."
            )
        return [_merge(config, found, storage) for config in configs]


def _found(copy: str | Path) -> tuple[str, Storage]:
    """The name of a copy, without its path here; and its folder, which the Hub may send."""
    path = folder_or_name(str(copy))
    if isinstance(path, Path):
        return path.name, Storage.of(path)
    with hub_errors(path):
        return path, Storage.of(snapshot_download(path, repo_type="dataset"))


def _merge(config: str, copies: Sequence[tuple[str, Storage]], output: Storage) -> Build:
    """Joins one config of several copies."""
    candidates: dict[str, list[_Copied]] = {}
    first: _Copied | None = None
    for label, storage in copies:
        for folder in (storage.folder(config), gone_of(storage, config)):
            for name in record_names(folder):
                copied = _Copied(label, folder, ShardRecord.read(folder, name))
                first = first or copied
                _refuse_other_build(copied, first)
                candidates.setdefault(name, []).append(copied)
    with alone_in(output, config):
        for name in progress(sorted(candidates), f"Joining {config}", unit=" videos"):
            _copy(max(candidates[name], key=_Copied.rank), parts_of(output, config))
        return merge_config(output, config)


@dataclass(frozen=True)
class _Copied:
    """A video in one of the copies: the copy's name, the config's folder in it, and the record."""

    label: str
    folder: Storage
    record: ShardRecord

    def rank(self) -> tuple[bool, bool, int, int, int, tuple[int, ...]]:
        """What is greater is better."""
        outcome, clip = self.record.outcome, self.record.outcome.clip
        checksum = "".join(shard.sha256 for shard in self.record.shards)
        return (
            outcome.reason is Reason.TAKEN_DOWN,
            outcome.whole,
            outcome.images,
            clip.frames if clip else 0,
            clip.width * clip.height if clip else 0,
            tuple(-ord(digit) for digit in checksum),  # any order will do, if it is always the same
        )


def _refuse_other_build(copied: _Copied, first: _Copied) -> None:
    if other := first.record.build.differences(copied.record.build):
        raise SourceError(
            f"{copied.folder}: {copied.record.name} was built otherwise than in {first.folder}: "
            f"{'; '.join(other)}. Copies can be joined that were made with the same version, "
            "options and catalogue. Prepare one of them again; nothing was written."
        )


def _copy(copied: _Copied, parts: Storage) -> None:
    """Copies a video's shards and record; the outcome says of which copy they are.

    Raises:
        SourceError: a shard is not as in its record.
    """
    with parts.temporary() as folder:
        for shard in copied.record.shards:
            file = folder / shard.name
            with copied.folder.open(shard.name) as source, file.open("wb") as target:
                shutil.copyfileobj(source, target, 1 << 20)
            if sha256(file) != shard.sha256:
                raise SourceError(
                    f"{copied.folder}/{shard.name}: is not as in its record. Get this copy again; "
                    "what is joined already stays."
                )
            parts.put(file, shard.name)
    outcome = copied.record.outcome
    if outcome.images:
        outcome = replace(outcome, copy=copied.label)
    replace(copied.record, outcome=outcome).write(parts)
