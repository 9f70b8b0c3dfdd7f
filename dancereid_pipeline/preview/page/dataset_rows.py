"""Reads from a dataset what a page needs, in bounded memory.

Of a built dataset it reads all columns but the images, about 200 bytes for each example. Of a
stream it reads only the first examples.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import datasets
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ...build.coverage import Coverage, coverage_of
from ...build.crop_rows import as_crops
from ...build.numpy_view import as_arrays
from ...build.options import SampleOptions
from ...build.schema import check_columns, example_features, unit_of
from ...build.stored_image import StoredImage
from ...common.errors import DanceReIDError, OptionError
from ...common.progress import progress
from ...common.validation import shown
from ..people_of_frames import PeopleOfFrames

STREAMED = 1000  # examples that are read of each split of a stream
_CROPS = {"crop": 1, "tracklet": 20, "frame": 5}  # in a usual example
_PLAIN = ("person_id", "video_id", "frame", "bbox", "keypoints")
_BATCH = 1000
_LARGEST = 1_000_000  # pixels; as coordinates in tracks


@dataclass(frozen=True)
class Track:
    """One person in one video of one split.

    Attributes:
        split, video: indices in `Rows.splits` and `Rows.videos`.
        person: the person id.
        rows: indices of the person's images in `Rows`, in order of frames, `[n]`.
    """

    split: int
    video: int
    person: int
    rows: NDArray[np.int64]


@dataclass(frozen=True)
class Rows:
    """All columns but the images, one row for each image.

    Attributes:
        splits, videos: names of the splits, ids of the videos.
        split, video: indices in `splits` and `videos`, `[N]`.
        person, frame: person ids and frame numbers, `[N]`.
        bbox: x1, y1, x2, y2 in pixels of the video, `[N, 4]`.
        keypoints: x, y in crop pixels, `[N, 17, 2]`.
    """

    splits: tuple[str, ...]
    videos: tuple[str, ...]
    split: NDArray[np.int64]
    video: NDArray[np.int64]
    person: NDArray[np.int64]
    frame: NDArray[np.int64]
    bbox: NDArray[np.float32]
    keypoints: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.frame)

    def tracks(self) -> list[Track]:
        """The tracks, sorted by split, video and person."""
        keys = np.stack([self.split, self.video, self.person])
        order = np.lexsort((self.frame, *keys[::-1]))
        starts = np.flatnonzero(np.any(np.diff(keys[:, order], axis=1), axis=0)) + 1
        tracks = []
        for rows in np.split(order, starts):
            split, video, person = keys[:, rows[0]].tolist()
            tracks.append(Track(split, video, person, rows))
        return tracks


@dataclass(frozen=True)
class PageData:
    """What a page shows of a dataset.

    Attributes:
        title: what the dataset is called.
        name: name of the config, "" if it is unknown.
        datasets: the splits that have examples, as crops with arrays; of a stream, its first
            examples.
        rows: their columns but the images.
        image_size: height and width of the crops, in pixels.
        streamed: whether the dataset is a stream, so that only the first examples were read.
        coverage: coverage of the dataset; None if it has none.
    """

    title: str
    name: str
    datasets: Mapping[str, Any]
    rows: Rows
    image_size: tuple[int, int]
    streamed: bool
    coverage: Coverage | None

    @property
    def frame_sizes(self) -> dict[str, tuple[int, int]]:
        """Width and height of the frames of each video, in pixels, where the coverage has them."""
        return _frame_sizes(self.coverage)

    def image(self, row: int) -> Image.Image:
        """The crop of a row in `rows`, decoded, RGB.

        Raises:
            DanceReIDError: the image cannot be decoded.
        """
        split = self.rows.splits[self.rows.split[row]]
        index = row - int(np.searchsorted(self.rows.split, self.rows.split[row]))
        return _image(self.datasets[split], split, index)


def see(dataset: Any, split: str | None = None) -> PageData:
    """Reads from a dataset what a page shows.

    Args:
        dataset: a split, or a mapping of splits; built or a stream.
        split: name of the only split to read; all if None.

    Raises:
        DanceReIDError: it is not such a dataset, a column is missing, or it is empty.
    """
    parts = _parts(dataset, split)
    streamed = any(isinstance(part, datasets.IterableDataset) for part in parts.values())
    found = _coverage(dataset)
    built = {name: _built(name, part) for name, part in parts.items()}
    people = {name: _people(part, found) for name, part in built.items()}
    filled = {name: rows for name, rows in people.items() if len(rows)}
    if not filled:
        raise DanceReIDError(
            f"Expected images, but {', '.join(parts)} has none. dancereid.coverage(ds) says what "
            "is missing, and why."
        )
    first_name, first = next(iter(filled.items()))
    width, height = _image(first, first_name, 0).size
    info = next(iter(parts.values())).info
    return PageData(
        title=found.shown_title if found else "DanceReID",
        name=found.config if found else info.config_name or "",
        datasets=filled,
        rows=_read(filled),
        image_size=(height, width),
        streamed=streamed,
        coverage=found,
    )


def _people(part: datasets.Dataset, coverage: Coverage | None) -> Any:
    """A row for each person in each frame, with arrays."""
    if unit_of(part.features) != "frame":
        return as_arrays(part)
    try:
        size = SampleOptions.from_dict(coverage.options if coverage else {}).image_size
    except DanceReIDError:  # the coverage may be anybody's
        size = SampleOptions().image_size
    return PeopleOfFrames.of(part, size, _frame_sizes(coverage))


def _frame_sizes(coverage: Coverage | None) -> dict[str, tuple[int, int]]:
    clips = {o.video_id: o.clip for o in coverage.outcomes} if coverage else {}
    return {
        video_id: (clip.width, clip.height)
        for video_id, clip in clips.items()
        if clip and max(clip.width, clip.height) < _LARGEST  # the coverage may be anybody's
    }


def _coverage(dataset: Any) -> Coverage | None:
    try:
        return coverage_of(dataset)
    except (DanceReIDError, ValueError, KeyError, TypeError):  # it has none, or a broken one
        return None


def _parts(dataset: Any, split: str | None) -> dict[str, Any]:
    """The splits by name, which have all columns."""
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
        unit = unit_of(part.features)
        check_columns(part.features, _columns(unit), f"Split {name}", unit)
    return parts


def _built(name: str, part: Any) -> datasets.Dataset:
    """The crops or whole frames of a built split, or the first of a stream, as a built split."""
    unit = unit_of(part.features)
    columns = _columns(unit)
    part = part.select_columns(columns).with_format(None)
    if isinstance(part, datasets.Dataset):
        return as_crops(part)
    most = STREAMED // _CROPS[unit]
    column = columns[0]
    encoded = part.cast_column(column, _feature(column, decode=False))
    try:
        examples = list(progress(_first(encoded, most), f"Streaming {name}", most))
    except (OSError, ValueError) as error:  # those of pyarrow are subclasses
        raise DanceReIDError(
            f"Split {name}: reading the stream failed ({error}). Try again, or load it without "
            "streaming."
        ) from error
    features = datasets.Features({**part.features, column: _feature(column, decode=True)})
    return as_crops(datasets.Dataset.from_list(examples, features=features))


def _columns(unit: str) -> list[str]:
    """The columns that a page is made of."""
    return ["image", *_PLAIN] if unit == "crop" else list(example_features(unit=unit))


def _feature(column: str, *, decode: bool) -> Any:
    image = StoredImage(decode=decode)
    return datasets.Sequence(image) if column == "images" else image


def _first(stream: Any, most: int) -> Iterator[Any]:
    """The first examples of each shard. A shard is mostly one video, so several videos appear."""
    shards = min(stream.num_shards, most)
    for number in range(shards):
        shard = stream.shard(num_shards=stream.num_shards, index=number)
        yield from islice(shard, most // shards)


def _read(parts: Mapping[str, datasets.Dataset]) -> Rows:
    videos: dict[str, int] = {}
    columns: dict[str, list[NDArray[Any]]] = defaultdict(list)
    total = sum(map(len, parts.values()))
    with progress(desc="Reading", total=total, unit=" images") as bar:
        for number, (split, part) in enumerate(parts.items()):
            plain = part.select_columns(list(_PLAIN)).with_format("numpy")
            for batch in plain.iter(_BATCH):
                for name, values in _checked(split, batch, videos).items():
                    columns[name].append(values)
                columns["split"].append(np.full(len(batch["frame"]), number))
                bar.update(len(batch["frame"]))
    joined = {name: np.concatenate(values) for name, values in columns.items()}
    return Rows(splits=tuple(parts), videos=tuple(videos), **joined)


def _checked(
    split: str, batch: Mapping[str, Any], videos: dict[str, int]
) -> dict[str, NDArray[Any]]:
    """The columns of `Rows` from a batch. A video that is new is added to `videos`."""
    try:
        ids = [str(video_id) for video_id in batch["video_id"]]
        return {
            "video": np.array([videos.setdefault(name, len(videos)) for name in ids]),
            "person": np.asarray(batch["person_id"], np.int64),
            "frame": np.asarray(batch["frame"], np.int64),
            "bbox": np.asarray(batch["bbox"], np.float32).reshape(len(ids), 4),
            "keypoints": np.asarray(batch["keypoints"], np.float32).reshape(len(ids), 17, 2),
        }
    except (ValueError, TypeError) as error:
        raise DanceReIDError(
            f"Split {split}: expected person_id and frame as numbers, bbox as 4 and keypoints as "
            f"17 x 2 numbers, in every row ({error}). Use the dataset as it was loaded."
        ) from error


def _image(dataset: datasets.Dataset, split: str, index: int) -> Image.Image:
    try:
        return Image.fromarray(dataset[index]["image"])
    except DanceReIDError as error:
        raise DanceReIDError(f"Split {split}, row {index}: {error}") from error
