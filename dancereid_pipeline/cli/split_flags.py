"""The flags that say which split of which dataset a script is about."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..build.coverage import Coverage, coverage_of
from ..catalogue.catalogue import SPLITS
from ..common.errors import OptionError, SourceError
from ..publish.prepared_folder import load_prepared
from .flags import add_build_flags, build_options

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
    parser.add_argument(
        "--dataset",
        metavar="FOLDER_OR_NAME",
        help="what prepare.py wrote, or a dataset on the Hub; built by this package if left out",
    )
    parser.add_argument(
        "--split", choices=SPLITS, default="test", help="of the dataset (default: %(default)s)"
    )
    add_build_flags(parser)


def load_split(arguments: argparse.Namespace, load: Callable[..., Any]) -> Split:
    """Loads the split that the flags name.

    Args:
        arguments: with the flags of `add_split_flags`.
        load: `dancereid.load_dataset`, which nothing in here may import.

    Raises:
        DanceReIDError: flags do not go together, or the dataset cannot be loaded or has no
            such images.
    """
    configs = arguments.config or [None]
    if len(configs) > 1:
        raise OptionError(f"--config: expected one config, got {', '.join(configs)}.")
    options = build_options(arguments)
    others = sorted(set(options) - {"cache_dir", "num_proc"})
    if arguments.dataset and others:
        raise OptionError(
            f"--dataset: {arguments.dataset} is taken as it is, so {', '.join(others)} cannot be "
            "given. Leave --dataset out to build, or prepare it with these (prepare.py)."
        )
    if arguments.dataset:
        found = load_prepared(arguments.dataset, configs[0], **options)
    else:
        found = load(configs[0], **options)
    place = arguments.dataset or f"config {configs[0] or 'paper'}"
    images = found.get(arguments.split)
    if images is None or not len(images):
        filled = [name for name, of_split in found.items() if len(of_split)]
        raise SourceError(
            f"{place}: split '{arguments.split}' has no images. Name another --split "
            f"({', '.join(filled)})."
        )
    lacking = sorted(_COLUMNS - set(images.column_names))
    if lacking:
        raise SourceError(
            f"{place}: expected the columns {', '.join(sorted(_COLUMNS))}, {', '.join(lacking)} "
            "is missing. Name a dataset that prepare.py wrote."
        )
    return Split(arguments.split, images, coverage_of(found))
