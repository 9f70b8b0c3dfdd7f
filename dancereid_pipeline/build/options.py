"""What samples are to be like, and how options from a user are checked."""

from __future__ import annotations

import operator
import os
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ..common.errors import OptionError

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


def one_of(name: str, value: object, known: Collection[str]) -> None:
    """Refuses a value that is not one of the known ones."""
    if not isinstance(value, str) or value not in known:
        raise OptionError(f"{name}: expected one of {', '.join(known)}, got {shown(value)}.")


def path_or_none(name: str, value: object) -> str | None:
    """A path as text, None for None; refuses anything else."""
    if value is None:
        return None
    if not isinstance(value, str | os.PathLike) or not os.fspath(value):
        raise OptionError(f"{name}: expected a path, got {shown(value)}.")
    return str(os.fspath(value))


def ids_or_none(name: str, value: object) -> tuple[str, ...] | None:
    """Video ids, None for None; refuses anything but a list, tuple or set of texts."""
    if value is None:
        return None
    if not isinstance(value, list | tuple | set | frozenset) or not all(
        isinstance(video_id, str) for video_id in value
    ):
        raise OptionError(f"{name}: expected a list of video ids, got {shown(value)}.")
    return tuple(sorted(value))


def shown(value: object) -> str:
    """A value in an error: short, whatever it is."""
    if isinstance(value, int) and abs(value) >= 10**40:  # Python may refuse to spell it out
        return "a huge number"
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def whole_number(name: str, value: Any, least: int, most: int) -> int:
    """The value as a plain int; refuses anything but a whole number from `least` to `most`."""
    # bool is an int to Python, and True is no number of frames.
    whole = hasattr(value, "__index__") and not isinstance(value, bool)
    if not whole or not least <= operator.index(value) <= most:
        raise OptionError(
            f"{name}: expected a whole number from {least} to {most}, got {shown(value)}."
        )
    return operator.index(value)
