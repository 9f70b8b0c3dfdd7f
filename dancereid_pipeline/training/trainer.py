"""Makes the net, trains it, chooses weights, scores them, writes the model's folder."""

from __future__ import annotations

import logging
import platform
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import safetensors
import torch

from ..build.coverage import Coverage
from ..build.numpy_view import as_arrays
from ..common.device import usable_device
from ..common.errors import KEPT, interruptible
from ..common.files import now, remove_unfinished, replaced, write_json
from ..evaluation.evaluate import evaluate
from .card import model_card
from .check_training import check_same
from .curves import draw_curves
from .encoder import Design, Encoder
from .extract import encoder_features, features_of
from .learner import EncoderLearner, Learner
from .loop import Training
from .memory import check_memory
from .methods import Recipe
from .model_folder import (
    RESULT,
    UNFINISHED,
    load_model,
    load_state,
    read_result,
    save_model,
    warm_start,
)
from .samplers import Sampler
from .st_reidnet import StReIDNet

logger = logging.getLogger("dancereid")

_EVALUATIONS = 10  # of a training that is chosen from


@dataclass(frozen=True)
class Trainer:
    """All that a training is made of; `run` does it.

    Attributes:
        facts: what the result says of it.
        recipe: the recipe.
        sampler: gives the batches.
        arrays: the examples to train on.
        scored: examples to score: "test", and "held-out".
        coverage: the dataset's coverage, if it has one.
        folder: the folder to write.
        device: name of the device.
        workers: number of processes that decode.
    """

    facts: dict[str, Any]
    recipe: Recipe
    sampler: Sampler
    arrays: Any
    scored: dict[str, Any]
    coverage: Coverage | None
    folder: Path
    device: str
    workers: int

    def run(self) -> dict[str, Any]:
        """Trains, or continues what is in the folder, and returns the result.

        Raises:
            DanceReIDError: as `train`.
        """
        remove_unfinished(self.folder)
        unfinished = (self.folder / UNFINISHED).exists()
        if not unfinished and (self.folder / RESULT).exists():
            result = read_result(self.folder)
            check_same(self.folder, self.facts, result)
            return result
        training = self._training()
        if unfinished:
            training.resume(load_state(self.folder))
        kept = f"{KEPT}, --resume continues it"
        with interruptible(kept, (self.folder / UNFINISHED).exists):
            scores = self._chosen(training)
        return self._finish(training, scores)

    def _training(self) -> Training:
        torch.manual_seed(self.facts["seed"])
        weights = self.facts["weights"]
        design = Design.of(self.recipe, self.facts["backbone"], len(self.sampler.images.person_ids))
        encoder = Encoder(design, pretrained=weights == "hub")
        if weights == "none":
            logger.warning("The backbone begins with random weights (weights: none).")
            if self.recipe.triplet or self.recipe.verification:
                logger.warning(
                    "The triplet loss and verification may collapse from random weights: a triplet "
                    "loss that stays at 0.69 learns nothing. Train with the method softmax first, "
                    "and begin with its folder (--weights FOLDER)."
                )
        elif weights != "hub":
            warm_start(encoder, Path(weights).expanduser())
        encoder = encoder.to(usable_device(self.device))
        learner: Learner = (
            StReIDNet(encoder, self.recipe, pretrained=weights != "none")
            if self.recipe.generates
            else EncoderLearner(encoder, self.recipe)
        )
        check_memory(learner, len(next(iter(self.sampler.batches(0)))))
        return Training(
            learner,
            self.sampler,
            self.arrays,
            self.folder,
            self.facts["steps"],
            self.facts,
            self.workers,
        )

    def _chosen(self, training: Training) -> list[dict[str, Any]]:
        """Trains; leaves the chosen weights in the folder. The scores that it was chosen by."""
        select = self.facts["select"]
        by = {"held-out": "held-out", "published": "test"}.get(select)
        for step in _evaluations(select, training.steps):
            if step <= training.step and any(each["step"] == step for each in training.scores):
                continue
            training.run(step)
            score = self._score(training.learner.encoder, by)["mAP"] if by else 0.0
            best = max((each["mAP"] for each in training.scores), default=-1.0)
            if score > best:
                save_model(self.folder, training.learner.encoder)
            training.scores.append({"step": step, "mAP": score})
            training.save()
        return training.scores if by else []

    def _score(self, encoder: Encoder, name: str) -> dict[str, float]:
        """The scores of a set of images, in percent."""
        images = self.scored[name]
        rows = features_of(as_arrays(images), encoder_features(encoder), self.workers)
        result = evaluate(rows, images["person_id"][:], images["frame"][:], coverage=self.coverage)
        found = result.to_dict()
        return {
            "mAP": round(100 * found["mean_ap"], 2),
            **{
                f"rank-{rank} {protocol}": round(100 * found[f"cmc_{protocol}"][rank - 1], 2)
                for protocol in ("cuhk03", "market1501")
                for rank in (1, 5)
            },
        }

    def _finish(self, training: Training, scores: list[dict[str, Any]]) -> dict[str, Any]:
        encoder = load_model(self.folder).to(usable_device(self.device))
        select = self.facts["select"]
        result = {
            **self.facts,
            "selection": {
                "last": "the last weights",
                "held-out": "the best of ten evaluations on the last ten people, who were not "
                "trained on, or on the split validation",
                "published": "the best of ten evaluations on the test set itself, as published: "
                "too good to be compared with honest scores",
            }[select],
            "evaluations": scores,
            "device": self._device_name(),
            "threads": torch.get_num_threads(),
            "images_per_s": training.log[-1]["images_per_s"],
            "seconds": round(training.seconds, 1),
            "versions": _versions(),
            "finished": now(),
            "test": self._score(encoder, "test") if "test" in self.scored else None,
        }
        draw_curves(self.folder, training.log)
        with replaced(self.folder / "README.md") as unfinished:
            unfinished.write_text(model_card(result), "utf-8")
        write_json(self.folder / RESULT, result)
        (self.folder / UNFINISHED).unlink()
        return result

    def _device_name(self) -> str:
        device = torch.device(self.device)
        return torch.cuda.get_device_name(device) if device.type == "cuda" else str(device)


def _evaluations(select: str, total: int) -> list[int]:
    """The steps after which a training is scored to choose; the last step if nothing is chosen."""
    if select == "last":
        return [total]
    return sorted({max(1, round(total * n / _EVALUATIONS)) for n in range(1, _EVALUATIONS + 1)})


def _versions() -> dict[str, str]:
    """The versions of what shapes a training, for the result."""
    return {
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "safetensors": safetensors.__version__,
        "dancereid": version("dancereid"),
    }
