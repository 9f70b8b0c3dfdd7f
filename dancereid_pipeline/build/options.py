"""The options that shape samples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from ..common.errors import DanceReIDError, OptionError
from ..common.records import parse_record
from ..common.validation import one_of, shown, whole_number

# What an example may be, and the word for several of them.
UNIT_NAMES = {"crop": "images", "tracklet": "tracklets", "frame": "frames"}
UNITS = tuple(UNIT_NAMES)
KEYPOINTS = ("exact", "published")
MISSING = ("skip", "error")
MAX_SIDE = 4096  # of an image, in pixels
# The options that only some units have; `as_dict` has none that its unit does not have.
_OF_UNITS = {
    "unit": ("tracklet", "frame"),
    "max_gap": ("tracklet",),
    "max_length": ("tracklet",),
    "overlap": ("tracklet",),
    "max_side": ("frame",),
    "image_size": ("crop", "tracklet"),
    "skeleton": ("crop",),
    "keypoints": ("crop", "tracklet"),
}


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
        unit: what an example is: a "crop", a "tracklet" or a "frame".
        max_gap: the most frames of the video that may be missing between two crops of a tracklet,
            beyond the stride.
        max_length: the most crops of a tracklet.
        overlap: the number of crops that two parts of a run that is too long have in common.
        max_side: the most pixels of the longer side of a frame; a larger one is scaled down.

    Raises:
        OptionError: an option has a value that is not allowed.
    """

    stride: int = 5
    image_size: tuple[int, int] = (256, 128)
    jpeg_quality: int = 75
    skeleton: bool = False
    keypoints: str = "exact"
    unit: str = "crop"
    max_gap: int = 0
    max_length: int = 100
    overlap: int = 0
    max_side: int = MAX_SIDE

    def __post_init__(self) -> None:
        size = self.image_size
        if not isinstance(size, tuple | list) or len(size) != 2:
            raise OptionError(
                f"image_size: expected (height, width), for example (256, 128), got {shown(size)}."
            )
        if not isinstance(self.skeleton, bool):
            raise OptionError(f"skeleton: expected True or False, got {shown(self.skeleton)}.")
        one_of("keypoints", self.keypoints, KEYPOINTS)
        one_of("unit", self.unit, UNITS)
        # Plain int from here on, since JSON does not know NumPy's.
        checked = {
            "stride": whole_number("stride", self.stride, 1, 10**6),
            "image_size": tuple(whole_number("image_size", side, 8, MAX_SIDE) for side in size),
            "jpeg_quality": whole_number("jpeg_quality", self.jpeg_quality, 1, 95),
            "max_gap": whole_number("max_gap", self.max_gap, 0, 10**6),
            "max_length": whole_number("max_length", self.max_length, 1, 10**4),
            "overlap": whole_number("overlap", self.overlap, 0, 10**4),
            "max_side": whole_number("max_side", self.max_side, 8, MAX_SIDE),
        }
        for name, value in checked.items():
            object.__setattr__(self, name, value)
        self._check_unit()

    def _check_unit(self) -> None:
        """Refuses options that do not belong to the unit, or not together."""
        for field in fields(self):
            units = _OF_UNITS.get(field.name, UNITS)
            if self.unit not in units and getattr(self, field.name) != field.default:
                raise OptionError(
                    f"{field.name}: is for unit={' or '.join(map(repr, units))}, not for "
                    f"unit={self.unit!r}. Leave it out, or choose another unit."
                )
        if self.overlap >= self.max_length:
            raise OptionError(
                f"overlap: expected less than max_length, {self.max_length}, got {self.overlap}."
            )

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
        """The options as plain values, which JSON can hold; only those that the unit has."""
        values = {**asdict(self), "image_size": list(self.image_size)}
        return {n: v for n, v in values.items() if self.unit in _OF_UNITS.get(n, UNITS)}
