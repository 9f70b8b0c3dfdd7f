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
import tempfile
import time
import types
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow.parquet as pq
import torch
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
from dancereid_pipeline.training.encoder import SMALL, Design, Encoder
from dancereid_pipeline.training.extract import encoder_features, features_of
from dancereid_pipeline.training.learner import EncoderLearner, Learner
from dancereid_pipeline.training.loop import Training
from dancereid_pipeline.training.methods import METHODS, recipe
from dancereid_pipeline.training.sampling import people_of_videos, sampler_of
from dancereid_pipeline.training.st_reidnet import StReIDNet

# Steps and learning rate from random weights, and of the others after that.
_FIRST, _NEXT = (700, 1e-3), (200, 2.5e-4)
_DROPS = (0.7, 0.9)
_SGD_RATE = 0.01  # of st-reidnet, which has no Adam for its encoder
_TIMED = {"softmax": 190, "st-reidnet": 200}  # steps, some epochs
_BATCHES = {"siamese": 64, "triplet": 42, "st-reidnet": 24}  # of pairs and triples; else 128
_EVALUATED = (22_637, 2048)


class Split:
    """A split, whose images are decoded when they are asked for, as `as_arrays` does it.

    Args:
        folder: the folder with the Parquet files.
        name: the split.
    """

    def __init__(self, folder: Path, name: str) -> None:
        table = pq.read_table(sorted(map(str, folder.glob(f"{name}-*.parquet"))))
        names = ("person_id", "frame", "video_id")
        self.columns = {name: np.array(table[name].to_pylist()) for name in names}
        self._images = [image["bytes"] for image in table["image"].to_pylist()]
        self._keypoints = np.array(table["keypoints"].to_pylist(), np.float32)

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, row: int) -> dict[str, Any]:
        content = np.frombuffer(self._images[row], np.uint8)
        pixels = cv2.imdecode(content, cv2.IMREAD_COLOR_RGB)
        return {"image": pixels, "keypoints": self._keypoints[row]}

    def decoded(self) -> list[dict[str, Any]]:
        """All examples: for scores, which need no honest time."""
        return [self[row] for row in tqdm(range(len(self)), "Decoding")]


@dataclass(frozen=True)
class Bench:
    """What all measurements share."""

    device: torch.device
    backbone: str
    train: Split
    test: Split
    folder: Path
    tiny: bool

    def training(
        self, method: str, steps: int, weights: dict[str, Any] | None = None, seed: int = 0
    ) -> Training:
        """A training with random weights, or those of another encoder."""
        torch.manual_seed(seed)
        chosen = replace(
            recipe(method),
            lr=_SGD_RATE if method == "st-reidnet" else _NEXT[1] if weights else _FIRST[1],
            batch=8 if self.tiny else _BATCHES.get(method, 128),
            backbone_lr=1.0,
            warm_up=0.0,
            drops=_DROPS,
        )
        columns = self.train.columns
        people = people_of_videos(columns["video_id"], columns["person_id"])
        sampler = sampler_of(chosen, columns["person_id"], columns["frame"], people, seed)
        encoder = Encoder(Design.of(chosen, self.backbone, len(sampler.images.person_ids)))
        if weights:
            encoder.backbone.load_state_dict(weights)
        encoder = encoder.to(self.device)
        learner: Learner = (
            StReIDNet(encoder, chosen, pretrained=False)
            if chosen.generates
            else EncoderLearner(encoder, chosen)
        )
        steps = 2 if self.tiny else steps
        return Training(learner, sampler, self.train, self.folder, steps, facts={})

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
    splits = (Split(arguments.folder, name) for name in ("trainval", "test"))
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(device, backbone, *splits, Path(folder), arguments.tiny)
        rows = [*_speed(bench), _evaluation(bench), *_scores(bench, end)]
    card = torch.cuda.get_device_name(device) if device.type == "cuda" else str(device)
    print(f"\n{card}, torch {torch.__version__}, {backbone}\n\n| figure | |\n| --- | --- |")
    print("\n".join(f"| {name} | {text} |" for name, text in rows))


def _scores(bench: Bench, end: float) -> list[tuple[str, str]]:
    """Scores of all methods, with as many seeds as there is time for, up to 3."""
    found: dict[str, list[tuple[float, float]]] = {}
    images, tested = bench.train.decoded(), bench.test.decoded()
    for seed in range(1 if bench.tiny else 3):
        weights: dict[str, Any] | None = None
        for method in METHODS:
            longest = max((took for of in found.values() for _, took in of), default=0.0)
            if seed and time.monotonic() + longest > end:
                break
            start = time.monotonic()
            training = bench.training(method, (_NEXT if weights else _FIRST)[0], weights, seed)
            training.arrays = images
            training.run(training.steps)
            encoder = training.learner.encoder
            rows = features_of(tested, encoder_features(encoder))
            columns = bench.test.columns
            score = 100 * bench.scored(rows, columns["person_id"], columns["frame"])
            weights = weights or encoder.backbone.state_dict()
            found.setdefault(method, []).append((score, time.monotonic() - start))
            print(f"{method}, seed {seed}: mAP {score:.1f}", flush=True)
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
        training = bench.training(method, _TIMED[method])
        training.workers = 0 if bench.tiny else 8
        training.run(training.steps)
        # By epochs: the first one waits for the processes that decode to begin.
        rates = [line["images_per_s"] for line in training.log]
        rate = statistics.median(rates[1:] or rates)
        images = len(next(iter(training.sampler.batches(0))))
        times = 1 if bench.tiny else 20
        bare = sum(bench.seconds(run, times) for run in _passes(training.learner, images))
        start = time.perf_counter()
        training.save()
        saved = time.perf_counter() - start
        rows.append((f"{method}: bare passes / step", f"{bare * rate / images:.2f}"))
        rows.append((f"{method}: images a second", f"{rate:,.0f}"))
        rows.append((f"{method}: writing the state, once a minute", f"{saved:.1f} s"))
    return rows


def _passes(learner: Learner, images: int) -> list[Callable[[], None]]:
    """Forward and backward through each net, with as many images as a step has there at once."""
    encoder = learner.encoder
    device, size = next(encoder.parameters()).device, encoder.design.size
    at_once = images // 3 if isinstance(learner, StReIDNet) else images
    shown = torch.randn(at_once, 3, *size, device=device)
    nothing = torch.zeros(at_once, 17, 2, device=device)

    def encode() -> None:
        learner.encoder.zero_grad()
        _backward(encoder.classifier(encoder(shown, nothing)[1]))

    if not isinstance(learner, StReIDNet):
        return [encode]
    poses = torch.rand(7 * at_once, 17, *size, device=device)
    drawn = torch.randn(7 * at_once, 3, *size, device=device)
    features = torch.randn(at_once, encoder.columns, device=device)

    def generate() -> None:
        learner.generator.zero_grad()
        _backward(learner.generator(poses[:at_once], features))

    def judge(count: int) -> None:
        learner.image_judge.zero_grad()
        _backward(learner.image_judge(drawn[: count * at_once], nothing)[0])

    def judge_poses(count: int) -> None:
        learner.pose_judge.zero_grad()
        _backward(learner.pose_judge(poses[: count * at_once], drawn[: count * at_once]))

    # The discriminators see real and drawn images in their own step, and drawn ones again.
    return [
        *[encode] * 3,
        *[generate] * 5,
        *(partial(judge, count) for count in (3, 5, 5)),
        *(partial(judge_poses, count) for count in (3, 7, 7)),
    ]


def _backward(result: torch.Tensor) -> None:
    result.sum().backward()  # type: ignore[no-untyped-call]  # PyTorch has no types for it


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
