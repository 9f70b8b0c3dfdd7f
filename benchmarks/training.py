"""Training: steps with everything included, compared with bare passes through the same net.

"Everything" is decoding, sampling, augmentation, losses, the optimizer, log and state. The bare
passes go forward and backward on tensors that are there. It needs the extra `train`.
"""

from __future__ import annotations

import tempfile
import time
from itertools import islice
from pathlib import Path
from typing import Any

import torch

import dancereid
from benchmarks.harness import Figure, Size, in_turn, ratios
from dancereid_pipeline.training.encoder import Design, Encoder
from dancereid_pipeline.training.learner import EncoderLearner
from dancereid_pipeline.training.loader import load_batches
from dancereid_pipeline.training.loop import Training
from dancereid_pipeline.training.memory import step_bytes
from dancereid_pipeline.training.methods import recipe
from dancereid_pipeline.training.samplers import Images, Shuffled

_BATCH = 16


def measure(size: Size) -> list[Figure]:
    """Ratios of images a second; on a GPU if there is one."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    backbones = ("small",) if size.tiny else ("resnet50", "small")
    steps = size.of(8, 2)
    figures = []
    with tempfile.TemporaryDirectory() as temporary:
        built = dancereid.load_dataset("demo", cache_dir=f"{temporary}/cache")
        arrays = dancereid.as_arrays(built["trainval"])
        people = built["trainval"]["person_id"][:]
        for backbone in backbones:
            net = Encoder(Design(backbone, people=6)).to(device)
            sampler = Shuffled(Images.of(people), _BATCH)
            learner = EncoderLearner(net, recipe("softmax"))
            training = Training(learner, sampler, arrays, Path(temporary), 10**6, facts={})
            found = in_turn(
                size,
                {
                    "all": lambda training=training: _all(training, steps),
                    "bare": lambda net=net: _bare(net, steps),
                    "loader": lambda training=training: _loading(training, steps),
                },
                f"training {backbone} on {device}",
            )
            aim = "≥ 0.9" if backbone == "resnet50" else ""
            figures += [
                Figure(f"{backbone}: training / bare", ratios(found["all"], found["bare"]), aim),
                Figure(f"{backbone}: training, images a second", tuple(found["all"])),
                Figure(f"{backbone}: loader alone, images a second", tuple(found["loader"])),
                Figure(
                    f"{backbone}: memory that a step of {_BATCH} needs at least",
                    (step_bytes(learner, _BATCH) / 2**20,),
                    unit="MiB",
                ),
            ]
    return figures


def _all(training: Training, steps: int) -> float:
    """Images a second of some more steps."""
    start = time.perf_counter()
    training.run(training.step + steps)
    return steps * _BATCH / (time.perf_counter() - start)


def _loading(training: Training, steps: int) -> float:
    """Images a second of batches that are decoded and nothing else."""
    batches = list(islice(training.sampler.batches(0), steps))
    start = time.perf_counter()
    images = sum(len(batch["image"]) for batch in load_batches(training.arrays, batches))
    return images / (time.perf_counter() - start)


def _bare(net: Any, steps: int) -> float:
    """Images a second, forward and backward."""
    images = torch.randn(_BATCH, 3, *net.design.size, device=next(net.parameters()).device)
    net.train()
    start = time.perf_counter()
    for _ in range(steps):
        net.zero_grad()
        _, normal = net(images, torch.zeros(_BATCH, 17, 2))
        net.classifier(normal).sum().backward()
    if images.is_cuda:
        torch.cuda.synchronize()
    return steps * _BATCH / (time.perf_counter() - start)
