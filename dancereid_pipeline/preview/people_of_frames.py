"""Whole frames -> a row for each person in them, cut out as the dataset's crops are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import datasets
import numpy as np

from ..build.crops import crop_window, exact_keypoints, resize
from ..build.numpy_view import as_arrays
from ..build.schema import example_features
from ..common.errors import DanceReIDError

_BATCH = 1000


@dataclass(frozen=True)
class PeopleOfFrames:
    """Rows like those of crops, with arrays. The frame of a row is decoded when the row is read.

    Attributes:
        frames: a split with whole frames, as `as_arrays` gives it.
        rows: the columns of crops but the image, and `row`, the row of the frame, and `window`,
            the top, bottom, left and right of the crop in the frame's image.
        image_size: height and width of the crops, in pixels.
    """

    frames: Any
    rows: datasets.Dataset
    image_size: tuple[int, int]

    @classmethod
    def of(
        cls,
        split: datasets.Dataset,
        image_size: tuple[int, int],
        sizes: Mapping[str, tuple[int, int]],
    ) -> PeopleOfFrames:
        """The people of a split with whole frames. No image is read.

        Args:
            split: the split.
            image_size: height and width of the crops, in pixels.
            sizes: video id -> width and height of its frames, in source pixels. Bboxes are in
                these; of a video that is not there, they are in pixels of the image.

        Raises:
            DanceReIDError: the columns do not have the values of whole frames.
        """
        columns = {n: f for n, f in example_features().items() if n != "image"}
        integer = datasets.Value("int32")
        columns |= {"row": integer, "window": datasets.Sequence(integer, length=4)}
        try:
            rows = list(_people(split, image_size, sizes))
            values = {name: [row[name] for row in rows] for name in columns}
            people = datasets.Dataset.from_dict(values, datasets.Features(columns))
        except (ValueError, TypeError, ArithmeticError) as error:  # pyarrow's are ValueErrors
            raise DanceReIDError(
                f"Split {split.split}: expected whole frames with the bbox and the 17 keypoints of "
                f"each person ({error}). Use the dataset as it was loaded."
            ) from error
        return cls(as_arrays(split), people, image_size)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, key: int | str) -> Any:
        """A row, with its image; or a column, of which images are none."""
        found = self.rows[key]
        if isinstance(key, str):
            return found
        top, bottom, left, right = found.pop("window")
        frame = self.frames[found.pop("row")]["image"]
        if bottom > len(frame) or right > frame.shape[1]:
            raise DanceReIDError(
                f"Frame {found['frame']} of {found['video_id']}: expected an image of the width "
                f"and height in its columns, got {frame.shape[1]} x {len(frame)} pixels. Use "
                "the dataset as it was loaded."
            )
        pixels = np.ascontiguousarray(frame[top:bottom, left:right, ::-1])
        image = resize(pixels, self.image_size)
        return {"image": image, **found, "keypoints": np.asarray(found["keypoints"], np.float32)}

    def select_columns(self, names: list[str]) -> datasets.Dataset:
        """Columns but the image, as `datasets` has this method."""
        return self.rows.select_columns(names)


def _people(
    split: datasets.Dataset, image_size: tuple[int, int], sizes: Mapping[str, tuple[int, int]]
) -> Iterator[dict[str, Any]]:
    """The people of each frame. One whose bbox is outside has no crop."""
    row = -1
    for frames in split.remove_columns("image").with_format(None).iter(_BATCH):
        names = ("video_id", "frame", "width", "height", "objects")
        for video_id, frame, width, height, objects in zip(*map(frames.get, names), strict=True):
            row += 1
            source = sizes.get(video_id, (width, height))
            lists = (objects[name] for name in ("person_id", "bbox", "keypoints"))
            for person_id, bbox, keypoints in zip(*lists, strict=True):
                edges = np.array(bbox, float)
                window = crop_window(edges, (height, width), image_size)
                if window is None:
                    continue
                yield {
                    "keypoints": exact_keypoints(np.array(keypoints, float), window, image_size),
                    "person_id": person_id,
                    "video_id": video_id,
                    "frame": frame,
                    "bbox": edges * np.tile(np.divide(source, (width, height)), 2),
                    "row": row,
                    "window": window.pixels,
                }
