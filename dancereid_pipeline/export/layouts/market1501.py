"""The layout of Market-1501, for torchreid, fast-reid and others that read it.

    bounding_box_train/  people of `trainval` (in data of one's own also `train`, `validation`)
    query/               people of `test`: at most one image of each person for each camera
    bounding_box_test/   all other images of `test`: the gallery
    extra/               people of all other splits, if there are any; readers ignore it

`0001_c1s1_000151_00.jpg` is person, camera, sequence (always 1), frame and box (always 00).
The person is the person id plus 1, since readers take 0 for background. Readers look for person
and camera in the whole path, so no folder above may have a name like `12_c3`.

A camera is a sixth of the video's time: see `pseudo_cameras`. Of a person's images at a camera,
the one nearest to the middle of the camera's time is a query, if

- it is in the middle third of that time. So the gallery images that count are at least an 18th of
  the video before or after it (2 to 15 s in DanceReID), and are not nearly the same image;
- the person has other images at this camera, and images at another camera. So every query has a
  match in the gallery, even if videos are missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from ...catalogue.catalogue import TRAINING_SPLITS, Video
from .base import Layout, quoted
from .pseudo_cameras import Cameras

if TYPE_CHECKING:
    from ...build.samples import Sample

_FOLDERS = dict.fromkeys(TRAINING_SPLITS, "bounding_box_train") | {"test": "bounding_box_test"}


class Market1501(Layout):
    """Writes the layout of Market-1501."""

    default_folder = "market1501"
    folders = ("bounding_box_train", "query", "bounding_box_test")
    others = ("extra",)
    most_people = 1501

    def __init__(self, part: Path, video: Video, splits: tuple[str, ...]) -> None:
        super().__init__(part, video, splits)
        self._images: list[tuple[int, int]] = []  # person, frame
        for split in splits:
            (part / split).mkdir()

    def add(self, sample: Sample) -> None:
        """As every layout."""
        self._images.append((sample.person_id, sample.frame))
        for split in self.splits:
            self.write(f"{split}/{sample.stem}.jpg", sample.image)

    @classmethod
    def how_to_read(cls, folder: Path, trainval: int) -> str:  # noqa: ARG003  # a layout may
        """As every layout."""
        root = quoted(folder.parent)
        return (
            f'torchreid.data.ImageDataManager(root={root}, sources="market1501")'
            "  # it looks for this name"
        )

    def files(self) -> dict[str, str]:
        """As every layout."""
        cameras = Cameras.of(frame for _, frame in self._images)
        chosen = queries(self._images, cameras)
        files = {}
        for split in self.splits:
            for person, frame in self._images:
                is_query = split == "test" and (person, frame) in chosen
                folder = "query" if is_query else _FOLDERS.get(split, "extra")
                name = f"{person + 1:04d}_c{cameras.at(frame) + 1}s1_{frame:06d}_00.jpg"
                files[f"{split}/{person:04d}_{frame:06d}.jpg"] = f"{folder}/{name}"
        return files


def queries(images: Sequence[tuple[int, int]], cameras: Cameras) -> set[tuple[int, int]]:
    """Chooses the queries among the images of a video.

    Args:
        images: (person, frame) of all its images.
        cameras: the cameras of the video.

    Returns:
        (person, frame) of the queries.
    """
    chosen = set()
    for _, of_person in groupby(sorted(images), key=lambda image: image[0]):
        by_camera = [
            list(group) for _, group in groupby(of_person, key=lambda image: cameras.at(image[1]))
        ]
        for at_camera in by_camera if len(by_camera) > 1 else ():
            best = min(at_camera, key=lambda image: cameras.distance_to_middle(image[1]))
            if len(at_camera) > 1 and cameras.in_middle_third(best[1]):
                chosen.add(best)
    return chosen
