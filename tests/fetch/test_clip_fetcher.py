from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from yt_dlp.version import __version__ as yt_dlp_version

from dancereid_pipeline.common.address import Address
from dancereid_pipeline.common.errors import SourceError
from dancereid_pipeline.common.files import lock, sha256
from dancereid_pipeline.common.reasons import Fate, Reason, fate
from dancereid_pipeline.fetch import politeness
from dancereid_pipeline.fetch.clip_fetcher import ClipFetcher, asked_with
from dancereid_pipeline.fetch.video_site import is_page
from tests.support.servers.pages import (
    CLIP,
    LISTED,
    Clock,
    Pages,
    clip_bytes,
    fetch,
    fetcher_of,
    kept,
    know,
    online,
    ranges,
)
from tests.support.servers.web import page


@pytest.fixture(autouse=True)
def _online(monkeypatch: pytest.MonkeyPatch) -> None:
    online(monkeypatch)


@pytest.fixture
def site() -> Iterator[Pages]:
    with Pages() as site:
        yield site


@pytest.fixture
def by_page(site: Pages, tmp_path: Path) -> ClipFetcher:
    """Fetches from pages."""
    return fetcher_of(tmp_path, site.by_page)


@pytest.fixture
def by_clip(site: Pages, tmp_path: Path) -> ClipFetcher:
    """Fetches from the mirror."""
    return fetcher_of(tmp_path, site.by_clip)


@pytest.mark.parametrize(
    ("listed", "taken"),
    [
        (list(LISTED), "137"),
        (["18", "22", "136", "134", "248", "399", "299", "298", "264"], "136"),
        (["18", "22", "140", "243", "248", "299", "264", "303", "271", "399"], "248"),
        (["18", "298", "243", "303", "271", "399", "251"], "243"),
        (["22", "299", "303", "271", "399", "396", "400"], "399"),
        (["18", "22", "140", "251", "298", "299", "264", "303", "271", "400", "sb0"], None),
    ],
)
def test_the_format_that_is_taken(
    site: Pages, by_page: ClipFetcher, listed: list[str], taken: str | None
) -> None:
    site.add("aaa", clip_bytes(), *listed)
    entry = fetch(by_page)
    asked = [request.path for request in site.requests if request.path != "/watch"]
    if taken is None:
        assert (entry.outcome, entry.file, asked) == (Reason.NO_FORMAT, "", [])
        assert "format is not available" in entry.detail
        return
    suffix, codec, *_ = LISTED[taken]
    assert (entry.outcome, entry.format) == (Reason.USED, f"{taken} {codec}")
    assert asked == [f"/media/{taken}/aaa"]
    assert kept(by_page) == {f"000_aaa.{suffix}": clip_bytes()}


@pytest.mark.parametrize(
    ("codec", "suffix", "name"),
    [("libx264", ".mp4", "h264"), ("libvpx-vp9", ".webm", "vp9"), ("libsvtav1", ".mp4", "av1")],
)
def test_what_is_noted_of_a_clip(
    site: Pages, by_page: ClipFetcher, codec: str, suffix: str, name: str
) -> None:
    content = clip_bytes(codec=codec, suffix=suffix)
    site.add("bbb", content, {".mp4": "137", ".webm": "248"}[suffix])
    fetch(by_page, 1)
    path = by_page.folder / f"001_bbb{suffix}"
    (noted,) = json.loads((by_page.folder / "manifest.json").read_text())["videos"]
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", noted.pop("when"))
    assert noted.pop("format") == ("248 vp09.00.40.08" if suffix == ".webm" else "137 avc1.640028")
    assert noted == {
        "video_id": "bbb",
        "outcome": "used",
        "address": f"{site.url}/watch?v=bbb",
        "yt_dlp": yt_dlp_version,
        "file": path.name,
        "bytes": len(content),
        "changed_ns": path.stat().st_mtime_ns,
        "sha256": sha256(path),
        "clip": {"frames": 40, "width": 160, "height": 120, "fps": 30.0, "codec": name},
    }
    assert path.read_bytes() == content


CLOSED = (
    "Video unavailable. This video is no longer available because the YouTube account associated "
    "with this video has been terminated"
)


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        (Reason.RATE_LIMITED, "Video unavailable. This content isn't available, try again later"),
        (Reason.BOT_CHECK, "Sign in to confirm you\u2019re not a bot"),
        (Reason.AGE, "Sign in to confirm your age. This video may be inappropriate for some users"),
        (Reason.PRIVATE, "Private video. Sign in if you've been granted access to this video"),
        (Reason.ACCOUNT_CLOSED, CLOSED),
        (Reason.REMOVED, "Video unavailable. This video has been removed by the uploader"),
        (Reason.NO_FORMAT, "This video is DRM protected"),
        (Reason.UNAVAILABLE, "Video unavailable"),
    ],
)
def test_what_a_page_refuses(site: Pages, by_page: ClipFetcher, reason: Reason, said: str) -> None:
    # yt-dlp has advice of its own, for those who type its options.
    site.refuse("aaa", f"{said}. Use --cookies for the authentication. See  https://x.y/z")
    entry = fetch(by_page)
    assert (entry.outcome, entry.detail) == (reason, said)
    assert entry.address == f"{site.url}/watch?v=aaa"
    assert (entry.yt_dlp, entry.asked_with) == (yt_dlp_version, asked_with(by_page.network))
    assert (entry.file, entry.clip, site.pages()) == ("", None, ["aaa"])
    (noted,) = json.loads((by_page.folder / "manifest.json").read_text())["videos"]
    assert (noted["outcome"], noted["detail"]) == (reason.value, said)


def test_what_other_countries_may_watch(site: Pages, by_page: ClipFetcher) -> None:
    site.videos["aaa"] = {"countries": ["KR", "JP"]}
    assert fetch(by_page).outcome is Reason.BLOCKED


def test_a_page_of_several_videos_is_none(site: Pages, by_page: ClipFetcher) -> None:
    site.add("bbb", clip_bytes(), "137")
    site.videos["aaa"] = {"list": [site.address("/watch?v=bbb")]}
    entry = fetch(by_page)
    assert (entry.outcome, entry.detail) == (
        Reason.NO_FORMAT,
        "the address is not the page of one video",
    )


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (401, Reason.PRIVATE),
        (403, Reason.UNAVAILABLE),
        (404, Reason.REMOVED),
        (410, Reason.REMOVED),
        (429, Reason.RATE_LIMITED),
        (451, Reason.BLOCKED),
        (503, Reason.NETWORK),
    ],
)
@pytest.mark.parametrize("where", [CLIP, "/watch?v=aaa", "/media/137/aaa"])
def test_what_a_status_means(
    site: Pages,
    by_clip: ClipFetcher,
    by_page: ClipFetcher,
    status: int,
    reason: Reason,
    where: str,
) -> None:
    site.add("aaa", clip_bytes(), "137")
    site.answers[where] = [page("<html>", status=status, always=True)]
    entry = fetch(by_clip if where == CLIP else by_page)
    if where == "/media/137/aaa" and fate(reason) is Fate.GONE:
        reason = Reason.UNAVAILABLE  # its page is still there
    assert entry.outcome is reason
    assert f"HTTP Error {status}" in entry.detail
    assert "(caused by" not in entry.detail
    assert kept(by_page) == {}


def test_pages_are_5_to_10_seconds_apart(
    site: Pages,
    by_page: ClipFetcher,
    by_clip: ClipFetcher,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pauses = [politeness.pause_s() for _ in range(200)]
    assert 5 <= min(pauses) < 6 < 9 < max(pauses) <= 10
    clock = Clock(monkeypatch)
    monkeypatch.setattr(politeness, "pause_s", lambda: 7.0)
    site.add("bbb", clip_bytes(), "137")
    # A pause is shorter than the time that one video may take, yet no part of it.
    by_page = replace(by_page, network=replace(by_page.network, time_limit=6))
    assert fetch(by_page, 0).outcome is Reason.REMOVED
    assert clock.slept == []

    def slowly(there: int, whole: int | None) -> None:
        clock.now_s += 0.001

    assert fetch(by_page, 1, slowly).outcome is Reason.USED
    assert clock.slept == [7]
    clock.now_s += 3
    fetch(by_page, 2)
    assert clock.slept == [7, 4]
    clock.now_s += 7
    fetch(by_page, 2)
    assert clock.slept == [7, 4]
    # A mirror is asked at once.
    site.files[CLIP] = clip_bytes()
    assert fetch(by_clip, 0).outcome is Reason.USED
    fetch(by_clip, 1)
    assert clock.slept == [7, 4]
    fetch(by_page, 0)
    assert clock.slept == [7, 4, 7]


def test_what_another_process_is_at_is_not_tried(site: Pages, by_clip: ClipFetcher) -> None:
    site.files[CLIP] = clip_bytes()
    with lock(by_clip.folder, "000_aaa"):
        entry = by_clip.fetch(by_clip.catalogue.videos[0], lambda there, whole: None)
        fetch(by_clip, 1)
    assert entry.outcome is Reason.NOT_TRIED
    assert entry.detail.startswith("another process or an open stream is fetching it")
    assert list(by_clip.manifest.read()) == ["aaa", "bbb"]
    assert ranges(site) == []
    assert fetch(by_clip).outcome is Reason.USED


def test_a_folder_that_cannot_be_written_is_said(by_clip: ClipFetcher) -> None:
    (by_clip.folder / ".locks").write_text("in the way")
    with pytest.raises(SourceError, match=r"videos: cannot be used .*name another folder"):
        fetch(by_clip)


def test_what_may_change_an_answer_is_told_apart(by_page: ClipFetcher, tmp_path: Path) -> None:
    cookies = tmp_path / "cookies.txt"
    cookies.write_text("# Netscape HTTP Cookie File\n")
    plain = by_page.network
    proxied = replace(plain, proxy=Address("http://user:one@proxy:3128"))
    given = [
        *(plain, replace(plain, cookies=str(cookies)), replace(plain, cookies="browser:firefox")),
        *(proxied, replace(plain, proxy=Address("http://proxy:3129"))),
    ]
    said = [asked_with(one) for one in given]
    assert len(set(said)) == len(given)
    assert all(re.fullmatch(r"[0-9a-f]{8}", one) for one in said)
    assert asked_with(replace(proxied, proxy=Address("http://user:two@proxy:3128"))) == said[3]
    assert asked_with(replace(plain, rate=1, time_limit=2.0, archive="x")) == said[0]
    os.utime(cookies, (1, 1))
    assert asked_with(given[1]) != said[1]


def test_pages_and_clips_are_told_apart(site: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    know(monkeypatch)  # and all other sites
    for address in (
        *("https://www.youtube.com/watch?v=ZhuDSdmby8k", "https://youtu.be/ZhuDSdmby8k"),
        *("https://vimeo.com/76979871", site.address("/watch?v=aaa")),
    ):
        assert is_page(address)
    for address in (
        *("https://mirror.lab/get?v=aaa", "http://10.0.0.1/videos/000_aaa.mp4"),
        site.address("/lab/000_aaa.mp4"),
    ):
        assert not is_page(address)
