"""What servers answer to somebody who reads a clip range by range."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dancereid_pipeline.common.errors import SourceError, VideoError
from dancereid_pipeline.common.reasons import Reason
from dancereid_pipeline.fetch.growing_clip import GrowingClip
from dancereid_pipeline.fetch.politeness import StopRule
from tests.support.growing import FRAMES, clip_content, growing_clip, leave, left, pictures
from tests.support.servers.pages import Pages, fetcher_of
from tests.support.servers.pages import online as pages_online
from tests.support.servers.web import Answer, Site, redirect

CLIP = "/faststart.mp4"
WHOLE = {"000_vid.mp4": clip_content()}


@pytest.fixture
def growing(site: Site, tmp_path: Path, online: list[float]) -> GrowingClip:
    return growing_clip(site, tmp_path / "kept")


def read(growing: GrowingClip) -> None:
    """Reads all of it, which leaves it whole."""
    with growing.open() as clip:
        assert len(pictures(clip)) == FRAMES
    assert growing.fetcher.lacking([growing.video]) == []


def outcome(growing: GrowingClip) -> Reason:
    """What was noted of it."""
    return growing.fetcher.manifest.read()[growing.video.video_id].outcome


@pytest.mark.parametrize("part", [b"", clip_content()[:100_000]])
def test_a_server_without_ranges_gives_the_whole_once(
    site: Site, growing: GrowingClip, part: bytes
) -> None:
    site.ranges = False
    growing.fetcher.folder.mkdir()
    if part:
        (growing.fetcher.folder / "000_vid.mp4.unchecked.part").write_bytes(part)
    read(growing)
    assert left(growing) == WHOLE
    assert (len(site.requests), site.asked()) == (1, len(clip_content()))


def test_a_server_may_give_less_than_was_asked_for(site: Site, growing: GrowingClip) -> None:
    size = len(clip_content())
    site.answers[CLIP] = [
        Answer(
            status=206,
            headers={"Content-Range": f"bytes {start}-{start + 999}/{size}"},
            body=clip_content()[start : start + 1000],
        )
        for start in (0, 1000, 2000)
    ]
    read(growing)
    assert left(growing) == WHOLE
    assert site.asked() == size


@pytest.mark.parametrize("name", ["faststart.mp4", "vp9.webm"])
def test_a_transfer_that_breaks_is_continued(
    site: Site, tmp_path: Path, online: list[float], name: str
) -> None:
    growing = growing_clip(site, tmp_path / "kept", name)
    breaks = [Answer(cut=9999), Answer(drop=True), Answer(status=503)]
    site.answers[f"/{name}"] = [Answer(), *breaks, Answer(cut=20_000)]
    read(growing)
    assert list(left(growing).values()) == [clip_content(name)]


@pytest.mark.parametrize("status", [429, 503])
def test_a_server_that_asks_to_wait_is_waited_for(
    site: Site, growing: GrowingClip, online: list[float], status: int
) -> None:
    busy = Answer(status=status, headers={"Retry-After": "7"}, body=b"")
    site.answers[CLIP] = [busy, Answer(), busy, busy]
    read(growing)
    assert left(growing) == WHOLE
    assert online == [7, 7, 7]


def test_a_redirect_is_followed_with_the_range(site: Site, growing: GrowingClip) -> None:
    site.files["/mirror"] = site.files.pop(CLIP)
    site.answers[CLIP] = [redirect(site.address("/mirror"), always=True)]
    read(growing)
    assert left(growing) == WHOLE
    assert site.asked("/mirror") == len(clip_content())
    assert all(r.range for r in site.requests)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(status=404, always=True), Reason.REMOVED),
        (Answer(status=429, always=True), Reason.RATE_LIMITED),
        (Answer(drop=True, always=True), Reason.NETWORK),
        (Answer(cut=0, always=True), Reason.NETWORK),
        (Answer(body=b"<html>sign in</html>", always=True), Reason.NOT_A_VIDEO),
    ],
)
def test_what_cannot_be_had_is_an_error_with_its_reason(
    site: Site, growing: GrowingClip, answer: Answer, reason: Reason
) -> None:
    site.answers[CLIP] = [answer]
    with pytest.raises(VideoError) as error, growing.open():
        pass
    assert error.value.reason is reason
    assert outcome(growing) is reason
    assert left(growing) == {}
    if reason is Reason.RATE_LIMITED:
        assert growing.stop_rule.stopped


@pytest.mark.parametrize("name", ["faststart.mp4", "dash.mp4", "h264.mkv", "vp9.webm"])
def test_frames_that_came_before_it_broke_off_are_given(
    site: Site, tmp_path: Path, online: list[float], name: str
) -> None:
    growing = growing_clip(site, tmp_path / "kept", name)
    site.answers[f"/{name}"] = [*[Answer()] * 5, Answer(status=404, always=True)]
    came = []
    with pytest.raises(VideoError, match="404") as error, growing.open() as clip:
        came.extend(index for index, _ in clip.read(range(FRAMES)))
    assert error.value.reason is Reason.REMOVED
    assert came
    assert came == list(range(len(came)))
    assert len(site.requests) == 6  # FFmpeg may read on; what failed is not asked for again


def test_a_rest_that_does_not_come_is_noted_and_spoils_nothing(
    site: Site, growing: GrowingClip
) -> None:
    with growing.open() as clip:
        assert next(clip.read([0]))[0] == 0
        site.answers[CLIP] = [Answer(status=403, always=True)]
    assert outcome(growing) is Reason.UNAVAILABLE
    (part,) = left(growing).values()
    assert 0 < len(part) < len(clip_content())
    site.answers.clear()
    read(growing)
    assert left(growing) == WHOLE


def test_a_file_that_changes_while_it_is_read_is_not_mixed(
    site: Site, growing: GrowingClip
) -> None:
    other = clip_content("dash.mp4")
    came = []
    with pytest.raises(VideoError, match="has changed") as error, growing.open() as clip:  # noqa: PT012
        for index, _ in clip.read(range(FRAMES)):
            site.files[CLIP] = other
            came.append(index)
    assert error.value.reason is Reason.DAMAGED
    assert 0 < len(came) < FRAMES
    # What the server has now is there for the next reader.
    assert left(growing) == {"000_vid.mp4": other}
    site.requests.clear()
    read(growing)
    assert site.requests == []


@pytest.mark.parametrize("size", [9000, len(clip_content()) + 9000])
def test_a_part_of_another_file_is_noticed_and_replaced(
    site: Site, growing: GrowingClip, size: int
) -> None:
    growing.fetcher.folder.mkdir()
    part = growing.fetcher.folder / "000_vid.mp4.unchecked.part"
    part.write_bytes((clip_content("dash.mp4") * 2)[:size])
    with pytest.raises(VideoError), growing.open() as clip:
        pictures(clip)
    assert left(growing) == WHOLE
    read(growing)


def test_a_disk_without_room_is_told(site: Site, growing: GrowingClip) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full, a disk without room")
    growing.fetcher.folder.mkdir()
    (growing.fetcher.folder / "000_vid.mp4.unchecked.part").symlink_to("/dev/full")
    with pytest.raises(SourceError, match="cannot be written"), growing.open():
        pass


def test_the_rate_is_kept_to(
    site: Site, tmp_path: Path, online: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr("yt_dlp.downloader.common.time.sleep", waits.append)
    leave(growing_clip(site, tmp_path / "kept", rate=10_000).open())
    assert max(waits) > 1
    waits.clear()
    leave(growing_clip(site, tmp_path / "other").open())
    assert waits == []


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pages]:
    pages_online(monkeypatch)
    with Pages() as site:
        yield site


@pytest.fixture
def by_page(pages: Pages, tmp_path: Path) -> GrowingClip:
    """A clip of a video site."""
    pages.add("aaa", clip_content("dash.mp4"), "137")
    fetcher = fetcher_of(tmp_path, pages.by_page)
    return GrowingClip(fetcher, fetcher.catalogue.videos[0], StopRule())


def test_a_video_site_is_asked_for_its_page_once(pages: Pages, by_page: GrowingClip) -> None:
    pages.videos["aaa"]["formats"][0]["http_headers"] = {"X-Page": "its own"}
    read(by_page)
    assert left(by_page) == {"000_aaa.mp4": clip_content("dash.mp4")}
    assert pages.pages() == ["aaa"]
    media = [r for r in pages.requests if r.path != "/watch"]
    assert len(media) > 1
    assert {r.headers["X-Page"] for r in media} == {"its own"}
    assert sum(r.asked for r in media) == len(clip_content("dash.mp4"))
    entry = by_page.fetcher.manifest.read()["aaa"]
    assert entry.format == "137 avc1.640028"


def test_bytes_that_are_gone_are_not_the_video(pages: Pages, by_page: GrowingClip) -> None:
    pages.files.clear()
    with pytest.raises(VideoError, match="404") as error, by_page.open():
        pass
    assert error.value.reason is Reason.UNAVAILABLE
    assert outcome(by_page) is Reason.UNAVAILABLE


def test_a_video_that_its_page_refuses_is_noted(pages: Pages, by_page: GrowingClip) -> None:
    pages.refuse("aaa", "Private video")
    with pytest.raises(VideoError) as error, by_page.open():
        pass
    assert error.value.reason is Reason.PRIVATE
    assert outcome(by_page) is Reason.PRIVATE
    assert by_page.gone(by_page.fetcher.manifest.read())


def test_a_format_of_segments_is_fetched_whole(pages: Pages, by_page: GrowingClip) -> None:
    content = clip_content("dash.mp4")
    pieces = [content[:100_000], content[100_000:]]
    lines = ["#EXTM3U", "#EXT-X-TARGETDURATION:2"]
    for number, piece in enumerate(pieces):
        pages.files[f"/pieces/{number}"] = piece
        lines += ["#EXTINF:1.2,", pages.address(f"/pieces/{number}")]
    pages.add("aaa", "\n".join([*lines, "#EXT-X-ENDLIST"]).encode(), "137")
    pages.videos["aaa"]["formats"][0]["protocol"] = "m3u8_native"
    read(by_page)
    assert left(by_page) == {"000_aaa.mp4": content}
    assert pages.asked("/pieces") == len(content)


def test_a_server_may_give_no_version_of_its_file(site: Site, growing: GrowingClip) -> None:
    site.answers[CLIP] = [Answer(headers={"ETag": None}, always=True)]
    read(growing)
    assert left(growing) == WHOLE
