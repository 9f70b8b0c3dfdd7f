"""What samples are to be like: the options that every way out of the data shares."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from .errors import OptionError

KEYPOINTS = ("exact", "published")


@dataclass(frozen=True, kw_only=True)
class SampleOptions:
    """What samples are to be like.

    Attributes:
        stride: take frames whose number it divides; 5 is the paper's setting.
        image_size: height and width of a crop in pixels.
        jpeg_quality: 1 to 95; 75 is Pillow's own choice and the published one.
        skeleton: also make a picture of the pose on the crop.
        keypoints: "exact" (where the crop shows the joint) or "published" (as the
            published files have it: shifted wherever a window was cut at an edge).
    """

    stride: int = 5
    image_size: tuple[int, int] = (256, 128)
    jpeg_quality: int = 75
    skeleton: bool = False
    keypoints: str = "exact"

    def __post_init__(self) -> None:
        _whole_number("stride", self.stride, 1, 10**6)
        size = self.image_size
        if not isinstance(size, tuple | list) or len(size) != 2:
            raise OptionError(
                f"image_size: expected (height, width), for example (256, 128), got {size!r}."
            )
        for side in size:
            _whole_number("image_size", side, 8, 4096)
        # A list, as it comes from JSON or a command line, is the same size.
        object.__setattr__(self, "image_size", tuple(size))
        _whole_number("jpeg_quality", self.jpeg_quality, 1, 95)
        if not isinstance(self.skeleton, bool):
            raise OptionError(f"skeleton: expected True or False, got {self.skeleton!r}.")
        if self.keypoints not in KEYPOINTS:
            raise OptionError(
                f"keypoints: expected one of {', '.join(KEYPOINTS)}, got {self.keypoints!r}."
            )

    def as_dict(self) -> dict[str, Any]:
        """Plain values, as JSON has them."""
        return {**asdict(self), "image_size": list(self.image_size)}


def _whole_number(name: str, value: object, least: int, most: int) -> None:
    # bool is an int to isinstance, and True is no number of frames.
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise OptionError(f"{name}: expected a whole number from {least} to {most}, got {value!r}.")
