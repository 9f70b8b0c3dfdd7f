"""Joints that are NaN in the tracks: each image is there, and the joint is drawn nowhere."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest

import dancereid
from dancereid_pipeline.build.draw_pose import draw_skeleton
from dancereid_pipeline.build.samples import _say_scores_are_dropped
from dancereid_pipeline.evaluation.colour_baseline import colour_features
from dancereid_pipeline.formats.npy_tracks import write_tracks
from dancereid_pipeline.preview.contact_sheet import contact_sheet
from tests.support.browser import LACKING, Browser
from tests.support.data.folders import load, tracks, write_folder
from tests.support.readers import read_hdf5, read_published

FRAMES = 10
OPTIONS = {"stride": 1, "skeleton": True}
# (person, frame) -> joints that were not seen; of the last one, none was.
MISSING = {(0, 3): [9], (1, 4): [0, 16], (1, 7): list(range(17))}
JOINTS = 2 * FRAMES * 17
COUNTED = f"20 of {JOINTS}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_folder(tmp_path_factory.mktemp("data") / "own", {"aaa": [0, 1]}, frames=FRAMES)
    frames = tracks(FRAMES)
    for (person, frame), joints in MISSING.items():
        frames[frame][person]["pose_pos"][joints, person] = np.nan  # of x or of y
    write_tracks(folder / "npy" / "333_00_aaa_matching.npy", frames)
    return folder


@pytest.fixture(scope="module")
def built(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> datasets.DatasetDict:
    return load(folder, str(tmp_path_factory.mktemp("cache")), **OPTIONS)


def assert_missing(examples: Any) -> None:
    """Each image is there, and exactly the missing joints are NaN."""
    found = {(e["person_id"], e["frame"]): np.array(e["keypoints"], float) for e in examples}
    assert len(found) == 2 * FRAMES
    for key, keypoints in found.items():
        missing = np.isnan(keypoints)
        assert (missing[:, 0] == missing[:, 1]).all()
        assert np.flatnonzero(missing[:, 0]).tolist() == MISSING.get(key, [])


def test_all_images_are_there_built_streamed_and_as_parquet(
    folder: Path, built: datasets.DatasetDict, cache: str, tmp_path: Path
) -> None:
    assert_missing(built["test"])
    assert_missing(load(folder, cache, streaming=True, **OPTIONS)["test"])
    dancereid.prepare(built, tmp_path / "prepared")
    assert_missing(datasets.load_dataset(str(tmp_path / "prepared"), cache_dir=cache)["test"])
    record = (tmp_path / "prepared" / "paper" / "build.json").read_text()
    json.loads(record, parse_constant=pytest.fail)  # JSON has no NaN
    dancereid.prepare(built, tmp_path / "prepared")  # the same build: nothing to replace
    (arrays,) = dancereid.as_arrays(built["test"].select([6]))
    assert np.isnan(arrays["keypoints"]).sum() == 2


def test_coverage_counts_them(built: datasets.DatasetDict) -> None:
    coverage = dancereid.coverage(built)
    assert coverage.whole
    assert [o.unseen_joints for o in coverage.outcomes] == [20]
    assert f"aaa: joints not seen: {COUNTED}" in str(coverage)


def test_they_are_drawn_nowhere(built: datasets.DatasetDict) -> None:
    for example in built["test"]:
        crop, keypoints = np.asarray(example["image"]), np.array(example["keypoints"], float)
        # The published rule draws no joint that is not above 0.
        stands_in = np.nan_to_num(keypoints, nan=-1)
        drawn = draw_skeleton(crop, keypoints, example["person_id"])
        assert (drawn == draw_skeleton(crop, stands_in, example["person_id"])).all()
        nothing = len(MISSING.get((example["person_id"], example["frame"]), [])) == 17
        assert (drawn == crop).all() == nothing
        difference = np.abs(drawn.astype(int) - np.asarray(example["skeleton"]))
        assert difference.mean() < 6  # the example's is a JPEG
    assert contact_sheet(built).width > 1000


def test_layouts_write_them_as_nan(
    folder: Path, built: datasets.DatasetDict, tmp_path: Path
) -> None:
    catalogue = folder / "catalogue.csv"
    for layout in ("market1501", "open-reid"):
        written = dancereid.export(built, tmp_path / layout, layout=layout, catalogue=catalogue)
        assert written.coverage.splits["test"] == 2 * FRAMES
    part = datasets.DatasetDict({"test": built["test"].select(range(6, 10))})  # frames 3 and 4
    written = dancereid.export(part, tmp_path / "part", catalogue=catalogue)
    assert [o.unseen_joints for o in written.coverage.outcomes] == [3]
    dancereid.export(built, tmp_path / "published", h5=True, catalogue=catalogue)
    found = read_published(tmp_path / "published", skeletons=True)
    assert len(found.images) == len(found.skeletons) == 2 * FRAMES
    in_hdf5 = read_hdf5(tmp_path / "published" / "DanceReID.h5").poses
    for key, pose in found.poses.items():
        assert np.flatnonzero(np.isnan(pose).all(axis=1)).tolist() == MISSING.get(key, [])
        assert np.array_equal(in_hdf5[key], pose, equal_nan=True)


def test_colour_features_use_the_joints_that_were_seen(built: datasets.DatasetDict) -> None:
    for example in built["test"]:
        crop, keypoints = np.asarray(example["image"]), np.array(example["keypoints"], float)
        features = colour_features(crop, keypoints)
        none_seen = np.isnan(keypoints).all()
        assert np.linalg.norm(features) == pytest.approx(0 if none_seen else 1, abs=1e-5)


def test_the_page_counts_them_and_draws_none(built: datasets.DatasetDict, tmp_path: Path) -> None:
    path = dancereid.preview(built).save(tmp_path / "page.html")
    text = path.read_text("utf-8")
    assert f"Joints not seen: {COUNTED}." in text
    assert text.count("null") >= 20
    assert "Joints far outside" not in text
    if LACKING:
        pytest.skip("the rest needs Chromium")
    with Browser(tmp_path / "profile") as browser:
        browser.open(path)
        browser.run("dispatchEvent(new Event('beforeprint'))")  # draws all
        lines = browser.run(
            "[...document.querySelectorAll('.pose')].map((pose) => [...pose.children]"
            ".map((path) => path.getAttribute('d')).join('').split('M').length - 1)"
        )
        # 17 joints and 15 bones; the left wrist ends one bone, nose and right ankle three.
        assert sorted(lines) == [0, 27, 30] + [32] * 17
        for index, seen in ((3, 16), (0, 17)):
            browser.run(f"document.querySelectorAll('.person .crop')[{index}].click()")
            assert browser.run("document.querySelectorAll('#large .labels text').length") == seen
            missing = browser.run("document.getElementById('large-joints').textContent")
            assert missing.count("not seen") == 17 - seen
            browser.run("document.getElementById('close').click()")
        assert browser.complaints() == []


def test_scores_are_dropped_and_it_is_said_once(
    cache: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    scored = write_folder(tmp_path / "scored", {"aaa": [0, 1], "bbb": [0]}, frames=FRAMES)
    for name, people in (("aaa", [0, 1]), ("bbb", [0])):
        frames: Any = tracks(FRAMES, people)
        for detection in (d for of_frame in frames.values() for d in of_frame.values()):
            detection["pose_pos"] = np.c_[detection["pose_pos"], np.linspace(0, 1, 17)]
        write_tracks(scored / "npy" / f"333_00_{name}_matching.npy", frames)
    _say_scores_are_dropped.cache_clear()
    with caplog.at_level(logging.WARNING, "dancereid"):
        examples = list(load(scored, cache, stride=1, streaming=True)["test"])
    assert len(examples) == 3 * FRAMES
    assert np.array([e["keypoints"] for e in examples]).shape == (3 * FRAMES, 17, 2)
    assert [r.message for r in caplog.records if "third column" in r.message] == [
        "pose_pos has a third column in some tracks. It is taken for a score of each joint, and "
        "dropped: the column `keypoints` has x and y only."
    ]
