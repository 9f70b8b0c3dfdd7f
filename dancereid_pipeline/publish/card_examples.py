"""What the dataset card says of an example: its columns, its options, and the first one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from string import Template
from typing import Any

from ..build.options import UNITS, SampleOptions
from ..shards.build_record import Build

_TEXTS = Path(__file__).with_name("card_texts")
# What follows such a description where an example is no crop.
UNIT_NOTES = {
    "crop": "",
    "tracklet": " An example is a tracklet: a person's crops in an unbroken run of frames.",
    "frame": " An example is a whole frame with all annotated people in it. Others may be "
    "in the picture, too.",
}
# What the picture of a card shows.
PICTURES = {
    **dict.fromkeys(
        ("crop", "tracklet"),
        "Crops of people, one row for each person, crops spread over the person's frames, every "
        "second crop with its pose",
    ),
    "frame": "Whole frames with the bbox and pose of each person",
}


def columns_text(builds: Sequence[Build]) -> str:
    """The columns of each unit that the configs have."""
    with_skeleton = named(b.config for b in builds if b.options.skeleton)
    configs = {unit: [b.config for b in builds if b.options.unit == unit] for unit in UNITS}
    texts = []
    for unit, names in configs.items():
        if names:
            text = card_text(f"columns_{unit}").substitute(configs=named(names)).strip()
            if unit == "crop" and with_skeleton:
                what = f"only in {with_skeleton}: the crop with its pose drawn on it"
                text += f"\n| `skeleton` | JPEG | {what} |"
            texts.append(text)
    return "\n\n".join(texts)


def options_text(options: SampleOptions) -> str:
    """The options of a unit in words."""
    if options.unit == "frame":
        return f"at most {options.max_side} pixels a side, JPEG quality {options.jpeg_quality}"
    crops = (
        f"crops of {options.image_size[1]} x {options.image_size[0]} pixels, JPEG quality "
        f"{options.jpeg_quality}; keypoints {options.keypoints}; "
    )
    if options.unit == "tracklet":
        return (
            f"{crops}a gap of more than {options.max_gap} frames ends a tracklet; it has at most "
            f"{options.max_length} crops, {options.overlap} of them in common with the next part "
            "of a longer run"
        )
    return f"{crops}{'with' if options.skeleton else 'without'} the column `skeleton`"


def example_text(values: Mapping[str, Any]) -> str:
    """An example, as Python would print it, with long lists shortened."""
    if "frames" in values:
        image = "'images': [<JPEG>, ...]"
    elif "objects" in values:
        image = f"'image': <{values['video_id']}_{values['frame']:06d}.jpg>"
    else:
        image = f"'image': <{values['person_id']:04d}_{values['frame']:06d}.jpg>"
    lines = [image, *(f"{name!r}: {_shortened(value)!r}" for name, value in values.items())]
    return "{" + ",\n ".join(lines).replace("'...'", "...") + "}"


def _shortened(value: Any) -> Any:
    """The value, of long lists only the first two."""
    if isinstance(value, Mapping):
        return {name: _shortened(inner) for name, inner in value.items()}
    if not isinstance(value, list | tuple):
        return value
    inner = [_shortened(each) for each in (value[:2] if len(value) > 4 else value)]
    return [*inner, "..."] if len(value) > 4 else inner


def named(configs: Iterable[str]) -> str:
    """The names of configs, as code."""
    return ", ".join(f"`{config}`" for config in configs)


def card_text(name: str) -> Template:
    """A text in `card_texts`, by its name without the ending."""
    return Template((_TEXTS / f"{name}.md").read_text("utf-8"))
