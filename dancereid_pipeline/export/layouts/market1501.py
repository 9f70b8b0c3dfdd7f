"""Folders as Market-1501's, for torchreid, fast-reid, and whatever else reads that.

    bounding_box_train/  people of `trainval`
    query/               of people of `test` an image a camera
    bounding_box_test/   all other images of `test`: the gallery
    extra/               people of `extra`, if they were asked for; readers leave it alone

`0001_c1s1_000151_00.jpg` is person, camera, sequence (always 1), frame and box (always 00).
Persons count from 1, one more than everywhere else, since readers take 0 for background. They
look for person and camera in the whole path: no folder above may look like `12_c3`.

What stands for a camera is a sixth of the video's time: see `cameras`. A query is, of all
images of a person at a camera, the one nearest to the middle of the camera's time, if

- it is in the middle third of that time. What is left of the gallery then is at least an 18th of
  the video before or after it, 2 to 15 s in DanceReID, so that no neighbouring frame
  stands in for recognising the person;
- the person has other images there, and images at another camera. So every query has a match
  in the gallery, whatever videos are missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from ...catalogue.catalogue import Video
from .base import Layout, VideoInFolder
from .pseudo_cameras import Cameras

if TYPE_CHECKING:
    from ...build.samples import Sample

_FOLDERS = {"trainval": "bounding_box_train", "test": "bounding_box_test", "extra": "extra"}


class Market1501(Layout):
    """The layout of Market-1501."""

    default_folder = "market1501"
    folders = ("bounding_box_train", "query", "bounding_box_test")
    others = ("extra",)
    most_people = 1501
    how_to_read = (
        'torchreid.data.ImageDataManager(root="{parent}", sources="market1501")'
        "  # the name it looks for"
    )

    def __init__(self, part: Path, video: Video, splits: tuple[str, ...]) -> None:
        super().__init__(part, video, splits)
        self._seen: list[tuple[int, int]] = []  # person, frame
        for split in splits:
            (part / split).mkdir()

    def add(self, sample: Sample) -> None:
        """As every layout."""
        self._seen.append((sample.person_id, sample.frame))
        for split in self.splits:
            self.write(f"{split}/{sample.stem}.jpg", sample.image)

    def files(self) -> dict[str, str]:
        """As every layout."""
        cameras = Cameras.of(frame for _, frame in self._seen)
        chosen = queries(self._seen, cameras)
        files = {}
        for split in self.splits:
            for person, frame in self._seen:
                is_query = split == "test" and (person, frame) in chosen
                folder = "query" if is_query else _FOLDERS[split]
                name = f"{person + 1:04d}_c{cameras.at(frame) + 1}s1_{frame:06d}_00.jpg"
                files[f"{split}/{person:04d}_{frame:06d}.jpg"] = f"{folder}/{name}"
        return files

    @classmethod
    def finish(cls, folder: Path, videos: Sequence[VideoInFolder], people: int) -> None:
        """Nothing: the names of the files say all."""


def queries(seen: Sequence[tuple[int, int]], cameras: Cameras) -> set[tuple[int, int]]:
    """The images of a video that are queries.

    Args:
        seen: (person, frame) of all its images.
        cameras: of the video.
    """
    chosen = set()
    for _, of_person in groupby(sorted(seen), key=lambda image: image[0]):
        by_camera = [
            list(images) for _, images in groupby(of_person, key=lambda image: cameras.at(image[1]))
        ]
        for images in by_camera if len(by_camera) > 1 else ():
            best = min(images, key=lambda image: cameras.off_the_middle(image[1]))
            if len(images) > 1 and cameras.in_the_middle(best[1]):
                chosen.add(best)
    return chosen
