from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dancereid
from dancereid_pipeline.cli.main import main
from dancereid_pipeline.common import progress
from dancereid_pipeline.common.errors import DanceReIDError, SourceError
from tests.conftest import PROJECT
from tests.support.command import refusal

torch = pytest.importorskip("torch", reason="needs torch: make test-slow")

from dancereid_pipeline.training import learner, loop, memory  # noqa: E402  # after the check for torch
from dancereid_pipeline.training.model_folder import load_model, read_tensors  # noqa: E402

pytestmark = pytest.mark.slow
FAST = {"backbone": "small", "weights": "none", "batch": 40, "lr": 0.002}


@pytest.fixture(scope="module")
def trained(demo_built: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Softmax on the demo, two epochs of three steps, not stopped."""
    folder = tmp_path_factory.mktemp("models") / "softmax"
    dancereid.train(demo_built, folder, epochs=2, **FAST)
    return folder


def test_the_result_says_what_was_done(trained: Path, demo_built: Any) -> None:
    result = json.loads((trained / "result.json").read_text())
    assert result["method"] == "softmax"
    assert (result["preset"], result["switches"]) == ("mended", [])
    assert (result["config"], result["images"], result["people"]) == ("demo", 120, 6)
    assert result["fingerprint"] == dancereid.coverage(demo_built).fingerprint
    assert (result["steps"], result["seed"], result["device"]) == (6, 0, "cpu")
    assert result["selection"] == "the last weights"
    assert result["versions"]["torch"] == torch.__version__
    assert result["recipe"]["lr"] == 0.002
    lines = [json.loads(line) for line in (trained / "log.jsonl").read_text().splitlines()]
    assert [(line["epoch"], line["step"]) for line in lines] == [(1, 3), (2, 6)]
    assert lines[1]["classification"] < lines[0]["classification"]
    assert "| mAP |" in (trained / "README.md").read_text()
    assert (trained / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert not (trained / "unfinished.pt").exists()
    test = demo_built["test"]
    rows = dancereid.extract(test, trained)
    assert (rows.shape, rows.dtype) == ((145, 192), np.float32)
    scores = dancereid.evaluate(rows, test["person_id"][:], test["frame"][:])
    assert result["test"]["mAP"] == round(100 * scores.to_dict()["mean_ap"], 2)


def test_workers_decode_the_same(trained: Path, demo_built: Any, tmp_path: Path) -> None:
    dancereid.train(demo_built, tmp_path, epochs=2, workers=1, **FAST)
    one, other = (read_tensors(f / "model.safetensors") for f in (trained, tmp_path))
    assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks, which Windows cannot")
@pytest.mark.parametrize("options", [{}, {"method": "st-reidnet", "batch": 4, "lr": 0.01}])
def test_killed_ten_times_and_resumed_the_weights_are_the_same(
    options: dict[str, Any], demo_built: Any, demo_cache: str, tmp_path: Path
) -> None:
    options = {"method": "softmax", **FAST, "steps": 6, **options}
    words = ["train", *(f"--{name}={value}" for name, value in options.items())]
    words += ["--config", "demo", "--cache-dir", demo_cache, "--quiet", "--json"]
    program = [sys.executable, "-m", "tests.support.killed_training"]
    asked = json.dumps({"words": words, "folder": str(tmp_path)})
    done = subprocess.run(
        [*program, asked], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    left = json.loads(done.stdout.splitlines()[-1])
    assert len(left) == 10
    # The first three kills came before there was a state; a half-written one has another name.
    assert ["unfinished.pt" in names for names in left] == [False] * 3 + [True] * 7
    assert any(name.startswith(".unfinished-") for name in left[1])
    assert "model.safetensors" in left[9]
    assert not any("result.json" in names for names in left)
    assert not list((tmp_path / "killed").glob(".unfinished-*"))
    names = ("whole", "killed")
    whole, again = (read_tensors(tmp_path / name / "model.safetensors") for name in names)
    assert set(whole) == set(again)
    assert all(torch.equal(whole[name], again[name]) for name in whole)
    logs = [
        (tmp_path / name / "log.jsonl").read_text().splitlines() for name in ("whole", "killed")
    ]
    losses = [[json.loads(line)["classification"] for line in log] for log in logs]
    assert losses[0] == losses[1] != []


def test_another_training_is_not_resumed_and_a_finished_one_is_not_replaced(
    trained: Path, demo_built: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DanceReIDError, match=r"found a training there. Continue it with --resume"):
        dancereid.train(demo_built, trained, epochs=2, **FAST)
    result = json.loads((trained / "result.json").read_text())
    assert dancereid.train(demo_built, trained, epochs=2, resume=True, **FAST) == result
    with pytest.raises(DanceReIDError, match="found another one, with seed 0 and not 1"):
        dancereid.train(demo_built, trained, epochs=2, seed=1, resume=True, **FAST)
    fewer = {**demo_built, "trainval": demo_built["trainval"].select(range(100))}
    with pytest.raises(DanceReIDError, match="found another one, with images 120 and not 100"):
        dancereid.train(fewer, trained, epochs=2, resume=True, **FAST)
    score = "dancereid_pipeline.training.trainer.Trainer._finish"
    monkeypatch.setattr(score, lambda *arguments: {})  # as if it was killed before its end
    dancereid.train(demo_built, tmp_path, steps=1, **FAST)
    with pytest.raises(DanceReIDError, match=r"with lr 0.002 and not 0.1\. Repeat its options"):
        dancereid.train(demo_built, tmp_path, steps=1, resume=True, **{**FAST, "lr": 0.1})


def test_a_command_refuses_its_folder_before_it_loads_the_dataset(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "other" / "notes.txt"
    file.parent.mkdir()
    file.write_text("Not of a training.")
    options = [f"--{name}={value}" for name, value in {**FAST, "epochs": 2}.items()]

    def refused(output: Path, message: str, *more: str, command: str = "train") -> None:
        # Loading would be refused, too: there is no such folder.
        words = [command, "--output", output, "--data-dir", tmp_path / "none", *options, *more]
        _, said = refusal([*words, *(["--method", "softmax"] * (command == "train"))], capsys)
        assert message in said

    refused(tmp_path / "other", "expected a new folder, or one with a training to resume, found no")
    refused(tmp_path / "other", "found notes.txt. Name another folder", "--resume")
    refused(file / "model", "Not a directory")
    refused(trained, "found a training there. Continue it with --resume")
    refused(trained, "found another one, with seed 0 and not 1", "--resume", "--seed=1")
    refused(tmp_path / "new", "found nothing at 'no.safetensors'", "--weights=no.safetensors")
    refused(tmp_path / "new", "lr: expected a number from 0", "--lr=-1")
    refused(tmp_path / "other", "with trainings of this table, found notes", command="reproduce")
    (tmp_path / "softmax-seed-0").symlink_to(trained)
    more = ("--methods", "softmax", "--seeds=2", "--lr=0.1")
    refused(tmp_path, "found another one, with lr 0.002 and not 0.1", *more, command="reproduce")
    assert not (tmp_path / "new").exists()
    assert file.read_text() == "Not of a training."


@pytest.mark.parametrize("method", ["siamese", "triplet", "st-reidnet", "strong", "parts"])
def test_the_other_methods_start_from_its_weights(
    trained: Path, demo_built: Any, tmp_path: Path, method: str
) -> None:
    options = {**FAST, "batch": 16, "weights": trained, "lr": 0.0}
    result = dancereid.train(demo_built, tmp_path, method=method, steps=1, **options)
    assert result["test"]["mAP"] > 20
    # With rate 0 nothing was trained: the backbone's weights are those that were given.
    before, after = (read_tensors(f / "model.safetensors") for f in (trained, tmp_path))
    weights = [n for n in before if n.startswith("backbone.") and n.endswith(".weight")]
    assert weights
    assert all(torch.equal(before[name], after[name]) for name in weights)
    assert load_model(tmp_path).design.parts == (method == "parts")


@pytest.mark.parametrize("method", ["softmax", "siamese", "triplet"])
def test_who_begins_with_random_weights_hears_what_may_collapse(
    method: str, demo_built: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    dancereid.train(demo_built, tmp_path, method=method, steps=1, **{**FAST, "batch": 8})
    assert "begins with random weights" in caplog.text
    assert ("may collapse from random weights" in caplog.text) == (method != "softmax")


def test_weights_of_another_backbone_are_refused(
    trained: Path, demo_built: Any, tmp_path: Path
) -> None:
    options = {**FAST, "backbone": "resnet18", "weights": trained}
    with pytest.raises(SourceError, match=r"model.safetensors: expected a tensor 'conv1.weight'"):
        dancereid.train(demo_built, tmp_path, steps=1, **options)


def test_chosen_by_the_test_set_as_published_and_the_result_says_so(
    demo_built: Any, tmp_path: Path
) -> None:
    options = {**FAST, "batch": 60}
    result = dancereid.train(demo_built, tmp_path, epochs=2, select="published", **options)
    assert "too good" in result["selection"]
    assert [each["step"] for each in result["evaluations"]] == [1, 2, 3, 4]
    assert result["test"]["mAP"] == max(each["mAP"] for each in result["evaluations"])
    with pytest.raises(DanceReIDError, match=r"holds out the last 10 people .* has 6"):
        dancereid.train(demo_built, tmp_path / "other", select="held-out", **FAST)


def test_own_splits_train_and_validation(demo_built: Any, tmp_path: Path) -> None:
    test = demo_built["test"]
    splits = {"train": demo_built["trainval"], "validation": test, "test": test}
    options = {**FAST, "steps": 4, "select": "held-out"}
    result = dancereid.train(splits, tmp_path, **options)
    assert (result["images"], result["people"]) == (120, 6)  # nobody of train is held out
    assert result["test"]["mAP"] == max(each["mAP"] for each in result["evaluations"]) > 0


def test_what_goes_wrong_is_one_line(
    trained: Path, demo_built: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(message: str, data: Any = demo_built, **options: Any) -> None:
        with pytest.raises(DanceReIDError, match=message) as raised:
            dancereid.train(data, tmp_path / "new", **{**FAST, "steps": 3, **options})
        assert "\n" not in str(raised.value)

    refused(r"expected a finite loss, got classification .* smaller learning rate", lr=1e30)
    lone = {**demo_built, "trainval": demo_built["trainval"].select([*range(1, 20), 119])}
    refused("Expected at least 2 images of each person, but person", lone, method="triplet")
    refused("people: expected at most 6", method="strong", batch=64)
    if not torch.cuda.is_available():
        refused("device: PyTorch cannot use 'cuda' here", device="cuda")
    refused("weights: the backbone 'small' has none on the Hub", weights="hub")
    refused("lr: expected a number from 0", lr=-1)
    refused(r"trainval.*Load it without split=", demo_built["trainval"])
    refused("or the path of a file or a folder, found nothing at", weights=tmp_path / "no.pt")
    (tmp_path / "a.pt").write_bytes(b"not safetensors")
    refused("expected weights in a safetensors file", weights=tmp_path / "a.pt")

    with monkeypatch.context() as patch:
        patch.setattr(memory, "_free_bytes", lambda device: 50_000_000)
        refused(r"needs about 0.1 GB .* 40 images, and cpu has 0.1 GB .* Use a smaller --batch")
        dancereid.train(demo_built, tmp_path / "fits", steps=1, **{**FAST, "batch": 20})

    def full(*arguments: Any, **options: Any) -> None:
        raise RuntimeError("PytorchStreamWriter failed writing file data/0")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(SourceError, match=r"cannot be used .* failed writing .* Make room there"):
        dancereid.train(demo_built, tmp_path / "full", steps=1, **FAST)

    def out_of_memory(*arguments: Any) -> Any:
        raise torch.OutOfMemoryError

    for module, name in ((learner, "objective"), (loop, "sent")):
        with monkeypatch.context() as patch:
            patch.setattr(module, name, out_of_memory)
            refused("the memory of cpu is not enough for batches of 40 images. Use a smaller --b")


def test_the_commands(
    demo_cache: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = ["--config", "demo", "--cache-dir", demo_cache, "--quiet"]
    model, file = str(tmp_path / "model"), str(tmp_path / "features.parquet")
    options = [f"--{name}={value}" for name, value in FAST.items()]
    words = ["train", "--method", "softmax", "--steps", "2", "--output", model, *options, *data]
    assert main([*words, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    loud = [*words[:-1], "--output", f"{model}-loud", "--steps", "9"]
    bars = sys.modules["datasets.utils.tqdm"]  # the module; the package means its class by it
    monkeypatch.setattr(bars, "_hf_datasets_progress_bars_disabled", False)
    monkeypatch.setattr(progress, "_SHORT_S", 0.0)
    assert main(loud) == 0
    monkeypatch.setattr(bars, "_hf_datasets_progress_bars_disabled", True)
    lines = [x for x in capsys.readouterr().err.splitlines() if x.startswith("Training: ")]
    assert "9 of 9 steps, 100 %" in lines[-1]
    assert "left, classification=" in lines[-1]
    assert len(lines) < 4  # not one a step
    assert main(["extract", "--model", model, "--output", file, *data]) == 0
    assert f"{file}: 145 images, 192 columns, of test" in capsys.readouterr().out
    assert main(["evaluate", file, *data, "--json"]) == 0
    scores = json.loads(capsys.readouterr().out)
    assert round(100 * scores["mean_ap"], 2) == result["test"]["mAP"]
    assert main(["extract", "--model", str(tmp_path), "--output", file, *data]) == 1
    assert "expected a model that dancereid train wrote" in capsys.readouterr().err
