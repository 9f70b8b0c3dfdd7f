"""Samples -> the folders that re-ID code reads.

A layout is a small class that receives the samples of a video in order; which there are, the
table here says.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ...catalogue.catalogue import Video
from ...common.errors import OptionError
from ...common.validation import one_of, require_extra
from .base import Layout
from .market1501 import Market1501
from .open_reid import OpenReid
from .published import Published

# Closed: a name a user may ask for -> who writes it.
LAYOUTS: dict[str, type[Layout]] = {
    "published": Published,
    "market1501": Market1501,
    "open-reid": OpenReid,
}


@dataclass(frozen=True, kw_only=True)
class LayoutOptions:
    """Which layout, and how.

    Attributes:
        layout: its name.
        split_folder: published only: a folder a video.
        h5: published only: also an HDF5 file.

    Raises:
        OptionError: one of them has a value that it cannot have.
        DanceReIDError: h5 is asked for, and h5py is not installed.
    """

    layout: str = "published"
    split_folder: bool = False
    h5: bool = False

    def __post_init__(self) -> None:
        one_of("layout", self.layout, LAYOUTS)
        given = [name for name in ("split_folder", "h5") if getattr(self, name)]
        if given and self.layout != "published":
            raise OptionError(
                f"{' and '.join(given)}: a part of layout 'published', not of '{self.layout}'. "
                "Leave it out, or ask for that one."
            )
        if self.h5:
            require_extra("h5", "h5py")

    @property
    def kind(self) -> type[Layout]:
        """Who writes it."""
        return LAYOUTS[self.layout]

    def open(self, part: Path, video: Video, splits: tuple[str, ...]) -> Layout:
        """A layout that is ready for a video's samples.

        Args:
            part: the video's own folder; empty.
            video: the row of the catalogue.
            splits: the splits it belongs to.

        Raises:
            OSError: the folder cannot be written.
        """
        if self.layout == "published":
            return Published(part, video, splits, split_folder=self.split_folder, h5=self.h5)
        return self.kind(part, video, splits)
