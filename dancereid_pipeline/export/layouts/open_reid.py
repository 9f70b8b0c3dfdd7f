"""The layout of open-reid's datasets, for its own loader.

    images/PPPPPPPP_CC_NNNN.jpg   person, camera, number of the image, each from 0
    meta.json                     `identities[person][camera]` -> names of images
    splits.json                   people of `trainval`, `query` and `gallery`

A camera is a sixth of the video's time: see `pseudo_cameras`. In this format either all images of
a person are queries, or none. People of `test` with images at two cameras or more are queries, and
all people of `test` are the gallery, so every query has a match.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ...catalogue.catalogue import TRAINING_SPLITS, Video
from .base import NAME, Layout, VideoInFolder, people_in, quoted, write_json
from .pseudo_cameras import CAMERAS, Cameras

if TYPE_CHECKING:
    from ...build.samples import Sample


class OpenReid(Layout):
    """Writes the layout of open-reid."""

    default_folder = "open-reid"
    folders = ("images",)
    others = ("meta.json", "splits.json")

    def __init__(self, part: Path, video: Video, splits: tuple[str, ...]) -> None:
        super().__init__(part, video, splits)
        self._images: list[tuple[int, int]] = []  # person, frame

    def add(self, sample: Sample) -> None:
        """As every layout."""
        self._images.append((sample.person_id, sample.frame))
        self.write(f"{sample.stem}.jpg", sample.image)

    @classmethod
    def how_to_read(cls, folder: Path, trainval: int) -> str:  # noqa: ARG003  # a layout may
        """As every layout."""
        return f"dataset = reid.utils.data.Dataset({quoted(folder)}); dataset.load()"

    def files(self) -> dict[str, str]:
        """As every layout."""
        cameras = Cameras.of(frame for _, frame in self._images)
        numbers: Counter[tuple[int, int]] = Counter()
        files = {}
        for person, frame in self._images:
            camera = cameras.at(frame)
            name = f"{person:08d}_{camera:02d}_{numbers[person, camera]:04d}.jpg"
            files[f"{person:04d}_{frame:06d}.jpg"] = f"images/{name}"
            numbers[person, camera] += 1
        return files

    @classmethod
    def finish(
        cls, folder: Path, videos: Sequence[VideoInFolder], catalogue: Sequence[Video]
    ) -> None:
        """As every layout."""
        people = catalogue[-1].person_ids.stop
        identities: list[list[list[str]]] = [[[] for _ in range(CAMERAS)] for _ in range(people)]
        for video in videos:
            for person, names in video.names("images").items():
                for name in names:
                    identities[person][int(name.split("_")[1])].append(name)
        test = people_in(videos, "images", "test")
        split = {
            "trainval": people_in(videos, "images", *TRAINING_SPLITS),
            "query": [p for p in test if sum(map(bool, identities[p])) > 1],
            "gallery": test,
        }
        meta = {"name": NAME, "shot": "multiple", "num_cameras": CAMERAS, "identities": identities}
        write_json(folder / "meta.json", meta)
        write_json(folder / "splits.json", [split])
