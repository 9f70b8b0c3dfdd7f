"""From nothing to examples over real HTTP: streamed."""

from __future__ import annotations

import gc
import json
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from datasets import load_dataset

from tests.conftest import PEOPLE
from tests.support.data.folders import all_contents, contents
from tests.support.servers.remote import paths, serve
from tests.support.servers.web import Answer, Site

CLIPS = {f"/videos/{row:03d}_{video_id}.mp4" for row, video_id in enumerate(PEOPLE)}


def test_a_stream_fetches_once_too_and_a_build_finds_it(
    site: Site, remote: dict[str, str], built: dict[str, list[str]]
) -> None:
    stream = load_dataset("dancereid", streaming=True, **remote)
    assert paths(site) == ["/annotation.json", "/npy.zip"]
    assert all_contents(stream) == built
    content = {path: len(content) for path, content in site.files.items()}
    asked = {path: 0 for path in content}
    for request in site.requests:
        asked[request.path] += request.asked
    assert {path: asked[path] for path in CLIPS} == {path: content[path] for path in CLIPS}
    paths(site)
    assert all_contents(stream) == built
    assert all_contents(load_dataset("dancereid", streaming=True, **remote)) == built
    assert all_contents(load_dataset("dancereid", **remote)) == built
    assert paths(site) == []


@pytest.fixture(scope="module")
def eight(tmp_path_factory: pytest.TempPathFactory, demo: Path) -> Path:
    """Eight videos of the demo's size: its clips and tracks, twice, under other ids."""
    folder = tmp_path_factory.mktemp("eight")
    (folder / "videos").mkdir()
    (folder / "npy").mkdir()
    labels = json.loads((demo / "annotation.json").read_text())
    rows, doubled = ["video_id,people,split"], {}
    for copy in "ab":
        for video_id, people in labels.items():
            name, row = f"{video_id}{copy}", len(rows) - 1
            (clip,) = (demo / "videos").glob(f"*{video_id}*")
            (npy,) = (demo / "npy").glob(f"*{video_id}*")
            shutil.copy(clip, folder / "videos" / f"{row:03d}_{name}.mp4")
            shutil.copy(npy, folder / "npy" / f"{name}.npy")
            rows.append(f"{name},{len(people)},test")
            doubled[name] = people
    (folder / "catalogue.csv").write_text("\n".join(rows))
    (folder / "annotation.json").write_text(json.dumps(doubled))
    return folder


def test_the_first_streamed_example_costs_a_small_part_of_the_whole(
    site: Site, eight: Path, tmp_path: Path, online: list[float]
) -> None:
    options = serve(site, eight)
    stream = load_dataset(
        "dancereid", split="test", streaming=True, download_dir=str(tmp_path), **options
    )
    first = next(iter(stream))
    assert (first["person_id"], first["video_id"]) == (0, "demo_Waltz1a")
    whole = sum(len(content) for path, content in site.files.items() if "/videos/" in path)
    assert whole > 2_000_000
    asked = {r.path: r.asked for r in site.requests if "/videos/" in r.path}
    assert set(asked) == {"/videos/000_demo_Waltz1a.mp4"}
    assert 10_000 < sum(asked.values()) < whole / 10
    (archive,) = (r.asked for r in site.requests if r.path == "/npy.zip")
    assert archive == len(site.files["/npy.zip"])  # whole, once


def test_a_stream_goes_on_after_a_video_that_cannot_be_had(
    site: Site,
    remote: dict[str, str],
    built: dict[str, list[str]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    del site.files["/videos/001_bbb.mp4"]
    stream = load_dataset("dancereid", streaming=True, split="test", **remote)
    assert contents(stream) == built["test"][6:]
    assert "removed (1): bbb" in caplog.text
    caplog.clear()
    paths(site)
    # It is known now: said at once, and not asked for.
    stream = load_dataset("dancereid", streaming=True, split="test", **remote)
    assert "1 of 4 videos are missing; continuing without them.\n  removed (1): bbb" in caplog.text
    assert contents(stream) == built["test"][6:]
    assert paths(site) == []


def test_a_stream_stops_asking_where_a_crawl_would(site: Site, remote: dict[str, str]) -> None:
    site.answers["/videos/000_aaa.mp4"] = [Answer(status=429, always=True)]
    stream = load_dataset("dancereid", streaming=True, **remote)
    paths(site)
    assert all_contents(stream) == {"trainval": [], "test": []}
    assert all_contents(stream) == {"trainval": [], "test": []}
    clips = [path for path in paths(site) if path.startswith("/videos")]
    assert clips == ["/videos/000_aaa.mp4"]


def test_what_a_stream_found_gone_it_does_not_ask_for_again(
    site: Site, remote: dict[str, str], built: dict[str, list[str]]
) -> None:
    del site.files["/videos/001_bbb.mp4"]
    stream = load_dataset("dancereid", streaming=True, split="test", **remote)
    assert contents(stream) == built["test"][6:]
    paths(site)
    assert contents(stream) == built["test"][6:]
    assert paths(site) == []


COUNTS = {"trainval": 120, "test": 145}
FIRST = "demo_Waltz1"  # whose clip a stream is at


@pytest.fixture
def demo_options(site: Site, demo: Path, tmp_path: Path, online: list[float]) -> dict[str, str]:
    """The options that load the demo from a server."""
    places = {"download_dir": str(tmp_path / "downloads"), "cache_dir": str(tmp_path / "cache")}
    return {**serve(site, demo), **places}


def begun(options: dict[str, str], site: Site) -> Iterator[dict[str, Any]]:
    """A stream that has given its first example; there is more of its clip to come."""
    stream = iter(load_dataset("dancereid", streaming=True, split="trainval", **options))
    assert next(stream)["video_id"] == FIRST
    clip = f"/videos/000_{FIRST}.mp4"
    assert 0 < site.asked(clip) < len(site.files[clip])
    return stream


def counts(options: dict[str, str]) -> dict[str, int]:
    """The images of each split, as a build has them."""
    return {split: len(ds) for split, ds in load_dataset("dancereid", **options).items()}


@pytest.mark.parametrize("circular", [False, True])
def test_a_build_has_the_clip_that_a_stream_left(
    site: Site, demo_options: dict[str, str], circular: bool
) -> None:
    stream = begun(demo_options, site)
    held: list[Any] = [stream]
    if circular:
        held.append(held)
    del stream, held
    gc.collect()
    assert counts(demo_options) == COUNTS
    asked = {path: site.asked(path) for path in site.files if path.startswith("/videos")}
    assert asked == {path: len(site.files[path]) for path in asked}  # nothing twice


def test_a_build_beside_an_open_stream_does_without_its_clip(
    site: Site, demo_options: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    stream = begun(demo_options, site)
    assert counts(demo_options) == {**COUNTS, "trainval": 62}
    assert f"not tried (1): {FIRST}. " in caplog.text
    assert "another process or an open stream is fetching it" in caplog.text
    assert len(list(stream)) == 119
    assert counts(demo_options) == COUNTS


def test_two_iterators_of_one_stream_each_get_all_of_it(
    remote: dict[str, str], built: dict[str, list[str]]
) -> None:
    stream = load_dataset("dancereid", streaming=True, split="test", **remote)
    pairs = list(zip(stream, stream, strict=True))
    assert len(pairs) == len(built["test"])
    for first, second in pairs:
        assert first["image"].tobytes() == second["image"].tobytes()
        assert (first["person_id"], first["frame"]) == (second["person_id"], second["frame"])
    assert contents(stream) == built["test"]


def test_threads_that_read_one_stream_all_get_all_of_it(
    site: Site, remote: dict[str, str], built: dict[str, list[str]]
) -> None:
    stream = load_dataset("dancereid", streaming=True, split="test", **remote)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(contents, [stream] * 8))
    assert found == [built["test"]] * 8
