"""A built dataset -> a folder in the Hub's layout, which loads anywhere without this code.

    dancereid/
      README.md     the dataset card
      paper/        a folder a config
        trainval-00000-of-00015.parquet   a shard a video
        build.json    coverage, figures, checksums
        people.jpg    for the card

What `load_dataset` gives is all that is needed, so the data of any door can be kept.
"""

from __future__ import annotations

import importlib.metadata
import json
import shlex
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import datasets
import numpy as np

from ..build.coverage import Coverage, coverage_of
from ..build.options import SampleOptions, shown
from ..build.schema import example_features
from ..common.errors import DanceReIDError, SourceError
from ..common.files import alone, now, sha256, usable
from ..preview.contact_sheet import contact_sheet
from ..shards.build_record import CONFIGS, PICTURE, RECORD, Build, for_others, plain_features
from ..shards.parquet_shards import write_shards
from ..shards.split_statistics import split_statistics
from .card import CARD, card

_UNFINISHED, _REPLACED = ".unfinished-", ".replaced"
_AS_LOADED = (
    "Share it as it was loaded, or push what you made of it with its own push_to_hub, under "
    "another name."
)


@dataclass(frozen=True)
class Prepared:
    """A folder in the Hub's layout.

    Attributes:
        folder: its path.
        builds: the configs in it, in the order they stand in the card.
    """

    folder: Path
    builds: tuple[Build, ...]

    @classmethod
    def read(cls, folder: str | Path, configs: Sequence[str] | None = None) -> Prepared:
        """The configs in a folder, or those of them that are named.

        Raises:
            SourceError: there are none, or not those, or a record is broken.
        """
        folder = Path(folder).expanduser()
        with usable(folder):
            builds = [b for b in _builds(folder) if configs is None or b.config in configs]
        lacking = [name for name in configs or () if name not in {b.config for b in builds}]
        if lacking or not builds:
            what = f"'{lacking[0]}'" if lacking else "any config"
            raise SourceError(
                f"{folder}: expected {what} as prepare.py writes it, a folder with {RECORD} in it, "
                "found none. Prepare it: python scripts/prepare.py --config "
                f"{lacking[0] if lacking else 'paper'} --output {shlex.quote(str(folder))}"
            )
        return cls(folder, tuple(builds))

    def __str__(self) -> str:
        size = sum(shard.bytes for build in self.builds for shard in build.shards)
        lines = [f"{self.folder}: {size / 1e6:,.1f} MB of Parquet, and {CARD}, the dataset card"]
        lines += [f"  {build.brief}" for build in self.builds]
        lines += ["From the folder around it, in any recent `datasets`:"]
        lines += [
            f'  load_dataset({json.dumps(self.folder.resolve().name)}, "{b.config}")'
            for b in self.builds
        ]
        return "\n".join(lines)

    def check(self) -> None:
        """Compares what lies in the folder with its records, shards by their checksums.

        Raises:
            SourceError: a file is missing, changed, or too many.
        """
        for build in self.builds:
            folder = self.folder / build.config
            sums = {shard.name: shard.sha256 for shard in build.shards}
            with usable(folder):
                there = {path.name for path in folder.iterdir()}
                wrong = there ^ {Path(name).name for name in build.files}
                wrong |= {n for n in sums if n in there and sha256(folder / n) != sums[n]}
            if wrong:
                some = ", ".join(sorted(wrong)[:3]) + (" ..." if len(wrong) > 3 else "")
                raise SourceError(
                    f"{folder}: {some} is not as {RECORD} says (missing, changed, or too many). "
                    "Prepare the config again with --force."
                )


def prepare(dataset: Mapping[str, Any], output: str | Path, *, force: bool = False) -> Build:
    """Writes all splits of a built config into a folder in the Hub's layout.

    What the folder has of other configs stays, and the card tells of all of them. The
    config appears under its name only when it is whole.

    Args:
        dataset: what `load_dataset` gave for all splits, or what it gave of a folder that was
            prepared before.
        output: the folder; made if it is not there. Its README.md is written anew.
        force: replace the config if the folder has it already, with other data.

    Returns:
        What was written.

    Raises:
        DanceReIDError: it is not a whole build, the folder has something else under these
            names, or cannot be written.
    """
    found, splits = _whole(dataset)
    output = Path(output).expanduser()
    with usable(output):
        check_output(output, [found.config])
        output.mkdir(parents=True, exist_ok=True)
        with alone(output, "prepare"):
            _clear_up(output)
            others = {b.config: b for b in _builds(output) if b.config != found.config}
            with tempfile.TemporaryDirectory(dir=output, prefix=_UNFINISHED) as name:
                new = Path(name)
                build = _unless_there(_write(found, splits, new / found.config), output, force)
                builds = {**others, build.config: build}
                ordered = [builds[config] for config in CONFIGS if config in builds]
                (new / build.config / RECORD).write_text(build.to_json(), "utf-8")
                (new / CARD).write_text(card(ordered, output.resolve().name), "utf-8")
                _put_in_place(new, output, build.config)
    return build


def load_prepared(place: str, config: str | None = None, **options: Any) -> Any:
    """Loads what `prepare` wrote, or `push_to_hub` pushed.

    Args:
        place: a folder, or `user/name` on the Hub.
        config: its first one if None.
        **options: of `datasets.load_dataset`.

    Raises:
        SourceError: there is no such dataset, or it is broken.
    """
    if Path(place).is_dir():
        place = str(Path(place).resolve())  # a folder called dancereid is not the builder
    try:
        return datasets.load_dataset(place, config, **options)
    # ValueError: of an unknown config; the rest of a broken file, or of nothing there.
    except (ValueError, OSError, datasets.exceptions.DatasetsError) as error:
        raise SourceError(
            f"{place}: cannot be loaded as a dataset ({' '.join(str(error).split())[:300]}). "
            "Expected a folder that prepare.py wrote, or the name of a dataset on the Hub that you "
            "may see, and with --config the name of one of its configs."
        ) from error


def check_output(output: Path, configs: Sequence[str]) -> None:
    """Refuses to write over a README.md, or into a folder, that was not written from here.

    Raises:
        SourceError: one of them is there.
    """
    was_prepared = any(output.glob(f"*/{RECORD}")) or (output / _REPLACED).is_dir()
    folders = [(output / config, (output / config / RECORD).is_file()) for config in configs]
    for path, ours in ((output / CARD, was_prepared), *folders):
        if path.exists() and not ours:
            raise SourceError(
                f"{path} is there, and not from here. Name an empty folder, or one that was "
                "prepared before; nothing was written."
            )


def _builds(folder: Path) -> list[Build]:
    return [Build.read(folder / c) for c in CONFIGS if (folder / c / RECORD).is_file()]


def _whole(dataset: Mapping[str, Any]) -> tuple[Coverage, dict[str, Any]]:
    """The coverage, and the splits that have examples.

    Raises:
        DanceReIDError: they are not those of the build that the coverage tells of.
    """
    parts = list(dataset.values()) if isinstance(dataset, Mapping) else [None]
    if not all(isinstance(part, datasets.Dataset) for part in parts):
        raise DanceReIDError(
            "Expected all splits, built, as load_dataset('dancereid', ...) gives them, got "
            f"{shown(dataset)}. Load it without split= and without streaming=True."
        )
    found = for_others(coverage_of(dataset))
    expected = example_features(skeleton=SampleOptions.from_dict(found.options).skeleton)
    splits = {name: of_split for name, of_split in dataset.items() if len(of_split)}
    for name, of_split in splits.items():
        if of_split.features != expected:
            raise DanceReIDError(
                f"Split {name}: expected the columns {', '.join(expected)} with their types, got "
                f"{', '.join(of_split.features)}. {_AS_LOADED}"
            )
    if _contents(splits) != _contents_told(found):
        raise DanceReIDError(
            "Expected the build that its coverage tells of, with the images and people of "
            f"{found.config!r} (fingerprint {found.fingerprint}); other images or people are in "
            f"it. Was it filtered, or a part selected? {_AS_LOADED}"
        )
    return found, splits


def _contents(splits: Mapping[str, Any]) -> dict[tuple[str, str], tuple[int, int]]:
    """Images and people of each video in each split."""
    found = {}
    for name, of_split in splits.items():
        videos, people = np.asarray(of_split["video_id"][:]), np.asarray(of_split["person_id"][:])
        for video in np.unique(videos):
            of_video = people[videos == video]
            found[name, str(video)] = (len(of_video), len(np.unique(of_video)))
    return found


def _contents_told(coverage: Coverage) -> dict[tuple[str, str], tuple[int, int]]:
    return {
        (split, o.video_id): (o.images, o.people)
        for o in coverage.outcomes
        if o.images
        for split in o.splits
    }


def _write(found: Coverage, splits: Mapping[str, Any], folder: Path) -> Build:
    folder.mkdir()
    shards = write_shards(splits, folder)
    contact_sheet(splits).save(folder / PICTURE, quality=85)
    options = SampleOptions.from_dict(found.options)
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
    """Of what shapes the files; of this package, too, where it is installed."""
    versions = {}
    for name in ("dancereid", "datasets", "pyarrow"):
        with suppress(importlib.metadata.PackageNotFoundError):
            versions[name] = importlib.metadata.version(name)
    return versions


def _example(dataset: Any) -> dict[str, Any]:
    """The first example, without what is in its pictures, rounded to read."""
    columns = [name for name in dataset.column_names if name not in ("image", "skeleton")]
    example = dataset.select_columns(columns)[0]
    for name in ("keypoints", "bbox"):
        example[name] = np.round(np.asarray(example[name], np.float64), 2).tolist()
    return example


def _unless_there(build: Build, output: Path, force: bool) -> Build:
    """The build; with the day of the one that is there if that has the same data.

    Raises:
        SourceError: there is another one, and it is not to be replaced.
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


def _put_in_place(new: Path, output: Path, config: str) -> None:
    """Moves a config and the card to where they belong. What is there is kept until both are."""
    replaced = output / _REPLACED
    replaced.mkdir()
    try:
        for name in (CARD, config):
            if (output / name).exists():
                (output / name).rename(replaced / name)
        (new / config).rename(output / config)
        (new / CARD).rename(output / CARD)
    except BaseException:
        _clear_up(output)
        raise
    shutil.rmtree(replaced)


def _clear_up(output: Path) -> None:
    """Removes what killed runs left, and puts back what one of them was about to replace.

    If the new config is in its place already, it stays, without a card: the next run writes that.
    """
    replaced = output / _REPLACED
    if replaced.is_dir():
        if not any((output / path.name).is_dir() for path in replaced.iterdir() if path.is_dir()):
            for path in replaced.iterdir():
                if not (output / path.name).exists():
                    path.rename(output / path.name)
        shutil.rmtree(replaced)
    for leftover in output.glob(f"{_UNFINISHED}*"):
        shutil.rmtree(leftover, ignore_errors=True)  # or by the run itself, as it ends
