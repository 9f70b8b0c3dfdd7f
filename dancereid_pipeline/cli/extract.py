"""Computes features of the images of a split; dancereid evaluate scores the file.

The file has a row for each image, also of tracklets: video_id, person_id, frame and feature. The
model "colour" needs no training: its features are colour histograms of stripes of the body. A
trained model should score better: the folder that dancereid train wrote, or "timm:NAME" for a model
of timm with its own weights; or else the name of a model on the Hub. These need the extra 'train'.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import dancereid

from ..build.crop_rows import as_crops
from ..common.progress import progress
from ..common.store_path import output_path
from ..common.validation import require_extra
from ..evaluation.colour_baseline import COLUMNS, colour_features
from ..evaluation.feature_file import KEYS, write_features
from ..training.extract import TIMM
from ..training.hub_model import local_model
from .flag_types import path_or_address
from .outputs import check_file
from .split_flags import add_split_flags, load_split
from .train import decoding_workers

EXAMPLES = (
    "  dancereid extract --model colour --config demo --output features.parquet\n"
    "  dancereid extract --model timm:vit_small_patch14_dinov2 --output features.parquet\n"
    "  dancereid evaluate features.parquet --config demo"
)


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Adds the flags of this command."""
    parser.add_argument(
        "--model",
        required=True,
        metavar="colour|timm:NAME|FOLDER|USER/NAME",
        help="the model that computes the features",
    )
    parser.add_argument(
        "--device", default="cpu", metavar="NAME", help="cpu (the default), cuda, or another one"
    )
    parser.add_argument(
        "--output",
        required=True,
        type=path_or_address,
        metavar="FILE.parquet",
        help="the file to write, or its address in a store",
    )
    add_split_flags(parser)


def main(arguments: argparse.Namespace) -> int:
    """Loads the split, computes its features, writes them, prints a summary."""
    output = output_path("--output", arguments.output, dict(arguments.storage_option))
    check_file("--output", output, (".parquet",))
    model = _found(arguments.model)  # before a build, which may take an hour
    split, coverage = load_split(arguments)
    images = as_crops(split)
    if arguments.model == "colour":
        rows = _colour(images)
    else:
        workers = decoding_workers(arguments.device)
        rows = dancereid.extract(images, model, device=arguments.device, workers=workers)
    origin = {
        "model": arguments.model,
        "config": coverage.config,
        "split": arguments.split,
        "fingerprint": coverage.fingerprint,
    }
    write_features(output, rows, {name: images[name][:] for name in KEYS}, origin)
    if arguments.json:
        print(json.dumps({"output": str(output), "shape": rows.shape, **origin}))
    else:
        size = f"{len(rows):,} images, {rows.shape[1]:,} columns"
        print(f"{output}: {size}, of {arguments.split}")
        print(str(coverage).splitlines()[0])
    return 0


def _found(model: str) -> str | Path:
    """The model, fetched if the Hub has it."""
    if model == "colour":
        return model
    require_extra("train", "torch", "safetensors")
    return model if model.startswith(TIMM) else local_model(model)


def _colour(images: Any) -> NDArray[np.float32]:
    rows = np.empty((len(images), COLUMNS), np.float32)
    arrays = dancereid.as_arrays(images)
    for row, example in enumerate(progress(arrays, desc="Extracting", unit=" images")):
        rows[row] = colour_features(example["image"], example["keypoints"].astype(np.float64))
    return rows
