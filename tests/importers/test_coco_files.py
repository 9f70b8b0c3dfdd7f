"""`dancereid import --from coco`: JSON of COCO with tracks, as PoseTrack18 and others have it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import dancereid
from dancereid_pipeline.cli.main import main
from dancereid_pipeline.common.errors import OptionError, SourceError
from dancereid_pipeline.formats.coco_video import (
    coco_annotation,
    coco_category,
    read_coco_videos,
)
from dancereid_pipeline.formats.npy_tracks import read_tracks
from dancereid_pipeline.formats.pose import JOINT_NAMES
from tests.support.calls import counted_calls
from tests.support.data.clips import draw

# As PoseTrack18 names them: a neck and a top of the head, and no eyes.
POSETRACK = ["nose", "head_bottom", "head_top", *(n.replace(" ", "_") for n in JOINT_NAMES[3:])]


def person(image: int, track: int, **changes: Any) -> dict[str, Any]:
    """An annotation; joint j is at 10 + j, 20 + j; every second joint was not seen."""
    joints = [x for j in range(17) for x in (10.0 + j, 20.0 + j, j % 2)]
    return {
        "id": image * 10 + track, "image_id": image, "track_id": track, "category_id": 1,
        "bbox": [5.0, 6.0, 40.0, 50.0], "keypoints": joints, **changes,
    }  # fmt: skip


def posetrack(first: int = 0) -> dict[str, Any]:
    """Three pictures of one video, numbered from `first`."""
    images = [
        {
            "id": 10000340000 + n, "frame_id": 10000340000 + n, "vid_id": "000034",
            "file_name": f"images/val/000034_mpii/{n:06d}.jpg", "nframes": 3,
        }
        for n in range(first, first + 3)
    ]  # fmt: skip
    return {
        "images": images,
        "annotations": [person(images[0]["id"], 0), person(images[2]["id"], 4)],
        "categories": [{"id": 1, "name": "person", "keypoints": POSETRACK}],
    }


@pytest.fixture(params=[0, 1])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A folder as PoseTrack18's, its pictures numbered from 0 or from 1."""
    root = tmp_path / "posetrack_data"
    (root / "annotations" / "val").mkdir(parents=True)
    (root / "images" / "val" / "000034_mpii").mkdir(parents=True)
    raw = posetrack(request.param)
    (root / "annotations" / "val" / "000034_mpii_test.json").write_text(json.dumps(raw))
    for index, image in enumerate(raw["images"]):
        assert cv2.imwrite(str(root / image["file_name"]), draw(index, 96, 64))
    return root


def test_posetrack18_comes_in(source: Path, tmp_path: Path, cache: str) -> None:
    done = dancereid.import_data(source, tmp_path / "data", source_format="coco")
    assert [(v.video_id, v.split, v.people, v.detections) for v in done.videos] == [
        ("000034", "validation", 2, 2)
    ]
    assert done.check.wrong == ()
    (npy,) = (tmp_path / "data" / "npy").iterdir()
    tracks = read_tracks(npy.read_bytes(), "")
    assert (tracks.frame.tolist(), tracks.person.tolist()) == ([0, 2], [0, 4])
    assert tracks.frame_count == 3
    assert tracks.bbox[0].tolist() == [5, 6, 45, 56]
    expected = np.full((17, 2), np.nan)
    for joint in range(3, 17, 2):  # an odd one was seen; 1 and 2 are no joints of COCO's
        expected[joint] = 10 + joint, 20 + joint
    np.testing.assert_array_equal(tracks.keypoints[0], expected)
    ds = dancereid.load_dataset("own", data_dir=str(tmp_path / "data"), cache_dir=cache, stride=2)
    assert (ds["validation"]["frame"][:], ds["validation"]["person_id"][:]) == ([0, 2], [0, 1])


def test_videos_and_frame_ids_of_other_tools(tmp_path: Path) -> None:
    raw = {
        "videos": [{"id": 7, "name": "seven"}],
        "images": [
            {"id": "x", "video_id": 7, "frame_id": 3, "file_name": "any.jpg"},
            {"id": "y", "video_id": 8, "frame_id": 0, "file_name": "a/b/c.jpg"},
        ],
        "annotations": [person(0, 2, image_id="x"), person(0, 9, image_id="y", keypoints=[])],
    }
    (tmp_path / "a.json").write_text(json.dumps(raw))
    first, second = read_coco_videos(tmp_path / "a.json")
    assert (first.name, first.folder, first.tracks.frame_count) == ("seven", "", 4)
    assert first.tracks.person.tolist() == [2]
    seen = ~np.isnan(first.tracks.keypoints[0]).any(axis=1)
    assert seen.tolist() == [j % 2 == 1 for j in range(17)]  # no names: COCO's order
    assert (second.name, second.folder) == ("8", "a/b")
    assert np.isnan(second.tracks.keypoints).all()


def test_what_is_left_out_is_counted(tmp_path: Path) -> None:
    raw = posetrack()
    raw["categories"].append({"id": 2, "name": "dog"})
    first = raw["images"][0]["id"]
    raw["annotations"] += [person(first, 5, category_id=2), person(first, 6, iscrowd=1)]
    raw["annotations"].append({k: v for k, v in person(first, 7).items() if k != "bbox"})
    (tmp_path / "a.json").write_text(json.dumps(raw))
    (video,) = read_coco_videos(tmp_path / "a.json")
    assert dict(video.left_out) == {"category dog": 1, "iscrowd": 1, "no bbox": 1}
    assert video.tracks.person.tolist() == [0, 4]


def test_the_joints_of_the_demo_come_in_equal(
    demo: Path, demo_built: Any, tmp_path: Path, cache: str
) -> None:
    (npy,) = (demo / "npy").glob("*demo_House4*.npy")
    tracks = read_tracks(npy.read_bytes(), str(npy))
    annotation = json.loads((demo / "annotation.json").read_text())["demo_House4"]
    rows = zip(tracks.frame.tolist(), tracks.person.tolist(), strict=True)
    kept = [row for row, (f, p) in enumerate(rows) if f in annotation.get(str(p), ())]
    raw = {
        "videos": [{"id": 1, "name": "demo_House4"}],
        "images": [
            {"id": f, "video_id": 1, "frame_id": f, "file_name": f"{f}.jpg"}
            for f in range(tracks.frame_count)
        ],
        "annotations": [
            coco_annotation(
                row,
                int(tracks.frame[row]),
                int(tracks.person[row]),
                tracks.bbox[row],
                tracks.keypoints[row],
            )
            for row in kept
        ],
        "categories": [coco_category()],
    }
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "test.json").write_text(json.dumps(raw))
    (clip,) = (demo / "videos").glob("*demo_House4.mp4")
    (tmp_path / "source" / "demo_House4.mp4").symlink_to(clip)
    file = tmp_path / "source" / "test.json"
    dancereid.import_data(file, tmp_path / "data", source_format="coco")
    ds = dancereid.load_dataset("own", data_dir=str(tmp_path / "data"), cache_dir=cache)
    found, expected = (
        {(e["frame"], e["person_id"] - first): e for e in rows if e["video_id"] == "demo_House4"}
        for rows, first in ((ds["test"], 0), (demo_built["test"], 9))
    )
    assert len(found) == 76
    assert found.keys() == expected.keys()
    for key, example in found.items():
        np.testing.assert_array_equal(example["keypoints"], expected[key]["keypoints"])
        np.testing.assert_allclose(example["bbox"], expected[key]["bbox"], rtol=1e-6)


def change(raw: dict[str, Any], entry: str, **changes: Any) -> None:
    """Changes the last entry of a list."""
    raw[entry][-1].update(changes)


BAD: dict[str, tuple[Any, str]] = {
    "no list": (lambda r: r.update(images={}), "expected a list images"),
    "no object": (lambda r: r["annotations"].append(3), r"annotations\[2\]: expected an object"),
    "image": (lambda r: change(r, "annotations", image_id=3), "the id of an image, got 3"),
    "track": (lambda r: change(r, "annotations", track_id=None), "expected track_id as a whole"),
    "true": (lambda r: change(r, "annotations", track_id=True), "expected track_id as a whole"),
    "below": (lambda r: change(r, "annotations", track_id=-1), "expected track_id from 0, got -1"),
    "twice": (lambda r: r["annotations"].append(r["annotations"][0]), "found 0 twice"),
    "bbox": (lambda r: change(r, "annotations", bbox=[1, 2, 3]), "expected bbox as 4 numbers"),
    "size": (lambda r: change(r, "annotations", bbox=[1, 2, 0, 3]), "above 0"),
    "nan": (lambda r: change(r, "annotations", bbox=[1, 2, np.nan, 3]), "expected bbox as 4"),
    "huge": (lambda r: change(r, "annotations", bbox=[1, 2, 10**400, 3]), "expected bbox as 4"),
    "joints": (lambda r: change(r, "annotations", keypoints=[1] * 50), "keypoints as 51 numbers"),
    "text": (lambda r: change(r, "annotations", keypoints=["1"] * 51), "keypoints as 51 numbers"),
    "category": (lambda r: change(r, "annotations", category_id=8), "that of a category, got 8"),
    "names": (lambda r: change(r, "categories", keypoints="nose"), "keypoints as a list of names"),
    "frame": (lambda r: change(r, "images", file_name="x.jpg"), "expected a frame from 0"),
    "far": (lambda r: change(r, "images", file_name="9999999.jpg"), "expected a frame from 0"),
    "path": (lambda r: change(r, "images", file_name="../../x/2.jpg"), "below a folder"),
    "root": (lambda r: change(r, "images", file_name="/etc/2.jpg"), "below a folder"),
    "drive": (lambda r: change(r, "images", file_name="c:\\x\\2.jpg"), "below a folder"),
    "same": (lambda r: r["images"].append(r["images"][0]), r"images\[3\]: expected each image on"),
}  # fmt: skip


@pytest.mark.parametrize("what", BAD)
def test_a_bad_entry_is_named(tmp_path: Path, what: str) -> None:
    raw = posetrack()
    BAD[what][0](raw)
    (tmp_path / "a.json").write_text(json.dumps(raw))
    with pytest.raises(SourceError, match=BAD[what][1]) as error:
        read_coco_videos(tmp_path / "a.json")
    assert "a.json" in str(error.value)


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff", b"[" * 100_000])
def test_what_is_no_such_file(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(SourceError, match=r"a\.json: expected JSON of COCO"):
        read_coco_videos(tmp_path / "a.json")


def test_a_file_that_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dancereid_pipeline.formats.coco_video.MAX_BYTES", 100)
    (tmp_path / "a.json").write_text(json.dumps(posetrack()))
    with pytest.raises(SourceError, match="more than 100 bytes"):
        read_coco_videos(tmp_path / "a.json")


def test_what_does_not_fit_is_refused(source: Path, tmp_path: Path) -> None:
    (file,) = (source / "annotations" / "val").iterdir()
    with pytest.raises(OptionError, match="is an option of format mot"):
        dancereid.import_data(file, tmp_path / "x", source_format="coco", results=tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceError, match="expected JSON files"):
        dancereid.import_data(tmp_path / "empty", tmp_path / "x", source_format="coco")
    last = sorted((source / "images" / "val" / "000034_mpii").iterdir())[-1]
    last.unlink()
    with pytest.raises(SourceError, match="not among the 2 frames"):
        dancereid.import_data(file, tmp_path / "x", source_format="coco")
    file.rename(tmp_path / "poses.json")
    with pytest.raises(OptionError, match="says the split"):
        dancereid.import_data(tmp_path / "poses.json", tmp_path / "x", source_format="coco")
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("name", ["../../x", "a/b", "", "x" * 101, "\0"])
def test_a_video_s_name_is_no_path(source: Path, tmp_path: Path, name: str) -> None:
    (file,) = (source / "annotations" / "val").iterdir()
    raw = json.loads(file.read_text())
    for image in raw["images"]:
        image["vid_id"] = name
    file.write_text(json.dumps(raw))
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(SourceError, match="expected names of videos"):
        dancereid.import_data(file, tmp_path / "data", source_format="coco")
    assert sorted(tmp_path.rglob("*")) == before


def test_the_command(source: Path, tmp_path: Path, capsys: Any) -> None:
    flags = [str(source / "annotations"), "--from", "coco", "--split", "trainval", "--quiet"]
    assert main(["import", *flags, "--output", str(tmp_path / "data")]) == 0
    assert "000034: trainval, 2 people, 2 detections" in capsys.readouterr().out


def test_work_is_in_proportion_to_the_file(tmp_path: Path) -> None:
    def calls(count: int) -> int:
        raw = {
            "images": [{"id": n, "video_id": n % 3, "frame_id": n} for n in range(count)],
            "annotations": [person(n, n % 7) for n in range(count)],
        }
        (tmp_path / "a.json").write_text(json.dumps(raw))
        return counted_calls(lambda: read_coco_videos(tmp_path / "a.json"))[1]

    few, many = calls(100), calls(800)
    assert few > 100
    assert many < 8.5 * few
