"""A video that cannot be used has an outcome, and changes no other video."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import av
import datasets
import numpy as np
import pytest

import dancereid
from dancereid_pipeline.build.coverage import Outcome
from dancereid_pipeline.checks.clip_checks import rate_multiple
from dancereid_pipeline.common.errors import AnnotationError, MissingVideosError, VideoError
from dancereid_pipeline.common.reasons import Reason
from dancereid_pipeline.formats.npy_tracks import write_tracks
from tests.support.data.clips import X264, write_clip
from tests.support.data.folders import contents, detection, load, tracks
from tests.support.data.npys import saved


def outcome_of(ds: datasets.DatasetDict, video_id: str) -> Outcome:
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


def _a_smaller_encoding(folder: Path) -> None:
    write_clip(folder / "videos" / "002_ccc.mp4", 30, options=X264["b_frames"], size=(64, 42))


def _colours_nobody_converts(folder: Path) -> None:
    options = {**X264["b_frames"], "x264-params": "colormatrix=ycgco"}
    write_clip(folder / "videos" / "002_ccc.mp4", 30, options=options)


def _npy_is_a_page(folder: Path) -> None:
    (folder / "npy" / "333_00_ccc_matching.npy").write_bytes(b"<html>")


def _npy_has_a_nan(folder: Path) -> None:
    broken = tracks(30, [0, 3, 17])
    broken[7][3] = detection(3, 7, box_pos=np.full(4, np.nan))
    (folder / "npy" / "333_00_ccc_matching.npy").write_bytes(saved(broken))


def _a_person_twice(folder: Path) -> None:
    broken = tracks(30, [0, 3, 17])
    broken[10][99] = detection(3, 10)
    (folder / "npy" / "333_00_ccc_matching.npy").write_bytes(saved(broken))


def _two_clips(folder: Path) -> None:
    for name in ("a_ccc.mp4", "b_ccc.mp4"):
        shutil.copy(folder / "videos" / "001_bbb.mp4", folder / "videos" / name)
    (folder / "videos" / "002_ccc.mp4").unlink()


def _no_annotation(folder: Path) -> None:
    path = folder / "annotation.json"
    annotation = json.loads(path.read_text())
    del annotation["ccc"]
    path.write_text(json.dumps(annotation))


FAILURES = {
    _not_a_video: (Reason.NOT_A_VIDEO, "002_ccc.mp4"),
    _cut_off: (Reason.WRONG_LENGTH, "002_ccc.mp4"),
    _too_short: (Reason.WRONG_LENGTH, "expected the 30 frames"),
    _another_edit: (Reason.WRONG_LENGTH, "found 45"),
    _a_smaller_encoding: (Reason.WRONG_SIZE, "64 x 42 pixels, but 6 of 18 bboxes lie outside"),
    _colours_nobody_converts: (Reason.NO_CODEC, "002_ccc.mp4, frame 0: FFmpeg cannot convert"),
    _npy_is_a_page: (Reason.BAD_TRACKS, "web page"),
    _npy_has_a_nan: (Reason.BAD_TRACKS, "frame 7, detection 3"),
    _a_person_twice: (Reason.BAD_TRACKS, "frame 10: expected each id once in a frame, found 4"),
    _two_clips: (Reason.AMBIGUOUS, "a_ccc.mp4"),
    _no_annotation: (Reason.NO_ANNOTATION, "ccc"),
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


def test_a_clip_that_becomes_smaller_is_used_up_to_there(
    folder: Path, built: dict[str, list[str]], cache: str, tmp_path: Path
) -> None:
    path = folder / "videos" / "002_ccc.mp4"
    path.unlink()
    parts = [
        write_clip(tmp_path / f"{width}.webm", 15, codec="libvpx-vp9", size=(width, height))
        for width, height in ((96, 64), (64, 42))
    ]
    with av.open(str(path.with_suffix(".webm")), "w") as target:
        target_stream = None
        for number, part in enumerate(parts):
            with av.open(str(part)) as source:
                stream = source.streams.video[0]
                target_stream = target_stream or target.add_stream_from_template(stream)
                for packet in source.demux(stream):
                    if packet.dts is not None and packet.pts is not None:
                        packet.pts += 500 * number
                        packet.dts += 500 * number
                        packet.stream = target_stream
                        target.mux(packet)
    outcome = outcome_of(load(folder, cache), "ccc")
    assert outcome.reason is Reason.WRONG_SIZE
    assert "64 x 42 pixels" in outcome.detail
    assert 0 < outcome.images < 18


def test_a_clip_at_twice_the_rate_is_read_at_every_second_frame(folder: Path, cache: str) -> None:
    slow = load(folder, cache, videos=["bbb"], split="test")
    write_clip(folder / "videos" / "001_bbb.mp4", 61, options=X264["b_frames"])
    fast = load(folder, cache, videos=["bbb"], split="test")
    assert fast["frame"][:] == slow["frame"][:] == [0, 5, 10, 15, 20, 25]
    write_tracks(folder / "npy" / "333_00_bbb_matching.npy", tracks(61, [0]))
    plain = load(folder, cache, videos=["bbb"], split="test", stride=1)
    # Frame f of the slow tracks is frame 2f of the clip; bboxes differ, so compare the whole frame.
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
    assert "left out 3 annotated detections past the end of the clip" in str(dancereid.coverage(ds))


def test_bboxes_outside_and_missing_detections_are_counted(folder: Path, cache: str) -> None:
    changed = tracks(30, [0])
    changed[5][0] = detection(0, 5, box_pos=[-50, -10, 5, 40])
    del changed[10][0]
    write_tracks(folder / "npy" / "333_00_bbb_matching.npy", changed)
    ds = load(folder, cache, videos=["bbb"])
    outcome = outcome_of(ds, "bbb")
    assert (outcome.images, outcome.outside, outcome.untracked) == (4, 1, 1)
    assert ds["test"]["frame"][:] == [0, 15, 20, 25]
    assert not dancereid.coverage(ds).whole


def test_a_broken_annotation_stops_everything(folder: Path, cache: str) -> None:
    (folder / "annotation.json").write_text('{"aaa": {"0": [0, 0], "1": []}}')
    for streaming in (False, True):
        with pytest.raises(AnnotationError, match="frame 0 is listed twice"):
            load(folder, cache, streaming=streaming)


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
