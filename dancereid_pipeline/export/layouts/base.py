"""What layouts have in common: each receives a video's samples; lists are made at the end."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ...catalogue.catalogue import Video

if TYPE_CHECKING:
    from ...build.samples import Sample

NAME = "DanceReID"


@dataclass(frozen=True)
class VideoInFolder:
    """What a layout made of one video.

    Attributes:
        video: the row of the catalogue.
        splits: the splits it belongs to.
        part: the video's own folder, where its files were written.
        files: path in `part` -> path in the finished folder, in order of frame and person.
    """

    video: Video
    splits: tuple[str, ...]
    part: Path
    files: Mapping[str, str]

    def names(self, folder: str) -> dict[int, list[str]]:
        """The names that its files have inside a folder of the finished one, person by person."""
        names: dict[int, list[str]] = {}
        for path in self.files.values():
            top, _, name = path.partition("/")
            if top == folder:
                person = int(name.rpartition("/")[2].partition("_")[0])
                names.setdefault(person, []).append(name)
        return names


class Layout(ABC):
    """Receives the samples of one video, in order, and writes them into the video's own folder.

    There they stay until all videos are done; `files` says where each file then goes. So
    a name may depend on what came later in the video.

    Args:
        part: the video's own folder; empty.
        video: the row of the catalogue.
        splits: the splits it belongs to.
    """

    default_folder: ClassVar[str]
    folders: ClassVar[tuple[str, ...]]
    """Folders of the finished one that its readers expect, with images or without."""
    others: ClassVar[tuple[str, ...]] = ()
    """Whatever else may be at its top."""
    most_people: ClassVar[int | None] = None
    """People that its readers can tell apart; None for any number."""
    how_to_read: ClassVar[str]
    """A line of Python, with `{folder}` or `{parent}` in it."""

    def __init__(self, part: Path, video: Video, splits: tuple[str, ...]) -> None:
        self.part = part
        self.video = video
        self.splits = splits

    def write(self, name: str, content: bytes) -> None:
        """Writes a file into the video's own folder.

        Raises:
            OSError: it cannot be written.
        """
        # As plain as it gets: of the time that a layout adds to a sample's, this is most.
        with open(f"{self.part}/{name}", "wb") as file:  # noqa: PTH123
            file.write(content)

    @abstractmethod
    def add(self, sample: Sample) -> None:
        """Writes a sample.

        Raises:
            OSError: it cannot be written.
        """

    def close(self) -> None:  # noqa: B027  # most keep nothing open
        """No more is to come, or no more can be written.

        Raises:
            OSError: something was still to be written, and cannot be.
        """

    @abstractmethod
    def files(self) -> dict[str, str]:
        """Path in the video's own folder -> path in the finished folder."""

    @classmethod
    @abstractmethod
    def finish(cls, folder: Path, videos: Sequence[VideoInFolder], people: int) -> None:
        """Writes what tells of all videos, beside the files that are in place already.

        Args:
            folder: to become the finished one.
            videos: in the catalogue's order.
            people: how many the catalogue has, whether they have images or not.

        Raises:
            OSError: it cannot be written.
        """


def write_json(path: Path, value: Any) -> None:
    """Writes a list that readers want."""
    path.write_text(json.dumps(value) + "\n", "utf-8")


def people_in(videos: Iterable[VideoInFolder], folder: str, split: str) -> list[int]:
    """The people of a split who have images in a folder, in order of id."""
    return sorted(p for v in videos if split in v.splits for p in v.names(folder))
