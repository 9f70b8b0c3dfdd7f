"""The flags that say which split of which dataset a command is about."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import Any

from ..build.coverage import Coverage, coverage_of
from ..catalogue.catalogue import SPLITS
from ..common.errors import SourceError
from .build_flags import add_build_flags, add_dataset_flag, load

_COLUMNS = {"image", "keypoints", "person_id", "video_id", "frame"}


@dataclass(frozen=True)
class Split:
    """A split, and what the dataset says of itself.

    Attributes:
        name: "test", say.
        images: the dataset: at least one example.
        coverage: of the whole config.
    """

    name: str
    images: Any
    coverage: Coverage


def add_split_flags(parser: argparse.ArgumentParser) -> None:
    """Adds the flags that `load_split` reads."""
    add_dataset_flag(parser)
    parser.add_argument(
        "--split", choices=SPLITS, default="test", help="of the dataset (default: %(default)s)"
    )
    add_build_flags(parser)


def load_split(arguments: argparse.Namespace) -> Split:
    """Loads the split that the flags name.

    Args:
        arguments: with the flags of `add_split_flags`.

    Raises:
        DanceReIDError: flags do not go together, or the dataset cannot be loaded or has no
            such images.
    """
    found = load(arguments)
    where = arguments.dataset or f"config {arguments.config or 'paper'}"
    images = found.get(arguments.split)
    if images is None or not len(images):
        filled = [name for name, of_split in found.items() if len(of_split)]
        raise SourceError(
            f"{where}: split '{arguments.split}' has no images. Name another --split "
            f"({', '.join(filled)})."
        )
    lacking = sorted(_COLUMNS - set(images.column_names))
    if lacking:
        raise SourceError(
            f"{where}: expected the columns {', '.join(sorted(_COLUMNS))}; {', '.join(lacking)} "
            "is missing. Name a dataset that dancereid prepare wrote."
        )
    return Split(arguments.split, images, coverage_of(found))
