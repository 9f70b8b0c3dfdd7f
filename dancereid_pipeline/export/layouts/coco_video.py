"""COCO's JSON of keypoints with a track for each annotation, as trackers of poses read it.

    annotations/SPLIT.json              videos, images, annotations, categories
    images/SPLIT/VIDEOID/000001.jpg     the frames, if they are asked for

`frame_id` of an image counts from 0; `track_id` is the person in the video. All frames of a video
are in `images`, with or without people.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...catalogue.catalogue import Video, in_order
from ...formats.clip_facts import ClipFacts
from ...formats.coco_video import coco_annotation, coco_category
from ..tracked_frame import Detection, WholeFrame
from .base import Layout, VideoInFolder, quoted

_A_VIDEO = 10_000_000  # so many ids of images and of annotations each video has
_IMAGES, _ANNOTATIONS = "images.txt", "annotations.txt"


class CocoVideo(Layout):
    """Writes COCO's JSON."""

    default_folder = "coco-video"
    folders = ("annotations", "images")

    def __init__(self, part: Path, video: Video, splits: tuple[str, ...]) -> None:
        super().__init__(part, video, splits)
        self._files: list[str] = []
        self._clip: ClipFacts | None = None
        self._first_id = (video.row + 1) * _A_VIDEO
        self._count = 0
        self._annotations = (part / _ANNOTATIONS).open("w", encoding="ascii", newline="\n")
        for split in splits:
            (part / _folder(split, video)).mkdir(parents=True)

    def add(self, item: Detection | WholeFrame) -> None:
        """As every layout."""
        if isinstance(item, WholeFrame):
            for split in self.splits:
                path = f"{_folder(split, self.video)}/{item.frame + 1:06d}.jpg"
                self.write(path, item.jpeg)
                self._files.append(path)
            return
        self._clip = item.clip
        annotation = coco_annotation(
            self._first_id + self._count,
            self._first_id + item.frame,
            item.person,
            item.bbox,
            item.keypoints,
        )
        self._annotations.write(_line(annotation))
        self._count += 1

    def close(self) -> None:
        """As every layout."""
        self._annotations.close()

    @classmethod
    def how_to_read(cls, folder: Path, trainval: int) -> str:  # noqa: ARG003  # a layout may
        """As every layout."""
        return f"pycocotools.coco.COCO({quoted(folder / 'annotations/SPLIT.json')})"

    def files(self) -> dict[str, str]:
        """As every layout."""
        self._annotations.close()
        if self._clip is None:
            return {}
        size = {"width": self._clip.width, "height": self._clip.height}
        for split in self.splits:
            with (self.part / f"{split}-{_IMAGES}").open("w", encoding="utf-8") as file:
                for frame in range(self._clip.frames):
                    image = {
                        "id": self._first_id + frame,
                        "video_id": self.video.row + 1,
                        "frame_id": frame,
                        "file_name": f"{_folder(split, self.video)}/{frame + 1:06d}.jpg",
                        **size,
                    }
                    file.write(_line(image))
        return {path: path for path in self._files}

    @classmethod
    def finish(
        cls,
        folder: Path,
        videos: Sequence[VideoInFolder],
        catalogue: Sequence[Video],  # noqa: ARG003  # a layout may
    ) -> None:
        """As every layout."""
        for split in in_order(split for video in videos for split in video.splits):
            of_split = [v for v in videos if split in v.splits]
            _write_split(folder / "annotations" / f"{split}.json", of_split, split)


def _write_split(path: Path, videos: Sequence[VideoInFolder], split: str) -> None:
    """Joins the videos' lines: a whole split need not fit into memory."""
    written = [v for v in videos if (v.part / f"{split}-{_IMAGES}").is_file()]
    if not written:
        return
    named = [{"id": v.video.row + 1, "name": v.video.video_id} for v in written]
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(f'{{"videos": {json.dumps(named)},\n')
        for name, part in (("images", f"{split}-{_IMAGES}"), ("annotations", _ANNOTATIONS)):
            file.write(f'"{name}": [\n')
            first = True
            for video in written:
                with (video.part / part).open(encoding="utf-8") as lines:
                    for line in lines:
                        file.write(line.rstrip("\n") if first else f",\n{line.rstrip()}")
                        first = False
            file.write("\n],\n")
        file.write(f'"categories": [{json.dumps(coco_category())}]}}\n')


def _folder(split: str, video: Video) -> str:
    return f"images/{split}/{video.video_id}"


def _line(value: dict[str, Any]) -> str:
    return json.dumps(value) + "\n"
