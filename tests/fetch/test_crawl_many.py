"""Crawls of many videos: what they cost, and when they end."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from dancereid_pipeline.common.reasons import Reason
from tests.support.calls import counted_calls
from tests.support.servers.pages import Lab, Pages, catalogue_of, clip_bytes, network, online

USED, NOT_TRIED = Reason.USED, Reason.NOT_TRIED


@pytest.fixture(autouse=True)
def _online(monkeypatch: pytest.MonkeyPatch) -> None:
    online(monkeypatch)


def many(folder: Path, count: int) -> Lab:
    """A folder with the clips of so many videos, on no server."""
    ids = [f"v{number:03d}" for number in range(count)]
    (folder / "videos").mkdir(parents=True)
    catalogue = catalogue_of(folder, *ids)
    first, *others = [folder / "videos" / f"{video.clip_stem}.mp4" for video in catalogue]
    first.write_bytes(clip_bytes(1))
    for other in others:
        os.link(first, other)
    nobody = network(folder, "http://127.0.0.1:1/{clip}.mp4")
    return Lab(Pages(), folder / "videos", catalogue, nobody)


@pytest.mark.parametrize("state", ["new", "known", "missing"])
def test_twice_as_many_videos_are_twice_as_much_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    read: list[int] = []
    monkeypatch.setattr(
        json, "loads", lambda text, loads=json.loads: read.append(len(text)) or loads(text)
    )
    work, bytes_read = [], []
    for count in (40, 80):
        lab = many(tmp_path / str(count), count)
        if state != "new":
            lab.crawl()
        if state == "missing":
            for path in sorted(lab.folder.glob("*.mp4"))[3:]:
                path.unlink()
        read.clear()
        work.append(counted_calls(lab.crawl)[1])
        bytes_read.append(sum(read))
        lost = lab.crawl()
        assert [entry.outcome for entry in lost].count(USED) == (3 if state == "missing" else count)
    assert work[0] > 1000
    assert work[1] < 2.5 * work[0]
    assert bytes_read[1] < 2.5 * bytes_read[0]


@pytest.mark.parametrize("by", ["page", "clip"])
def test_a_dead_network_ends_the_crawl_soon_and_the_next_one_goes_on(
    by: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ids = [f"v{number:02d}" for number in range(33)]
    catalogue = catalogue_of(tmp_path, *ids)
    with Pages() as site:
        for video in catalogue:
            site.add(video.video_id, clip_bytes(), "137")
            site.files[f"/lab/{video.clip_stem}.mp4"] = clip_bytes()
        pattern = site.by_page if by == "page" else site.by_clip
        dead = network(tmp_path, pattern.replace(site.url, "http://127.0.0.1:1"))
        lab = Lab(site, tmp_path / "videos", catalogue, dead)
        assert lab.outcomes() == [Reason.NETWORK] * 3 + [NOT_TRIED] * 30
        assert [record.getMessage() for record in caplog.records if record.levelname == "WARNING"
                and "Retrying" not in record.getMessage()] == [
            "Fetching ended with v02: 3 videos in a row failed (network). No other video is "
            "tried. Check the connection, and proxy= if you use one, then run it again: it "
            "continues from there."
        ]  # fmt: skip
        lab.network = network(tmp_path, pattern)
        assert lab.outcomes() == [USED] * 33
