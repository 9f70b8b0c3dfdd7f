"""A dataset that was loaded -> the shards and records of a prepared folder."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import datasets
import numpy as np

from ..build.build_processes import usable_cache
from ..build.config import VERSION
from ..build.coverage import Coverage, coverage_of
from ..build.crop_rows import crop_numbers
from ..build.options import UNIT_NAMES, SampleOptions
from ..build.prepared_names import check_name, prepared_name
from ..build.schema import IMAGES, check_splits, example_features
from ..build.stored_image import require_values
from ..common.errors import DanceReIDError, SourceError
from ..common.files import alone, usable
from ..common.progress import progress
from ..common.storage import Storage
from ..shards.build_record import RECORD, Build
from ..shards.build_shard import put_video
from ..shards.parquet_shards import check_images, rows_a_group, shard_schema, shard_writer
from ..shards.shard_record import BuildIdentity
from .found_records import Found, parts_of
from .merge import alone_in, build_of, merge_config

_PUSHED = "dancereid-push-"  # begins the names of such folders
_AS_LOADED = (
    "Share the dataset as it was loaded. To share a changed one, use its own push_to_hub, with "
    "another name."
)


def put_dataset(
    dataset: Mapping[str, Any], output: Storage, *, name: str | None = None, force: bool = False
) -> Build:
    """Writes all splits of a built config into a prepared folder.

    Args:
        dataset: all splits, as `load_dataset` gives them.
        output: the folder.
        name: as for `prepare`.
        force: replace the config if the folder has it with other data.

    Raises:
        DanceReIDError: as `prepare`.
    """
    coverage, splits = _whole(dataset)
    check_name(coverage.config, name)
    config = prepared_name(coverage.config, coverage.unit, name)
    with usable(output), alone_in(output, config):
        parts = parts_of(output, config)
        parts.remove_all()
        try:
            _put_videos(config, coverage, splits, parts)
            _refuse_other_build(output, build_of(output, config), force=force)
            return merge_config(output, config)
        except BaseException:
            parts.remove_all()
            raise


@contextmanager
def in_cache(dataset: Mapping[str, Any]) -> Iterator[Path]:
    """Writes all splits of a built config into a folder in the cache of `datasets`.

    It is removed at the end, and what a process that was killed left there is removed before.

    Raises:
        DanceReIDError: as `put_dataset`.
    """
    cache = Path(datasets.config.HF_DATASETS_CACHE)
    with usable_cache(cache):
        cache.mkdir(parents=True, exist_ok=True)
    with alone(cache, "push"):
        for leftover in cache.glob(f"{_PUSHED}*"):
            shutil.rmtree(leftover, ignore_errors=True)
        with tempfile.TemporaryDirectory(dir=cache, prefix=_PUSHED) as folder:
            put_dataset(dataset, Storage.of(folder))
            yield Path(folder)


def _whole(dataset: Mapping[str, Any]) -> tuple[Coverage, dict[str, Any]]:
    """The coverage, and the splits that have examples.

    Raises:
        DanceReIDError: the splits are not those of the build that the coverage describes.
    """
    check_splits(dataset)
    found = coverage_of(dataset)
    options = SampleOptions.from_dict(found.options)
    expected = example_features(skeleton=options.skeleton, unit=options.unit)
    splits = {name: of_split for name, of_split in dataset.items() if len(of_split)}
    for name, of_split in splits.items():
        if of_split.features != expected:
            raise DanceReIDError(
                f"Split {name}: expected the columns {', '.join(expected)} with their types, got "
                f"{', '.join(of_split.features)}. {_AS_LOADED}"
            )
    recorded = {
        (split, o.video_id): (o.images, o.people)
        for o in found.outcomes
        if o.images
        for split in o.splits
    }
    if _contents(splits) != recorded:
        raise DanceReIDError(
            f"Expected the images and people of the build {found.config!r} (fingerprint "
            f"{found.fingerprint}) that its coverage describes, found other images or people. Was "
            f"it filtered, or was a part selected? {_AS_LOADED}"
        )
    return found, splits


def _contents(splits: Mapping[str, Any]) -> dict[tuple[str, str], tuple[int, int]]:
    """Numbers of images and people, by split and video."""
    found = {}
    for name, of_split in splits.items():
        images = [column for column in IMAGES if column in of_split.features]
        numbers = crop_numbers(of_split.remove_columns(images).with_format("arrow")[:])
        videos, people = np.asarray(numbers["video_id"]), np.asarray(numbers["person_id"])
        for video in np.unique(videos):
            of_video = people[videos == video]
            found[name, str(video)] = (len(of_video), len(np.unique(of_video)))
    return found


def _put_videos(config: str, coverage: Coverage, splits: Mapping[str, Any], parts: Storage) -> None:
    """Writes the shards and the record of each video."""
    options = SampleOptions.from_dict(coverage.options)
    videos = (
        (o.row, o.video_id, o.splits, o.expected_people, o.first_id) for o in coverage.outcomes
    )
    identity = BuildIdentity.of(VERSION, config, options, videos, coverage.title)
    rows = {split: dict(_videos(split, data["video_id"][:])) for split, data in splits.items()}
    for split, data in splits.items():
        require_values(data, f"Split {split}")
    total = sum(outcome.examples for outcome in coverage.outcomes)
    unit = UNIT_NAMES[options.unit]
    with progress(desc="Writing Parquet", unit=f" {unit}", total=total) as bar:
        for outcome in coverage.outcomes:
            with parts.temporary() as folder:
                if outcome.images:
                    split = outcome.splits[0]  # another one has the same examples
                    of_video = rows[split][outcome.video_id]
                    _write(splits[split], split, of_video, folder / "shard", options)
                put_video(identity, "", outcome, folder / "shard", parts)
            bar.update(outcome.examples)


def _write(data: Any, split: str, rows: range, file: Path, options: SampleOptions) -> None:
    """Writes some rows of a split as a Parquet file."""
    schema = shard_schema(options)
    examples, row = data.select(rows).with_format("arrow"), rows.start
    with shard_writer(file, schema) as write:
        for table in examples.iter(rows_a_group(options)):
            check_images(table.to_batches(), f"Split {split}", row, options)
            write(table.cast(schema))
            row += len(table)


def _videos(split: str, video_ids: list[str]) -> Iterator[tuple[str, range]]:
    """The id and the rows of each video."""
    finished: set[str] = set()
    start = 0
    for row in range(1, len(video_ids) + 1):
        if row < len(video_ids) and video_ids[row] == video_ids[start]:
            continue
        if video_ids[start] in finished:
            raise DanceReIDError(
                f"Split {split}, row {start}: expected each video's examples next to each other, "
                f"as load_dataset gives them, found more of {video_ids[start]}. Was the dataset "
                "shuffled or sorted? Use it as it was loaded."
            )
        finished.add(video_ids[start])
        yield video_ids[start], range(start, row)
        start = row


def _refuse_other_build(output: Storage, build: Build, *, force: bool) -> None:
    """Refuses to replace another build of the config, or to bring back what was taken down.

    Raises:
        SourceError: the folder has one, or the build has such a video, and `force` is not set.
    """
    folder = output.folder(build.config)
    gone = {record.outcome.video_id for record in Found.of(output, build.config).gone.values()}
    back = [shard.video_id for shard in build.shards if shard.video_id in gone]
    if back and not force:
        raise SourceError(
            f"{folder}: {back[0]} was taken down there, and this dataset has it. Leave it out "
            "(videos=) and build the dataset again; or bring it back with force=True."
        )
    if force or RECORD not in folder.names() or (last := Build.read(folder)).same_data(build):
        return
    raise SourceError(
        f"{folder} holds another build: {last.brief}; this is {build.brief}. Replace it with "
        "--force (force=True), or name another folder."
    )
