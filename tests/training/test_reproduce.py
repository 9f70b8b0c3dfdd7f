from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import dancereid
from dancereid_pipeline.cli.main import main
from dancereid_pipeline.common.errors import DanceReIDError

pytest.importorskip("torch", reason="needs torch: make test-slow")

from dancereid_pipeline.training import loop  # it needs torch

pytestmark = pytest.mark.slow
FAST = {"backbone": "small", "weights": "none", "batch": 40, "steps": 2, "lr": 0.002}


@pytest.fixture(scope="module")
def table(demo_built: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reproduced") / "table"
    dancereid.reproduce(demo_built, folder, methods=["softmax", "strong"], seeds=2,
                        preset="mended", **{**FAST, "batch": 16})  # fmt: skip
    return folder


def test_the_page_has_our_figures_beside_the_published_ones(table: Path) -> None:
    results = json.loads((table / "table.json").read_text())
    assert [len(results[name]) for name in ("softmax", "strong")] == [2, 2]
    page = (table / "README.md").read_text()
    scores = [run["test"]["mAP"] for run in results["softmax"]]
    mean = f"{sum(scores) / 2:.1f} ({min(scores):.1f} to {max(scores):.1f})"
    assert f"| softmax | 2 | {mean} |" in page
    assert "| softmax | 74.4 | 73.1 | 94.7 |" in page
    assert "| strong | 74" not in page
    assert "| softmax | mended | none | small | none | 2 | the last weights |" in page
    assert "Baselines on DanceReID 'demo'" in page
    for name in ("softmax-seed-0/curves.png", "strong-seed-0/galleries.png"):
        assert f"]({name})" in page
        assert (table / name).read_bytes().startswith(b"\x89PNG")
    fingerprints = {run["fingerprint"] for runs in results.values() for run in runs}
    assert len(fingerprints) == 1


def test_what_is_trained_is_kept_and_what_was_stopped_is_continued(
    table: Path, demo_built: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = json.loads((table / "table.json").read_text())
    options = {**FAST, "batch": 16, "methods": ["softmax", "strong"]}
    with monkeypatch.context() as patch:
        patch.setattr(loop.Training, "run", None)
        again = dancereid.reproduce(demo_built, table, seeds=2, **options)
    assert again == before
    with pytest.raises(DanceReIDError, match=r"with lr 0.002 and not 0.1"):
        dancereid.reproduce(demo_built, table, seeds=2, **{**options, "lr": 0.1})
    stopped, save = [], loop.Training.save

    def stop(training: Any) -> None:
        save(training)
        stopped.append(training.folder.name)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(loop.Training, "save", stop)
        with pytest.raises(KeyboardInterrupt):
            dancereid.reproduce(demo_built, table, seeds=3, **options)
    assert stopped == ["softmax-seed-2"]
    results = dancereid.reproduce(demo_built, table, seeds=3, **options)
    assert [run["seed"] for run in results["strong"]] == [0, 1, 2]
    assert results["softmax"][:2] == before["softmax"]


def test_the_command(demo_cache: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = [f"--{name}={value}" for name, value in FAST.items()]
    words = ["reproduce", "--config", "demo", "--cache-dir", demo_cache, "--quiet", *options]
    words += ["--methods", "softmax", "--preset", "published", "--output", str(tmp_path / "table")]
    assert main(words) == 1  # the small net has no stem of a ResNet
    assert "expected a backbone with the stem of a ResNet" in capsys.readouterr().err
    words[words.index("published")] = "mended"
    assert main(words) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("softmax, seed 0: mAP ")
    assert printed.endswith(f"Page: {tmp_path / 'table' / 'README.md'}\n")
    assert main([*words, "--seeds", "0"]) == 2
