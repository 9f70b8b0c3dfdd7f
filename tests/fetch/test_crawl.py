from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import datasets
import pytest

from dancereid_pipeline.common.address import Address
from dancereid_pipeline.common.files import lock, sha256
from dancereid_pipeline.common.reasons import Reason
from dancereid_pipeline.fetch.crawl import Crawl, crawl
from dancereid_pipeline.fetch.manifest import Entry, Manifest
from tests.support.servers.pages import (
    Lab,
    Pages,
    catalogue_of,
    clip_bytes,
    hearing,
    network,
    online,
)
from tests.support.servers.web import Answer, Hold

BOT = "Sign in to confirm you're not a bot"
LIMITED = "This content isn't available, try again later"
AGE = "Sign in to confirm your age. This video may be inappropriate for some users."
USED, NOT_TRIED = Reason.USED, Reason.NOT_TRIED


@pytest.fixture(autouse=True)
def _online(monkeypatch: pytest.MonkeyPatch) -> None:
    online(monkeypatch)


@pytest.fixture
def site() -> Iterator[Pages]:
    with Pages() as site:
        yield site


@pytest.fixture
def pages(site: Pages, tmp_path: Path) -> Lab:
    """Of six videos, all of them on the site."""
    catalogue = catalogue_of(tmp_path, *"abcdef")
    for video in catalogue:
        site.add(video.video_id, clip_bytes(), "137")
    return Lab(site, tmp_path / "videos", catalogue, network(tmp_path, site.by_page))


@pytest.fixture
def mirror(site: Pages, tmp_path: Path) -> Lab:
    """Of three videos, all of them there."""
    catalogue = catalogue_of(tmp_path, *"abc")
    for video in catalogue:
        site.files[f"/lab/{video.clip_stem}.mp4"] = clip_bytes()
    return Lab(site, tmp_path / "videos", catalogue, network(tmp_path, site.by_clip))


def test_what_is_there_is_not_asked_for_again(pages: Lab) -> None:
    first = pages.crawl()
    assert [entry.outcome for entry in first] == [USED] * 6
    assert pages.asked == list("abcdef")
    assert sorted(p.name for p in pages.folder.glob("*.mp4")) == [
        *("000_a.mp4", "001_b.mp4", "002_c.mp4", "003_d.mp4", "004_e.mp4", "005_f.mp4"),
    ]
    before = (pages.folder / "manifest.json").read_bytes()
    assert pages.crawl() == first
    assert pages.crawl(again=True) == first
    assert pages.asked == []
    assert (pages.folder / "manifest.json").read_bytes() == before


@pytest.mark.parametrize(
    ("said", "reason"), [(BOT, Reason.BOT_CHECK), (LIMITED, Reason.RATE_LIMITED)]
)
def test_a_refusal_of_all_that_we_ask_ends_the_crawl(pages: Lab, said: str, reason: Reason) -> None:
    pages.site.refuse("e", "Video unavailable")
    pages.site.refuse("b", "This video has been removed by the uploader")
    pages.folder.mkdir()
    known = Entry(video_id="e", outcome=Reason.UNAVAILABLE, when="2026", address="http://x/e")
    known = Manifest(pages.folder).note(known)
    pages.site.refuse("c", said)
    entries = pages.crawl()
    assert [entry.outcome for entry in entries] == [
        *(USED, Reason.REMOVED, reason, NOT_TRIED, NOT_TRIED, NOT_TRIED),
    ]
    assert pages.asked == ["a", "b", "c"]
    assert entries[3].detail == f"it ended with c: {reason.value}"
    # What is known of a video says more than that it was not tried.
    noted = Manifest(pages.folder).read()
    assert noted.pop("e") == known
    assert noted == {entry.video_id: entry for entry in entries if entry.video_id != "e"}
    # Asked once, to see whether it still holds; then all the rest.
    assert pages.outcomes()[2:4] == [reason, NOT_TRIED]
    assert pages.asked == ["c"]
    pages.site.add("c", clip_bytes(), "137")
    assert pages.outcomes()[2:] == [USED, USED, Reason.UNAVAILABLE, USED]
    assert pages.asked == ["c", "d", "e", "f"]


def test_three_failures_of_the_network_in_a_row_end_the_crawl(pages: Lab) -> None:
    for video_id in "abd":
        pages.site.answers[f"/watch?v={video_id}"] = [Answer(drop=True, always=True)]
    network = Reason.NETWORK
    assert pages.outcomes() == [network, network, USED, network, USED, USED]
    pages.site.answers["/watch?v=e"] = [Answer(status=502, always=True)]
    for name in ("004_e.mp4", "005_f.mp4"):
        (pages.folder / name).unlink()
    del pages.site.answers["/watch?v=a"]
    entries = pages.crawl()
    # What is there already says nothing about the network.
    assert [e.outcome for e in entries] == [USED, network, USED, network, network, NOT_TRIED]
    assert entries[5].detail == "it ended with e: network"
    assert set(pages.asked) == {"a", "b", "d", "e"}


REFUSALS = {
    "a": "This video has been removed by the uploader",
    "b": "Private video. Sign in if you've been granted access to this video",
    "c": "Video unavailable",
    "d": AGE,
    "e": "This video is DRM protected",
}


@pytest.fixture
def refusing(pages: Lab) -> Lab:
    """Of six videos that are not to be had, each for a reason of its own, crawled once."""
    for video_id, said in REFUSALS.items():
        pages.site.refuse(video_id, said)
    pages.site.videos["f"] = {"countries": ["KR"]}
    assert pages.outcomes() == [
        *(Reason.REMOVED, Reason.PRIVATE, Reason.UNAVAILABLE),
        *(Reason.AGE, Reason.NO_FORMAT, Reason.BLOCKED),
    ]
    assert pages.asked == list("abcdef")
    return pages


def test_only_what_may_come_back_is_asked_for_again(refusing: Lab) -> None:
    first = refusing.crawl()
    assert refusing.asked == ["c"]
    second = refusing.crawl()
    assert [replace(e, when="") for e in second] == [replace(e, when="") for e in first]
    refusing.crawl(again=True)
    assert refusing.asked == list("abcdef")
    refusing.crawl()
    assert refusing.asked == ["c"]


def test_what_is_gone_may_be_at_another_address(refusing: Lab) -> None:
    refusing.network = replace(refusing.network, video_url=Address(refusing.site.by_clip))
    refusing.site.files["/lab/001_b.mp4"] = clip_bytes()
    refusing.site.files["/lab/005_f.mp4"] = clip_bytes()
    assert [e.video_id for e in refusing.crawl() if e.outcome is USED] == ["b", "f"]
    assert len(refusing.asked) == 6
    refusing.crawl()
    assert refusing.asked == []


def test_what_the_user_can_fix_is_asked_for_with_other_settings(
    refusing: Lab, tmp_path: Path
) -> None:
    cookies = tmp_path / "cookies.txt"
    cookies.write_text("# Netscape HTTP Cookie File\n")
    refusing.network = replace(refusing.network, cookies=str(cookies))
    for _ in "with cookies", "with newer ones":
        refusing.crawl()
        assert refusing.asked == ["c", "d", "e", "f"]
        refusing.crawl()
        assert refusing.asked == ["c"]
        os.utime(cookies, (1, 1))
    # The site is its own proxy.
    refusing.network = replace(refusing.network, cookies=None, proxy=Address(refusing.site.url))
    refusing.site.add("d", clip_bytes(), "137")
    assert refusing.crawl()[3].outcome is USED
    assert refusing.asked == ["c", "d", "e", "f"]
    refusing.crawl()
    assert refusing.asked == ["c"]


def test_who_is_signed_in_with_a_browser_only_asking_tells(refusing: Lab, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "cookies.sqlite") as profile:
        profile.execute(
            "create table moz_cookies (host, name, value, path, expiry, isSecure, originAttributes)"
        )
    cookies = f"browser:firefox:{tmp_path}"
    refusing.network = replace(refusing.network, cookies=cookies)
    for _ in range(2):
        refusing.crawl()
        assert refusing.asked == ["c", "d", "e", "f"]


def test_a_clip_that_was_deleted_is_fetched_again(mirror: Lab) -> None:
    mirror.crawl()
    (mirror.folder / "001_b.mp4").unlink()
    assert mirror.outcomes() == [USED] * 3
    assert mirror.asked == ["001_b.mp4"]
    # So is one whose folder lost its manifest, but no other.
    (mirror.folder / "manifest.json").unlink()
    (mirror.folder / "002_c.mp4").unlink()
    entries = mirror.crawl()
    assert mirror.asked == ["002_c.mp4"]
    assert [entry.address is None for entry in entries] == [True, True, False]
    assert list(Manifest(mirror.folder).read().values()) == entries


def test_a_clip_that_was_changed_is_looked_at_anew(mirror: Lab) -> None:
    path = mirror.folder / "001_b.mp4"
    first = mirror.crawl()[1]
    path.write_bytes(clip_bytes(50))
    second = mirror.crawl()[1]
    assert (first.clip.frames, second.clip.frames) == (40, 50)
    assert second.sha256 == sha256(path) != first.sha256
    path.write_bytes(b"no clip")
    third = mirror.crawl()[1]
    assert (third.outcome, third.file) == (Reason.NOT_A_VIDEO, "001_b.mp4")
    assert str(path) in third.detail
    assert mirror.outcomes(again=True)[1] is Reason.NOT_A_VIDEO
    assert mirror.asked == []
    assert path.read_bytes() == b"no clip"
    assert Manifest(mirror.folder).read()["b"] == second


def test_a_clip_that_was_put_there_by_hand_is_taken(mirror: Lab) -> None:
    path = mirror.folder / "mine" / "best of b (1080p).mkv"
    path.parent.mkdir(parents=True)
    path.write_bytes(clip_bytes(30))
    (mirror.folder / "c.mp4").write_bytes(clip_bytes()[:9000])
    for name in ("a.mp4", "a (1).webm"):
        (mirror.folder / name).write_bytes(clip_bytes())
    several, taken, broken = mirror.crawl()
    assert (taken.outcome, taken.file, taken.clip.frames) == (USED, path.name, 30)
    assert (taken.address, taken.yt_dlp) == (None, "")
    assert (broken.outcome, broken.file) == (Reason.NOT_A_VIDEO, "c.mp4")
    assert several.outcome is Reason.AMBIGUOUS
    assert str(mirror.folder / "a (1).webm") in several.detail
    assert [several.address, broken.address] == [None, None]
    assert mirror.outcomes(again=True) == [Reason.AMBIGUOUS, USED, Reason.NOT_A_VIDEO]
    assert mirror.asked == []
    assert Manifest(mirror.folder).read() == {"b": taken}
    (mirror.folder / "a.mp4").unlink()
    (mirror.folder / "c.mp4").unlink()
    assert mirror.outcomes() == [USED] * 3
    assert mirror.asked == ["002_c.mp4"]


def test_offline_nothing_is_asked(mirror: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    mirror.folder.mkdir()
    (mirror.folder / "b.mp4").write_bytes(clip_bytes())
    entries = mirror.crawl()
    assert [entry.outcome for entry in entries] == [NOT_TRIED, USED, NOT_TRIED]
    assert entries[0].detail == "offline mode is on (HF_HUB_OFFLINE or HF_DATASETS_OFFLINE)"
    assert mirror.asked == []
    assert Manifest(mirror.folder).read() == {"b": entries[1]}


def test_what_another_process_is_at_is_left_to_it(mirror: Lab) -> None:
    with lock(mirror.folder, "001_b"):
        entries = mirror.crawl()
    assert [entry.outcome for entry in entries] == [USED, NOT_TRIED, USED]
    assert entries[1].detail.startswith("another process or an open stream is fetching it")
    assert mirror.asked == ["000_a.mp4", "002_c.mp4"]
    assert mirror.outcomes() == [USED] * 3


def test_what_came_meanwhile_is_not_asked_for(mirror: Lab) -> None:
    hold = Hold(after=5000)
    mirror.site.answers["/lab/000_a.mp4"] = [Answer(hold=hold)]
    found: list[list[Entry]] = []
    thread = threading.Thread(target=lambda: found.append(mirror.crawl()))
    thread.start()
    assert hold.reached.wait(60)
    (mirror.folder / "b.mp4").write_bytes(clip_bytes(30))
    hold.go_on.set()
    thread.join()
    assert [entry.file for entry in found[0]] == ["000_a.mp4", "b.mp4", "002_c.mp4"]
    assert mirror.asked == ["000_a.mp4", "002_c.mp4"]


def test_a_second_crawl_waits_and_takes_what_the_first_found(mirror: Lab) -> None:
    hold = Hold(after=5000)
    mirror.site.answers["/lab/000_a.mp4"] = [Answer(hold=hold)]
    mirror.site.answers["/lab/001_b.mp4"] = [Answer(status=403, always=True)]
    found: dict[str, list[Entry]] = {}
    threads = [
        threading.Thread(target=lambda name=name: found.update({name: mirror.crawl()}))
        for name in ("first", "second")
    ]
    with hearing() as said:
        threads[0].start()
        assert hold.reached.wait(60)
        threads[1].start()
        assert said.get(timeout=60).endswith("waiting for it.")
        asked = mirror.asked
        hold.go_on.set()
        for thread in threads:
            thread.join()
    assert found["second"] == found["first"]
    assert [entry.outcome for entry in found["first"]] == [USED, Reason.UNAVAILABLE, USED]
    # The second forgot the first request of the first.
    assert asked == []
    assert mirror.asked == ["001_b.mp4", "002_c.mp4"]
    assert list(Manifest(mirror.folder).read().values()) == found["first"]


def test_a_crawl_in_words_and_for_programs(mirror: Lab) -> None:
    mirror.site.files["/lab/000_a.mp4"] = clip_bytes(100)
    mirror.site.answers["/lab/001_b.mp4"] = [Answer(status=404)]
    mirror.folder.mkdir()
    (mirror.folder / "c, the long one.webm").write_bytes(clip_bytes())
    found = crawl(mirror.folder, mirror.catalogue, list(mirror.catalogue), mirror.network)
    first, *rows, last = str(found).splitlines()
    size = f"{len(clip_bytes(100)) / 1e6:.1f}"
    assert first == f"2 of 3 clips are in {mirror.folder}"
    assert rows == [
        f"  a  000_a.mp4             h264  160x120  30 fps  100 frames  {size} MB",
        "  b  removed: HTTP Error 404: Not Found",
        "  c  c, the long one.webm  h264  160x120  30 fps   40 frames  0.0 MB",
    ]
    assert last.startswith("removed: gone. It was taken down: ")
    said = json.loads(found.to_json())
    assert said["whole"] is False
    noted = json.loads((mirror.folder / "manifest.json").read_text())["videos"]
    noted[1]["fate"] = "gone"
    assert said["videos"] == noted


def test_what_to_do_next_is_said_once_a_reason(tmp_path: Path) -> None:
    entries = (
        Entry(video_id="a", outcome=Reason.AMBIGUOUS, detail="a.mp4, a.webm", when="2026"),
        Entry(video_id="b", outcome=Reason.NOT_A_VIDEO, file="b.mp4", when="2026"),
        Entry(video_id="c", outcome=Reason.NOT_A_VIDEO, detail="a web\npage", when="2026"),
        Entry(video_id="d", outcome=Reason.PRIVATE, when="2026"),
        Entry(video_id="e", outcome=Reason.PRIVATE, when="2026"),
    )
    found = Crawl(tmp_path, entries)
    mine = (
        "you can fix it. Your files are not replaced: remove those that you do not want, then run"
    )
    said = str(found).splitlines()
    assert said[1:4:2] == ["  a  several files: a.mp4, a.webm", "  c  not a video: a web page"]
    assert said[6:9] == [
        f"several files: {mine} it again.",
        f"not a video: {mine} it again.",
        "not a video: may come back. The fetched file is not a complete video: run it again later.",
    ]
    assert said[9].startswith("private: gone. Only people whom its owner chose")
    assert len(said) == 10
    fates = [video["fate"] for video in json.loads(found.to_json())["videos"]]
    assert fates == [*["you can fix it"] * 2, "may come back", "gone", "gone"]
