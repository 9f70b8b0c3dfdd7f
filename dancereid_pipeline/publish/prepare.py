"""A built dataset -> a folder in the Hub's layout, which loads anywhere without this code.

    dancereid/
      README.md     the dataset card; croissant.json is the same for programs
      paper/        one folder for each config
        trainval-00000-of-00015.parquet   one shard for each video
        build.json    coverage, figures, checksums
        people.jpg    for the card

It needs only a loaded dataset, so it also works for a dataset that was prepared before.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..build.coverage import Coverage, coverage_of
from ..build.options import SampleOptions
from ..build.schema import check_splits, example_features
from ..common.errors import DanceReIDError, SourceError
from ..common.files import alone, beside, now, usable
from ..common.validation import checked_path
from ..preview.contact_sheet import contact_sheet
from ..shards.build_record import PICTURE, RECORD, Build, for_others, plain_features
from ..shards.parquet_shards import write_shards
from ..shards.split_statistics import split_statistics
from .prepared_folder import builds_in, check_output, clear_up, replace_config

_AS_LOADED = (
    "Share the dataset as it was loaded. To share a changed one, use its own push_to_hub, with "
    "another name."
)


def prepare(dataset: Mapping[str, Any], output: str | Path, *, force: bool = False) -> Build:
    """Writes all splits of a built config into a folder in the Hub's layout.

    Other configs in the folder stay, and the card describes all of them. The config's folder gets
    its name when it is complete.

    Args:
        dataset: all splits, as `load_dataset` gives them: of a build, or of a folder that was
            prepared before.
        output: the folder; it is made if it does not exist. Its README.md is replaced.
        force: replace the config if the folder has it with other data.

    Returns:
        What was written.

    Raises:
        DanceReIDError: the dataset is not a complete build, the folder has other files with these
            names, or it cannot be written.
    """
    found, splits = _whole(dataset)
    output = checked_path("output", output)
    with usable(output):
        check_output(output, [found.config])
        output.mkdir(parents=True, exist_ok=True)
        with alone(output, "prepare"):
            clear_up(output)
            builds_in(output)  # refuses a broken record now, since the card needs them all
            with beside(output / found.config) as new:
                build = _unless_there(_write(found, splits, new), output, force)
                (new / RECORD).write_text(build.to_json(), "utf-8")
                replace_config(new, output)
    return build


def _whole(dataset: Mapping[str, Any]) -> tuple[Coverage, dict[str, Any]]:
    """The coverage, and the splits that have examples.

    Raises:
        DanceReIDError: the splits are not those of the build that the coverage describes.
    """
    check_splits(dataset)
    found = for_others(coverage_of(dataset))
    expected = example_features(skeleton=SampleOptions.from_dict(found.options).skeleton)
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
        videos, people = np.asarray(of_split["video_id"][:]), np.asarray(of_split["person_id"][:])
        for video in np.unique(videos):
            of_video = people[videos == video]
            found[name, str(video)] = (len(of_video), len(np.unique(of_video)))
    return found


def _write(found: Coverage, splits: Mapping[str, Any], folder: Path) -> Build:
    folder.mkdir()
    options = SampleOptions.from_dict(found.options)
    shards = write_shards(splits, folder, options.image_size)
    contact_sheet(splits).save(folder / PICTURE, quality=85)
    first = next(iter(splits.values()))
    return Build(
        config=found.config,
        made=now(),
        made_with=_versions(),
        coverage=found,
        features=plain_features(first.features),
        statistics={name: split_statistics(data, options) for name, data in splits.items()},
        shards=shards,
        example=_example(first),
    )


def _versions() -> dict[str, str]:
    """Versions of the packages that wrote the files; of this one if it is installed."""
    versions = {}
    for name in ("dancereid", "datasets", "pyarrow"):
        with suppress(importlib.metadata.PackageNotFoundError):
            versions[name] = importlib.metadata.version(name)
    return versions


def _example(dataset: Any) -> dict[str, Any]:
    """The first example without its images, with rounded numbers, for the card."""
    columns = [name for name in dataset.column_names if name not in ("image", "skeleton")]
    example = dataset.select_columns(columns)[0]
    for name in ("keypoints", "bbox"):
        numbers = np.round(np.asarray(example[name], np.float64), 2).astype(object)
        numbers[numbers != numbers] = None  # NaN, which JSON does not have: a joint not seen
        example[name] = numbers.tolist()
    return example


def _unless_there(build: Build, output: Path, force: bool) -> Build:
    """The build; with the date of the build in the folder if that has the same data.

    Raises:
        SourceError: the folder has another build, and `force` is not set.
    """
    if not (output / build.config / RECORD).is_file():
        return build
    last = Build.read(output / build.config)
    if last.same_data(build):
        return replace(build, made=last.made, made_with=last.made_with)
    if force:
        return build
    raise SourceError(
        f"{output / build.config} holds another build: {last.brief}; this is {build.brief}. "
        "Replace it with --force (force=True), or name another folder."
    )
