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
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import datasets
import numpy as np

from .builds import CONFIGS, PICTURE, RECORD, Build, for_others, plain_features
from .card import CARD, card
from .coverage import Coverage, coverage_of
from .errors import DanceReIDError, SourceError
from .folders import alone, now, sha256, usable
from .options import SampleOptions, shown
from .shards import write_shards
from .statistics import split_statistics

_COLUMNS = ("image", "keypoints", "person_id", "video_id", "frame", "bbox")
_REPLACED = "replaced"


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
            builds = [
                Build.read(folder / config)
                for config in CONFIGS
                if (configs is None or config in configs) and (folder / config / RECORD).is_file()
            ]
        lacking = [name for name in configs or () if name not in {b.config for b in builds}]
        if lacking or not builds:
            what = f"'{lacking[0]}'" if lacking else "any config"
            raise SourceError(
                f"{folder}: expected {what} as prepare.py writes it, a folder with {RECORD} in it, "
                "found none. Prepare it: python scripts/prepare.py --config "
                f"{lacking[0] if lacking else 'paper'} --output {folder}"
            )
        return cls(folder, tuple(builds))

    def __str__(self) -> str:
        size = sum(shard.bytes for build in self.builds for shard in build.shards)
        lines = [f"{self.folder}: {size / 1e6:,.1f} MB of Parquet, and {CARD}, the dataset card"]
        lines += [f"  {build.brief}" for build in self.builds]
        lines += ["From the folder around it, in any recent `datasets`:"]
        lines += [
            f'  load_dataset("{self.folder.resolve().name}", "{b.config}")' for b in self.builds
        ]
        return "\n".join(lines)

    def check(self) -> None:
        """Compares the shards with their checksums.

        Raises:
            SourceError: one is missing, changed, or too many.
        """
        for build in self.builds:
            folder = self.folder / build.config
            expected = {shard.name: shard for shard in build.shards}
            with usable(folder):
                there = {path.name for path in folder.glob("*.parquet")}
                wrong = sorted(there ^ expected.keys())
                wrong += [
                    name
                    for name in sorted(there & expected.keys())
                    if sha256(folder / name) != expected[name].sha256
                ]
            if wrong:
                raise SourceError(
                    f"{folder}: {', '.join(wrong[:3])}{' ...' if len(wrong) > 3 else ''} is not "
                    f"as {RECORD} says (missing, changed, or too many). Prepare the config again "
                    "with --force."
                )


def prepare(dataset: Mapping[str, Any], output: str | Path, *, force: bool = False) -> Build:
    """Writes all splits of a built config into a folder in the Hub's layout.

    What the folder has of other configs stays, and the card tells of all of them. The
    config appears under its name only when it is whole.

    Args:
        dataset: what `load_dataset` gave for all splits, or what it gave of a folder that was
            prepared before.
        output: the folder; made if it is not there.
        force: replace the config if the folder has it already, with other data.

    Returns:
        What was written.

    Raises:
        DanceReIDError: it is not a whole build, the folder has something else under these
            names, or cannot be written.
    """
    found, splits = _whole(dataset)
    output = Path(output).expanduser()
    _refuse_others_files(output, found.config)
    with usable(output):
        output.mkdir(parents=True, exist_ok=True)
        with alone(output, "prepare"):
            _clear_up(output)
            with tempfile.TemporaryDirectory(dir=output, prefix=".unfinished-") as name:
                unfinished = Path(name)
                build = _write(found, splits, unfinished / found.config)
                build = _put_in_place(build, unfinished, output, force)
                text = card(Prepared.read(output).builds, output.resolve().name)
                (unfinished / CARD).write_text(text, "utf-8")
                (unfinished / CARD).replace(output / CARD)
    return build


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
    splits = {name: of_split for name, of_split in dataset.items() if len(of_split)}
    counts = {name: len(of_split) for name, of_split in splits.items()}
    expected = {name: images for name, images in found.splits.items() if images}
    if counts != expected:
        raise DanceReIDError(
            f"Expected the build that its coverage tells of, with images {expected}, got {counts}. "
            "Was it filtered, or a part selected? Share it as it was loaded, or push what you made "
            "of it with its own push_to_hub."
        )
    for name, of_split in splits.items():
        lacking = [column for column in _COLUMNS if column not in of_split.features]
        if lacking:
            raise DanceReIDError(
                f"Split {name}: expected the columns {', '.join(_COLUMNS)}, "
                f"{', '.join(lacking)} is missing. Share it as it was loaded."
            )
    return found, splits


def _refuse_others_files(output: Path, config: str) -> None:
    """Refuses to write over a README.md, or into a folder, that was not written from here."""
    patterns = (f"*/{RECORD}", f".unfinished-*/{_REPLACED}/*/{RECORD}")
    was_prepared = any(path for pattern in patterns for path in output.glob(pattern))
    folder = output / config
    for path, ours in ((output / CARD, was_prepared), (folder, (folder / RECORD).is_file())):
        if path.exists() and not ours:
            raise SourceError(
                f"{path} is there, and not from here. Name an empty folder, or one that was "
                "prepared before; nothing was written."
            )


def _clear_up(output: Path) -> None:
    """Removes what killed runs left, but for what one of them was just about to replace."""
    for leftover in output.glob(".unfinished-*"):
        for last in leftover.glob(f"{_REPLACED}/*"):
            if not (output / last.name).exists():
                last.rename(output / last.name)
        shutil.rmtree(leftover)


def _write(found: Coverage, splits: Mapping[str, Any], folder: Path) -> Build:
    # Here, not above: `import dancereid` need not wait for OpenCV.
    from .report import contact_sheet

    folder.mkdir()
    shards = write_shards(splits, folder)
    contact_sheet(splits).save(folder / PICTURE, quality=85)
    options = SampleOptions.from_dict(found.options)
    first = next(iter(splits.values()))
    build = Build(
        config=found.config,
        made=now(),
        made_with=_versions(),
        coverage=found,
        features=plain_features(first.features),
        statistics={name: split_statistics(data, options) for name, data in splits.items()},
        shards=shards,
        example=_example(first),
    )
    (folder / RECORD).write_text(build.to_json(), "utf-8")
    return build


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


def _put_in_place(build: Build, unfinished: Path, output: Path, force: bool) -> Build:
    """Gives the config its name; what has it already stays if it is the same."""
    target = output / build.config
    if target.exists():
        last = Build.read(target)
        if last.same_data(build) and not force:
            Prepared(output, (last,)).check()
            return last
        if not force:
            raise SourceError(
                f"{target} holds another build: {last.brief}; this is {build.brief}. Replace "
                "it with --force (force=True), or name another folder."
            )
        last_place = unfinished / _REPLACED / build.config
        last_place.parent.mkdir()
        target.rename(last_place)
        try:
            (unfinished / build.config).rename(target)
        except BaseException:
            last_place.rename(target)
            raise
        return build
    (unfinished / build.config).rename(target)
    return build
