"""How the bytes of a clip come, break off, and are gone on with."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import av
import pytest

from dancereid_pipeline.common.reasons import Reason
from dancereid_pipeline.fetch.clip_fetcher import ClipFetcher
from tests.support.servers.pages import (
    CLIP,
    Clock,
    Pages,
    clip_bytes,
    fetch,
    fetcher_of,
    kept,
    online,
    ranges,
)
from tests.support.servers.web import Answer

HTML = b"<!DOCTYPE html><html>Sign in to the guest network</html>"
WHOLE = "000_aaa.mp4.unchecked"
PART = f"{WHOLE}.part"
OTHER = clip_bytes(50)


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that nobody waits."""
    return online(monkeypatch)


@pytest.fixture
def site() -> Iterator[Pages]:
    with Pages() as site:
        yield site


@pytest.fixture
def by_clip(site: Pages, tmp_path: Path) -> ClipFetcher:
    """Fetches from the mirror."""
    return fetcher_of(tmp_path, site.by_clip)


def test_a_server_that_asks_for_a_little_time_gets_it(
    site: Pages, by_clip: ClipFetcher, waits: list[float]
) -> None:
    site.files[CLIP] = clip_bytes()
    busy = Answer(status=429, headers={"Retry-After": "7"}, body=b"")
    site.answers[CLIP] = [busy, busy]
    assert fetch(by_clip).outcome is Reason.USED
    assert waits == [7, 7]
    site.answers["/lab/001_bbb.mp4"] = [replace(busy, headers={"Retry-After": "3600"})]
    entry = fetch(by_clip, 1)
    assert entry.outcome is Reason.RATE_LIMITED
    assert entry.detail.endswith("; the server asks to wait 3,600 s")
    assert waits == [7, 7]


def damaged(content: bytes, start: int) -> bytes:
    """The clip with what one of its frames is made from overwritten, from its byte `start` on."""
    with av.open(io.BytesIO(content)) as container:
        packets = [(p.pos, p.size) for p in container.demux(video=0) if not p.is_keyframe]
    place, size = max(packets[10:], key=lambda packet: packet[1] or 0)
    return content[: place + start] + bytes(size - start) + content[place + size :]


def up_to_frame(content: bytes, number: int) -> bytes:
    """The clip up to where a frame begins."""
    with av.open(io.BytesIO(content)) as container:
        return content[: [p.pos for p in container.demux(video=0)][number]]


START_FIRST = clip_bytes(options="plain", start_first=True)


@pytest.mark.parametrize(
    ("content", "reason", "said"),
    [
        pytest.param(*case, id=name)
        for name, *case in (
            ("page", HTML, Reason.NOT_A_VIDEO, r"as a video: 56 bytes .*\(a web page\)"),
            ("empty", b"", Reason.NETWORK, "Did not get any data blocks"),
            ("no index", clip_bytes()[:-500], Reason.NOT_A_VIDEO, r"[\d,]+ bytes that .*ftyp"),
            ("cut", START_FIRST[:-99], Reason.DAMAGED, "the fetched file: the video is damaged"),
            ("cut early", up_to_frame(START_FIRST, 30), Reason.DAMAGED, r"\(30 frames of 40"),
            ("odd", damaged(clip_bytes(), 9), Reason.DAMAGED, r"the video is damaged \("),
            ("spoilt", damaged(clip_bytes(), 200), Reason.DAMAGED, r"damaged \(frame \d+ is\)"),
        )
    ],
)
def test_what_came_and_is_no_whole_clip_is_not_kept(
    site: Pages, by_clip: ClipFetcher, content: bytes, reason: Reason, said: str
) -> None:
    site.files[CLIP] = content
    entry = fetch(by_clip)
    assert entry.outcome is reason
    assert re.search(said, entry.detail)
    assert (entry.file, entry.clip, kept(by_clip)) == ("", None, {})
    assert ranges(site) == [None]


def test_a_length_that_is_wrong_is_noticed(site: Pages, by_clip: ClipFetcher) -> None:
    site.files[CLIP] = clip_bytes()
    site.answers[CLIP] = [Answer(length=9000)]
    assert fetch(by_clip).outcome is Reason.NOT_A_VIDEO
    site.answers[CLIP] = [Answer(length=len(clip_bytes()) + 9000, always=True)]
    entry = fetch(by_clip)
    assert entry.outcome is Reason.NETWORK
    assert re.search(r"bytes read, [\d,]+ more expected", entry.detail)
    site.answers.clear()
    assert fetch(by_clip).outcome is Reason.USED


def test_a_transfer_that_breaks_is_gone_on_with(site: Pages, by_clip: ClipFetcher) -> None:
    site.files[CLIP] = clip_bytes()
    site.answers[CLIP] = [Answer(cut=9000), Answer(drop=True), Answer(cut=5000)]
    assert fetch(by_clip).outcome is Reason.USED
    assert kept(by_clip) == {"000_aaa.mp4": clip_bytes()}
    # yt-dlp drops the block that it was at.
    starts = [int((range_ or "bytes=0-")[6:-1]) for range_ in ranges(site)]
    assert starts == [0, starts[1], starts[1], starts[3]]
    assert 4000 < starts[1] <= 9000 < starts[3] <= starts[1] + 5000


def test_the_next_try_goes_on_with_what_the_last_left(site: Pages, by_clip: ClipFetcher) -> None:
    site.files[CLIP] = clip_bytes()
    site.answers[CLIP] = [Answer(cut=9000), Answer(drop=True, always=True)]
    assert fetch(by_clip).outcome is Reason.NETWORK
    ((name, part),) = kept(by_clip).items()
    assert (name, part) == (PART, clip_bytes()[: len(part)])
    assert len(part) > 4000
    site.requests.clear()
    site.answers.clear()
    assert fetch(by_clip).outcome is Reason.USED
    assert kept(by_clip) == {"000_aaa.mp4": clip_bytes()}
    assert ranges(site) == [f"bytes={len(part)}-"]
    assert site.asked() == len(clip_bytes()) - len(part)


@pytest.mark.parametrize(
    ("name", "content", "asked"),
    [
        pytest.param(PART, clip_bytes()[:9000], ["bytes=9000-"], id="part"),
        pytest.param(PART, OTHER[:9000], ["bytes=9000-", None], id="another's part"),
        pytest.param(PART, OTHER + OTHER, None, id="too long"),
        pytest.param(PART, clip_bytes(), None, id="whole"),
        pytest.param(WHOLE, clip_bytes(), [], id="whole but for the check"),
        pytest.param(WHOLE, clip_bytes()[:9000], [None], id="unchecked and cut"),
    ],
)
@pytest.mark.parametrize("understood", [True, False])
def test_what_a_kill_left_is_used_as_far_as_it_is_good(
    site: Pages,
    by_clip: ClipFetcher,
    name: str,
    content: bytes,
    asked: list[str | None] | None,
    understood: bool,
) -> None:
    site.files[CLIP] = clip_bytes()
    site.ranges = understood
    (by_clip.folder / name).write_bytes(content)
    entry = fetch(by_clip)
    assert (entry.outcome, entry.file) == (Reason.USED, "000_aaa.mp4")
    assert kept(by_clip) == {"000_aaa.mp4": clip_bytes()}
    if asked is not None:
        # A server without ranges gives the whole at once, whatever was asked for.
        assert ranges(site) == (asked if understood else asked[:1])


def test_a_clip_with_a_piece_missing_is_none(site: Pages, tmp_path: Path) -> None:
    by_page = fetcher_of(tmp_path, site.by_page)
    content = clip_bytes(suffix=".ts")
    pieces = [content[:9400], content[9400:18800], content[18800:]]
    lines = ["#EXTM3U", "#EXT-X-TARGETDURATION:1"]
    for number, piece in enumerate(pieces):
        site.files[f"/pieces/{number}"] = piece
        lines += ["#EXTINF:0.4,", site.address(f"/pieces/{number}")]
    site.add("aaa", "\n".join([*lines, "#EXT-X-ENDLIST"]).encode(), "137")
    site.videos["aaa"]["formats"][0]["protocol"] = "m3u8_native"
    del site.files["/pieces/1"]
    entry = fetch(by_page)
    assert (entry.outcome, entry.clip) == (Reason.UNAVAILABLE, None)
    assert "HTTP Error 404" in entry.detail
    site.files["/pieces/1"] = pieces[1]
    assert fetch(by_page).outcome is Reason.USED
    assert kept(by_page) == {"000_aaa.mp4": content}


def test_a_video_that_takes_too_long_is_gone_on_with_next_time(
    site: Pages, by_clip: ClipFetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    site.files[CLIP] = clip_bytes(150)
    heard: list[int] = []

    def on_bytes(there: int, whole: int | None) -> None:
        assert whole == len(clip_bytes(150))
        heard.append(there)
        clock.now_s += 3600 if there > 20000 else 1

    entry = fetch(by_clip, on_bytes=on_bytes)
    assert entry.outcome is Reason.NETWORK
    assert entry.detail == "took longer than 3,600 s; what was fetched so far is kept"
    part = kept(by_clip)[PART]
    assert 20000 < heard[-1] == len(part) < len(clip_bytes(150))
    assert part == clip_bytes(150)[: len(part)]
    assert fetch(by_clip).outcome is Reason.USED
    assert ranges(site) == [None, f"bytes={len(part)}-"]
    assert kept(by_clip) == {"000_aaa.mp4": clip_bytes(150)}
