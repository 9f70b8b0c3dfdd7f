"""The loop of a training: steps, log, checkpoints."""

from __future__ import annotations

import json
import math
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, count, islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..common.errors import DanceReIDError
from ..common.files import replaced, usable
from ..common.progress import progress
from .check_training import check_same
from .gpu import sent
from .learner import Learner
from .loader import load_batches
from .model_folder import LOG, PICTURES, save_state
from .samplers import Sampler

_EVERY_S = 60.0  # a state is written after this time; one of ResNet-50 takes most of a second


@dataclass
class Training:
    """A training, at any of its steps.

    What a step does depends on the seed, its number and the weights alone: so one that was
    stopped ends with the same weights as one that was not.

    Attributes:
        learner: the nets, and what a step does with them.
        sampler: gives the batches, with the class of each image.
        arrays: the examples, as `as_arrays` gives them.
        folder: where log and state are written.
        steps: number of steps of the whole training.
        facts: what all depends on; a state with other facts is not resumed.
        workers: number of processes that decode.
        step: number of steps done.
        scores: of evaluations so far, to choose by: step and mAP.
        seconds: time that the steps took.
    """

    learner: Learner
    sampler: Sampler
    arrays: Any
    folder: Path
    steps: int
    facts: dict[str, Any]
    workers: int = 0
    step: int = 0
    scores: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0
    _log: list[dict[str, Any]] = field(default_factory=list)
    _sums: dict[str, float] = field(default_factory=dict)  # of the epoch's steps so far

    @property
    def device(self) -> torch.device:
        """The device of the nets."""
        return next(self.learner.encoder.parameters()).device

    def state(self) -> dict[str, Any]:
        """All that the next steps depend on."""
        return {
            "facts": json.dumps(self.facts),
            "step": self.step,
            "learner": self.learner.state(),
            "log": json.dumps(self._log),
            "scores": json.dumps(self.scores),
            "seconds": self.seconds,
            "sums": dict(self._sums),
        }

    def resume(self, state: dict[str, Any]) -> None:
        """Continues from a state.

        Raises:
            DanceReIDError: it is of another training.
        """
        check_same(self.folder, self.facts, json.loads(state["facts"]))
        self.learner.resume(state["learner"])
        self.step, self._sums = state["step"], dict(state["sums"])
        self._log, self.scores = json.loads(state["log"]), json.loads(state["scores"])
        self.seconds = state["seconds"]

    def save(self) -> None:
        """Writes the state."""
        with usable(self.folder):
            save_state(self.folder, self.state())

    def run(self, until: int) -> None:
        """Takes steps up to a number of steps. A state is written on the way and at the end.

        Raises:
            DanceReIDError: the loss is not finite, memory is not enough, or the disk refuses.
        """
        self.learner.train()
        saved = before = time.monotonic()
        with (
            usable(self.folder),
            progress(total=self.steps, initial=self.step, desc="Training", unit=" steps") as bar,
        ):
            # The losses of a step are read when the next one has begun: a GPU never waits.
            begun: deque[tuple[dict[str, Tensor], int]] = deque()
            for batch, rows in self._batches(until):
                begun.append((self._begin(self.step + len(begun), batch, rows), len(rows)))
                step = self.step + len(begun)
                is_due = step == until or time.monotonic() - saved > _EVERY_S
                while len(begun) > (0 if is_due or step % len(self.sampler) == 0 else 1):
                    before = self._finish(*begun.popleft(), before, bar)
                if is_due:
                    self.save()
                    saved = time.monotonic()

    @property
    def log(self) -> list[dict[str, Any]]:
        """A line an epoch: means of the losses, rate."""
        return self._log

    def _batches(self, until: int) -> Iterator[tuple[dict[str, Any], Any]]:
        """The batches of the steps to come, and their rows."""
        coming = _Coming(self.sampler, self.step, until)
        # One loader for all of them: its workers live on.
        loader = load_batches(self.arrays, coming, self.workers, for_gpu=self.device.type == "cuda")
        yield from zip(loader, coming, strict=True)

    def _begin(self, step: int, batch: dict[str, Any], rows: Any) -> dict[str, Tensor]:
        """Takes a step, which a GPU may still compute at the end."""
        random = np.random.default_rng((self.sampler.seed, step))
        recipe = self.learner.recipe
        self.learner.set_rate(recipe.rate(step / self.steps))
        try:
            images, keypoints = (sent(batch[name], self.device) for name in ("image", "keypoints"))
            classes = sent(self.sampler.images.classes[rows], self.device)
            return self.learner.step(images, keypoints, classes, random)
        except (torch.OutOfMemoryError, MemoryError) as error:
            raise DanceReIDError(
                f"Step {step}: the memory of {self.device} is not enough for batches of "
                f"{len(rows)} images. Use a smaller --batch than {recipe.batch}."
            ) from error

    def _finish(self, terms: dict[str, Tensor], images: int, before: float, bar: Any) -> float:
        """Waits for a step, and counts it. Returns the time."""
        losses = dict(zip(terms, torch.stack(list(terms.values())).tolist(), strict=True))
        if not math.isfinite(sum(losses.values())):
            raise DanceReIDError(
                f"Step {self.step}: expected a finite loss, got "
                f"{', '.join(f'{name} {value}' for name, value in losses.items())}. Use a smaller "
                f"learning rate than {self.learner.recipe.lr:g} (--lr)."
            )
        now = time.monotonic()
        self._count(losses, images, now - before)
        shown = {name: f"{value:.3f}" for name, value in losses.items()}
        bar.set_postfix(shown, refresh=False)  # or each step would have a line in a log
        bar.update()
        return now

    def _count(self, losses: dict[str, float], images: int, seconds: float) -> None:
        """Adds a step to the epoch's line; at the epoch's end, writes it."""
        for name, value in {**losses, "images": images, "seconds": seconds, "steps": 1}.items():
            self._sums[name] = self._sums.get(name, 0.0) + value
        self.seconds += seconds
        self.step += 1
        if self.step % len(self.sampler) and self.step < self.steps:
            return
        sums, steps = self._sums, self._sums["steps"]
        line = {
            "epoch": math.ceil(self.step / len(self.sampler)),
            "step": self.step,
            "lr": self.learner.recipe.lr * self.learner.recipe.rate((self.step - 1) / self.steps),
            **{name: round(sums[name] / steps, 5) for name in losses},
            "images_per_s": round(sums["images"] / max(sums["seconds"], 1e-9), 1),
        }
        self._log.append(line)
        self._sums = {}
        self.learner.draw(self.folder / PICTURES / f"epoch-{line['epoch']:04}.png")
        with replaced(self.folder / LOG) as unfinished:
            unfinished.write_text("".join(json.dumps(each) + "\n" for each in self._log), "utf-8")


@dataclass(frozen=True)
class _Coming:
    """The rows of each step from one to another, over all epochs."""

    sampler: Sampler
    start: int
    until: int

    def __iter__(self) -> Iterator[Any]:
        epoch, skipped = divmod(self.start, len(self.sampler))
        batches = chain.from_iterable(self.sampler.batches(each) for each in count(epoch))
        return islice(batches, skipped, skipped + self.until - self.start)
