"""`dancereid.check`: all that is wrong or doubtful in a data folder."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import dancereid
from dancereid_pipeline.checks.finding import Kind
from dancereid_pipeline.checks.folder_check import FolderCheck
from dancereid_pipeline.common.errors import OptionError, SourceError
from tests.support.data.broken import change_annotation, npy_of, write_corners
from tests.support.data.clips import write_clip
from tests.support.data.folders import detection, tracks
from tests.support.data.npys import saved

VIDEOS = ("aaa", "bbb", "ccc", "ddd")


def wrong(found: FolderCheck) -> list[tuple[str, str]]:
    return [(one.video_id, one.what) for one in found.wrong]


def is_clean(found: FolderCheck, videos: int) -> bool:
    return (len(found.videos), len(found.in_order)) == (videos, videos) and not (
        found.wrong or found.doubtful or found.passed_over
    )


def test_a_folder_in_order(small: Path) -> None:
    found = dancereid.check(small)
    assert is_clean(found, 4)
    assert found.catalogue == small / "catalogue.csv"  # it is used without being named
    assert "4 of 4 videos of 'own' are in order" in str(found)


def test_the_demo_is_in_order(demo: Path) -> None:
    assert is_clean(dancereid.check(demo, config="demo"), 4)


def test_the_golden_clip_is_in_order(golden: Path) -> None:
    assert is_clean(dancereid.check(golden, videos=["ZhuDSdmby8k"]), 1)


def test_real_pedestrians_are_in_order(real_footage: Path, tmp_path: Path) -> None:
    catalogue = tmp_path / "catalogue.csv"
    catalogue.write_text("video_id,people,split\npedestrians,5,test\n")
    assert is_clean(dancereid.check(real_footage, catalogue=catalogue), 1)


def test_no_clip_is_opened(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("av.open", None)
    for clip in (folder / "videos").iterdir():
        clip.write_bytes(b"no clip")
    assert is_clean(dancereid.check(folder), 4)


def test_the_fault_of_one_video_does_not_hide_those_of_others(folder: Path) -> None:
    (folder / "videos" / "000_aaa.mp4").unlink()
    npy_of(folder, "aaa").write_bytes(b"<html>")
    npy_of(folder, "bbb").unlink()
    twice = tracks(30, [0, 3, 17])
    twice[10][99] = detection(3, 10)
    npy_of(folder, "ccc").write_bytes(saved(twice))
    write_corners(folder, "ddd")
    change_annotation(folder, lambda annotation: annotation.pop("bbb"))
    found = dancereid.check(folder)
    assert wrong(found) == [
        ("aaa", "no clip"), ("aaa", "bad tracks"), ("bbb", "no annotation"), ("bbb", "no tracks"),
        ("ccc", "bad tracks"),
    ]  # fmt: skip
    assert [(one.video_id, one.kind) for one in found.doubtful] == [("ddd", Kind.BBOX_ORDER)]
    assert found.in_order == ()
    report = str(found)
    assert "0 of 4 videos" in report
    assert "wrong (5):" in report
    assert "frame 10: expected each id once in a frame, found 4 twice" in report
    assert "ddd: bboxes in another order. In half of the 30 detections, no joint lies in" in report


def test_all_faults_of_the_annotation_are_found(folder: Path) -> None:
    def damage(annotation: dict) -> None:
        annotation["aaa"]["0"].append(0)
        annotation["bbb"]["1"] = [3]
        annotation["ccc"] = {"x": [1]}
        annotation["unknown"] = {"0": [1]}

    change_annotation(folder, damage)
    found = dancereid.check(folder)
    assert wrong(found) == [(name, "annotation") for name in ("aaa", "bbb", "ccc", "unknown")]
    assert [m for m in ("listed twice", "found 2", "'x'", "not in the catalogue")
            if m not in str(found)] == []  # fmt: skip
    assert found.in_order == ("ddd",)


def test_all_faults_of_the_catalogue_are_found_and_the_other_videos_are_checked(
    folder: Path,
) -> None:
    rows = "video_id,people,split\naaa,2,train2\nbbb,1,test\nccc,none,test\nddd\n"
    (folder / "catalogue.csv").write_text(rows)
    npy_of(folder, "bbb").unlink()
    found = dancereid.check(folder)
    assert wrong(found) == [*[("", "catalogue")] * 3, ("bbb", "no tracks")]
    for line, one in zip((2, 4, 5), found.wrong, strict=False):
        assert f"line {line}" in one.message
    assert found.videos == ("bbb",)
    assert found.passed_over == ()


@pytest.mark.parametrize("content", ["", "video_id,people,split\n", "video_id\naaa\n", "\0"])
def test_a_catalogue_that_is_wrong_as_a_whole(folder: Path, content: str) -> None:
    (folder / "catalogue.csv").write_text(content)
    found = dancereid.check(folder)
    assert wrong(found) == [("", "catalogue")]
    assert (found.videos, found.in_order) == ((), ())


@pytest.mark.parametrize("damage", ["missing", "text", "a list"])
def test_an_annotation_that_is_wrong_as_a_whole_does_not_hide_the_rest(
    folder: Path, damage: str
) -> None:
    path = folder / "annotation.json"
    path.unlink()
    if damage != "missing":
        path.write_text({"text": "{", "a list": "[]"}[damage])
    npy_of(folder, "bbb").write_bytes(b"<html>")
    assert wrong(dancereid.check(folder)) == [("", "annotation"), ("bbb", "bad tracks")]


def test_an_archive_that_is_broken_does_not_hide_the_rest(folder: Path) -> None:
    shutil.rmtree(folder / "npy")
    (folder / "npy.zip").write_bytes(b"PK\x03\x04")
    (folder / "videos" / "001_bbb.mp4").unlink()
    assert wrong(dancereid.check(folder)) == [("", "tracks"), ("bbb", "no clip")]


def test_files_that_are_passed_over_are_named_with_the_reason(folder: Path) -> None:
    clips, npys = folder / "videos", folder / "npy"
    (clips / "000_aaa.mp4").rename(clips / "xaaax.mp4")
    (clips / "001_bbb.mp4").rename(clips / "001_bbb.flv")
    (clips / "holiday.mp4").touch()
    (clips / "notes.txt").touch()  # neither a clip nor of a video
    (clips / ".DS_Store").touch()
    npy_of(folder, "ccc").rename(npys / "CCC.npy")
    npy_of(folder, "ddd").rename(npys / "333_ddd.npy.part")
    found = dancereid.check(folder)
    assert {Path(one.path).name: one.why for one in found.passed_over} == {
        "xaaax.mp4": "a letter or digit is next to the id aaa",
        "001_bbb.flv": "its ending is none of .avi, .m4v, .mkv, .mov, .mp4, .webm",
        "holiday.mp4": "no video's id is in its name",
        "CCC.npy": "upper and lower case are not those of the video's id",
        "333_ddd.npy.part": "its ending is none of .npy",
    }
    assert wrong(found) == [
        ("aaa", "no clip"), ("bbb", "no clip"), ("ccc", "no tracks"), ("ddd", "no tracks"),
    ]  # fmt: skip
    for one, name in zip(found.wrong, ("xaaax", "001_bbb.flv", "CCC", "npy.part"), strict=True):
        assert f"{name}" in one.message.partition("Passed over: ")[2]


def test_json_says_the_same(folder: Path) -> None:
    write_corners(folder, "ccc")
    (folder / "videos" / "000_aaa.mp4").unlink()
    (folder / "videos" / "other.mp4").touch()
    found = json.loads(dancereid.check(folder).to_json())
    assert found["in_order"] == ["bbb", "ddd"]
    assert [(one["video_id"], one["what"]) for one in found["wrong"]] == [("aaa", "no clip")]
    (doubtful,) = found["doubtful"]
    assert (doubtful["kind"], doubtful["frame"], doubtful["person"]) == (
        "bboxes in another order", 0, 0,
    )  # fmt: skip
    assert "x1, x2, y1, y2" in doubtful["advice"]
    assert [one["why"] for one in found["passed_over"]] == ["no video's id is in its name"]


def test_only_the_videos_that_are_asked_for(folder: Path) -> None:
    npy_of(folder, "bbb").unlink()
    found = dancereid.check(folder, videos=["aaa"])
    assert (found.videos, found.wrong) == (("aaa",), ())
    with pytest.raises(OptionError, match="zzz"):
        dancereid.check(folder, videos=["zzz"])
    with pytest.raises(OptionError, match="config"):
        dancereid.check(folder, config="papers")
    with pytest.raises(SourceError, match="not a folder"):
        dancereid.check(folder / "nowhere")


def test_decoding_finds_clips_that_do_not_fit(folder: Path) -> None:
    assert is_clean(dancereid.check(folder, decode=True), 4)
    clips = folder / "videos"
    (clips / "000_aaa.mp4").write_bytes(b"no clip")
    write_clip(clips / "001_bbb.mp4", 11)
    write_clip(clips / "002_ccc.mp4", 30, size=(32, 16))
    damaged = bytearray((clips / "003_ddd.mp4").read_bytes())
    start = damaged.index(b"mdat") + 4
    damaged[start + 200 : start + 2000] = bytes(1800)
    (clips / "003_ddd.mp4").write_bytes(damaged)
    found = dancereid.check(folder, decode=True)
    assert wrong(found) == [
        ("aaa", "not a video"), ("bbb", "wrong length"), ("ccc", "wrong size"),
        ("ddd", "damaged"),
    ]  # fmt: skip
    assert "A few frames of each clip were decoded" in str(found)
    assert is_clean(dancereid.check(folder), 4)


def test_moves_are_found(folder: Path) -> None:
    jumping = tracks(30, [0])
    for frame in range(15, 30):
        for value in ("box_pos", "pose_pos"):
            jumping[frame][0][value] = jumping[frame][0][value] + 41.0
    npy_of(folder, "ddd").write_bytes(saved(jumping))
    (doubt,) = dancereid.check(folder).doubtful
    assert (doubt.video_id, doubt.kind, doubt.frame, doubt.person) == ("ddd", Kind.JUMP, 15, 0)
    assert "1 of 30 detections, first in frame 15, id 1." in doubt.message
