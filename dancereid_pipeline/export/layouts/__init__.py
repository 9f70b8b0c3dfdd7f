"""The layouts of folders that re-ID code reads.

A layout is a small class, which receives the samples of a video in order and writes its files.
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

# Name of each layout -> its class.
LAYOUTS: dict[str, type[Layout]] = {
    "published": Published,
    "market1501": Market1501,
    "open-reid": OpenReid,
}


@dataclass(frozen=True, kw_only=True)
class LayoutOptions:
    """Which layout to write, and its options.

    Attributes:
        layout: name of the layout.
        split_folder: write a folder for each video; only for "published".
        h5: also write an HDF5 file; only for "published".

    Raises:
        OptionError: an option has a value that is not allowed.
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
                f"{' and '.join(given)}: is an option of layout 'published', not of "
                f"'{self.layout}'. Leave it out, or choose layout 'published'."
            )
        if self.h5:
            require_extra("h5", "h5py")

    @property
    def kind(self) -> type[Layout]:
        """The class of the layout."""
        return LAYOUTS[self.layout]

    def open(self, part: Path, video: Video, splits: tuple[str, ...]) -> Layout:
        """Opens the layout for the samples of a video.

        Args:
            part: the video's own folder, empty.
            video: the video.
            splits: the splits that the video is in.

        Raises:
            OSError: the folder cannot be written.
        """
        if self.layout == "published":
            return Published(part, video, splits, split_folder=self.split_folder, h5=self.h5)
        return self.kind(part, video, splits)
