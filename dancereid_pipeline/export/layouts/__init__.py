"""The layouts of folders that re-ID code, trackers and their scorers read.

A layout is a small class, which receives the samples of a video in order and writes its files.
Those of tracking receive detections and whole frames instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ...catalogue.catalogue import Video
from ...common.errors import OptionError
from ...common.validation import one_of, require_extra
from .base import Layout
from .coco_video import CocoVideo
from .market1501 import Market1501
from .mot import Mot
from .open_reid import OpenReid
from .published import Published

# Name of each layout -> its class.
LAYOUTS: dict[str, type[Layout]] = {
    "published": Published,
    "market1501": Market1501,
    "open-reid": OpenReid,
}


# They have bboxes and keypoints in pixels of the video, which only the videos' own files have.
TRACKING_LAYOUTS: dict[str, type[Layout]] = {"mot": Mot, "coco-video": CocoVideo}
ALL_LAYOUTS = {**LAYOUTS, **TRACKING_LAYOUTS}


@dataclass(frozen=True, kw_only=True)
class LayoutOptions:
    """Which layout to write, and its options.

    Attributes:
        layout: name of the layout.
        split_folder: write a folder for each video; only for "published".
        h5: also write an HDF5 file; only for "published".
        frames: also write all frames as JPEG; only for layouts of tracking.

    Raises:
        OptionError: an option has a value that is not allowed.
        DanceReIDError: h5 is asked for, and h5py is not installed.
    """

    layout: str = "published"
    split_folder: bool = False
    h5: bool = False
    frames: bool = False

    def __post_init__(self) -> None:
        one_of("layout", self.layout, ALL_LAYOUTS)
        given = [name for name in ("split_folder", "h5") if getattr(self, name)]
        if given and self.layout != "published":
            raise OptionError(
                f"{' and '.join(given)}: is an option of layout 'published', not of "
                f"'{self.layout}'. Leave it out, or choose layout 'published'."
            )
        if self.frames and not self.tracking:
            raise OptionError(
                f"frames: is an option of the layouts {' and '.join(TRACKING_LAYOUTS)}, not of "
                f"'{self.layout}'. Leave it out, or choose another layout."
            )
        if self.h5:
            require_extra("h5", "h5py")

    @property
    def kind(self) -> type[Layout]:
        """The class of the layout."""
        return ALL_LAYOUTS[self.layout]

    @property
    def tracking(self) -> bool:
        """Whether the layout is one of tracking."""
        return self.layout in TRACKING_LAYOUTS

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
