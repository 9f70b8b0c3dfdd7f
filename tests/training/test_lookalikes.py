"""Trainings that learn: rendered people who look alike, test people who were not trained on."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import datasets
import pytest

import dancereid
from dancereid_pipeline.cli.main import main

torch = pytest.importorskip("torch", reason="needs torch: make test-slow")

from dancereid_pipeline.training.augmentation import resized, resized_keypoints  # noqa: E402  # they need torch
from dancereid_pipeline.training.encoder import Design, Encoder  # noqa: E402
from dancereid_pipeline.training.loader import load_batches  # noqa: E402
from dancereid_pipeline.training.methods import recipe  # noqa: E402
from dancereid_pipeline.training.model_folder import load_model, warm_start  # noqa: E402
from dancereid_pipeline.training.objective import objective  # noqa: E402
from dancereid_pipeline.training.sampling import people_of_videos, sampler_of  # noqa: E402

pytestmark = pytest.mark.slow
SOFTMAX = {"method": "softmax", "weights": "none", "batch": 96, "steps": 700, "lr": 0.005}
# The rates that triplet and st-reidnet were published with are for 100 epochs: in 100 steps nothing
# is seen of them. At three times this rate, triplet collapses.
OPTIONS: dict[str, dict[str, Any]] = {
    "siamese": {"batch": 16, "steps": 100},
    "triplet": {"batch": 16, "steps": 500, "lr": 0.01},
    "st-reidnet": {"batch": 4, "steps": 100, "lr": 0.01},
    "strong": {"batch": 48, "steps": 200},
    "parts": {"batch": 48, "steps": 200},
}
# What is left of a method's own loss: 0.70, 0.968, 0.62, and less than 0.9 twice, were found.
FACTORS = {"siamese": 0.85, "triplet": 0.975, "st-reidnet": 0.8, "strong": 0.95, "parts": 0.95}


@pytest.fixture(scope="module")
def images(lookalikes: Path) -> Any:
    """The images to train on."""
    return datasets.load_dataset(str(lookalikes))["trainval"]


def train(folder: Path, output: Path, **options: Any) -> dict[str, Any]:
    """`dancereid train` with the small net; what its result says."""
    options = {"backbone": "small", "dataset": folder, "output": output, **options}
    words = [f"--{name}={value}" for name, value in options.items()]
    assert main(["train", "--quiet", *words]) == 0
    return json.loads((output / "result.json").read_text())


@pytest.fixture(scope="module")
def softmax(lookalikes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Softmax from random weights, 700 steps."""
    output = tmp_path_factory.mktemp("models") / "softmax"
    train(lookalikes, output, **SOFTMAX)
    return output


def own_loss(method: str, encoder: Any, images: Any) -> float:
    """A method's loss, without that of a generator, on one batch that is always the same."""
    chosen = replace(recipe(method), batch=OPTIONS[method]["batch"])
    people, videos = images["person_id"][:], images["video_id"][:]
    of_videos = people_of_videos(videos, people)
    sampler = sampler_of(chosen, people, images["frame"][:], of_videos, seed=99)
    rows = next(iter(sampler.batches(0)))
    batch = next(iter(load_batches(dancereid.as_arrays(images), [rows])))
    size = encoder.design.size
    keypoints = resized_keypoints(batch["keypoints"], batch["image"].shape[1:3], size)
    classes = torch.from_numpy(sampler.images.classes[rows])
    with torch.no_grad():
        pixels = resized(batch["image"], size)
        return float(sum(objective(chosen, encoder.train(), pixels, keypoints, classes).values()))


def test_softmax_from_random_weights_beats_the_floor(softmax: Path) -> None:
    result = json.loads((softmax / "result.json").read_text())
    assert (result["steps"], result["images"], result["people"]) == (700, 2400, 80)
    assert result["test"]["mAP"] >= 25


@pytest.mark.parametrize("method", OPTIONS)
def test_the_others_learn_from_its_weights(
    method: str, softmax: Path, images: Any, lookalikes: Path, tmp_path: Path
) -> None:
    torch.manual_seed(0)  # as the training does
    begun = Encoder(Design.of(recipe(method), "small", people=80))
    warm_start(begun, softmax)
    start = own_loss(method, begun, images)

    def learned(model: Path) -> bool:
        return own_loss(method, load_model(model), images) < FACTORS[method] * start

    options = {"method": method, "weights": softmax, **OPTIONS[method]}
    result = train(lookalikes, tmp_path / "trained", **options)
    assert learned(tmp_path / "trained")
    assert result["test"]["mAP"] > 20  # chance is 5.7
    train(lookalikes, tmp_path / "kept", **{**options, "lr": 0, "steps": 5})
    assert not learned(tmp_path / "kept")
