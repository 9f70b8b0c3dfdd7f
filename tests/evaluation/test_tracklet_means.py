"""Features of tracklets: the mean of those of their crops."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest

import dancereid
from dancereid_pipeline.common.errors import FeaturesError
from tests.support.command import refusal, run


def test_means_worked_by_hand() -> None:
    features = np.array([[1, 2], [3, 4], [10, 0], [0, 0], [0, 3]], np.float32)
    found = dancereid.tracklet_means(features, [2, 1, 2])
    assert found.dtype == np.float64
    assert found.tolist() == [[2, 3], [10, 0], [0, 1.5]]


@pytest.mark.parametrize("lengths", [[2, 2], [2, 1, 3], [5, 0], []])
def test_lengths_that_do_not_fit_are_refused(lengths: list[int]) -> None:
    with pytest.raises(FeaturesError, match="expected one row for each of the"):
        dancereid.tracklet_means(np.ones((5, 2)), lengths)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def tracklets(cache: str) -> datasets.Dataset:
    """Cut into short ones, so that each person of the demo has several."""
    return dancereid.load_dataset(
        "demo", split="test", unit="tracklet", max_length=6, cache_dir=cache
    )


def evaluated(path: Path, cache: str, *more: object) -> dict[str, Any]:
    done = run(
        "evaluate", path, "--config", "demo", "--unit", "tracklet", "--max-length", 6,
        "--cache-dir", cache, "--json", *more,
    )  # fmt: skip
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def test_evaluate_takes_features_of_crops_and_of_tracklets(
    tracklets: datasets.Dataset, cache: str, tmp_path: Path
) -> None:
    people, frames = tracklets["person_id"][:], tracklets["frames"][:]
    lengths = [len(each) for each in frames]
    assert len(lengths) > 20
    random = np.random.default_rng(0)
    rows = random.normal(size=(sum(lengths), 8)) + np.repeat(people, lengths)[:, None] / 4
    starts = np.cumsum([0, *lengths])
    means = np.stack([rows[a:b].mean(axis=0) for a, b in pairwise(starts)])
    expected = dancereid.evaluate(means, people, [each[0] for each in frames])
    assert 0.1 < expected.to_dict()["mean_ap"] < 0.99
    assert expected.to_dict()["counts"]["queries"] == len(lengths)

    np.save(tmp_path / "by_order.npy", rows)
    np.save(tmp_path / "of_tracklets.npy", means)
    order = random.permutation(len(rows))
    np.savez(
        tmp_path / "by_key.npz",
        feature=rows[order],
        person_id=np.repeat(people, lengths)[order],
        video_id=np.repeat(tracklets["video_id"][:], lengths)[order],
        frame=np.concatenate(frames)[order],
    )
    for name in ("by_order.npy", "of_tracklets.npy", "by_key.npz"):
        found = evaluated(tmp_path / name, cache)
        for score in ("mean_ap", "mean_inp", "cmc_cuhk03", "cmc_market1501"):
            assert found[score] == pytest.approx(expected.to_dict()[score], abs=1e-12)
        assert found["counts"]["queries"] == len(lengths)
    shown = evaluated(tmp_path / "by_order.npy", cache, "--show", tmp_path / "ranked.png")
    assert "mean of each tracklet" in shown["features"]["joined"]
    assert (tmp_path / "ranked.png").stat().st_size > 10_000


def test_extract_gives_a_row_for_each_crop_of_a_tracklet(
    tracklets: datasets.Dataset, cache: str, tmp_path: Path
) -> None:
    out = tmp_path / "features.parquet"
    asked = ("--model", "colour", "--config", "demo", "--cache-dir", cache)
    run("extract", *asked, "--output", out, "--unit", "tracklet", "--max-length", 6)
    run("extract", *asked, "--output", tmp_path / "crops.parquet")
    columns = ["person_id", "frame", "feature"]
    one, other = (
        sorted(map(repr, datasets.Dataset.from_parquet(str(p), columns=columns).to_list()))
        for p in (out, tmp_path / "crops.parquet")
    )
    assert len(one) == 145
    assert one == other
    assert evaluated(out, cache)["mean_ap"] > 0.95


def test_tracklets_with_common_crops_are_not_scored(
    cache: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "x.npy", np.ones((145, 2)))
    asked = ["evaluate", tmp_path / "x.npy", "--config", "demo", "--cache-dir", cache]
    more = ["--unit", "tracklet", "--max-length", 6, "--overlap", 2]
    code, said = refusal([*asked, *more], capsys)
    assert code == 2
    assert "tracklets that have crops in common are matches of each other" in said
    code, said = refusal([*asked, "--unit", "frame"], capsys)
    assert code == 1
    assert "expected crops, got frames" in said
