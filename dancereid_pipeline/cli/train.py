"""Trains a model on the split 'trainval' or 'train', and scores it on 'test'.

The folder gets weights (safetensors), result.json, log.jsonl, curves.png and a model card;
dancereid extract reads it. What was stopped or killed is continued with --resume. It needs the
extra 'train'.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from typing import Any

import dancereid

from ..common.cpu import cores
from ..training.check_training import SELECTIONS, check_training
from ..training.methods import METHODS, PRESETS
from .build_flags import UNIT_OPTIONS, add_build_flags, add_dataset_flag, load
from .flag_types import local_path
from .network_flags import documented, flag, help_text

EXAMPLES = (
    "  dancereid train --method softmax --config paper --output runs/softmax --device cuda\n"
    "  dancereid train --method softmax --config demo --backbone small --weights none \\\n"
    "      --batch 32 --steps 50 --lr 0.002 --output runs/demo\n"
    "  dancereid extract --model runs/demo --config demo --output demo.parquet"
)
_MOST_WORKERS = 8  # 0.5 ms an image: a GPU that trains 5,000 images a second needs some four
FLAGS: dict[str, dict[str, Any]] = {
    "preset": {"choices": PRESETS, "default": "mended"},
    "backbone": {"metavar": "NAME", "default": "resnet50.tv_in1k"},
    "weights": {"metavar": "hub|none|FILE", "default": "hub"},
    "epochs": {"metavar": "N", "type": int},
    "steps": {"metavar": "N", "type": int},
    "batch": {"metavar": "N", "type": int},
    "lr": {"metavar": "RATE", "type": float},
    "seed": {"metavar": "N", "type": int, "default": 0},
    "device": {"metavar": "NAME", "default": "cpu"},
    "select": {"choices": SELECTIONS, "default": "last"},
    "workers": {"metavar": "N", "type": int},
    "resume": {"action": "store_true"},
}


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Adds the flags of this command."""
    parser.add_argument("--method", required=True, choices=METHODS, help="the method")
    add_training_flags(parser, FLAGS)


def add_training_flags(parser: argparse.ArgumentParser, names: Iterable[str]) -> None:
    """Adds `--output`, some of `FLAGS`, and those of the dataset."""
    texts = documented(dancereid.train)
    parser.add_argument(
        "--output", required=True, type=local_path, metavar="FOLDER", help="the folder to write"
    )
    texts["workers"] = (
        "processes that decode images; 0 for this one (default: with --device cuda one for each "
        f"core, at most {_MOST_WORKERS}; else 0)"
    )
    for name in names:
        parser.add_argument(flag(name), help=help_text(texts[name]), **FLAGS[name])
    add_dataset_flag(parser)
    add_build_flags(parser, without=UNIT_OPTIONS)
    parser.set_defaults(split=None)


def decoding_workers(device: str, asked: int | None = None) -> int:
    """The number of processes that decode images: without them, a GPU waits for images."""
    if asked is not None:
        return asked
    return min(cores(), _MOST_WORKERS) if device.startswith("cuda") else 0


def main(arguments: argparse.Namespace) -> int:
    """Loads the dataset, trains, prints the scores."""
    options = {name: getattr(arguments, name) for name in [*FLAGS, "method"]}
    checked = {name: value for name, value in options.items() if name != "workers"}
    check_training(arguments.output, **checked)  # before a build, which may take an hour
    options["workers"] = decoding_workers(arguments.device, arguments.workers)
    result = dancereid.train(load(arguments), arguments.output, **options)
    if arguments.json:
        print(json.dumps(result))
        return 0
    print(f"{arguments.output}: {result['method']}, preset {result['preset']}")
    print(f"Weights: {result['selection']}, of {result['steps']:,} steps")
    for name, score in (result["test"] or {}).items():
        print(f"  {name:<18} {score:6.2f}")
    return 0
