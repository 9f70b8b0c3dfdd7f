"""Writes built splits as Parquet files, one shard for each video."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import datasets
import pyarrow.parquet as pq

from ..build.schema import IMAGES
from ..build.stored_image import check_jpeg, image_bytes, require_values
from ..common.errors import DanceReIDError, SourceError
from ..common.files import sha256
from ..common.progress import progress

# A row has about 6 KB, so who looks at one example, as previews do, fetches half a megabyte.
_ROWS_A_GROUP = 100


@dataclass(frozen=True)
class Shard:
    """A Parquet file with the examples of one video.

    Attributes:
        name: `SPLIT-00000-of-000NN.parquet`.
        split: name of the split.
        video_id: the video.
        images: number of rows.
        bytes: size of the file.
        sha256: SHA-256 of the file, hexadecimal.
    """

    name: str
    split: str
    video_id: str
    images: int
    bytes: int
    sha256: str


def write_shards(
    splits: Mapping[str, Any], folder: Path, image_size: tuple[int, int]
) -> tuple[Shard, ...]:
    """Writes the examples of every split in their order, one file for each video.

    If a video is built again, or was missing before, the content of the other files does not
    change. So they need not be uploaded again.

    Args:
        splits: built datasets by split; a split without examples gets no file.
        folder: existing folder to write into.
        image_size: height and width that each image must have, in pixels.

    Raises:
        DanceReIDError: a video's examples are not next to each other, or an image is not a JPEG
            of this size.
        OSError: the folder cannot be written, or the disk is full.
    """
    shards = []
    total = sum(len(dataset) for dataset in splits.values())
    with progress(desc="Writing Parquet", unit=" images", total=total) as bar, _no_other_bars():
        for split, dataset in splits.items():
            require_values(dataset, f"Split {split}")
            videos = list(_videos(split, dataset["video_id"][:]))
            for number, (video_id, rows) in enumerate(videos):
                name = f"{split}-{number:05d}-of-{len(videos):05d}.parquet"
                examples = dataset.select(rows)
                batches = examples.with_format("arrow").iter(_ROWS_A_GROUP)
                _check_images(batches, f"Split {split}", rows.start, image_size)
                examples.to_parquet(folder / name, batch_size=_ROWS_A_GROUP, write_page_index=True)
                size = (folder / name).stat().st_size
                digest = sha256(folder / name)
                shards.append(Shard(name, split, video_id, len(rows), size, digest))
                bar.update(len(rows))
    return tuple(shards)


def check_shard(path: Path, image_size: tuple[int, int]) -> None:
    """Refuses a shard, which may be anybody's, with an image that is not to be passed on.

    Args:
        path: the Parquet file.
        image_size: height and width that each image must have, in pixels.

    Raises:
        DanceReIDError: a row has no bytes, or others than those of such a JPEG; or the file
            cannot be read.
    """
    try:
        with pq.ParquetFile(path) as file:
            _check_images(file.iter_batches(_ROWS_A_GROUP), str(path), 0, image_size)
    except DanceReIDError:
        raise
    except Exception as error:  # what pyarrow raises for any file is not listed
        raise SourceError(
            f"{path}: cannot be read as Parquet ({' '.join(str(error).split())[:300]}). Prepare "
            "the config again with --force."
        ) from error


def _check_images(
    batches: Iterable[Any], where: str, row: int, image_size: tuple[int, int]
) -> None:
    """Refuses Arrow's batches of examples with an image that is not to be passed on.

    Args:
        batches: the batches.
        where: names the split or the file, for the error message.
        row: number of the first example there.
        image_size: height and width that each image must have, in pixels.
    """
    for batch in batches:
        names = [name for name in IMAGES if name in batch.schema.names]
        for images in batch.select(names).to_pylist():
            for name in names:
                named = f"{where}, row {row}, column '{name}'"
                check_jpeg(image_bytes(images[name], named), image_size, named)
            row += 1


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


@contextmanager
def _no_other_bars() -> Iterator[None]:
    """Hides the bar that `datasets` shows for each file."""
    were_shown = not datasets.are_progress_bars_disabled()
    datasets.disable_progress_bars()
    try:
        yield
    finally:
        if were_shown:
            datasets.enable_progress_bars()
