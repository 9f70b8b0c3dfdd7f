"""The options that shape samples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ..common.errors import DanceReIDError, OptionError
from ..common.records import parse_record
from ..common.validation import one_of, shown, whole_number

KEYPOINTS = ("exact", "published")
MISSING = ("skip", "error")
MAX_SIDE = 4096  # of a crop, in pixels


@dataclass(frozen=True, kw_only=True)
class SampleOptions:
    """The options that shape samples.

    Attributes:
        stride: take each frame whose number is divisible by this; 5 is the paper's setting.
        image_size: height and width of a crop, in pixels.
        jpeg_quality: from 1 to 95; 75 is Pillow's default and the published quality.
        skeleton: also make the crop with its pose drawn on it.
        keypoints: "exact" (where the crop shows each joint) or "published" (the values of the
            published files, which are shifted where a window was cut at an edge of the frame).

    Raises:
        OptionError: an option has a value that is not allowed.
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
        # Plain int from here on, since JSON does not know NumPy's.
        checked = {
            "stride": whole_number("stride", self.stride, 1, 10**6),
            "image_size": tuple(whole_number("image_size", side, 8, MAX_SIDE) for side in size),
            "jpeg_quality": whole_number("jpeg_quality", self.jpeg_quality, 1, 95),
        }
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> SampleOptions:
        """The inverse of `as_dict`, for values from any source.

        Raises:
            DanceReIDError: they are not such options.
        """
        try:
            return parse_record(cls, dict(values))
        except ValueError as error:
            raise DanceReIDError(
                f"The options in the coverage of this dataset cannot be used ({error}). Was it "
                "changed by hand? Build or prepare the dataset again."
            ) from error

    def as_dict(self) -> dict[str, Any]:
        """The options as plain values, which JSON can hold."""
        return {**asdict(self), "image_size": list(self.image_size)}
