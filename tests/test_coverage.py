"""What is missing, broken or left out: an outcome a video, told and kept."""

from __future__ import annotations

import json
import logging
import random
import shutil
from itertools import chain, combinations
from pathlib import Path

import av
import datasets
import numpy as np
import pytest
from datasets import load_dataset

import dancereid
from dancereid_pipeline.catalogue import SCHEMES, Catalogue
from dancereid_pipeline.coverage import Coverage
from dancereid_pipeline.errors import (
    CountMismatchError,
    DanceReIDError,
    LabelsError,
    MissingVideosError,
    Reason,
    VideoError,
)
from dancereid_pipeline.options import SampleOptions
from dancereid_pipeline.plan import Plan
from dancereid_pipeline.samples import rate_multiple
from dancereid_pipeline.tracks import write_tracks
from tests.support.clips import X264, write_clip
from tests.support.data import contents, detection, tracks


@pytest.fixture
def folder(small: Path, tmp_path: Path) -> Path:
    """A copy of the small folder, to break."""
    return Path(shutil.copytree(small, tmp_path / "data"))


def load(folder: Path, cache: str, **options: object) -> datasets.DatasetDict:
    return load_dataset(
        "dancereid",
        data_dir=str(folder),
        catalogue=str(folder / "catalogue.csv"),
        cache_dir=cache,
        **options,
    )


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
    whole = examples(dancereid.load_dataset("demo", cache_dir=str(tmp_path / "whole")))
    videos = [video.video_id for video in Catalogue.read(demo / "video_data.csv")]
    assert [len(whole[split]) for split in ("trainval", "test")] == [2, 2]
    subsets = list(chain.from_iterable(combinations(videos, n) for n in range(5)))
    assert len(subsets) == 16
    for number, missing in enumerate(subsets):
        copy = Path(shutil.copytree(demo, tmp_path / str(number)))
        for clip in (copy / "videos").iterdir():
            if any(video_id in clip.name for video_id in missing):
                clip.unlink()
        options = {"data_dir": str(copy), "cache_dir": str(tmp_path / "cache")}
        if len(missing) == 4:
            with pytest.raises(MissingVideosError):
                dancereid.load_dataset("demo", **options)
            continue
        ds = dancereid.load_dataset("demo", **options)
        assert examples(ds) == {
            split: {v: hashes for v, hashes in of_split.items() if v not in missing}
            for split, of_split in whole.items()
        }
        assert [o.video_id for o in dancereid.coverage(ds).outcomes if not o.images] == [
            v for v in videos if v in missing
        ]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_random_subsets_of_the_33_leave_ids_splits_and_names_as_they_were(
    tmp_path: Path, scheme: str
) -> None:
    catalogue = Catalogue.read()
    for kind in ("videos", "npy"):
        (tmp_path / kind).mkdir()
    for video in catalogue:
        (tmp_path / "videos" / f"{video.clip_stem}.mp4").touch()
        (tmp_path / "npy" / f"333_00_{video.video_id}_matching.npy").touch()
    labels = {v.video_id: {str(p): [0, 5] for p in range(v.people)} for v in catalogue}
    (tmp_path / "annotation.json").write_text(json.dumps(labels))

    def jobs() -> dict[str, dict[str, range]]:
        found = Plan(scheme, tmp_path, SampleOptions()).jobs()
        return {
            split: {j.video.video_id: j.video.person_ids for j in of_split if not j.missing}
            for split, of_split in found.items()
        }

    whole = jobs()
    assert sum(map(len, whole.values())) == {"paper": 21, "full": 33, "published": 21}[scheme]
    rng = random.Random(scheme)
    for _ in range(70):  # 210 for the three schemes
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


def test_missing_videos_are_said_loudly_and_kept_with_the_data(
    folder: Path, cache: str, caplog: pytest.LogCaptureFixture
) -> None:
    (folder / "videos" / "002_ccc.mp4").unlink()
    (folder / "npy" / "333_00_ddd_matching.npy").unlink()
    with caplog.at_level(logging.WARNING, "dancereid"):
        ds = load(folder, cache)
    said = caplog.text
    assert "2 of 4 videos, 3 of 7 people, 18 of 42 images" in said
    assert "no clip (1): ccc" in said
    assert "no tracks (1): ddd" in said
    coverage = dancereid.coverage(ds)
    assert [o.reason for o in coverage.outcomes] == [
        Reason.USED, Reason.USED, Reason.NO_CLIP, Reason.NO_TRACKS,
    ]  # fmt: skip
    # From the cache, it is said again.
    caplog.clear()
    assert dancereid.coverage(load(folder, cache)) == coverage
    assert "no clip (1): ccc" in caplog.text


def test_coverage_outlives_what_is_done_with_the_data(
    folder: Path, cache: str, tmp_path: Path
) -> None:
    (folder / "videos" / "002_ccc.mp4").unlink()
    ds = load(folder, cache)
    coverage = dancereid.coverage(ds)
    ds["trainval"].save_to_disk(tmp_path / "saved")
    saved = datasets.load_from_disk(tmp_path / "saved")
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


@pytest.mark.parametrize(
    ("clip", "tracked", "multiple"),
    [
        *((30, 30, 1), (26, 30, 1), (35, 30, 1), (60, 30, 2), (61, 30, 2), (6014, 3007, 2)),
        *((6009, 3007, 2), (90, 30, 3), (5990, 5983, None), (20, 30, None), (45, 30, None)),
        *((30, 20, None), (15, 8, None), (100, 30, None), (6000, 3007, None), (1, 3007, None)),
    ],
)
def test_which_lengths_are_the_same_clip(clip: int, tracked: int, multiple: int | None) -> None:
    if multiple is None:
        with pytest.raises(VideoError, match=f"the {tracked:,} frames.* found {clip:,}"):
            rate_multiple(clip, tracked, "clip.mp4")
    else:
        assert rate_multiple(clip, tracked, "clip.mp4") == multiple


# -- one video's failure is that video's outcome


def outcome_of(ds: datasets.DatasetDict, video_id: str) -> dancereid.Coverage:
    (found,) = (o for o in dancereid.coverage(ds).outcomes if o.video_id == video_id)
    return found


def _not_a_video(folder: Path) -> None:
    (folder / "videos" / "002_ccc.mp4").write_bytes(b"<html>")


def _cut_off(folder: Path) -> None:
    path = folder / "videos" / "002_ccc.mp4"
    write_clip(path, 30, options=X264["b_frames"], container_options={"movflags": "faststart"})
    path.write_bytes(path.read_bytes()[:-2000])


def _too_short(folder: Path) -> None:
    write_clip(folder / "videos" / "002_ccc.mp4", 20, options=X264["b_frames"])


def _another_edit(folder: Path) -> None:
    write_clip(folder / "videos" / "002_ccc.mp4", 45, options=X264["b_frames"])


def _colours_nobody_converts(folder: Path) -> None:
    options = {**X264["b_frames"], "x264-params": "colormatrix=ycgco"}
    write_clip(folder / "videos" / "002_ccc.mp4", 30, options=options)


def _npy_is_a_page(folder: Path) -> None:
    (folder / "npy" / "333_00_ccc_matching.npy").write_bytes(b"<html>")


def _npy_has_a_nan(folder: Path) -> None:
    broken = tracks(30, [0, 3, 17])
    broken[7][3] = detection(3, 7, box_pos=np.full(4, np.nan))
    write_tracks(folder / "npy" / "333_00_ccc_matching.npy", broken)


def _a_person_twice(folder: Path) -> None:
    broken = tracks(30, [0, 3, 17])
    broken[10][99] = detection(3, 10)
    write_tracks(folder / "npy" / "333_00_ccc_matching.npy", broken)


def _two_clips(folder: Path) -> None:
    for name in ("a_ccc.mp4", "b_ccc.mp4"):
        shutil.copy(folder / "videos" / "001_bbb.mp4", folder / "videos" / name)
    (folder / "videos" / "002_ccc.mp4").unlink()


def _no_labels(folder: Path) -> None:
    path = folder / "annotation.json"
    labels = json.loads(path.read_text())
    del labels["ccc"]
    path.write_text(json.dumps(labels))


FAILURES = {
    _not_a_video: (Reason.NOT_A_VIDEO, "002_ccc.mp4"),
    _cut_off: (Reason.WRONG_LENGTH, "002_ccc.mp4"),
    _too_short: (Reason.WRONG_LENGTH, "expected the 30 frames"),
    _another_edit: (Reason.WRONG_LENGTH, "found 45"),
    _colours_nobody_converts: (Reason.NO_CODEC, "cannot be converted"),
    _npy_is_a_page: (Reason.BAD_TRACKS, "web page"),
    _npy_has_a_nan: (Reason.BAD_TRACKS, "frame 7, detection 3"),
    _a_person_twice: (Reason.BAD_TRACKS, "frame 10: id 4 is detected twice"),
    _two_clips: (Reason.AMBIGUOUS, "a_ccc.mp4"),
    _no_labels: (Reason.NO_LABELS, "ccc"),
}


@pytest.mark.parametrize("damage", FAILURES)
@pytest.mark.parametrize("num_proc", [1, 2])
def test_a_broken_video_is_left_out_with_its_reason_and_the_rest_is_as_before(
    folder: Path, built: dict[str, list[str]], cache: str, damage, num_proc: int
) -> None:
    damage(folder)
    ds = load(folder, cache, num_proc=num_proc)
    reason, detail = FAILURES[damage]
    outcome = outcome_of(ds, "ccc")
    assert (outcome.reason, outcome.images) == (reason, 0)
    assert detail in outcome.detail
    assert contents(ds["trainval"]) == built["trainval"]
    assert contents(ds["test"]) == built["test"][:6]  # bbb's
    with pytest.raises(MissingVideosError, match=f"ccc.*{reason.value}|{reason.value}.*ccc"):
        load(folder, cache, missing="error")


@pytest.mark.parametrize("damage", FAILURES)
def test_a_broken_video_in_a_stream(
    folder: Path,
    built: dict[str, list[str]],
    cache: str,
    damage,
    caplog: pytest.LogCaptureFixture,
) -> None:
    damage(folder)
    stream = load(folder, cache, streaming=True, split="test")
    assert contents(stream) == built["test"][:6]
    assert FAILURES[damage][0].value in caplog.text
    assert "ccc" in caplog.text
    with pytest.raises(MissingVideosError, match="ccc"):
        list(load(folder, cache, streaming=True, split="test", missing="error"))


def test_damage_in_mid_clip_keeps_what_came_before(
    folder: Path, built: dict[str, list[str]], cache: str
) -> None:
    path = folder / "videos" / "002_ccc.mp4"
    with av.open(str(path)) as container:
        entries = list(container.streams.video[0].index_entries)[14:22]
    content = bytearray(path.read_bytes())
    for entry in entries:  # all but the sizes and headers of their NAL units
        start, end = entry.pos + 6, entry.pos + entry.size
        content[start:end] = np.random.default_rng(0).bytes(end - start)
    path.write_bytes(content)
    ds = load(folder, cache)
    outcome = outcome_of(ds, "ccc")
    assert outcome.reason is Reason.DAMAGED
    assert 0 < outcome.images < 18
    assert contents(ds["test"]) == built["test"][: 6 + outcome.images]
    assert f"damaged after {outcome.images} images" in str(dancereid.coverage(ds))


def test_a_clip_at_twice_the_rate_is_read_at_every_second_frame(folder: Path, cache: str) -> None:
    slow = load(folder, cache, videos=["bbb"], split="test")
    write_clip(folder / "videos" / "001_bbb.mp4", 61, options=X264["b_frames"])
    fast = load(folder, cache, videos=["bbb"], split="test")
    assert fast["frame"][:] == slow["frame"][:] == [0, 5, 10, 15, 20, 25]
    write_tracks(folder / "npy" / "333_00_bbb_matching.npy", tracks(61, [0]))
    plain = load(folder, cache, videos=["bbb"], split="test", stride=1)
    # Frame f of the slow tracks is frame 2f of the clip; boxes differ, so compare the whole frame.
    write_tracks(
        folder / "npy" / "333_00_bbb_matching.npy",
        {f: {0: detection(0, f, box_pos=[0, 96, 0, 64])} for f in range(61)},
    )
    every = load(folder, cache, videos=["bbb"], split="test", stride=1)
    write_tracks(
        folder / "npy" / "333_00_bbb_matching.npy",
        {f: {0: detection(0, f, box_pos=[0, 96, 0, 64])} for f in range(30)},
    )
    halved = load(folder, cache, videos=["bbb"], split="test", stride=1)
    assert len(plain) == len(every) == len(halved) == 30
    for f in range(15):
        assert np.array_equal(halved[f]["image"], every[2 * f]["image"])


def test_a_few_frames_at_the_end_may_be_missing_and_are_counted(folder: Path, cache: str) -> None:
    write_clip(folder / "videos" / "001_bbb.mp4", 27, options=X264["b_frames"])
    ds = load(folder, cache, videos=["bbb"], stride=1)
    outcome = outcome_of(ds, "bbb")
    assert (outcome.reason, outcome.images, outcome.past_end) == (Reason.USED, 27, 3)
    assert "left out 3 labels past the end of the clip" in str(dancereid.coverage(ds))


def test_boxes_outside_and_labels_without_detections_are_counted(folder: Path, cache: str) -> None:
    changed = tracks(30, [0])
    changed[5][0] = detection(0, 5, box_pos=[-50, -10, 5, 40])
    del changed[10][0]
    write_tracks(folder / "npy" / "333_00_bbb_matching.npy", changed)
    ds = load(folder, cache, videos=["bbb"])
    outcome = outcome_of(ds, "bbb")
    assert (outcome.images, outcome.outside, outcome.untracked) == (4, 1, 1)
    assert ds["test"]["frame"][:] == [0, 15, 20, 25]
    assert not dancereid.coverage(ds).whole


def test_broken_labels_stop_everything(folder: Path, cache: str) -> None:
    (folder / "annotation.json").write_text('{"aaa": {"0": [0, 0], "1": []}}')
    for streaming in (False, True):
        with pytest.raises(LabelsError, match="frame 0 is listed twice"):
            load(folder, cache, streaming=streaming)


# -- counts


def test_a_whole_demo_with_other_labels_is_refused(demo: Path, tmp_path: Path, cache: str) -> None:
    copy = Path(shutil.copytree(demo, tmp_path / "copy"))
    labels = json.loads((copy / "annotation.json").read_text())
    video_id = next(iter(labels))
    labels[video_id]["0"] = [f for f in labels[video_id]["0"] if f != 50 and f != 55]
    (copy / "annotation.json").write_text(json.dumps(labels))
    with pytest.raises(CountMismatchError, match="verification_mode='no_checks'"):
        dancereid.load_dataset("demo", data_dir=str(copy), cache_dir=cache)
    ds = dancereid.load_dataset(
        "demo", data_dir=str(copy), cache_dir=cache, verification_mode="no_checks"
    )
    assert len(ds["trainval"]) > 50
