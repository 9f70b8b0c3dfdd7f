"""`dancereid export --layout mot` and `coco-video`, read by the tools that they are for."""

from __future__ import annotations

import configparser
import json
import math
import subprocess
from pathlib import Path
from typing import Any

import av
import cv2
import motmetrics
import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

import dancereid
from dancereid_pipeline.cli.main import main
from dancereid_pipeline.common.errors import OptionError
from dancereid_pipeline.formats.npy_tracks import Tracks, read_tracks
from tests.conftest import IN_ENVIRONMENT, PROJECT
from tests.support.command import refusal
from tests.support.data.folders import prepared_files, write_folder

VIDEOS = {
    "demo_Waltz1": "trainval", "demo-Lock_2": "trainval", "demoKpop_03": "test",
    "demo_House4": "test",
}  # fmt: skip


def annotated(demo: Path, video: str) -> Tracks:
    """The annotated detections of a clip of the demo, by a plain loop."""
    (npy,) = (demo / "npy").glob(f"*{video}*.npy")
    tracks = read_tracks(npy.read_bytes(), str(npy))
    valid = json.loads((demo / "annotation.json").read_text())[video]
    rows = zip(tracks.frame.tolist(), tracks.person.tolist(), strict=True)
    kept = [(f, p, row) for row, (f, p) in enumerate(rows) if f in valid.get(str(p), ())]
    return tracks.take(np.array([row for _, _, row in sorted(kept)]))


def export(layout: str, output: Path, *flags: object) -> Path:
    words = ["export", "--layout", layout, "--output", str(output), "--quiet", *map(str, flags)]
    assert main(words) == 0
    return output


@pytest.fixture(scope="module")
def mot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo in the layout of MOTChallenge, without frames."""
    return export("mot", tmp_path_factory.mktemp("mot") / "mot", "--config", "demo")


@pytest.fixture(scope="module")
def coco(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo as COCO, without frames."""
    return export("coco-video", tmp_path_factory.mktemp("coco") / "coco", "--config", "demo")


def test_mot_has_all_annotated_detections(mot: Path, demo: Path) -> None:
    for video, split in VIDEOS.items():
        folder = mot / "sequences" / split / video
        rows = np.loadtxt(folder / "gt" / "gt.txt", delimiter=",")
        tracks = annotated(demo, video)
        assert len(rows) > 280
        assert np.array_equal(rows[:, 0], tracks.frame + 1)
        assert np.array_equal(rows[:, 1], tracks.person + 1)
        assert np.allclose(rows[:, 2:4], tracks.bbox[:, :2] + 1, rtol=0, atol=1e-9)
        sizes = tracks.bbox[:, 2:] - tracks.bbox[:, :2]
        assert np.allclose(rows[:, 4:6], sizes, rtol=0, atol=1e-9)
        assert (rows[:, 6:] == 1).all()
        ini = configparser.ConfigParser()
        ini.read(folder / "seqinfo.ini")
        assert dict(ini["Sequence"]) == {
            "name": video, "imdir": "img1", "framerate": "30", "imext": ".jpg",
            "seqlength": str(tracks.frame_count), "imwidth": "640", "imheight": "360",
        }  # fmt: skip
    assert (mot / "seqmaps" / "test.txt").read_text() == "name\ndemoKpop_03\ndemo_House4\n"


def test_motmetrics_reads_it_and_scores_it_against_itself(mot: Path, demo: Path) -> None:
    path = mot / "sequences" / "test" / "demo_House4" / "gt" / "gt.txt"
    truth = motmetrics.io.loadtxt(path, min_confidence=1)
    tracks = annotated(demo, "demo_House4")
    # It moves boxes to count from 0 itself.
    assert np.allclose(truth[["X", "Y"]], tracks.bbox[:, :2])
    whole = score(truth, truth)
    assert (whole["num_objects"], whole["mota"], whole["idf1"]) == (len(tracks.frame), 1, 1)
    # Without one person: N - n detections are right, and n are missed.
    worse = truth.drop(2, level=1)
    total, lost = len(truth), len(truth) - len(worse)
    assert lost > 100
    found = score(truth, worse)
    assert found["mota"] == pytest.approx((total - lost) / total)
    assert found["idf1"] == pytest.approx(2 * (total - lost) / (2 * (total - lost) + lost))


def score(truth: Any, found: Any) -> Any:
    """The scores of motmetrics, from tables as it reads them."""
    pairs = motmetrics.MOTAccumulator(auto_id=True)
    for frame in sorted(set(truth.index.get_level_values(0))):
        one = truth.loc[frame]
        two = found.loc[frame] if frame in found.index else found.iloc[:0].droplevel(0)
        pairs.update(one.index.tolist(), two.index.tolist(), distances(one, two))
    metrics = ["num_objects", "mota", "idf1"]
    return motmetrics.metrics.create().compute(pairs, metrics=metrics, name="x").loc["x"]


def distances(one: Any, two: Any) -> Any:
    """1 - IoU of all pairs, NaN from 0.5 on. Its own function for this fails with NumPy 2."""
    a, b = (table[["X", "Y", "Width", "Height"]].to_numpy() for table in (one, two))
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, :2] + a[:, None, 2:], b[None, :, :2] + b[None, :, 2:])
    both = np.prod(np.clip(high - low, 0, None), axis=2)
    union = a[:, None, 2:].prod(axis=2) + b[None, :, 2:].prod(axis=2) - both
    found = 1 - both / union
    return np.where(found < 0.5, found, np.nan)


TRACKEVAL = """
import sys, trackeval
gt, trackers, seqmap = sys.argv[1:]
dataset = trackeval.datasets.MotChallenge2DBox({
    "GT_FOLDER": gt, "TRACKERS_FOLDER": trackers, "SEQMAP_FILE": seqmap, "SKIP_SPLIT_FOL": True,
    "DO_PREPROC": False, "PRINT_CONFIG": False})
evaluator = trackeval.Evaluator({"PRINT_RESULTS": False, "PRINT_CONFIG": False,
    "TIME_PROGRESS": False, "OUTPUT_SUMMARY": False, "OUTPUT_DETAILED": False,
    "OUTPUT_EMPTY_CLASSES": False, "PLOT_CURVES": False, "LOG_ON_ERROR": None})
metrics = [trackeval.metrics.HOTA(), trackeval.metrics.Identity({"PRINT_CONFIG": False})]
found, _ = evaluator.evaluate([dataset], metrics)
for tracker, result in sorted(found["MotChallenge2DBox"].items()):
    scores = result["COMBINED_SEQ"]["pedestrian"]
    print("SCORES", tracker, scores["HOTA"]["HOTA"].mean(), scores["Identity"]["IDF1"])
"""


def test_trackeval_scores_it_against_itself_and_a_worse_copy(mot: Path, tmp_path: Path) -> None:
    python = PROJECT / ".venv-trackeval" / IN_ENVIRONMENT
    if not python.exists():
        pytest.skip("needs .venv-trackeval, which make test makes")
    total = lost = 0
    for video in ("demoKpop_03", "demo_House4"):
        lines = (mot / "sequences" / "test" / video / "gt" / "gt.txt").read_text().splitlines()
        worse = [line for line in lines if line.split(",")[1] != "2"]
        total, lost = total + len(lines), lost + len(lines) - len(worse)
        for tracker, kept in (("same", lines), ("worse", worse)):
            folder = tmp_path / "trackers" / tracker / "data"
            folder.mkdir(parents=True, exist_ok=True)
            # As trackers write results.
            text = "".join(f"{','.join(line.split(',')[:6])},1,-1,-1,-1\n" for line in kept)
            (folder / f"{video}.txt").write_text(text)
    paths = mot / "sequences" / "test", tmp_path / "trackers", mot / "seqmaps" / "test.txt"
    done = subprocess.run(
        [python, "-c", TRACKEVAL, *map(str, paths)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    rows = [line.split() for line in done.stdout.splitlines() if line.startswith("SCORES ")]
    scores = {name: (float(hota), float(idf1)) for _, name, hota, idf1 in rows}
    assert scores["same"] == pytest.approx((1, 1))
    # What is found is right, and n of N are missed: HOTA is the root of the detection accuracy,
    # (N - n) / N, since each association is right.
    assert lost > 200
    right = total - lost
    expected = math.sqrt(right / total), 2 * right / (2 * right + lost)
    assert scores["worse"] == pytest.approx(expected)


def test_pycocotools_reads_it_and_finds_the_poses_equal_to_themselves(
    coco: Path, demo: Path
) -> None:
    truth = COCO(str(coco / "annotations" / "test.json"))
    assert [video["name"] for video in truth.dataset["videos"]] == ["demoKpop_03", "demo_House4"]
    for video in truth.dataset["videos"]:
        tracks = annotated(demo, video["name"])
        images = [i for i in truth.dataset["images"] if i["video_id"] == video["id"]]
        assert [i["frame_id"] for i in images] == list(range(tracks.frame_count))
        found = truth.loadAnns(truth.getAnnIds(imgIds=[i["id"] for i in images]))
        frames = [truth.imgs[a["image_id"]]["frame_id"] for a in found]
        assert frames == tracks.frame.tolist()
        assert [a["track_id"] for a in found] == tracks.person.tolist()
        joints = np.array([a["keypoints"] for a in found]).reshape(-1, 17, 3)
        seen = joints[..., 2] == 2
        assert np.array_equal(seen, ~np.isnan(tracks.keypoints).any(axis=2))
        assert np.array_equal(joints[seen][:, :2], tracks.keypoints[seen])
    fields = ("image_id", "category_id", "keypoints", "bbox", "area")
    results = [{"score": 1.0, **{f: a[f] for f in fields}} for a in truth.dataset["annotations"]]
    evaluation = COCOeval(truth, truth.loadRes(results), "keypoints")
    evaluation.evaluate()
    oks = [matrix.diagonal().min() for matrix in evaluation.ious.values() if len(matrix)]
    assert len(oks) > 200
    assert min(oks) == 1


def test_mot_out_and_in_and_out_again_changes_nothing(
    mot: Path, demo: Path, tmp_path: Path
) -> None:
    export("mot", tmp_path / "frames", "--config", "demo", "--frames", "--videos", "demo_House4")
    done = dancereid.import_data(tmp_path / "frames", tmp_path / "data")
    assert (done.check.wrong, done.check.in_order) == ((), ("demo_House4",))
    expected = json.loads((demo / "annotation.json").read_text())["demo_House4"]
    found = json.loads((tmp_path / "data" / "annotation.json").read_text())
    assert found == {"demo_House4": {p: sorted(frames) for p, frames in expected.items()}}
    (npy,) = (tmp_path / "data" / "npy").iterdir()
    tracks = read_tracks(npy.read_bytes(), "")
    assert tracks.bbox.tolist() == annotated(demo, "demo_House4").bbox.tolist()
    export("mot", tmp_path / "again", "--config", "own", "--data-dir", tmp_path / "data")
    path = "sequences/test/demo_House4/gt/gt.txt"
    assert (tmp_path / "again" / path).read_bytes() == (mot / path).read_bytes()


def test_coco_out_and_in_changes_nothing(coco: Path, demo: Path, tmp_path: Path) -> None:
    dancereid.import_data(coco / "annotations", tmp_path / "data", source_format="coco")
    found = json.loads((tmp_path / "data" / "annotation.json").read_text())
    assert found.keys() == VIDEOS.keys()
    for npy in (tmp_path / "data" / "npy").iterdir():
        video = npy.stem[4:]
        expected, tracks = annotated(demo, video), read_tracks(npy.read_bytes(), "")
        assert np.array_equal(tracks.keypoints, expected.keypoints, equal_nan=True)
        assert np.allclose(tracks.bbox, expected.bbox, rtol=0, atol=1e-9)
        assert tracks.frame_count == expected.frame_count
        assert tracks.person.tolist() == expected.person.tolist()


@pytest.mark.parametrize(
    ("layout", "where"),
    [("mot", "sequences/test/demo_House4/img1"), ("coco-video", "images/test/demo_House4")],
)
def test_frames_are_all_frames_of_the_clip(
    layout: str, where: str, demo: Path, tmp_path: Path
) -> None:
    flags = ("--config", "demo", "--frames", "--videos", "demo_House4")
    folder = export(layout, tmp_path / "out", *flags) / where
    assert [p.name for p in sorted(folder.iterdir())] == [f"{n:06d}.jpg" for n in range(1, 148)]
    (clip,) = (demo / "videos").glob("*House4.mp4")
    with av.open(str(clip)) as container:
        for index, frame in enumerate(container.decode(video=0)):
            if index % 40 == 0:
                picture = cv2.imread(str(folder / f"{index + 1:06d}.jpg")).astype(int)
                assert np.abs(picture - frame.to_ndarray(format="bgr24")).mean() < 3


def test_every_dth_frame_keeps_its_number(tmp_path: Path, demo: Path) -> None:
    folder = export("mot", tmp_path / "out", "--config", "demo", "--stride", 7)
    rows = np.loadtxt(
        folder / "sequences" / "test" / "demo_House4" / "gt" / "gt.txt", delimiter=","
    )
    frames = annotated(demo, "demo_House4").frame
    assert np.array_equal(rows[:, 0] - 1, frames[frames % 7 == 0])
    assert (
        "seqLength=147"
        in (folder / "sequences" / "test" / "demo_House4" / "seqinfo.ini").read_text()
    )


@pytest.mark.parametrize("layout", ["mot", "coco-video"])
def test_more_processes_write_the_same(layout: str, tmp_path: Path) -> None:
    flags = ("--config", "demo", "--videos", "demo_House4", "demo_Waltz1")
    one = export(layout, tmp_path / "one", *flags)
    two = export(layout, tmp_path / "two", *flags, "-j", 2)
    assert len(prepared_files(one)) >= 2
    assert prepared_files(one) == prepared_files(two)
    export(layout, tmp_path / "two", "--config", "demo", "--videos", "demo_House4", "--force")
    assert "demo_Waltz1" not in "".join(prepared_files(tmp_path / "two"))


def test_a_video_with_a_damaged_frame_is_left_out(tmp_path: Path, capsys: Any) -> None:
    data = write_folder(tmp_path / "data", {"aaa": [0], "bbb": [0, 4]}, frames=12)
    clip = data / "videos" / "001_bbb.mp4"
    with av.open(str(clip)) as container:
        frames = [frame.to_ndarray(format="bgr24") for frame in container.decode(video=0)]
    clip.unlink()
    (data / "videos" / "001_bbb").mkdir()
    for number, pixels in enumerate(frames):
        assert cv2.imwrite(str(data / "videos" / "001_bbb" / f"{number}.png"), pixels)
    (data / "videos" / "001_bbb" / "9.png").write_bytes(b"broken")
    for layout in ("mot", "coco-video"):
        flags = ("--config", "own", "--data-dir", data, "--frames")
        folder = export(layout, tmp_path / layout, *flags)
        assert "9.png: the video is damaged" in capsys.readouterr().out
        written = "".join(prepared_files(folder))
        assert "aaa" in written
        assert "bbb" not in written
    assert (tmp_path / "mot" / "seqmaps" / "test.txt").read_text() == "name\naaa\n"
    raw = json.loads((tmp_path / "coco-video" / "annotations" / "test.json").read_text())
    assert [video["name"] for video in raw["videos"]] == ["aaa"]
    assert {a["image_id"] // 10_000_000 for a in raw["annotations"]} == {1}


def test_what_is_refused(ds: Any, prepared: Path, tmp_path: Path, capsys: Any) -> None:
    with pytest.raises(OptionError, match="Write it from the videos"):
        dancereid.export(ds, tmp_path / "x", layout="mot")
    words = ["export", "--output", tmp_path / "x", "--layout"]
    code, line = refusal([*words, "mot", "--dataset", prepared], capsys)
    assert (code, "--dataset: layout 'mot' has" in line) == (2, True)
    code, line = refusal([*words, "market1501", "--frames"], capsys)
    assert (code, "frames: is an option of the layouts mot and coco-video" in line) == (2, True)
    assert not (tmp_path / "x").exists()
