"""What samples are to be like, and how options from a user are checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ..common.errors import OptionError
from ..common.validation import one_of, shown, whole_number

KEYPOINTS = ("exact", "published")
MISSING = ("skip", "error")


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

    Raises:
        OptionError: one of them has a value that it cannot have.
    """

    stride: int = 5
    image_size: tuple[int, int] = (256, 128)
    jpeg_quality: int = 75
    skeleton: bool = False
    keypoints: str = "exact"

    def __post_init__(self) -> None:
        size = self.image_size
        if not isinstance(size, tuple | list) or len(size) != 2:
            raise OptionError(
                f"image_size: expected (height, width), for example (256, 128), got {shown(size)}."
            )
        if not isinstance(self.skeleton, bool):
            raise OptionError(f"skeleton: expected True or False, got {shown(self.skeleton)}.")
        one_of("keypoints", self.keypoints, KEYPOINTS)
        # Plain int from here on: NumPy's are as good, but JSON does not know them.
        checked = {
            "stride": whole_number("stride", self.stride, 1, 10**6),
            "image_size": tuple(whole_number("image_size", side, 8, 4096) for side in size),
            "jpeg_quality": whole_number("jpeg_quality", self.jpeg_quality, 1, 95),
        }
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> SampleOptions:
        """The inverse of `as_dict`."""
        return cls(**{**values, "image_size": tuple(values["image_size"])})

    def as_dict(self) -> dict[str, Any]:
        """Plain values, as JSON has them."""
        return {**asdict(self), "image_size": list(self.image_size)}
