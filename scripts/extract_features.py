"""Makes features of a split's images, in a file that evaluate.py scores.

    python scripts/extract_features.py --model colour --config demo --output features.parquet
    python scripts/evaluate.py features.parquet --config demo

A row an image: video_id, person_id, frame and feature. The model "colour" needs no training:
histograms of colours, stripe by stripe down the body. Every better model has that to beat.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from datasets.utils import tqdm

import dancereid
from dancereid_pipeline.cli.flags import run
from dancereid_pipeline.cli.split_flags import add_split_flags, load_split
from dancereid_pipeline.evaluation.colour_baseline import COLUMNS, colour_features
from dancereid_pipeline.evaluation.feature_file import KEYS, write_features


def main() -> int:
    """Parses the command line, loads, extracts, writes, says what there is."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", required=True, choices=("colour",), help="what makes them")
    parser.add_argument(
        "--output", required=True, type=Path, metavar="FILE.parquet", help="where they go"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a summary")
    add_split_flags(parser)
    arguments = parser.parse_args()
    if arguments.output.suffix != ".parquet":
        parser.error("--output: expected a file that ends in .parquet")
    split = load_split(arguments, dancereid.load_dataset)
    rows = np.empty((len(split.images), COLUMNS), np.float32)
    for row, example in enumerate(tqdm(split.images, desc="Extracting", unit=" images")):
        crop = np.asarray(example["image"].convert("RGB"))
        rows[row] = colour_features(crop, np.asarray(example["keypoints"], np.float64))
    origin = {
        "model": arguments.model,
        "config": split.coverage.config,
        "split": split.name,
        "fingerprint": split.coverage.fingerprint,
    }
    write_features(arguments.output, rows, {name: split.images[name][:] for name in KEYS}, origin)
    if arguments.json:
        print(json.dumps({"output": str(arguments.output), "shape": rows.shape, **origin}))
    else:
        print(f"{arguments.output}: {len(rows):,} images, {COLUMNS:,} columns, of {split.name}")
        print(str(split.coverage).splitlines()[0])
    return 0


if __name__ == "__main__":
    raise SystemExit(run("extract_features", main))
