"""`dancereid import --from mot`: folders as MOTChallenge and DanceTrack have them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

import dancereid
from dancereid_pipeline.cli.main import main
from dancereid_pipeline.common.errors import OptionError, SourceError
from dancereid_pipeline.formats.mot import mot_lines, sequence_info
from dancereid_pipeline.formats.npy_tracks import read_tracks
from tests.support.command import refusal
from tests.support.data.clips import draw, write_clip

LINES = "".join(
    f"{frame},{person},{4 + 9 * person + frame},{6.5 + person},18,40,1,1,1\n"
    for frame in range(1, 13)
    for person in (1, 2, 5)
)


def write_sequence(folder: Path, *, frames: int = 12, text: str = LINES) -> Path:
    """A sequence of 96 x 64 pixels, its frames as PNG."""
    (folder / "gt").mkdir(parents=True)
    (folder / "gt" / "gt.txt").write_text(text)
    size = {"width": 96, "height": 64}
    ini = sequence_info(folder.name, frames=frames, fps=20, ending=".png", **size)
    (folder / "seqinfo.ini").write_text(ini)
    (folder / "img1").mkdir()
    for frame in range(frames):
        assert cv2.imwrite(str(folder / "img1" / f"{frame + 1:08d}.png"), draw(frame, 96, 64))
    return folder


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A folder as DanceTrack's: two folders of training data, no ground truth of the tests."""
    root = tmp_path / "DanceTrack"
    write_sequence(root / "train1" / "dancetrack0002")
    write_sequence(root / "train2" / "dancetrack0001")
    write_sequence(root / "val" / "dancetrack0004", text="1,3,1,1,20,30,1,1,1\n")
    (write_sequence(root / "test" / "dancetrack0003") / "gt" / "gt.txt").unlink()
    return root


def ids(dataset: Any) -> dict[str, set[tuple[str, int]]]:
    return {s: set(zip(d["video_id"], d["person_id"], strict=True)) for s, d in dataset.items()}


def test_a_folder_as_that_of_dancetrack_comes_in(source: Path, tmp_path: Path, cache: str) -> None:
    done = dancereid.import_data(source, tmp_path / "data")
    assert [(v.video_id, v.split, v.people, v.detections) for v in done.videos] == [
        ("dancetrack0002", "train", 3, 36),
        ("dancetrack0001", "train", 3, 36),
        ("dancetrack0004", "validation", 1, 1),
    ]
    assert list(done.left_out) == ["dancetrack0003"]
    assert "gt.txt" in done.left_out["dancetrack0003"]
    assert (done.check.wrong, done.check.doubtful, len(done.check.in_order)) == ((), (), 3)
    ds = dancereid.load_dataset("own", data_dir=str(tmp_path / "data"), cache_dir=cache, stride=1)
    assert ids(ds) == {
        "train": {("dancetrack0002", p) for p in (0, 1, 2)}
        | {("dancetrack0001", p) for p in (3, 4, 5)},
        "validation": {("dancetrack0004", 6)},
    }
    assert dancereid.coverage(ds).whole
    first = ds["train"][0]
    assert (first["frame"], first["person_id"]) == (0, 0)
    # Frame 1 and pixels 14, 7.5 of the file.
    assert first["bbox"] == [13, 6.5, 31, 46.5]
    assert np.isnan(first["keypoints"]).all()
    annotation = json.loads((tmp_path / "data" / "annotation.json").read_text())
    assert annotation["dancetrack0001"] == {p: list(range(12)) for p in ("0", "1", "4")}


def test_the_frames_are_linked_and_read_with_their_pixels(
    source: Path, tmp_path: Path, cache: str
) -> None:
    dancereid.import_data(source, tmp_path / "data")
    link = tmp_path / "data" / "videos" / "000_dancetrack0002"
    assert link.is_symlink()
    assert link.resolve() == (source / "train1" / "dancetrack0002" / "img1").resolve()
    options = {"data_dir": str(tmp_path / "data"), "jpeg_quality": 95, "image_size": (40, 20)}
    ds = dancereid.load_dataset("own", cache_dir=cache, **options)
    # Frame 5 is number 6: 4 + 9 + 6 - 1 pixels to the left. The window is as high as the bbox.
    image = np.asarray(ds["train"][3]["image"]).astype(int)
    part = draw(5, 96, 64)[6:46, 17:37, ::-1].astype(int)
    assert np.abs(image - part).mean() < 4
    assert np.abs(image - draw(4, 96, 64)[6:46, 17:37, ::-1]).mean() > 7


def test_another_picture_makes_another_build(source: Path, tmp_path: Path, cache: str) -> None:
    dancereid.import_data(source, tmp_path / "data")
    options = {"data_dir": str(tmp_path / "data"), "cache_dir": cache}
    before = dancereid.load_dataset("own", **options)["train"][0]["image"]
    path = source / "train1" / "dancetrack0002" / "img1" / "00000001.png"
    assert cv2.imwrite(str(path), 255 - draw(0, 96, 64))
    after = dancereid.load_dataset("own", **options)["train"][0]["image"]
    assert np.abs(np.asarray(before).astype(int) - np.asarray(after)).mean() > 20


def test_a_picture_that_is_gone_is_that_video_s_outcome(
    source: Path, tmp_path: Path, cache: str
) -> None:
    dancereid.import_data(source, tmp_path / "data")
    (source / "train1" / "dancetrack0002" / "img1" / "00000007.png").unlink()
    ds = dancereid.load_dataset("own", data_dir=str(tmp_path / "data"), cache_dir=cache)
    assert {video for video, _ in ids(ds)["train"]} == {"dancetrack0001"}
    assert "'00000008.png' after '00000006.png'" in str(dancereid.coverage(ds))


@pytest.mark.parametrize("where", ["inside", "beside"])
def test_a_clip_stands_for_the_pictures(where: str, tmp_path: Path) -> None:
    folder = tmp_path / "seq1"
    (folder / "gt").mkdir(parents=True)
    (folder / "gt" / "gt.txt").write_text(LINES)
    clip = folder / "clip.mp4" if where == "inside" else tmp_path / "seq1.mp4"
    write_clip(clip, 12)
    done = dancereid.import_data(folder, tmp_path / "data", split="test")
    assert [v.split for v in done.videos] == ["test"]
    assert done.check.in_order == ("seq1",)
    assert (tmp_path / "data" / "videos" / "000_seq1.mp4").resolve() == clip.resolve()
    (npy,) = (tmp_path / "data" / "npy").iterdir()
    assert read_tracks(npy.read_bytes(), "").frame_count == 12


def test_a_tracker_s_results_instead_of_the_ground_truth(source: Path, tmp_path: Path) -> None:
    results = tmp_path / "tracker"
    results.mkdir()
    (results / "dancetrack0003.txt").write_text("2,7,3,3,10,20,0.9,-1,-1,-1\n")
    done = dancereid.import_data(source, tmp_path / "data", results=results)
    assert [(v.video_id, v.split, v.people) for v in done.videos] == [("dancetrack0003", "test", 1)]
    assert len(done.left_out) == 3


def test_what_is_left_out_is_said(source: Path, tmp_path: Path) -> None:
    lost = "1,9,1,1,9,9,0,1,1\n1,8,1,1,9,9,1,3,1\n2,8,1,1,9,9,1,3,1\n"
    (source / "train1" / "dancetrack0002" / "gt" / "gt.txt").write_text(LINES + lost)
    (source / "val" / "dancetrack0004" / "gt" / "gt.txt").write_text(lost)
    done = dancereid.import_data(source, tmp_path / "data")
    assert "0002: train, 3 people, 36 detections; left out 2 (class 3); left out 1 (flag 0)" in str(
        done
    )
    assert done.left_out["dancetrack0004"] == "it has no people"


def spoil(source: Path, what: str) -> None:
    folder = source / "train2" / "dancetrack0001"
    if what == "line":
        (folder / "gt" / "gt.txt").write_text("1,1,1,1,9,9\n1,1,1\n")
    elif what == "past the end":
        (folder / "gt" / "gt.txt").write_text("13,1,1,1,9,9\n")
    elif what == "length":
        (folder / "img1" / "00000012.png").unlink()
    elif what == "gap":
        (folder / "img1" / "00000005.png").unlink()
    elif what == "name":
        folder.rename(folder.with_name("a b"))
    elif what == "twice":
        folder.rename(folder.with_name("dancetrack0002"))
    elif what == "split":
        folder.parent.rename(source / "others")


@pytest.mark.parametrize(
    ("what", "error", "says"),
    [
        ("line", SourceError, r"gt\.txt, line 2: expected frame, id"),
        ("past the end", SourceError, r"line 1: expected a frame from 1 to 12, got 13"),
        ("length", SourceError, r"seqinfo\.ini: says that there are 12 frames, but .*img1 has 11"),
        ("gap", SourceError, r"'00000006\.png' after '00000004\.png'"),
        ("name", SourceError, r"got 'a b'"),
        ("twice", SourceError, r"has 'dancetrack0002' already"),
        ("split", OptionError, r"is called 'others', which says no split"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_written(
    source: Path, tmp_path: Path, what: str, error: type[Exception], says: str
) -> None:
    spoil(source, what)
    with pytest.raises(error, match=says):
        dancereid.import_data(source, tmp_path / "out" / "data")
    assert list((tmp_path / "out").iterdir()) == []


def test_what_is_refused_at_once(source: Path, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    for changes, says in (
        ({"source": tmp_path / "nowhere"}, "is not a folder"),
        ({"source": tmp_path / "there"}, "expected sequences"),
        ({"results": tmp_path / "nowhere"}, "is not a folder"),
        ({"output": tmp_path / "there"}, "is there already"),
        ({"split": "no split!"}, "expected a name of letters"),
        ({"source_format": "voc"}, "expected one of mot"),
    ):
        arguments = {"source": source, "output": tmp_path / "data", **changes}
        with pytest.raises((OptionError, SourceError), match=says):
            dancereid.import_data(**arguments)
    assert not (tmp_path / "data").exists()


def test_the_command(source: Path, tmp_path: Path, capsys: Any) -> None:
    flags = ["import", str(source), "--from", "mot", "--quiet", "--output"]
    assert main([*flags, str(tmp_path / "data")]) == 0
    said = capsys.readouterr().out
    assert "  dancetrack0001: train, 3 people, 36 detections\n" in said
    assert "left out (1):\n  dancetrack0003: there is no " in said
    assert "3 of 3 videos of 'own' are in order" in said
    assert main([*flags, str(tmp_path / "json"), "--json", "--split", "test"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {video["split"] for video in found["videos"]} == {"test"}
    assert len(found["check"]["in_order"]) == 3
    code, line = refusal([*flags, tmp_path / "data"], capsys)
    assert (code, "is there already" in line) == (1, True)
    assert refusal(["import", source, "--output", tmp_path / "x"], capsys)[0] == 2


def as_dancetrack(demo: Path, video: str, folder: Path) -> Path:
    """A clip of the demo as a sequence: true bboxes with all their digits, frames as PNG."""
    (clip,) = (demo / "videos").glob(f"*{video}.mp4")
    (npy,) = (demo / "npy").glob(f"*{video}*.npy")
    tracks = read_tracks(npy.read_bytes(), str(npy))
    annotation = json.loads((demo / "annotation.json").read_text())[video]
    kept = [
        row
        for row, (frame, person) in enumerate(zip(tracks.frame, tracks.person, strict=True))
        if int(frame) in annotation.get(str(person), ())
    ]
    tracks = tracks.take(np.array(kept))
    (folder / "gt").mkdir(parents=True)
    lines = mot_lines(tracks.frame.tolist(), tracks.person.tolist(), tracks.bbox)
    (folder / "gt" / "gt.txt").write_text("".join(lines))
    (folder / "img1").mkdir()
    with av.open(str(clip)) as container:
        for number, frame in enumerate(container.decode(video=0), start=1):
            pixels = frame.to_ndarray(format="bgr24")
            path = str(folder / "img1" / f"{number:08d}.png")
            assert cv2.imwrite(path, pixels, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    ini = sequence_info(folder.name, frames=number, width=9, height=9, fps=30, ending=".png")
    (folder / "seqinfo.ini").write_text(ini)
    return folder


def test_the_demo_as_dancetrack_has_the_demo_s_crops(
    demo: Path, demo_built: Any, tmp_path: Path, cache: str
) -> None:
    as_dancetrack(demo, "demo_House4", tmp_path / "source" / "test" / "demo_House4")
    dancereid.import_data(tmp_path / "source", tmp_path / "data")
    ds = dancereid.load_dataset("own", data_dir=str(tmp_path / "data"), cache_dir=cache)
    expected = examples(demo_built["test"], first_id=9)
    assert len(expected) == 76
    assert examples(ds["test"], first_id=0) == expected


def examples(split: Any, first_id: int) -> list[tuple[Any, ...]]:
    """Frame, person in the video, bbox and JPEG of each example of House4."""
    import datasets

    rows = split.cast_column("image", datasets.Image(decode=False))
    return [
        (e["frame"], e["person_id"] - first_id, e["bbox"], e["image"]["bytes"])
        for e in rows
        if e["video_id"] == "demo_House4"
    ]
