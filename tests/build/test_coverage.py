"""Videos that are missing, broken or left out: each has an outcome, which is shown and kept."""

from __future__ import annotations

import json
import logging
import random
import shutil
from itertools import chain, combinations
from pathlib import Path

import datasets
import pytest

import dancereid
from dancereid_pipeline.build.coverage import Coverage
from dancereid_pipeline.build.options import SampleOptions
from dancereid_pipeline.build.plan import Plan
from dancereid_pipeline.catalogue.catalogue import Catalogue
from dancereid_pipeline.common.errors import CountMismatchError, DanceReIDError, MissingVideosError
from dancereid_pipeline.common.reasons import Reason
from dancereid_pipeline.common.storage import Storage
from dancereid_pipeline.formats.clip_facts import ClipFacts
from dancereid_pipeline.inputs.data_folder import find_in_folder
from dancereid_pipeline.shards.build_record import Build
from tests.support.data.folders import contents, load


def examples(ds: datasets.DatasetDict) -> dict[str, dict[str, list[str]]]:
    """Content hashes by split and video."""
    found: dict[str, dict[str, list[str]]] = {}
    for split, of_split in ds.items():
        hashes = contents(of_split)
        videos = of_split["video_id"][:]
        found[split] = {
            v: [h for h, w in zip(hashes, videos, strict=True) if w == v] for v in set(videos)
        }
    return found


# -- identity does not depend on what is there


def test_every_subset_of_the_demos_videos_leaves_the_rest_as_it_was(
    demo: Path, tmp_path: Path
) -> None:
    few = {"stride": 40, "cache_dir": str(tmp_path / "cache")}
    whole = examples(dancereid.load_dataset("demo", **few))
    videos = [video.video_id for video in Catalogue.read(demo / "video_data.csv")]
    assert [len(whole[split]) for split in ("trainval", "test")] == [2, 2]
    subsets = list(chain.from_iterable(combinations(videos, n) for n in range(5)))
    assert len(subsets) == 16
    for number, missing in enumerate(subsets):
        copy = Path(shutil.copytree(demo, tmp_path / str(number)))
        for clip in (copy / "videos").iterdir():
            if any(video_id in clip.name for video_id in missing):
                clip.unlink()
        if len(missing) == 4:
            with pytest.raises(MissingVideosError):
                dancereid.load_dataset("demo", data_dir=str(copy), **few)
            continue
        ds = dancereid.load_dataset("demo", data_dir=str(copy), **few)
        assert examples(ds) == {
            split: {v: hashes for v, hashes in of_split.items() if v not in missing}
            for split, of_split in whole.items()
        }
        assert [o.video_id for o in dancereid.coverage(ds).outcomes if not o.images] == [
            v for v in videos if v in missing
        ]


@pytest.mark.parametrize("config", ["paper", "full", "published"])
def test_random_subsets_of_the_33_leave_ids_splits_and_names_as_they_were(
    tmp_path: Path, config: str
) -> None:
    catalogue = Catalogue.read()
    for kind in ("videos", "npy"):
        (tmp_path / kind).mkdir()
    for video in catalogue:
        (tmp_path / "videos" / f"{video.clip_stem}.mp4").touch()
        (tmp_path / "npy" / f"333_00_{video.video_id}_matching.npy").touch()
    annotation = {v.video_id: {str(p): [0, 5] for p in range(v.people)} for v in catalogue}
    (tmp_path / "annotation.json").write_text(json.dumps(annotation))

    def jobs() -> dict[str, dict[str, range]]:
        inputs = find_in_folder(tmp_path, catalogue, catalogue.choose(config))
        found = Plan.of(config, SampleOptions(), catalogue, inputs).splits()
        return {
            split: {j.video.video_id: j.video.person_ids for j in of_split if not j.missing}
            for split, of_split in found.items()
        }

    whole = jobs()
    assert sum(map(len, whole.values())) == {"paper": 21, "full": 33, "published": 21}[config]
    rng = random.Random(config)
    for _ in range(70):  # 210 for the three configs
        missing = rng.sample(catalogue.videos, rng.randint(1, 20))
        for video in missing:
            (tmp_path / "videos" / f"{video.clip_stem}.mp4").unlink()
        gone = {video.video_id for video in missing}
        assert jobs() == {
            split: {v: ids for v, ids in of_split.items() if v not in gone}
            for split, of_split in whole.items()
        }
        for video in missing:
            (tmp_path / "videos" / f"{video.clip_stem}.mp4").touch()


# -- coverage


def test_coverage_of_a_whole_build(small: Path, cache: str) -> None:
    coverage = dancereid.coverage(load(small, cache))
    assert coverage.whole
    assert coverage.splits == {"trainval": 18, "test": 24}
    assert [(o.video_id, o.images, o.people) for o in coverage.outcomes] == [
        ("aaa", 12, 2),
        ("bbb", 6, 1),
        ("ccc", 18, 3),
        ("ddd", 6, 1),
    ]
    assert str(coverage).startswith(
        "DanceReID 'paper': 4 of 4 videos, 7 of 7 people, 42 of 42 images (fingerprint "
    )


def test_missing_videos_are_shown_and_kept_with_the_data(
    folder: Path, cache: str, caplog: pytest.LogCaptureFixture
) -> None:
    (folder / "videos" / "002_ccc.mp4").unlink()
    (folder / "npy" / "333_00_ddd_matching.npy").unlink()
    with caplog.at_level(logging.WARNING, "dancereid"):
        ds = load(folder, cache)
    shown = caplog.text
    assert "2 of 4 videos, 3 of 7 people, 18 of 42 images" in shown
    assert "no clip (1): ccc" in shown
    assert "no tracks (1): ddd" in shown
    coverage = dancereid.coverage(ds)
    assert [o.reason for o in coverage.outcomes] == [
        Reason.USED, Reason.USED, Reason.NO_CLIP, Reason.NO_TRACKS,
    ]  # fmt: skip
    # From the cache, it is shown again.
    caplog.clear()
    assert dancereid.coverage(load(folder, cache)) == coverage
    assert "no clip (1): ccc" in caplog.text


def test_coverage_outlives_what_is_done_with_the_data(
    folder: Path, cache: str, tmp_path: Path
) -> None:
    (folder / "videos" / "002_ccc.mp4").unlink()
    ds = load(folder, cache)
    coverage = dancereid.coverage(ds)
    ds["trainval"].save_to_disk(str(tmp_path / "saved"))
    saved = datasets.load_from_disk(str(tmp_path / "saved"))
    for derived in (
        ds["trainval"],
        ds["trainval"].select([1, 2]),
        ds["trainval"].filter(lambda frame: frame > 9, input_columns="frame"),
        ds["trainval"].map(lambda frame: {"odd": frame % 2}, input_columns="frame"),
        datasets.concatenate_datasets([ds["trainval"], ds["test"]]),
        saved,
    ):
        assert dancereid.coverage(derived) == coverage
    other = load(folder, cache, videos=["bbb"])
    joined = datasets.concatenate_datasets([ds["test"], other["test"]])
    with pytest.raises(DanceReIDError, match="joined from several builds"):
        dancereid.coverage(joined)
    for none in (datasets.Dataset.from_dict({"a": [1]}), {}, None, "ds"):
        with pytest.raises(DanceReIDError, match="carries no coverage"):
            dancereid.coverage(none)


def test_what_is_known_of_the_clip_is_kept_with_the_data(
    small: Path, cache: str, tmp_path: Path
) -> None:
    ds = load(small, cache, videos=["aaa", "bbb"])
    aaa, bbb, ccc, _ = dancereid.coverage(ds).outcomes
    assert aaa.clip == ClipFacts(frames=30, width=96, height=64, fps=30.0, codec="h264")
    assert (aaa.tracked_frames, aaa.detections, aaa.images) == (30, 60, 12)
    assert (bbb.clip, bbb.detections) == (aaa.clip, 30)
    assert (ccc.clip, ccc.detections) == (None, 0)
    dancereid.prepare(ds, tmp_path / "out")
    assert Build.read(Storage.of(tmp_path / "out" / "paper")).coverage.outcomes[0].clip == aaa.clip
    card = (tmp_path / "out" / "README.md").read_text()
    assert "| 12 | 60 | 96 x 64 pixels, 30 frames per second, 30 frames, h264 |" in card


def test_coverage_without_what_is_known_of_the_clip_is_read(small: Path, cache: str) -> None:
    coverage = dancereid.coverage(load(small, cache))
    values = json.loads(coverage.to_json())
    for outcome in values["outcomes"]:
        for name in ("clip", "tracked_frames", "detections", "first_id"):
            del outcome[name]
    old = Coverage.from_json(json.dumps(values))
    assert [o.clip for o in old.outcomes] == [None] * 4
    assert old.fingerprint == coverage.fingerprint
    assert str(old) == str(coverage)


def test_fingerprints_tell_builds_apart(folder: Path, cache: str) -> None:
    whole = dancereid.coverage(load(folder, cache))
    assert dancereid.coverage(load(folder, cache, num_proc=2)).fingerprint == whole.fingerprint
    exact, published = whole, dancereid.coverage(load(folder, cache, keypoints="published"))
    assert exact.fingerprint != published.fingerprint
    (folder / "videos" / "002_ccc.mp4").unlink()
    assert dancereid.coverage(load(folder, cache)).fingerprint != whole.fingerprint
    assert Coverage.from_json(whole.to_json()) == whole


def test_a_split_without_any_video_is_empty(folder: Path, cache: str) -> None:
    for name in ("001_bbb", "002_ccc"):
        (folder / "videos" / f"{name}.mp4").unlink()
    for num_proc in (None, 2):
        ds = load(folder, cache, num_proc=num_proc)
        assert {split: len(ds[split]) for split in ds} == {"trainval": 18, "test": 0}
        assert ds["test"].features == ds["trainval"].features
    stream = load(folder, cache, streaming=True)
    assert list(stream["test"]) == []
    assert len(load(folder, cache, split="trainval+test")) == 18
    for split in ("test", "test[:10]", "test[50%:]"):
        assert len(load(folder, cache, split=split)) == 0
    assert [len(ds) for ds in load(folder, cache, split=["trainval", "test"])] == [18, 0]


def test_no_video_at_all_is_an_error_that_lists_them(folder: Path, cache: str) -> None:
    shutil.rmtree(folder / "videos")
    for streaming in (False, True):
        with pytest.raises(MissingVideosError) as error:
            load(folder, cache, streaming=streaming)
        assert all(f"{v}: no clip" in str(error.value) for v in ("aaa", "bbb", "ccc", "ddd"))
    assert not list(Path(cache).rglob("*.arrow"))


def test_missing_as_an_error_lists_all_at_once(folder: Path, cache: str) -> None:
    (folder / "videos" / "002_ccc.mp4").unlink()
    (folder / "npy" / "333_00_ddd_matching.npy").unlink()
    for streaming in (False, True):
        with pytest.raises(MissingVideosError) as error:
            load(folder, cache, missing="error", streaming=streaming)
        assert "ccc: no clip" in str(error.value)
        assert "ddd: no tracks" in str(error.value)
        assert "aaa" not in str(error.value)
    assert len(load(folder, cache, missing="error", videos=["aaa"])["trainval"]) == 12


def test_missing_as_an_error_holds_for_a_build_found_in_the_cache(folder: Path, cache: str) -> None:
    (folder / "videos" / "002_ccc.mp4").write_bytes(b"not a video")
    assert len(load(folder, cache)["test"]) == 6
    with pytest.raises(MissingVideosError, match="ccc: not a video"):
        load(folder, cache, missing="error")


# -- counts


def test_a_demo_with_another_annotation_is_refused(demo: Path, tmp_path: Path, cache: str) -> None:
    copy = Path(shutil.copytree(demo, tmp_path / "copy"))
    annotation = json.loads((copy / "annotation.json").read_text())
    video_id = next(iter(annotation))
    annotation[video_id]["0"] = [f for f in annotation[video_id]["0"] if f != 50 and f != 55]
    (copy / "annotation.json").write_text(json.dumps(annotation))
    with pytest.raises(CountMismatchError, match="verification_mode='no_checks'"):
        dancereid.load_dataset("demo", data_dir=str(copy), cache_dir=cache)
    ds = dancereid.load_dataset(
        "demo", data_dir=str(copy), cache_dir=cache, verification_mode="no_checks"
    )
    assert len(ds["trainval"]) > 50
