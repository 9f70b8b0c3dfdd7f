"""What comes back from the Hub, compared with what was pushed: each way in which it may differ."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from datasets import load_dataset
from huggingface_hub.hf_api import RepoFile

from dancereid_pipeline.common.errors import HubError
from dancereid_pipeline.publish import read_back
from dancereid_pipeline.publish.prepared_folder import Prepared

NAME = "dancer/reid"


@pytest.mark.parametrize(
    ("what", "change"),
    [
        ("its splits or coverage", lambda splits: splits.pop("test")),
        ("its splits or coverage", lambda splits: _said(splits, '"images": 12', '"images": 11')),
        ("the number of examples of test", lambda splits: _counted(splits["test"], 23)),
        ("the first example of trainval", None),
        ("the columns of test", lambda splits: _renamed(splits, "test")),
    ],
)
def test_what_loads_is_compared(
    prepared: Path, monkeypatch: pytest.MonkeyPatch, what: str, change: Callable[[Any], Any] | None
) -> None:
    """Against the folder itself, as if it had come back from the Hub, with something changed."""
    read = Prepared.read(prepared, ["paper"])
    (build,) = read.builds
    sums = [(f"paper/{shard.name}", {"oid": shard.sha256, "size": 1}) for shard in build.shards]
    api = SimpleNamespace(
        token=None,
        list_repo_tree=lambda *_, **__: [
            RepoFile(path=path, size=1, oid="", lfs={**lfs, "pointerSize": 1}) for path, lfs in sums
        ],
    )

    def load(*_: Any, **__: Any) -> Any:
        splits = load_dataset(str(prepared), "paper", streaming=True)
        if changing and change:
            change(splits)
        return splits

    monkeypatch.setattr(read_back.datasets, "load_dataset", load)
    monkeypatch.setattr(
        "dancereid_pipeline.publish.read_back.HfFileSystem", partial(_Files, prepared)
    )
    changing = False
    read_back.read_back(api, NAME, "0" * 40, read)
    changing = True
    if not change:
        monkeypatch.setattr(
            "dancereid_pipeline.publish.read_back.HfFileSystem", partial(_Files, prepared, 1)
        )
    with pytest.raises(HubError, match=f"is not what was pushed: {what}"):
        read_back.read_back(api, NAME, "0" * 40, read)


class _Files:
    """Gives shards of a folder, or others than those asked for."""

    def __init__(self, folder: Path, shift: int = 0, token: str | None = None) -> None:
        self.folder = folder
        self.shift = shift

    def open(self, path: str) -> Any:
        name = path.partition("@" + "0" * 40 + "/")[2]
        shards = sorted((self.folder / name).parent.glob("*.parquet"))
        return shards[(shards.index(self.folder / name) + self.shift) % len(shards)].open("rb")


def _renamed(splits: Any, name: str) -> None:
    splits[name] = splits[name].rename_column("bbox", "box")


def _said(splits: Any, old: str, new: str) -> None:
    for split in splits.values():
        assert old in split.info.description
        split.info.description = split.info.description.replace(old, new)


def _counted(split: Any, images: int) -> None:
    split.info.splits["test"].num_examples = images
