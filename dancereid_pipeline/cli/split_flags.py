"""The flags that name a dataset and one of its splits."""

from __future__ import annotations

import argparse
from typing import Any

from ..build.coverage import Coverage, coverage_of
from ..build.schema import check_columns, unit_of
from ..common.errors import SourceError
from .build_flags import add_build_flags, add_dataset_flag, load

_COLUMNS = ("image", "keypoints", "person_id", "video_id", "frame")


def add_split_flags(parser: argparse.ArgumentParser) -> None:
    """Adds the flags that `load_split` reads."""
    add_dataset_flag(parser)
    parser.add_argument(
        "--split", metavar="SPLIT", default="test", help="the split (default: %(default)s)"
    )
    add_build_flags(parser)


def load_split(arguments: argparse.Namespace) -> tuple[Any, Coverage]:
    """Loads the split that the flags of `add_split_flags` name.

    Returns:
        Its crops or tracklets, at least one, as a `datasets.Dataset`; and the coverage of the
        whole config.

    Raises:
        DanceReIDError: flags exclude each other, the dataset cannot be loaded, or the split has
            no images.
    """
    found = load(arguments)
    source = arguments.dataset or f"config {arguments.config or 'paper'}"
    images = found.get(arguments.split)
    if images is None or not len(images):
        filled = [name for name, examples in found.items() if len(examples)]
        raise SourceError(
            f"{source}: split '{arguments.split}' has no images. Name another --split "
            f"({', '.join(filled)})."
        )
    if unit_of(images.features) != "tracklet":
        check_columns(images.features, _COLUMNS, source)
    return images, coverage_of(found)
