"""Computes features of the images of a split; dancereid evaluate scores the file.

The file has a row for each image: video_id, person_id, frame and feature. The model "colour"
needs no training: its features are colour histograms of stripes of the body. A trained model
should score better.
"""

from __future__ import annotations

import argparse
import json

import numpy as np

from ..common.progress import progress
from ..evaluation.colour_baseline import COLUMNS, colour_features
from ..evaluation.feature_file import KEYS, write_features
from .flag_types import local_path
from .outputs import check_file
from .split_flags import add_split_flags, load_split

EXAMPLES = (
    "  dancereid extract --model colour --config demo --output features.parquet\n"
    "  dancereid evaluate features.parquet --config demo"
)


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Adds the flags of this command."""
    parser.add_argument(
        "--model", required=True, choices=("colour",), help="the model that computes the features"
    )
    parser.add_argument(
        "--output", required=True, type=local_path, metavar="FILE.parquet", help="the file to write"
    )
    add_split_flags(parser)


def main(arguments: argparse.Namespace) -> int:
    """Loads the split, computes its features, writes them, prints a summary."""
    check_file("--output", arguments.output, (".parquet",))
    images, coverage = load_split(arguments)
    rows = np.empty((len(images), COLUMNS), np.float32)
    for row, example in enumerate(progress(images, desc="Extracting", unit=" images")):
        crop = np.asarray(example["image"].convert("RGB"))
        rows[row] = colour_features(crop, np.asarray(example["keypoints"], np.float64))
    origin = {
        "model": arguments.model,
        "config": coverage.config,
        "split": arguments.split,
        "fingerprint": coverage.fingerprint,
    }
    write_features(arguments.output, rows, {name: images[name][:] for name in KEYS}, origin)
    if arguments.json:
        print(json.dumps({"output": str(arguments.output), "shape": rows.shape, **origin}))
    else:
        size = f"{len(rows):,} images, {COLUMNS:,} columns"
        print(f"{arguments.output}: {size}, of {arguments.split}")
        print(str(coverage).splitlines()[0])
    return 0
