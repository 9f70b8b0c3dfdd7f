"""A dataset of any door -> what a page is made from, in bounded memory.

Of a built dataset every image's plain values are read, some 200 bytes each, but no picture; of
a stream only its first examples.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import datasets
import numpy as np
from numpy.typing import NDArray

from ...build.coverage import Coverage, coverage_of
from ...common.errors import DanceReIDError, OptionError
from ...common.progress import progress
from ...common.validation import shown

STREAMED = 1000  # examples that are looked at of each split of a stream
_PLAIN = ("person_id", "video_id", "frame", "bbox", "keypoints")
_BATCH = 1000


@dataclass(frozen=True)
class Track:
    """One person in one video of one split.

    Attributes:
        split, video: places in `Rows.splits` and `Rows.videos`.
        person: the id.
        rows: the images' places in `Rows`, by frame.
    """

    split: int
    video: int
    person: int
    rows: NDArray[np.int64]


@dataclass(frozen=True)
class Rows:
    """The plain values of all images, a row an image.

    Attributes:
        splits, videos: names.
        split, video: places in those, `[N]`.
        person, frame: `[N]`.
        box: x1, y1, x2, y2 in source pixels, `[N, 4]`.
        joints: x, y in crop pixels, `[N, 17, 2]`.
    """

    splits: tuple[str, ...]
    videos: tuple[str, ...]
    split: NDArray[np.int64]
    video: NDArray[np.int64]
    person: NDArray[np.int64]
    frame: NDArray[np.int64]
    box: NDArray[np.float32]
    joints: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.frame)

    def tracks(self) -> list[Track]:
        """Who was seen where, by split, video and person."""
        keys = np.stack([self.split, self.video, self.person])
        order = np.lexsort((self.frame, *keys[::-1]))
        starts = np.flatnonzero(np.any(np.diff(keys[:, order], axis=1), axis=0)) + 1
        tracks = []
        for rows in np.split(order, starts):
            split, video, person = keys[:, rows[0]].tolist()
            tracks.append(Track(split, video, person, rows))
        return tracks


@dataclass(frozen=True)
class Seen:
    """A dataset as far as it was looked at.

    Attributes:
        name: of its config, "" where nothing tells.
        datasets: the splits that have examples; of a stream, what was looked at.
        rows: their plain values.
        image_size: height and width of the crops.
        streamed: whether only the first examples were looked at.
        coverage: what the dataset holds against the whole; None if it carries none.
    """

    name: str
    datasets: Mapping[str, Any]
    rows: Rows
    image_size: tuple[int, int]
    streamed: bool
    coverage: Coverage | None

    def picture(self, row: int) -> Any:
        """The crop of a row, decoded.

        Raises:
            DanceReIDError: it cannot be.
        """
        split = self.rows.splits[self.rows.split[row]]
        place = row - int(np.searchsorted(self.rows.split, self.rows.split[row]))
        return _picture(self.datasets[split], split, place)


def see(dataset: Any, split: str | None = None) -> Seen:
    """Reads what a page tells of a dataset.

    Args:
        dataset: a split, or a mapping of splits; built or a stream.
        split: only this one.

    Raises:
        DanceReIDError: it is no such dataset, or lacks a column, or is empty.
    """
    parts = _parts(dataset, split)
    streamed = any(isinstance(part, datasets.IterableDataset) for part in parts.values())
    at_hand = {name: _at_hand(name, part) for name, part in parts.items()}
    filled = {name: part for name, part in at_hand.items() if len(part)}
    if not filled:
        raise DanceReIDError(
            f"Expected images to look at, but {', '.join(parts)} has none. What is missing, and "
            "why, is told by dancereid.coverage(ds)."
        )
    first_name, first = next(iter(filled.items()))
    width, height = _picture(first, first_name, 0).size
    info = next(iter(parts.values())).info
    found = _coverage(dataset)
    return Seen(
        name=found.config if found else info.config_name or "",
        datasets=filled,
        rows=_read(filled),
        image_size=(height, width),
        streamed=streamed,
        coverage=found,
    )


def _coverage(dataset: Any) -> Coverage | None:
    try:
        return coverage_of(dataset)
    except (DanceReIDError, ValueError, KeyError, TypeError):  # none, or one that is none
        return None


def _parts(dataset: Any, split: str | None) -> dict[str, Any]:
    """The splits by name, checked for the columns."""
    kinds = (datasets.Dataset, datasets.IterableDataset)
    if isinstance(dataset, kinds):
        dataset = {str(dataset.split or split or "all"): dataset}
    if (
        not isinstance(dataset, Mapping)
        or not dataset
        or not all(isinstance(part, kinds) for part in dataset.values())
    ):
        raise DanceReIDError(
            "Expected a dataset, or its splits, as load_dataset('dancereid', ...) gives them, "
            f"built or streaming, got {shown(dataset)}."
        )
    parts = {str(name): part for name, part in dataset.items()}
    if split is not None and split not in parts:
        raise OptionError(f"split: expected one of {', '.join(parts)}, got {shown(split)}.")
    parts = {name: part for name, part in parts.items() if split in (None, name)}
    for name, part in parts.items():
        lacking = [column for column in ("image", *_PLAIN) if column not in (part.features or ())]
        if lacking:
            raise DanceReIDError(
                f"Split {name}: expected the columns image, {', '.join(_PLAIN)}; "
                f"{', '.join(lacking)} is missing. Look at it as it was loaded (a stream forgets "
                "its columns in map() unless it is given features=)."
            )
    return parts


def _at_hand(name: str, part: Any) -> datasets.Dataset:
    """The columns of a split that can be asked for by row; of a stream, its first examples."""
    part = part.select_columns(["image", *_PLAIN]).with_format(None)
    if isinstance(part, datasets.Dataset):
        return part
    encoded = part.cast_column("image", datasets.Image(decode=False))
    try:
        examples = list(progress(_first(encoded), f"Streaming {name}", STREAMED, unit=" images"))
    except (OSError, ValueError) as error:  # pyarrow's are of these
        raise DanceReIDError(
            f"Split {name}: the stream broke off ({error}). Try again, or look at it without "
            "streaming."
        ) from error
    return datasets.Dataset.from_list(examples, features=part.features)


def _first(stream: Any) -> Iterator[Any]:
    """The first examples of each shard, a video as a rule, so that one sees more than one video."""
    shards = min(stream.num_shards, STREAMED)
    for number in range(shards):
        shard = stream.shard(num_shards=stream.num_shards, index=number)
        yield from islice(shard, STREAMED // shards)


def _read(parts: Mapping[str, datasets.Dataset]) -> Rows:
    videos: dict[str, int] = {}
    columns: dict[str, list[NDArray[Any]]] = {name: [] for name in (*_PLAIN, "split")}
    total = sum(map(len, parts.values()))
    with progress(desc="Looking through", total=total, unit=" images") as bar:
        for number, (split, part) in enumerate(parts.items()):
            plain = part.select_columns(list(_PLAIN)).with_format("numpy")
            for batch in plain.iter(_BATCH):
                for name, values in _checked(split, batch, videos).items():
                    columns[name].append(values)
                columns["split"].append(np.full(len(batch["frame"]), number))
                bar.update(len(batch["frame"]))
    joined = {name: np.concatenate(values) for name, values in columns.items()}
    return Rows(
        splits=tuple(parts),
        videos=tuple(videos),
        split=joined["split"],
        video=joined["video_id"],
        person=joined["person_id"],
        frame=joined["frame"],
        box=joined["bbox"],
        joints=joined["keypoints"],
    )


def _checked(
    split: str, batch: Mapping[str, Any], videos: dict[str, int]
) -> dict[str, NDArray[Any]]:
    """A batch's columns in their types; new videos get the next number."""
    try:
        ids = [str(video_id) for video_id in batch["video_id"]]
        return {
            "video_id": np.array([videos.setdefault(name, len(videos)) for name in ids]),
            "person_id": np.asarray(batch["person_id"], np.int64),
            "frame": np.asarray(batch["frame"], np.int64),
            "bbox": np.asarray(batch["bbox"], np.float32).reshape(len(ids), 4),
            "keypoints": np.asarray(batch["keypoints"], np.float32).reshape(len(ids), 17, 2),
        }
    except (ValueError, TypeError) as error:
        raise DanceReIDError(
            f"Split {split}: expected person_id and frame as numbers, bbox as 4 and keypoints as "
            f"17 x 2 of them, in every row ({error}). Look at it as it was loaded."
        ) from error


def _picture(dataset: datasets.Dataset, split: str, place: int) -> Any:
    try:
        picture = dataset[place]["image"]
        picture.load()
    except (OSError, ValueError, AttributeError) as error:
        raise DanceReIDError(
            f"Split {split}, row {place}: the image cannot be read ({error}). Load or fetch the "
            "data again."
        ) from error
    return picture
