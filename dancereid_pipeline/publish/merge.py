"""The records of videos -> a config in a prepared folder, with its record, picture and card.

While a config is built, its new shards and records are in a folder of their own:

    dancereid-data/
      .parts-paper/   trainval-003-VIDEOID.parquet, 003-VIDEOID.json ...
      paper/          what was there before, if anything

`merge` moves them into the config's folder; where both have a video, it takes the one of
`.parts-paper`. So a build that was killed changes nothing, and a merge that was killed is ended by
another one.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import datasets

from ..build.coverage import Coverage
from ..build.crop_rows import as_crops
from ..build.options import SampleOptions
from ..build.prepared_names import config_and_unit
from ..build.schema import example_features
from ..catalogue.catalogue import in_order
from ..common.errors import SourceError
from ..common.files import alone, now, remove_unfinished, usable
from ..common.reasons import Reason
from ..common.storage import Storage
from ..preview.contact_sheet import contact_sheet
from ..preview.frame_sheet import frame_sheet
from ..shards.build_record import PICTURE, RECORD, Build
from ..shards.parquet_shards import Shard, plain_features
from ..shards.sample_rows import sample_rows
from ..shards.shard_record import SUFFIX, ShardRecord
from ..shards.split_statistics import SplitStatistics
from .card import CARD
from .found_records import Found, configs_in, gone_of, parts_of
from .prepared_folder import builds_in, check_output, describe, remove_descriptions


def merge(output: str | Path, *, storage_options: Mapping[str, Any] | None = None) -> list[Build]:
    """Joins the parts of each config in a prepared folder. Run again, it changes nothing.

    Args:
        output: the prepared folder, or its address in a store.
        storage_options: what fsspec is called with for an address.

    Returns:
        Its configs.

    Raises:
        SourceError: the folder has no records, those of a config are not of one whole build, or
            the folder cannot be read or written to.
    """
    storage = Storage.of(output, storage_options)
    with usable(storage):
        configs = configs_in(storage)
        if not configs:
            raise SourceError(
                f"{storage}: expected a folder that dancereid prepare wrote, found none there."
            )
        with alone_in(storage, configs[0]):
            return [merge_config(storage, config) for config in configs_in(storage)]


def merge_config(output: Storage, config: str, title: str | None = None) -> Build:
    """Makes one config of the records in a prepared folder. Run again, it changes nothing.

    It reads no image but the few of the picture for the card.

    Args:
        output: the prepared folder.
        config: name of the config.
        title: what data of one's own is called; as in the records if None.

    Raises:
        SourceError: as `merge`.
    """
    found = Found.of(output, config)
    build = _build(found, title)
    folder = output.folder(config)
    build = _with_date_of_before(build, folder)
    picture = _picture(found)
    # Meanwhile there is no card, so that no card ever describes other data.
    remove_descriptions(output)
    folder.remove(RECORD)
    _move(found, folder)
    folder.write(PICTURE, picture)
    folder.write(RECORD, build.to_json().encode())
    parts_of(output, config).remove_all()
    taken = {r.name for r in found.records if r.outcome.reason is Reason.TAKEN_DOWN}
    if found.gone and taken.issuperset(found.gone):
        gone_of(output, config).remove_all()  # the config itself remembers it now
    describe(output)
    return build


def end_takedown(output: Storage, config: str) -> None:
    """Makes a config of what a takedown left. Of one without an image only the records stay of what
    was taken down, so that it stays out.

    Args:
        output: the prepared folder.
        config: name of the config, whose folder of parts has the records of what was taken out.

    Raises:
        SourceError: as `merge`.
    """
    found = Found.of(output, config)
    if found.has_images:
        merge_config(output, config)
        return
    for record in {**found.old, **found.new}.values():
        if record.outcome.reason is Reason.TAKEN_DOWN:
            record.write(gone_of(output, config))
    remove_descriptions(output)
    folder = output.folder(config)
    folder.remove(RECORD)
    for name in folder.names():
        if _is_of_config(name):
            folder.remove(name)
    if not folder.names() | folder.folders():
        folder.remove_all()
    parts_of(output, config).remove_all()  # last: while it is there, a killed run can be ended
    describe(output)


@contextmanager
def alone_in(output: Storage, config: str) -> Iterator[None]:
    """Waits until nobody else prepares or merges in a folder, and ends merges that were killed.

    Args:
        output: the folder, which is made.
        config: name of the config that will be written.

    Raises:
        SourceError: the folder has files with its names that this project did not write, or a
            record in it is broken.
    """
    check_output(output, [config])
    if output.local is None:  # a store has no locks
        _finish_merges(output)
        yield
        return
    output.local.mkdir(parents=True, exist_ok=True)
    with alone(output.local, "prepare"):
        for folder in (output.local, *(output.local / name for name in configs_in(output))):
            remove_unfinished(folder)
        _finish_merges(output)
        yield


def _finish_merges(output: Storage) -> None:
    """Ends merges that were killed. The folder of a config that was being changed has no record."""
    for config in configs_in(output):
        folder = output.folder(config)
        if RECORD in folder.names():
            continue
        found = Found.of(output, config)
        if found.is_takedown and not found.has_images:
            end_takedown(output, config)
        elif found.old:
            merge_config(output, config)
    builds_in(output)  # refuses a broken record now, since the card needs them all
    if CARD not in output.names():
        describe(output)


def build_of(output: Storage, config: str) -> Build:
    """What `merge_config` will make of the records of a config."""
    return _build(Found.of(output, config))


def _build(found: Found, title: str | None = None) -> Build:
    records, of_first = found.records, found.records[0].build
    options = SampleOptions.from_dict(of_first.options)
    shards: dict[str, list[Shard]] = {
        split: [] for split in in_order(s for r in records for s in r.outcome.splits)
    }
    figures: dict[str, list[Any]] = {split: [] for split in shards}
    for record in records:
        for shard in record.shards:
            shards[shard.split].append(shard)
            figures[shard.split].append(record.figures)
    if not any(shards.values()):
        raise SourceError(
            f"{found.output}, config '{found.config}': no video has an image, so there is nothing "
            "to share. Get the videos, and prepare the config again."
        )
    first = next(split for split in shards if shards[split])
    return Build(
        config=found.config,
        made=now(),
        made_with=_versions(),
        coverage=Coverage(
            config_and_unit(found.config)[0],
            of_first.options,
            tuple(record.outcome for record in records),
            title or of_first.title,
        ),
        features=plain_features(example_features(skeleton=options.skeleton, unit=options.unit)),
        statistics={s: SplitStatistics.of(figures[s]) for s in shards if figures[s]},
        shards=tuple(shard for split in shards.values() for shard in split),
        records=tuple(record.name + SUFFIX for record in records),
        example=next(r.example for r in records if shards[first][0] in r.shards),
    )


def _versions() -> dict[str, str]:
    """Versions of the packages that wrote the files; of this one if it is installed."""
    versions = {}
    for name in ("dancereid", "datasets", "pyarrow"):
        with suppress(PackageNotFoundError):
            versions[name] = version(name)
    return versions


def _with_date_of_before(build: Build, folder: Storage) -> Build:
    """The build; with the date of the one in the folder if that has the same data."""
    if RECORD in folder.names():
        last = Build.read(folder)
        if last.same_data(build):
            return replace(build, made=last.made, made_with=last.made_with)
    return build


def _picture(found: Found) -> bytes:
    """Some people of each split, as a JPEG."""
    shards: dict[str, list[tuple[Storage, Shard]]] = {}
    for record in found.records:
        for shard in record.shards:
            shards.setdefault(shard.split, []).append((found.folder_of(shard, record), shard))
    splits = {split: shards[split] for split in in_order(shards)}
    some = {
        split: as_crops(datasets.Dataset(sample_rows(of_split, 12 // len(splits), 10)))
        for split, of_split in splits.items()
    }
    content = io.BytesIO()
    _, unit = config_and_unit(found.config)
    draw = frame_sheet if unit == "frame" else contact_sheet
    draw(some).save(content, "JPEG", quality=85)
    return content.getvalue()


def _move(found: Found, folder: Storage) -> None:
    """Moves the new records and their shards; removes what no record names."""
    parts, before = parts_of(found.output, found.config), folder.names()

    def move(record: ShardRecord) -> None:
        if record.name + SUFFIX in before:
            folder.remove(record.name + SUFFIX)  # what has no record is not there
        for shard in record.shards:
            if shard.name in found.moving:
                parts.move(shard.name, folder)
        parts.move(record.name + SUFFIX, folder)

    parts.for_each(move, found.new.values())
    named = {shard.name for record in found.records for shard in record.shards}
    named |= {record.name + SUFFIX for record in found.records}
    for name in folder.names() - named:
        if _is_of_config(name) and name != PICTURE:
            folder.remove(name)


def _is_of_config(name: str) -> bool:
    """Whether a file in a config's folder is taken for one of ours."""
    return name == PICTURE or name.endswith((".parquet", SUFFIX))
