"""The page of doubtful runs of frames, and the annotation without what was ticked there."""

from __future__ import annotations

import base64
import io
import json
import re
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import dancereid
from dancereid_pipeline.checks.doubtful_runs import Run, doubtful_runs
from dancereid_pipeline.checks.finding import Kind
from dancereid_pipeline.cli.main import main
from tests.checks.test_moves import exchange, rows, standing
from tests.support.browser import LACKING, Browser
from tests.support.command import refusal
from tests.support.data.broken import npy_of
from tests.support.data.folders import tracks
from tests.support.data.npys import saved


def test_a_jump_lasts_until_the_next_one_or_a_gap() -> None:
    jumping = standing()
    for start in (4, 9):
        moved = rows(jumping, 1, start)
        jumping.bbox[moved] += 60
        jumping.keypoints[moved] += 60
    assert doubtful_runs(jumping) == [
        Run(Kind.JUMP, 1, 4, 8), Run(Kind.JUMP, 1, 9, 19),
    ]  # fmt: skip
    with_gap = np.delete(np.arange(len(jumping.frame)), rows(jumping, 1, 13, 15))
    assert doubtful_runs(jumping.take(with_gap))[1] == Run(Kind.JUMP, 1, 9, 12)


def test_a_swap_is_a_place_of_each_of_the_two() -> None:
    assert doubtful_runs(exchange(standing(), 0, 2, 11)) == [
        Run(Kind.SWAPPED, 0, 11, 19, 2), Run(Kind.SWAPPED, 2, 11, 19, 0),
    ]  # fmt: skip


def test_neighbouring_frames_are_one_place() -> None:
    found = standing()
    for start, stop in ((3, 6), (8, 9)):
        found.keypoints[rows(found, 1, start, stop)] += 60
    outside = [p for p in doubtful_runs(found) if p.kind is Kind.JOINTS_OUTSIDE]
    assert outside == [
        Run(Kind.JOINTS_OUTSIDE, 1, 3, 5), Run(Kind.JOINTS_OUTSIDE, 1, 8, 8),
    ]  # fmt: skip


def test_nothing_is_doubtful() -> None:
    assert doubtful_runs(standing()) == []


@pytest.fixture
def jumping(folder: Path) -> Path:
    """The small folder, where ddd's only person jumps in frame 15."""
    found = tracks(30, [0])
    for frame in range(15, 30):
        for value in ("box_pos", "pose_pos"):
            found[frame][0][value] = found[frame][0][value] + 41.0
    npy_of(folder, "ddd").write_bytes(saved(found))
    return folder


VALUE = {"video_id": "ddd", "person": 0, "first": 15, "last": 29}


def values(html: str) -> list[Any]:
    return [json.loads(unescape(v)) for v in re.findall(r'type="checkbox".*? value="(.*?)"', html)]


def test_the_page_shows_each_place_with_its_pictures(jumping: Path, tmp_path: Path) -> None:
    found = dancereid.check(jumping, page=tmp_path / "doubtful.html")
    assert [one.kind for one in found.doubtful] == [Kind.JUMP]
    html = (tmp_path / "doubtful.html").read_text("utf-8")
    assert values(html) == [VALUE]
    assert "ddd, person 0, frames 15 to 29: people who jump" in html
    assert "frames: 1. Videos that have some: 1." in html
    pictures = re.findall(r'src="data:image/jpeg;base64,(.*?)"', html)
    sizes = [Image.open(io.BytesIO(base64.b64decode(p))).size for p in pictures]
    assert len(sizes) == 2  # before and after
    assert {height for _, height in sizes} == {240}
    red = np.asarray(Image.open(io.BytesIO(base64.b64decode(pictures[1])))).astype(int)
    assert (red[..., 0] - red[..., 1:].max(axis=2) > 100).sum() > 200


def test_a_folder_in_order_has_an_empty_page(small: Path, tmp_path: Path) -> None:
    dancereid.check(small, page=tmp_path / "doubtful.html")
    html = (tmp_path / "doubtful.html").read_text("utf-8")
    assert (values(html), "frames: 0. Videos that have some: 0." in html) == ([], True)


def test_at_most_so_many_places_are_shown(
    jumping: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dancereid_pipeline.checks.doubtful_page._MOST", 1)
    moving = tracks(30, [0, 1])
    for frame in range(10, 30):
        for person in (0, 1):
            for value in ("box_pos", "pose_pos"):
                moving[frame][person][value] = moving[frame][person][value] + 41.0
    npy_of(jumping, "aaa").write_bytes(saved(moving))
    dancereid.check(jumping, page=tmp_path / "doubtful.html")
    html = (tmp_path / "doubtful.html").read_text("utf-8")
    assert [value["video_id"] for value in values(html)] == ["aaa"]
    assert "frames: 3. Videos that have some: 2. The first 1 are shown." in html


def test_a_clip_that_is_broken_is_wrong_and_the_page_is_written(
    jumping: Path, tmp_path: Path
) -> None:
    (jumping / "videos" / "003_ddd.mp4").write_bytes(b"no clip")
    found = dancereid.check(jumping, page=tmp_path / "doubtful.html")
    assert [(one.video_id, one.what) for one in found.wrong] == [("ddd", "not a video")]
    assert (tmp_path / "doubtful.html").is_file()


@pytest.mark.skipif(bool(LACKING), reason=f"needs {' and '.join(LACKING)}")
def test_ticks_are_counted_and_saved(jumping: Path, tmp_path: Path) -> None:
    page = tmp_path / "doubtful.html"
    dancereid.check(jumping, page=page)
    with Browser(tmp_path / "profile") as browser:
        browser.driver.get(page.as_uri())
        browser.driver.find_element("css selector", "input").click()
        assert browser.driver.find_element("id", "count").text == "1 ticked"
        saved_text = browser.driver.execute_async_script(
            "const done = arguments[0];"
            "const make = URL.createObjectURL;"
            "URL.createObjectURL = (blob) => { blob.text().then(done); return make(blob); };"
            "document.getElementById('save').click();"
        )
        assert browser.driver.execute_script("return document.images.length") == 2
    assert json.loads(saved_text) == {"ticked": [VALUE]}


def drop(folder: Path, ticked: Any, output: Path) -> list[str]:
    (folder / "doubtful.json").write_text(json.dumps(ticked))
    return ["check", str(folder), "--drop", str(folder / "doubtful.json"), "--output", str(output)]


def test_what_is_ticked_is_dropped_and_people_stay(jumping: Path, capsys: Any, cache: str) -> None:
    annotation = jumping / "annotation.json"
    before = json.loads(annotation.read_text())
    ticked = [VALUE, {"video_id": "ccc", "person": 3, "first": 0, "last": 99}]
    assert main(drop(jumping, {"ticked": ticked}, annotation)) == 0
    assert capsys.readouterr().out == f"{annotation}: 45 detections dropped\n"
    after = json.loads(annotation.read_text())
    assert after["ddd"] == {"0": list(range(15))}
    assert after["ccc"] == {**before["ccc"], "3": []}
    assert {v: after[v] for v in ("aaa", "bbb")} == {v: before[v] for v in ("aaa", "bbb")}
    ds = dancereid.load_dataset("own", data_dir=str(jumping), cache_dir=cache)
    # ccc's people 0, 3 and 17 are 3, 4 and 5, whatever was dropped of them.
    assert set(ds["test"]["person_id"]) == {2, 3, 5}
    assert dancereid.check(jumping).doubtful == ()


@pytest.mark.parametrize(
    ("ticked", "says"),
    [
        ({"ticked": [{**VALUE, "video_id": "zzz"}]}, "person 0 of video 'zzz' is not in"),
        ({"ticked": [{**VALUE, "person": 7}]}, "person 7 of video 'ddd' is not in"),
        ({"ticked": [{**VALUE, "first": "x"}]}, "expected what the page of dancereid check"),
        ({"ticked": 3}, "expected what the page of dancereid check"),
        ([], "expected what the page of dancereid check"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(
    folder: Path, ticked: Any, says: str, capsys: Any
) -> None:
    code, line = refusal(drop(folder, ticked, folder / "new.json"), capsys)
    assert (code, says in line) == (1, True)
    assert not (folder / "new.json").exists()


def test_drop_and_output_go_together(folder: Path, capsys: Any) -> None:
    for flag in ("--drop", "--output"):
        code, line = refusal(["check", folder, flag, folder / "x.json"], capsys)
        assert (code, "expected both or none" in line) == (2, True)
