"""The base of all layouts: one receives the samples of a video; lists are written at the end."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from ...catalogue.catalogue import Video

NAME = "DanceReID"


@dataclass(frozen=True)
class VideoInFolder:
    """The files that a layout wrote for one video.

    Attributes:
        video: the video.
        splits: the splits that the video is in.
        part: the video's own folder, into which its files were written.
        files: path in `part` -> path in the finished folder, in order of frame and person.
    """

    video: Video
    splits: tuple[str, ...]
    part: Path
    files: Mapping[str, str]

    def names(self, folder: str) -> dict[int, list[str]]:
        """The names of its files in a folder of the finished folder, by person id."""
        names: dict[int, list[str]] = {}
        for path in self.files.values():
            top, _, name = path.partition("/")
            if top == folder:
                person = int(name.rpartition("/")[2].partition("_")[0])
                names.setdefault(person, []).append(name)
        return names


class Layout(ABC):
    """Receives the samples of one video in order, and writes them into the video's own folder.

    The files stay there until all videos are done. Then they are moved to the paths that `files`
    gives. So the final name of an image may depend on later images of the video.

    Args:
        part: the video's own folder, empty.
        video: the video.
        splits: the splits that the video is in.
    """

    default_folder: ClassVar[str]
    """Default name of the finished folder."""
    folders: ClassVar[tuple[str, ...]]
    """Folders in it that readers expect, even without images."""
    others: ClassVar[tuple[str, ...]] = ()
    """Other files and folders that may be in it."""
    most_people: ClassVar[int | None] = None
    """How many people readers can handle; None for any number."""

    def __init__(self, part: Path, video: Video, splits: tuple[str, ...]) -> None:
        self.part = part
        self.video = video
        self.splits = splits

    def write(self, name: str, content: bytes) -> None:
        """Writes a file into the video's own folder.

        Raises:
            OSError: it cannot be written.
        """
        # `open`, since it is fast: a layout needs most of its time here.
        with open(f"{self.part}/{name}", "wb") as file:  # noqa: PTH123
            file.write(content)

    @abstractmethod
    def add(self, sample: Any) -> None:
        """Writes a sample; a layout of tracking, a detection or a whole frame.

        Raises:
            OSError: it cannot be written.
        """

    def close(self) -> None:  # noqa: B027  # most keep nothing open
        """Closes what is open, after the last sample or after an error.

        Raises:
            OSError: the rest cannot be written.
        """

    @abstractmethod
    def files(self) -> dict[str, str]:
        """The path in the video's own folder -> the path in the finished folder, for all files."""

    @classmethod
    @abstractmethod
    def how_to_read(cls, folder: Path, trainval: int) -> str:
        """A line of Python that reads the finished folder.

        Args:
            folder: its path.
            trainval: number of people of `trainval` who have images in it.
        """

    @classmethod  # noqa: B027  # Market-1501 has no lists
    def finish(
        cls, folder: Path, videos: Sequence[VideoInFolder], catalogue: Sequence[Video]
    ) -> None:
        """Writes the lists of all videos, if the layout has any, after their files were moved.

        Args:
            folder: the folder that will be the finished one.
            videos: the videos that were written, in the order of the catalogue.
            catalogue: all videos of the catalogue up to the config's last one.

        Raises:
            OSError: the lists cannot be written.
        """


def quoted(path: Path) -> str:
    """A path as a literal of Python."""
    return json.dumps(str(path), ensure_ascii=False)


def write_json(path: Path, value: Any) -> None:
    """Writes a value as a JSON file."""
    path.write_text(json.dumps(value) + "\n", "utf-8")


def people_in(videos: Iterable[VideoInFolder], folder: str, *splits: str) -> list[int]:
    """The ids of people of these splits who have images in a folder, ascending."""
    wanted = [v for v in videos if not set(v.splits).isdisjoint(splits)]
    return sorted(p for v in wanted for p in v.names(folder))
