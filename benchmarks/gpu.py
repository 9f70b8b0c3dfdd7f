"""What a GPU makes of training: scores on rendered people, speed, time to evaluate.

python -m benchmarks.gpu FOLDER [--minutes 7] [--device cuda] [--tiny]

FOLDER holds `trainval-*.parquet` and `test-*.parquet` with images of people who look alike. It
needs torch, timm, pyarrow, OpenCV and NumPy, and not `datasets`: a GPU machine may have nothing
else. All methods but softmax begin with the weights of softmax. More seeds follow while time is
left.
"""

from __future__ import annotations

import argparse
import importlib.util
import statistics
import sys
import time
import types
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import chain, count, islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow.parquet as pq
import torch
from numpy.typing import NDArray
from tqdm import tqdm

if not importlib.util.find_spec("datasets"):
    # The package's progress bars are those of `datasets`, which are tqdm's.
    sys.modules["datasets"] = types.ModuleType("datasets")
    sys.modules["datasets.utils"] = types.ModuleType("datasets.utils")
    sys.modules["datasets.utils"].tqdm = tqdm  # type: ignore[attr-defined]  # it is empty

from dancereid_pipeline.evaluation.arrange import CheckedImages, SortedImages
from dancereid_pipeline.evaluation.device_scoring import score_on
from dancereid_pipeline.evaluation.distance import Space
from dancereid_pipeline.evaluation.ranking import Gallery
from dancereid_pipeline.training.augmentation import resized, resized_keypoints
from dancereid_pipeline.training.encoder import SMALL, Design, Encoder
from dancereid_pipeline.training.learner import EncoderLearner, Learner
from dancereid_pipeline.training.methods import METHODS, Recipe, recipe
from dancereid_pipeline.training.samplers import Sampler
from dancereid_pipeline.training.sampling import people_of_videos, sampler_of
from dancereid_pipeline.training.st_reidnet import StReIDNet

# Steps and learning rate from random weights, and of the others after that.
_FIRST, _NEXT = (700, 1e-3), (200, 2.5e-4)
_BATCHES = {"siamese": 64, "triplet": 42, "st-reidnet": 24}  # of pairs and triples; else 128
_EVALUATED = (22_637, 2048)


@dataclass(frozen=True)
class Images:
    """A split, decoded.

    Attributes:
        pixels: uint8 `[N, height, width, 3]`.
        keypoints: float32 `[N, 17, 2]`.
        columns: `person_id`, `frame` and `video_id`, `[N]`.
    """

    pixels: NDArray[np.uint8]
    keypoints: NDArray[np.float32]
    columns: dict[str, NDArray[Any]]

    @classmethod
    def read(cls, folder: Path, split: str) -> Images:
        """Reads the Parquet files of a split."""
        rows = pq.read_table(sorted(map(str, folder.glob(f"{split}-*.parquet")))).to_pylist()
        pixels = [
            cv2.imdecode(np.frombuffer(row["image"]["bytes"], np.uint8), cv2.IMREAD_COLOR_RGB)
            for row in tqdm(rows, desc=f"Decoding {split}")
        ]
        names = ("person_id", "frame", "video_id")
        columns = {name: np.array([row[name] for row in rows]) for name in names}
        keypoints = np.array([row["keypoints"] for row in rows], np.float32)
        return cls(np.stack(pixels), keypoints, columns)

    def batch(self, rows: Any, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
        """Pixels and keypoints of some rows, on a device."""
        return (
            torch.from_numpy(self.pixels[rows]).to(device),
            torch.from_numpy(self.keypoints[rows]).to(device),
        )


@dataclass(frozen=True)
class Bench:
    """What all measurements share."""

    device: torch.device
    backbone: str
    train: Images
    test: Images
    tiny: bool

    def made(
        self, method: str, seed: int, weights: dict[str, Any] | None
    ) -> tuple[Learner, Sampler]:
        """Nets and sampler of a method, with random weights or those of another encoder."""
        torch.manual_seed(seed)
        lr = _NEXT[1] if weights else _FIRST[1]
        batch = 4 if self.tiny else _BATCHES.get(method, 128)
        chosen = replace(recipe(method), lr=lr, batch=max(batch, 8), backbone_lr=1.0, warm_up=0.0)
        columns = self.train.columns
        people = people_of_videos(columns["video_id"], columns["person_id"])
        sampler = sampler_of(chosen, columns["person_id"], columns["frame"], people, seed)
        design = Design.of(chosen, self.backbone, len(sampler.images.person_ids))
        encoder = Encoder(design)
        if weights:
            encoder.backbone.load_state_dict(weights)
        return self._learner(encoder.to(self.device), chosen), sampler

    def _learner(self, encoder: Encoder, chosen: Recipe) -> Learner:
        if chosen.generates:
            return StReIDNet(encoder, chosen, pretrained=False)
        return EncoderLearner(encoder, chosen)

    def trained(
        self, method: str, seed: int, weights: dict[str, Any] | None
    ) -> tuple[Learner, float]:
        """Trains; also gives the images a second."""
        steps = 2 if self.tiny else (_NEXT if weights else _FIRST)[0]
        learner, sampler = self.made(method, seed, weights)
        learner.train()
        batches = chain.from_iterable(sampler.batches(epoch) for epoch in count())
        images, start = 0, time.perf_counter()
        for step, rows in enumerate(tqdm(islice(batches, steps), method, steps)):
            learner.set_rate(learner.recipe.rate(step / steps))
            classes = torch.from_numpy(sampler.images.classes[rows]).to(self.device)
            learner.step(
                *self.train.batch(rows, self.device), classes, np.random.default_rng((seed, step))
            )
            images += len(rows)
        return learner, images / (time.perf_counter() - start)

    def mean_ap(self, encoder: Encoder) -> float:
        """The mAP on the test split, in percent."""
        encoder.eval()
        features = []
        with torch.inference_mode():
            for start in range(0, len(self.test.pixels), 128):
                pixels, keypoints = self.test.batch(slice(start, start + 128), self.device)
                size = encoder.design.size
                keypoints = resized_keypoints(keypoints, pixels.shape[1:3], size)
                raw, normal = encoder(resized(pixels, size), keypoints)
                features.append((raw if encoder.design.raw else normal).float().cpu().numpy())
        columns = self.test.columns
        rows = np.concatenate(features)
        return 100 * self.scored(rows, columns["person_id"], columns["frame"])

    def scored(self, rows: Any, people: Any, frames: Any) -> float:
        """The mAP of features, on the device."""
        checked = CheckedImages.check("query", rows, people, frames)
        space = Space.for_features(checked.features, checked.low, checked.high, "sqeuclidean")
        images = SortedImages.sort(checked, space)
        return float(score_on(self.device, images, Gallery(images), 20).means()["mean_ap"])

    def seconds(self, run: Callable[[], object], times: int) -> float:
        """Seconds of one of several runs, after one that does not count."""
        run()
        self._wait()
        start = time.perf_counter()
        for _ in range(times):
            run()
        self._wait()
        return (time.perf_counter() - start) / times

    def _wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize()


def main() -> None:
    """Measures, and prints one table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--minutes", type=float, default=7.0)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--tiny", action="store_true", help="only see whether it runs")
    arguments = parser.parse_args()
    end = time.monotonic() + 60 * arguments.minutes
    device = torch.device(arguments.device)
    backbone = SMALL if arguments.tiny else "resnet50"
    splits = (Images.read(arguments.folder, split) for split in ("trainval", "test"))
    bench = Bench(device, backbone, *splits, arguments.tiny)
    card = torch.cuda.get_device_name(device) if device.type == "cuda" else str(device)
    rows = [*_speed(bench), _evaluation(bench), *_scores(bench, end)]
    print(f"\n{card}, torch {torch.__version__}, {backbone}\n\n| figure | |\n| --- | --- |")
    print("\n".join(f"| {name} | {text} |" for name, text in rows))


def _scores(bench: Bench, end: float) -> list[tuple[str, str]]:
    """Scores of all methods, with as many seeds as there is time for, up to 3."""
    found: dict[str, list[tuple[float, float]]] = {}
    for seed in range(1 if bench.tiny else 3):
        weights: dict[str, Any] | None = None
        for method in METHODS:
            longest = max((took for of in found.values() for _, took in of), default=0.0)
            if seed and time.monotonic() + longest > end:
                break
            start = time.monotonic()
            learner, rate = bench.trained(method, seed, weights)
            score = bench.mean_ap(learner.encoder)
            weights = weights or learner.encoder.backbone.state_dict()
            found.setdefault(method, []).append((score, time.monotonic() - start))
            print(
                f"{method}, seed {seed}: mAP {score:.1f}, {rate:,.0f} images a second", flush=True
            )
    return [
        (
            f"{method}: mAP, {len(runs)} seeds",
            f"{statistics.fmean(score for score, _ in runs):.1f} "
            f"({', '.join(f'{score:.1f}' for score, _ in runs)})",
        )
        for method, runs in found.items()
    ]


def _speed(bench: Bench) -> list[tuple[str, str]]:
    """Steps with everything included, over bare passes forward and backward."""
    rows = []
    for method in ("softmax", "st-reidnet"):
        learner, sampler = bench.made(method, 0, None)
        learner.train()
        learner.set_rate(1.0)
        batch = next(iter(sampler.batches(0)))
        classes = torch.from_numpy(sampler.images.classes[batch]).to(bench.device)

        def step(learner: Learner = learner, batch: Any = batch, classes: Any = classes) -> None:
            learner.step(*bench.train.batch(batch, bench.device), classes, np.random.default_rng(0))

        times = 1 if bench.tiny else 10
        whole = bench.seconds(step, times)
        bare = sum(bench.seconds(run, times) for run in _passes(learner, len(batch)))
        rows.append((f"{method}: bare passes / step", f"{bare / whole:.2f}"))
        rows.append((f"{method}: images a second", f"{len(batch) / whole:,.0f}"))
    return rows


def _passes(learner: Learner, images: int) -> list[Callable[[], None]]:
    """A pass forward and backward through each net, with as many images as a step has there."""
    encoder = learner.encoder
    device, size = next(encoder.parameters()).device, encoder.design.size
    shown = torch.randn(images, 3, *size, device=device)
    nothing = torch.zeros(images, 17, 2, device=device)

    def backward(result: torch.Tensor) -> None:
        result.sum().backward()  # type: ignore[no-untyped-call]  # PyTorch has no types for it

    passes = [lambda: backward(encoder.classifier(encoder(shown, nothing)[1]))]
    if isinstance(learner, StReIDNet):
        third = images // 3
        poses = torch.rand(7 * third, 17, *size, device=device)
        drawn = torch.randn(7 * third, 3, *size, device=device)
        features = torch.randn(5 * third, encoder.columns, device=device)
        # The discriminators see real and drawn images in their own step, and drawn ones again.
        passes += [
            lambda: backward(learner.generator(poses[: 5 * third], features)),
            *(
                lambda n=n: backward(learner.image_judge(drawn[: n * third], nothing)[0])
                for n in (3, 5, 5)
            ),
            *(
                lambda n=n: backward(learner.pose_judge(poses[: n * third], drawn[: n * third]))
                for n in (3, 7, 7)
            ),
        ]
    return passes


def _evaluation(bench: Bench) -> tuple[str, str]:
    """Seconds to evaluate as many images as the published test split has, of random features."""
    count, columns = (400, 32) if bench.tiny else _EVALUATED
    random = np.random.default_rng(0)
    people, frames = random.integers(0, 29, count), random.integers(0, 4000, count)
    rows = random.normal(size=(count, columns)).astype(np.float32)
    start = time.perf_counter()
    bench.scored(rows, people, frames)
    return f"evaluation of {count:,} x {columns:,}", f"{time.perf_counter() - start:.2f} s"


if __name__ == "__main__":
    main()
