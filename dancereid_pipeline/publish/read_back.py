"""Reads back from the Hub what was pushed, and compares it."""

from __future__ import annotations

from typing import Any

import datasets
import pyarrow.parquet as pq
from huggingface_hub import HfApi, HfFileSystem
from huggingface_hub.hf_api import RepoFile

from ..build.coverage import coverage_of
from ..common.errors import HubError
from ..shards.build_record import Build
from .prepared_folder import Prepared


def read_back(api: HfApi, repo_id: str, revision: str, prepared: Prepared) -> None:
    """Compares a revision with what was pushed: checksums, splits, columns and first examples.

    Raises:
        HubError: they differ.
    """
    for build in prepared.builds:
        tree = api.list_repo_tree(
            repo_id, build.config, repo_type="dataset", revision=revision, recursive=True
        )
        sums = {
            item.path: item.lfs.sha256 for item in tree if isinstance(item, RepoFile) and item.lfs
        }
        pushed = {f"{build.config}/{shard.name}": shard.sha256 for shard in build.shards}
        if {name: sums.get(name) for name in pushed} != pushed:
            raise _differs(repo_id, revision, build, "its Parquet files")
        splits = datasets.load_dataset(
            repo_id, build.config, revision=revision, token=api.token, streaming=True
        )
        if coverage_of(splits) != build.coverage or list(splits) != list(build.statistics):
            raise _differs(repo_id, revision, build, "its splits or coverage")
        for name, figures in build.statistics.items():
            split = splits[name]
            if split.info.splits[name].num_examples != figures.examples:
                raise _differs(repo_id, revision, build, f"the number of examples of {name}")
            if split.features != datasets.Features.from_dict(dict(build.features)):
                raise _differs(repo_id, revision, build, f"the columns of {name}")
            shard = next(shard for shard in build.shards if shard.split == name)
            path = f"{build.config}/{shard.name}"
            with HfFileSystem(token=api.token).open(
                f"datasets/{repo_id}@{revision}/{path}"
            ) as file:
                if _first(file) != _first(prepared.folder / path):
                    raise _differs(repo_id, revision, build, f"the first example of {name}")


def _differs(repo_id: str, revision: str, build: Build, what: str) -> HubError:
    return HubError(
        f"{repo_id}, revision {revision}: what was read back of '{build.config}' is not what was "
        f"pushed: {what}. Push it again; if that does not help, use another name and report it."
    )


def _first(file: Any) -> dict[str, Any]:
    """The first example of a shard, images as bytes.

    A stream of `datasets` that is not read to its end leaves threads behind, which may crash Python
    when it ends. So this does not use one.
    """
    group = pq.ParquetFile(file, pre_buffer=False).read_row_group(0, use_threads=False)
    return group.slice(0, 1).to_pylist()[0]
