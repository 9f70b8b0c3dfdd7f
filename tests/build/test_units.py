"""Tracklets and whole frames: the same crops, grouped otherwise."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import cv2
import datasets
import numpy as np
import pytest

import dancereid
from dancereid_pipeline.build.crops import crop_window, exact_keypoints
from dancereid_pipeline.build.options import SampleOptions
from dancereid_pipeline.build.units import count_examples
from dancereid_pipeline.catalogue.catalogue import Catalogue
from dancereid_pipeline.common.errors import DanceReIDError, OptionError
from dancereid_pipeline.formats.annotation import Annotation
from dancereid_pipeline.formats.npy_tracks import write_tracks
from dancereid_pipeline.formats.video import Clip
from tests.conftest import PROJECT
from tests.support.data.folders import (
    all_contents,
    contents,
    detection,
    encoded,
    load,
    tracks,
    write_folder,
)

UNITS = ("crop", "tracklet", "frame")


def rows(dataset: Any) -> dict[tuple[int, int], dict[str, Any]]:
    """The crops of a split of any unit but their images, by person and frame."""
    found: dict[tuple[int, int], dict[str, Any]] = {}
    for example in encoded(dataset):
        if "objects" in example:
            people = example["objects"]
            each = [
                {"person_id": p, "frame": example["frame"], "bbox": b, "keypoints": k}
                for p, b, k in zip(*(people[c] for c in ("person_id", "bbox", "keypoints")),
                                   strict=True)
            ]  # fmt: skip
        elif "frames" in example:
            each = [
                {"person_id": example["person_id"], "frame": f, "bbox": b, "keypoints": k,
                 "image": i}
                for f, b, k, i in zip(*(example[c] for c in ("frames", "bbox", "keypoints",
                                                            "images")), strict=True)
            ]  # fmt: skip
        else:
            each = [example]
        for row in each:
            key = row["person_id"], row["frame"]
            assert key not in found
            found[key] = {"video_id": example["video_id"], **row}
    return found


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> dict[str, datasets.DatasetDict]:
    cache = str(tmp_path_factory.mktemp("cache"))
    return {unit: dancereid.load_dataset("demo", unit=unit, cache_dir=cache) for unit in UNITS}


def test_tracklets_have_the_crops_to_the_byte(demo: Mapping[str, Any]) -> None:
    for split, count in {"trainval": 120, "test": 145}.items():
        crops, of_tracklets = rows(demo["crop"][split]), rows(demo["tracklet"][split])
        assert len(crops) == count
        assert crops.keys() == of_tracklets.keys()
        for key, crop in crops.items():
            assert of_tracklets[key] == crop
    for example in demo["tracklet"]["test"]:
        assert all(b - a == 5 for a, b in pairwise(example["frames"]))


def test_frames_have_the_same_people(demo: Mapping[str, Any]) -> None:
    for split in ("trainval", "test"):
        crops, of_frames = rows(demo["crop"][split]), rows(demo["frame"][split])
        assert list(crops) == [(p, f) for p, f in of_frames]
        for key, crop in crops.items():
            found = of_frames[key]
            assert (found["video_id"], found["bbox"]) == (crop["video_id"], crop["bbox"])
            window = crop_window(np.array(crop["bbox"], np.float64), (360, 640), (256, 128))
            assert window is not None
            in_crop = exact_keypoints(np.array(found["keypoints"]), window, (256, 128))
            assert np.allclose(in_crop, crop["keypoints"], atol=1e-3, equal_nan=True)


def test_a_frame_is_the_picture_of_the_clip_once(demo: Mapping[str, Any]) -> None:
    examples = demo["frame"]["test"].filter(lambda e: e["video_id"] == "demo_House4")
    frames = examples["frame"][:]
    assert len(frames) == len(set(frames)) > 20
    clip = cv2.VideoCapture(str(PROJECT / "dancereid_pipeline/demo/videos/003_demo_House4.mp4"))
    pictures = [clip.read()[1] for _ in range(max(frames) + 1)]
    for example in dancereid.as_arrays(examples):
        expected = cv2.cvtColor(pictures[example["frame"]], cv2.COLOR_BGR2RGB).astype(int)
        assert example["image"].shape == (example["height"], example["width"], 3) == (360, 640, 3)
        assert np.abs(example["image"] - expected).mean() < 3


def test_a_frame_is_scaled_with_what_is_in_it(demo: Mapping[str, Any], cache: str) -> None:
    options = {"unit": "frame", "max_side": 160, "jpeg_quality": 40}
    small = dancereid.load_dataset("demo", split="test", cache_dir=cache, **options)
    large = demo["frame"]["test"]
    assert {image.size for image in small["image"]} == {(160, 90)}
    assert set(zip(small["width"], small["height"], strict=True)) == {(160, 90)}
    for one, other in zip(small, large, strict=True):
        for name in ("bbox", "keypoints"):
            expected = np.array(other["objects"][name]) / 4
            assert np.allclose(one["objects"][name], expected, atol=1e-4)


def test_golden_crops_are_those_of_tracklets(golden: Path, cache: str) -> None:
    found = {
        unit: dancereid.load_dataset(
            "paper", unit=unit, split="test", data_dir=str(golden), stride=10, cache_dir=cache
        )
        for unit in ("crop", "tracklet")
    }  # fmt: skip
    crops = rows(found["crop"])
    assert len(crops) > 5
    assert rows(found["tracklet"]) == crops


@pytest.mark.parametrize("unit", UNITS)
def test_a_stream_has_the_same_and_keys_are_unique(demo: Mapping[str, Any], unit: str) -> None:
    stream = dancereid.load_dataset("demo", unit=unit, streaming=True)
    assert all_contents(stream) == all_contents(demo[unit])
    builder = dancereid.DanceReID(config_name="demo", unit=unit)
    jobs = builder.config.request().plan().jobs
    keys = [key for key, _ in builder._generate_examples(list(jobs))]
    assert len(set(keys)) == len(keys) == sum(len(split) for split in demo[unit].values())
    assert not [key for key in keys if not key.replace("_", "").replace("-", "").isalnum()]


@pytest.mark.parametrize("unit", UNITS)
def test_counts_are_those_of_the_annotation(demo: Mapping[str, Any], unit: str) -> None:
    infos = json.loads((PROJECT / "dataset_infos.json").read_text())
    name = "demo" if unit == "crop" else f"demo-{unit}"
    counts = {split: info["num_examples"] for split, info in infos[name]["splits"].items()}
    assert {split: len(of_split) for split, of_split in demo[unit].items()} == counts
    coverage = dancereid.coverage(demo[unit])
    assert coverage.whole
    assert coverage.splits == {"trainval": 120, "test": 145}
    assert coverage.examples == counts
    assert (coverage.fingerprint == "c719a6e8ad7fcbd4") == (unit == "crop")


def test_the_catalogue_has_the_counts_of_the_published_annotation(real_annotation: Path) -> None:
    catalogue = Catalogue.read()
    of_videos = Annotation.read(real_annotation, catalogue).videos
    for video in catalogue:
        frames = [f[f % 5 == 0] for f in of_videos[video.video_id].frames]
        runs = sum(1 + int((np.diff(f) > 5).sum()) for f in frames if len(f))
        assert video.frames_every_5th == len(set(np.concatenate(frames).tolist()))
        cut = count_examples(of_videos[video.video_id], SampleOptions(unit="tracklet"))
        assert video.tracklets_every_5th == cut
        assert runs <= cut <= runs + sum(map(len, frames)) // 100


def test_no_unit_decodes_more(demo: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    wanted: list[list[int]] = []
    read = Clip.read

    def counted(self: Clip, frames: Any) -> Any:
        wanted.append(list(frames))
        return read(self, frames)

    monkeypatch.setattr(Clip, "read", counted)
    seen = {}
    for unit in UNITS:
        wanted.clear()
        assert len(list(dancereid.load_dataset("demo", unit=unit, streaming=True)["test"])) > 5
        seen[unit] = list(wanted)
    assert seen["crop"] == seen["tracklet"] == seen["frame"]
    assert [len(set(frames)) for frames in seen["frame"]] == [26, 29]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    videos = {"aaa": [0, 1], "bbb": [0, 1], "ccc": [0]}
    return write_folder(tmp_path / "data", videos, splits={"ccc": "trainval"})


def keys_of(folder: Path, unit: str, **options: Any) -> dict[str, list[str]]:
    """The keys of each video."""
    builder = dancereid.DanceReID(
        config_name="paper", unit=unit, data_dir=str(folder),
        catalogue=str(folder / "catalogue.csv"), **options,
    )  # fmt: skip
    return {
        job.video.video_id: [key for key, _ in builder._generate_examples([job])]
        for job in builder.config.request().plan().jobs
    }


@pytest.mark.parametrize("unit", ["tracklet", "frame"])
def test_what_is_missing_changes_no_id_and_no_key(folder: Path, cache: str, unit: str) -> None:
    whole = load(folder, cache, unit=unit)
    keys = keys_of(folder, unit)
    next((folder / "videos").glob("*aaa*")).unlink()
    part = load(folder, cache, unit=unit)
    assert contents(part["trainval"]) == contents(whole["trainval"])
    assert contents(part["test"]) == contents(whole["test"])[len(keys["aaa"]) :] != []
    assert keys_of(folder, unit) == {**keys, "aaa": []}


def test_lost_crops_do_not_move_the_limits_of_tracklets(folder: Path, cache: str) -> None:
    options = {"max_length": 3, "unit": "tracklet"}
    whole = keys_of(folder, **options)["bbb"]
    assert whole == ["0002_000000", "0003_000000", "0002_000015", "0003_000015"]
    changed = tracks(30, [0, 1])
    changed[0][0] = detection(0, 0, box_pos=[-50, -10, 5, 40])  # outside of the frame
    del changed[20][0]
    for frame in (15, 20, 25):
        del changed[frame][1]
    write_tracks(folder / "npy" / "333_00_bbb_matching.npy", changed)
    assert keys_of(folder, **options)["bbb"] == whole[:3]
    ds = load(folder, cache, videos=["bbb"], **options)["test"]
    assert ds["frames"][:] == [[5, 10], [0, 5, 10], [15, 25]]
    frames = load(folder, cache, videos=["bbb"], unit="frame")["test"]
    assert [f["person_id"] for f in frames["objects"]] == [[3], [2, 3], [2, 3], [2], [2]]
    found = dancereid.coverage(frames)
    outcome = next(o for o in found.outcomes if o.video_id == "bbb")
    assert (outcome.images, outcome.examples, outcome.expected) == (7, 5, 12)
    assert (outcome.outside, outcome.untracked) == (1, 4)
    assert "7 images in 5 frames" in str(found)


def test_tracklets_that_overlap_share_crops(folder: Path, cache: str) -> None:
    options = {"unit": "tracklet", "max_length": 3, "overlap": 1, "videos": ["ccc"]}
    ds = load(folder, cache, **options)["trainval"]
    assert ds["frames"][:] == [[0, 5, 10], [10, 15, 20], [20, 25]]
    found = dancereid.coverage(ds)
    assert found.splits["trainval"] == 6
    assert found.examples["trainval"] == 3
    images = [image["bytes"] for example in encoded(ds) for image in example["images"]]
    assert (len(images), len(set(images))) == (8, 6)


def test_a_damaged_clip_keeps_what_came_before(folder: Path, cache: str) -> None:
    options = {"unit": "tracklet", "max_length": 4, "videos": ["aaa"]}
    whole = load(folder, cache, **options)["test"]
    path = next((folder / "videos").glob("*aaa*"))
    with av.open(str(path)) as container:
        entries = list(container.streams.video[0].index_entries)[14:22]
    content = bytearray(path.read_bytes())
    for entry in entries:  # all but the sizes and headers of their NAL units
        start, end = entry.pos + 6, entry.pos + entry.size
        content[start:end] = np.random.default_rng(0).bytes(end - start)
    path.write_bytes(content)
    part = load(folder, cache, **options)["test"]
    assert 0 < sum(map(len, part["frames"])) < 12
    for one, other in zip(part, whole.select(range(len(part))), strict=True):
        assert one["frames"] == other["frames"][: len(one["frames"])]
        assert one["person_id"] == other["person_id"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"unit": "clip"}, "unit: expected one of crop, tracklet, frame, got 'clip'"),
        ({"max_gap": 5}, "max_gap: is for unit='tracklet', not for unit='crop'"),
        ({"unit": "frame", "overlap": 1}, "overlap: is for unit='tracklet'"),
        ({"unit": "tracklet", "max_side": 99}, "max_side: is for unit='frame'"),
        ({"unit": "frame", "image_size": (64, 32)}, "image_size: is for unit='crop' or 'tracklet'"),
        ({"unit": "frame", "keypoints": "published"}, "keypoints: is for"),
        ({"unit": "tracklet", "skeleton": True}, "skeleton: is for unit='crop'"),
        ({"unit": "tracklet", "max_length": 4, "overlap": 4}, "overlap: expected less than"),
        ({"unit": "tracklet", "max_length": 0}, "max_length: expected"),
        ({"unit": "frame", "max_side": 5000}, "max_side: expected"),
    ],
)
def test_options_that_do_not_fit_are_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(OptionError, match=said):
        dancereid.load_dataset("demo", **options)


def test_arrays(demo: Mapping[str, Any]) -> None:
    raw, arrays = demo["tracklet"]["test"], dancereid.as_arrays(demo["tracklet"]["test"])
    for one, other in zip(arrays, raw, strict=True):
        length = len(other["frames"])
        assert (one["images"].dtype, one["images"].shape) == (np.uint8, (length, 256, 128, 3))
        assert np.array_equal(one["images"], np.stack([np.asarray(i) for i in other["images"]]))
        assert (one["keypoints"].dtype, one["keypoints"].shape) == (np.float32, (length, 17, 2))
        assert (one["bbox"].dtype, one["bbox"].shape) == (np.float32, (length, 4))
        assert (one["frames"].dtype, one["frames"].tolist()) == (np.int32, other["frames"])
    stream = dancereid.load_dataset("demo", unit="tracklet", streaming=True)["test"]
    assert np.array_equal(next(iter(dancereid.as_arrays(stream)))["images"], arrays[0]["images"])
    frame = dancereid.as_arrays(demo["frame"])["test"][0]
    shapes = {name: (v.dtype, v.shape) for name, v in frame["objects"].items()}
    people = len(demo["frame"]["test"][0]["objects"]["person_id"])
    assert shapes == {
        "person_id": (np.int32, (people,)),
        "bbox": (np.float32, (people, 4)),
        "keypoints": (np.float32, (people, 17, 2)),
    }
    assert frame["image"].shape == (360, 640, 3)


def test_an_image_without_bytes_in_a_tracklet_is_found(demo: Mapping[str, Any]) -> None:
    def without(example: dict[str, Any]) -> dict[str, Any]:
        example["images"][-1] = {"bytes": None, "path": "/etc/hostname"}
        return example

    changed = encoded(demo["tracklet"]["test"]).map(without)
    with pytest.raises(DanceReIDError, match=r"row 0, column 'images'.*only the path '/etc/host"):
        dancereid.as_arrays(changed)


@pytest.mark.parametrize("unit", ["tracklet", "frame"])
def test_what_needs_crops_says_so(demo: Mapping[str, Any], unit: str, tmp_path: Path) -> None:
    with pytest.raises(DanceReIDError, match=f"expected crops, got {unit}s. Load the dataset with"):
        dancereid.export(demo[unit], tmp_path / "new")
    assert not (tmp_path / "new").exists()
