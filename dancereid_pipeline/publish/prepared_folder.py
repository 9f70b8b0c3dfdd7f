"""A folder in the Hub's layout: the configs in it, and whether it is as it was written."""

from __future__ import annotations

import errno
import glob
import json
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import datasets
from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.errors import HTTPError as ClientError  # type: ignore[attr-defined]

from ..build.build_processes import usable_cache
from ..build.prepared_names import config_and_unit, prepared_name
from ..build.request import Request
from ..build.stored_image import require_values
from ..common.errors import DanceReIDError, SourceError
from ..common.files import check_writable, sha256, usable
from ..common.offline import offline
from ..common.progress import progress
from ..common.report import Report
from ..common.storage import Storage
from ..common.validation import checked_path
from ..shards.build_record import RECORD, Build
from ..shards.parquet_shards import check_shard
from .card import CARD, card
from .croissant import CROISSANT, croissant
from .found_records import configs_in

_TIMEOUT_S = 30.0
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_HUB_NAME = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*")


@dataclass(frozen=True, repr=False)
class Prepared(Report):
    """A folder in the Hub's layout.

    Attributes:
        folder: its path.
        builds: the configs in it, in the order of the card.
    """

    folder: Path
    builds: tuple[Build, ...]

    @classmethod
    def read(cls, folder: str | Path, configs: Sequence[str] | None = None) -> Prepared:
        """The configs in a folder; if `configs` is given, only these.

        Raises:
            SourceError: there is none, one of `configs` is missing, or a record is broken.
        """
        folder = checked_path("dataset", folder)
        with usable(folder):
            builds = {build.config: build for build in builds_in(Storage.of(folder))}
        lacking = [name for name in configs or () if name not in builds]
        if lacking or not builds:
            if not folder.exists():
                raise SourceError(
                    f"{folder}: there is no such folder. Expected one that dancereid prepare wrote."
                )
            what = f"'{lacking[0]}'" if lacking else "any config"
            raise SourceError(
                f"{folder}: expected {what} as dancereid prepare writes it, a folder with "
                f"{RECORD} in it, found {', '.join(builds) or 'none'}. Name another, or prepare "
                f"it: dancereid prepare {_flags(lacking[0] if lacking else 'paper')}--output "
                f"{shlex.quote(str(folder))}"
            )
        chosen = builds if configs is None else [name for name in builds if name in configs]
        return cls(folder, tuple(builds[name] for name in chosen))

    def __str__(self) -> str:
        lines = summary_lines(str(self.folder), self.builds)
        if glob.escape(str(self.folder)) != str(self.folder):
            return "\n".join([*lines, "Rename it: load_dataset finds no files below [, ], * or ?."])
        lines += ["To load it, in any recent `datasets`, without this package:"]
        # Without a dot or a slash, `datasets` would take a folder called dancereid for the builder.
        path = str(self.folder) if self.folder.is_absolute() else f"./{self.folder}"
        lines += [f'  load_dataset({json.dumps(path)}, "{b.config}")' for b in self.builds]
        return "\n".join(lines)

    def check(self) -> None:
        """Compares the files in the folder with its records, shards by their checksums; and looks
        at each image, since the folder may be anybody's.

        Raises:
            SourceError: a file is missing, was changed, or is in no record.
            DanceReIDError: an image is not as `prepare` writes it.
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
                    f"{folder}: {some} is not as in {RECORD} (missing, changed, or not in it). "
                    "Prepare the config again with --force."
                )
            for name in progress(sums, f"Checking {build.config}", unit=" files"):
                check_shard(folder / name, build.options)


def _flags(name: str) -> str:
    """The flags that prepare a config of this name; "" if it is no name of a config."""
    config, unit = config_and_unit(name)
    if prepared_name(config, unit) != name:
        return ""
    return f"--config {config} " + ("" if unit == "crop" else f"--unit {unit} ")


def summary_lines(where: str, builds: Sequence[Build]) -> list[str]:
    """What a prepared folder has, in some lines."""
    size = sum(shard.bytes for build in builds for shard in build.shards)
    return [
        f"{where}: {size / 1e6:,.1f} MB of Parquet, and {CARD}, the dataset card",
        *(f"  {build.brief}" for build in builds),
    ]


def load_prepared(path: str, config: str | None = None, **options: Any) -> Any:
    """Loads what `prepare` wrote, or what `push_to_hub` pushed.

    Args:
        path: a folder, or `user/name` on the Hub.
        config: name of the config; its first one if None.
        **options: options of `datasets.load_dataset`.

    Raises:
        SourceError: there is no such dataset, or it is broken.
        DanceReIDError: a row has no image, or only the path of one.
    """
    name = folder_or_name(path)
    cache = Path(options.get("cache_dir") or datasets.config.HF_DATASETS_CACHE)
    with usable_cache(cache):
        check_writable(cache)
    if isinstance(name, str) and not offline():
        _ask_hub(name)
    try:
        if isinstance(name, Path) and glob.escape(str(name)) != str(name):
            dataset = _load_by_record(name, config, options)
        else:
            dataset = datasets.load_dataset(str(name), config, **options)
    except DanceReIDError:
        raise
    except Exception as error:  # what `datasets` raises for a file that is broken is not listed
        cause = error.__cause__ or error
        if isinstance(cause, OSError) and cause.errno in _FULL:
            with usable_cache(cache):
                raise cause from error
        raise SourceError(
            f"{path}: cannot be loaded as a dataset ({' '.join(str(error).split())[:300]}). "
            "Expected a folder that dancereid prepare wrote, or the name of a dataset on the Hub "
            "that you may see, and with --config the name of one of its configs."
        ) from error
    for split, examples in dataset.items():
        if isinstance(examples, datasets.Dataset):
            require_values(examples, f"{path}, split {split}")
    return dataset


def folder_or_name(path: str) -> Path | str:
    """The folder, resolved: one called dancereid is not the builder; or a name on the Hub.

    Raises:
        SourceError: it is neither.
    """
    folder = checked_path("dataset", path)
    if folder.is_dir():
        if (folder / "dataset_dict.json").is_file() or (folder / "state.json").is_file():
            raise SourceError(
                f"{path}: was written by save_to_disk, expected a folder that dancereid prepare "
                "wrote. Prepare it from Python: dancereid.prepare(datasets.load_from_disk(...), "
                "folder)."
            )
        return folder.resolve()
    if not _HUB_NAME.fullmatch(path):
        raise SourceError(
            f"{path}: there is no such folder. Expected one that dancereid prepare wrote, or "
            "USER/NAME, a dataset on the Hub."
        )
    return path


def _ask_hub(name: str) -> None:
    """Asks the Hub for a dataset, once: `datasets` tries for half a minute.

    Raises:
        SourceError: it does not have the dataset, or cannot be reached.
    """
    try:
        HfApi().dataset_info(name, timeout=_TIMEOUT_S)
    except HfHubHTTPError as error:
        raise SourceError(
            f"{name}: there is no such folder, and the Hub has no such dataset that you may see "
            f"({' '.join(str(error).split())[:300]}). Check the name; sign in (hf auth login) if "
            "it is private."
        ) from error
    except (ClientError, OSError) as error:
        raise SourceError(
            f"{name}: there is no such folder, and the Hub cannot be reached "
            f"({' '.join(str(error).split())[:300]}). Check the connection; or set "
            "HF_HUB_OFFLINE=1 to use the dataset as it was loaded before."
        ) from error


def _load_by_record(folder: Path, config: str | None, options: Mapping[str, Any]) -> Any:
    """Loads from a folder with [, ], * or ? in its path, below which `datasets` finds no files."""
    build = Prepared.read(folder, None if config is None else [config]).builds[0]
    files = {
        split: glob.escape(str(folder / build.config)) + f"/{split}-*.parquet"
        for split in build.statistics
    }
    dataset = datasets.load_dataset(str(folder), build.config, data_files=files, **options)
    for of_split in dataset.values():
        of_split.info.description = build.coverage.describe("")
    return dataset


def check_output(output: Storage, configs: Sequence[str]) -> None:
    """Refuses to replace a description, or a config's folder, that this project did not write.

    Raises:
        SourceError: there is one.
    """
    there = configs_in(output)
    for config in configs:
        folder = output.folder(config)
        if config not in there and (folder.names() or folder.folders()):
            raise _not_ours(folder)
    for name in {CARD, CROISSANT} & output.names():
        if not there:
            raise _not_ours(output.folder(name))


def _not_ours(path: Storage) -> SourceError:
    return SourceError(
        f"{path} exists, and this project did not write it. Name an empty folder, or one that was "
        "prepared before; nothing was written."
    )


def check_other_build(output: Storage, request: Request, name: str | None = None) -> None:
    """Refuses, before a long build, to replace another build of the config.

    Args:
        output: the folder.
        request: what is to be built.
        name: as for `prepared_name`.

    Raises:
        SourceError: the folder has a build with other options or of more videos.
    """
    config = prepared_name(request.config, request.options.unit, name)
    ids, asked = {video.video_id for video in request.videos}, request.options.as_dict()
    for last in builds_in(output):
        more = [o.video_id for o in last.coverage.outcomes if o.images and o.video_id not in ids]
        before = last.options.as_dict()
        other = [f"{k}={before.get(k)}, not {v}" for k, v in asked.items() if before.get(k) != v]
        if last.config == config and (other or more):
            what = f"made with {', '.join(other)}" if other else f"which has video {more[0]}, too"
            raise SourceError(
                f"{output}/{config} holds another build, {what}: {last.brief}. Replace it with "
                "--force, or name another folder; nothing was built."
            )


def builds_in(output: Storage) -> list[Build]:
    """The configs in a folder, in the order of the card. Raises `SourceError` if one is broken."""
    folders = [output.folder(config) for config in configs_in(output)]
    return [Build.read(folder) for folder in folders if RECORD in folder.names()]


def describe(output: Storage) -> None:
    """Describes the configs in a folder, if there are any: for programs, and then for people."""
    if builds := builds_in(output):
        for name, text in ((CROISSANT, croissant), (CARD, card)):
            output.write(name, text(builds, output.name).encode())


def remove_descriptions(output: Storage) -> None:
    """Removes what describes the configs in a folder, before one of them is changed."""
    for name in (CARD, CROISSANT):
        output.remove(name)
