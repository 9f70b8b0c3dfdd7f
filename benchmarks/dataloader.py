"""Reading shuffled images, keypoints and ids: the built dataset compared with a folder of files.

The folder is read as re-ID code reads it: a path from a list, Pillow, `numpy.loadtxt`. From the
dataset, batches are read as PyTorch's DataLoader reads them.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import datasets
import numpy as np
from PIL import Image

import dancereid
from benchmarks.harness import Figure, Size, in_turn, ratios
from benchmarks.inputs import data_folder

_BATCH = 64


def measure(size: Size) -> list[Figure]:
    """Ratios of images a second."""
    folder = data_folder(seconds=200, tiny=size.tiny)
    catalogue = str(folder / "c.csv")
    with tempfile.TemporaryDirectory() as temporary:
        built = dancereid.load_dataset(
            data_dir=str(folder), catalogue=catalogue, cache_dir=f"{temporary}/cache"
        )
        dancereid.export(built, f"{temporary}/folder", catalogue=catalogue)
        test = built["test"]
        paths = sorted(Path(temporary, "folder", "images").iterdir())
        order = np.random.default_rng(0).permutation(len(test)).tolist()
        found = in_turn(
            size,
            {
                "folder": lambda: rate(files(paths, order)),
                "arrays": lambda: rate(batches(dancereid.as_arrays(test), order)),
                "batches": lambda: rate(batches(test, order)),
                "one by one": lambda: rate(iter(test.shuffle(seed=0))),
            },
            "reading",
        )
    return [
        Figure("as_arrays, in batches / folder", ratios(found["arrays"], found["folder"]), "≥ 1.5"),
        Figure("datasets alone, in batches / folder", ratios(found["batches"], found["folder"])),
        Figure("datasets alone, one by one / folder", ratios(found["one by one"], found["folder"])),
        Figure("folder, images a second", tuple(found["folder"])),
    ]


def rate(examples: Iterator[dict[str, Any]]) -> float:
    """Images a second, each with its pixels and its keypoints as arrays."""
    start, count = time.perf_counter(), 0
    for example in examples:
        pixels, keypoints = np.asarray(example["image"]), np.asarray(example["keypoints"])
        if pixels.shape != (256, 128, 3) or keypoints.shape != (17, 2) or example["person_id"] < 0:
            raise ValueError(f"expected an image, 17 keypoints and a person id, read {example}")
        count += 1
    return count / (time.perf_counter() - start)


def files(paths: list[Path], order: list[int]) -> Iterator[dict[str, Any]]:
    """From a published folder."""
    for index in order:
        path = paths[index]
        yield {
            "image": Image.open(path).convert("RGB"),
            "keypoints": np.loadtxt(path.parents[1] / "poses" / f"{path.stem}.txt"),
            "person_id": int(path.stem[:4]),
        }


def batches(dataset: datasets.Dataset, order: list[int]) -> Iterator[dict[str, Any]]:
    """From a dataset."""
    for start in range(0, len(order), _BATCH):
        yield from dataset.__getitems__(order[start : start + _BATCH])
