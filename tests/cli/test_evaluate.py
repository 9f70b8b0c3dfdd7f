"""`dancereid extract` and `dancereid evaluate` as a user runs them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest
from PIL import Image

import dancereid
from dancereid_pipeline.evaluation.evaluate import evaluate
from dancereid_pipeline.evaluation.top_k import nearest
from dancereid_pipeline.preview.ranking_sheet import chosen_queries, ranked_gallery
from tests.support.command import refusal, run


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A cache with the demo in it."""
    folder = str(tmp_path_factory.mktemp("cache"))
    dancereid.load_dataset("demo", cache_dir=folder)
    return folder


@pytest.fixture(scope="module")
def demo_test(cache: str) -> datasets.Dataset:
    return dancereid.load_dataset("demo", split="test", cache_dir=cache)


@pytest.fixture(scope="module")
def features(cache: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Colour features of the demo's test split."""
    path = tmp_path_factory.mktemp("features") / "features.parquet"
    done = run(
        "extract", "--model", "colour", "--config", "demo", "--cache-dir", cache,
        "--output", path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert f"{path}: 145 images, 512 columns, of test" in done.stdout
    return path


def noise(demo_test: datasets.Dataset, strength: float) -> tuple[Any, Any, Any]:
    """Features of the demo that are right about as often as not."""
    people, frames = np.array(demo_test["person_id"][:]), np.array(demo_test["frame"][:])
    rows = (
        np.random.default_rng(0).normal(size=(len(people), 6))
        + strength * np.eye(12)[people][:, 6:]
    )
    return rows, people, frames


def test_from_dataset_to_score_on_the_demo(features: Path, cache: str, tmp_path: Path) -> None:
    picture = tmp_path / "new" / "ranked.png"
    done = run(
        "evaluate", features, "--config", "demo", "--cache-dir", cache, "--by", "style",
        "--bootstrap", 100, "--draws", 10, "--show", picture,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = done.stdout
    assert said.startswith("mAP 100.00   mINP 100.00   (%)")
    assert "CUHK03            100.00   100.00" in said
    assert "drawn 10 times" in said
    assert "DanceReID 'demo': 4 of 4 videos" in said
    assert "made by 'colour', joined by video_id, person_id, frame." in said
    assert "people resampled 100 times (seed 0): mAP 100.0 to 100.0" in said
    assert "House       76  100.0" in said
    assert "another build" not in done.stderr
    assert str(picture) in done.stderr
    assert Image.open(picture).size[0] > 1000


def test_json_has_the_scores_and_what_names_them(
    demo_test: datasets.Dataset, cache: str, tmp_path: Path
) -> None:
    rows, people, frames = noise(demo_test, 1.5)
    np.savez(tmp_path / "f.npz", feature=rows, person_id=people)
    done = run(
        "evaluate", tmp_path / "f.npz", "--config", "demo", "--cache-dir", cache, "--json",
        "--distance", "cosine", "--by", "person", "--bootstrap", 50,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    expected = evaluate(rows, people, frames, distance="cosine")
    assert 0.3 < found["mean_ap"] < 0.9
    for name in ("mean_ap", "mean_inp", "cmc_cuhk03", "cmc_market1501", "cmc_allshots"):
        assert found[name] == expected.to_dict()[name]
    low, high = found["intervals_95"]["mean_ap"]
    assert low < found["mean_ap"] < high
    assert found["features"]["joined"] == "by order, person_id compared"
    assert found["split"] == "test"
    assert found["protocol"]["distance"] == "cosine"
    assert found["dataset"]["config"] == "demo"
    assert found["dataset"]["fingerprint"] == dancereid.coverage(demo_test).fingerprint
    assert sorted(found["by"]["person"]) == sorted(str(p) for p in set(people.tolist()))


def test_a_prepared_folder_is_scored_and_another_build_is_said(
    features: Path, cache: str, tmp_path: Path
) -> None:
    one_video = dancereid.load_dataset("demo", videos=["demoKpop_03"], cache_dir=cache)
    folder = tmp_path / "dancereid"
    dancereid.prepare(one_video, folder)
    done = run("evaluate", features, "--dataset", folder, "--by", "video")
    assert done.returncode == 0, done.stderr
    assert "Queries: 69 of 3 people" in done.stdout
    assert "76 rows of other images left out" in done.stdout
    assert "1 of 4 videos" in done.stdout
    assert "demoKpop_03       69" in done.stdout
    assert "was made from another build (config 'demo', fingerprint " in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["short.npy", "--config", "demo"], 1, "expected 145 rows, one for each image"),
        (["none.npy", "--config", "demo"], 1, "none.npy: cannot be read as .npy"),
        (["short.npy", "--dataset", "x", "--stride", "1"], 2, "so --stride cannot be given"),
        (
            ["short.npy", "--dataset", "nowhere"],
            1,
            "nowhere: there is no such folder. Expected one",
        ),
    ],
)
def test_a_users_mistakes_are_a_line(
    arguments: list[str],
    code: int,
    message: str,
    cache: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("short.npy", np.eye(144, 3))
    got, line = refusal(["evaluate", *arguments, "--cache-dir", cache], capsys)
    assert got == code
    assert message in line


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["evaluate", "right.npy", "--config", "demo", "paper"], 2, "unrecognized arguments: pape"),
        (
            ["evaluate", "right.npy", "--split", "extra"],
            2,
            "config 'demo' has trainval and test",
        ),
        (
            ["evaluate", "right.npy", "--show", "x.nothing"],
            2,
            "--show: expected a name that ends",
        ),
        (["evaluate", "right.npy", "--show", "taken/x.png"], 1, "taken: cannot be written to ("),
        (["evaluate", "right.npy", "--bootstrap", "-1"], 2, "bootstrap: expected a whole number"),
        (["evaluate", "right.npy", "--stride", "0"], 2, "stride: expected a whole number from 1"),
        (["evaluate", "right.npy", "-j", "0"], 2, "num_proc: expected a whole number from 1"),
        (["extract", "--output", "x.txt"], 2, "--output: expected a name that ends in .parquet"),
        (["extract", "--output", "taken/x.parquet"], 1, "taken: cannot be written to ("),
        (["extract", "--output", "x.parquet", "--split", "extra"], 2, "--split: config 'demo' has"),
    ],
)
def test_what_can_be_refused_before_a_build_is(
    arguments: list[str],
    code: int,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("right.npy", np.eye(145, 3))
    Path("taken").write_text("mine")
    command, *rest = arguments
    model = ["--model", "colour"] if command == "extract" else []
    where = ["--config", "demo", "--cache-dir", "cache", *model]
    got, line = refusal([command, *where, *rest], capsys)
    assert got == code
    assert message in line
    assert sorted(path.name for path in Path().iterdir()) == ["right.npy", "taken"]


def test_exit_codes(cache: str, tmp_path: Path) -> None:
    done = run("evaluate", tmp_path / "none.npy", "--config", "demo", "--cache-dir", cache)
    assert (done.returncode, done.stdout) == (1, "")
    start = f"dancereid evaluate: {tmp_path / 'none.npy'}: cannot be read as .npy"
    assert done.stderr.startswith(start)


# -- the picture


def test_shown_queries_go_from_best_to_worst(demo_test: datasets.Dataset) -> None:
    result = evaluate(*noise(demo_test, 1.5))
    queries = chosen_queries(result.per_query, 5)
    precision = result.per_query.average_precision
    assert len(set(queries)) == 5
    assert precision[queries].tolist() == sorted(precision[queries].tolist(), reverse=True)
    assert precision[queries[-1]] < np.quantile(precision, 0.2)
    assert len(set(result.per_query.person_ids[queries].tolist())) == 5


def test_right_and_wrong_are_framed_as_they_are(demo_test: datasets.Dataset) -> None:
    images = noise(demo_test, 1.5)
    result = evaluate(*images)
    found = nearest(*images, chosen_queries(result.per_query, 3), top=7)
    sheet = ranked_gallery(demo_test, found, result.per_query.average_precision)
    colours = {True: (0x1A, 0x8F, 0x3C), False: (0xCF, 0x2A, 0x2A)}
    seen = set()
    for row, ranking in enumerate(found):
        for place, right in enumerate(ranking.right):
            # The upper left corner of the frame: label 150, gap 16, cells of 102 x 206.
            corner = (166 + (place + 1) * 102, 46 + row * 206)
            assert sheet.getpixel(corner) == colours[bool(right)]
            seen.add(bool(right))
    assert seen == {True, False}
