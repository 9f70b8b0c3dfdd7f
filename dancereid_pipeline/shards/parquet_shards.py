"""A built split -> Parquet files, a shard a video."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import datasets

from ..common.errors import DanceReIDError
from ..common.files import sha256
from ..common.progress import progress

# Of some 6 KB each: half a megabyte to fetch for a look at an example, as previews do.
_ROWS_A_GROUP = 100


@dataclass(frozen=True)
class Shard:
    """A Parquet file.

    Attributes:
        name: `SPLIT-00000-of-000NN.parquet`.
        split: the split.
        video_id: the one video whose examples it holds.
        images: rows.
        bytes: size of the file.
        sha256: of the file, hex.
    """

    name: str
    split: str
    video_id: str
    images: int
    bytes: int
    sha256: str


def write_shards(splits: Mapping[str, Any], folder: Path) -> tuple[Shard, ...]:
    """Writes every split's examples, a file a video, in the order they have.

    A video that is built anew, or was not there before, changes no other file's content: what
    was shared already need not be sent again.

    Args:
        splits: built datasets by split; those without examples get no file.
        folder: where the files go; must be there.

    Raises:
        DanceReIDError: a video's examples are not in one piece.
        OSError: the folder cannot be written, or is full.
    """
    shards = []
    total = sum(len(dataset) for dataset in splits.values())
    with progress(desc="Writing Parquet", unit=" images", total=total) as bar, _no_other_bars():
        for split, dataset in splits.items():
            videos = list(_videos(split, dataset["video_id"][:]))
            for number, (video_id, rows) in enumerate(videos):
                name = f"{split}-{number:05d}-of-{len(videos):05d}.parquet"
                dataset.select(rows).to_parquet(
                    folder / name, batch_size=_ROWS_A_GROUP, write_page_index=True
                )
                size = (folder / name).stat().st_size
                digest = sha256(folder / name)
                shards.append(Shard(name, split, video_id, len(rows), size, digest))
                bar.update(len(rows))
    return tuple(shards)


def _videos(split: str, video_ids: list[str]) -> Iterator[tuple[str, range]]:
    """Each video and its rows."""
    seen: set[str] = set()
    start = 0
    for row in range(1, len(video_ids) + 1):
        if row < len(video_ids) and video_ids[row] == video_ids[start]:
            continue
        if video_ids[start] in seen:
            raise DanceReIDError(
                f"Split {split}, row {start}: expected each video's examples in one piece, as "
                f"load_dataset gives them, found more of {video_ids[start]}. Was it shuffled or "
                "sorted? Share it as it was loaded."
            )
        seen.add(video_ids[start])
        yield video_ids[start], range(start, row)
        start = row


@contextmanager
def _no_other_bars() -> Iterator[None]:
    """`datasets` shows a bar a file."""
    were_shown = not datasets.are_progress_bars_disabled()
    datasets.disable_progress_bars()
    try:
        yield
    finally:
        if were_shown:
            datasets.enable_progress_bars()
