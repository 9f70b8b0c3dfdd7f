"""A video site whose pages the real yt-dlp knows, and a lab's mirror: the clips themselves."""

from __future__ import annotations

import functools
import json
import logging
import queue
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import datasets
import pytest
from yt_dlp import globals as yt_dlp_globals
from yt_dlp.extractor import gen_extractor_classes
from yt_dlp.extractor.common import InfoExtractor

from dancereid_pipeline.catalogue.catalogue import Catalogue
from dancereid_pipeline.common.reasons import Reason
from dancereid_pipeline.fetch import clip_fetcher, politeness
from dancereid_pipeline.fetch.clip_fetcher import ClipFetcher
from dancereid_pipeline.fetch.crawl import crawl
from dancereid_pipeline.fetch.manifest import Entry
from dancereid_pipeline.transfer import download, http_client, limits
from dancereid_pipeline.transfer.limits import OnBytes
from dancereid_pipeline.transfer.settings import Network
from tests.support.data.clips import X264, write_clip
from tests.support.servers.web import Answer, Request, Site

# What YouTube lists of a video: by its number for the format, as yt-dlp words it.
_NAMES = ("ext", "vcodec", "acodec", "width", "height", "fps")
LISTED: dict[str, tuple[str, str, str, int | None, int | None, int | None]] = {
    "sb0": ("mhtml", "none", "none", 160, 90, None),  # pictures of scenes
    "140": ("m4a", "none", "mp4a.40.2", None, None, None),
    "251": ("webm", "none", "opus", None, None, None),
    "18": ("mp4", "avc1.42001E", "mp4a.40.2", 640, 360, 30),
    "22": ("mp4", "avc1.64001F", "mp4a.40.2", 1280, 720, 30),
    "134": ("mp4", "avc1.4D401E", "none", 640, 360, 30),
    "136": ("mp4", "avc1.64001F", "none", 1280, 720, 30),
    "137": ("mp4", "avc1.640028", "none", 1920, 1080, 30),
    "298": ("mp4", "avc1.640020", "none", 1280, 720, 60),
    "299": ("mp4", "avc1.64002A", "none", 1920, 1080, 60),
    "264": ("mp4", "avc1.640032", "none", 2560, 1440, 30),
    "243": ("webm", "vp9", "none", 640, 360, 30),
    "248": ("webm", "vp09.00.40.08", "none", 1920, 1080, 30),
    "303": ("webm", "vp9", "none", 1920, 1080, 60),
    "271": ("webm", "vp9", "none", 2560, 1440, 30),
    "396": ("mp4", "av01.0.01M.08", "none", 640, 360, 30),
    "399": ("mp4", "av01.0.08M.08", "none", 1920, 1080, 30),
    "400": ("mp4", "av01.0.12M.08", "none", 2560, 1440, 30),
}


class DancePageIE(InfoExtractor):
    """Reads the pages of `Pages`."""

    _GEO_BYPASS = False  # as YouTube's
    _VALID_URL = r"http://127\.0\.0\.1:\d+/watch\?v=(?P<id>[\w.-]+)"

    def _real_extract(self, url: str) -> dict[str, Any]:
        video_id = self._match_id(url)
        page = self._download_json(url, video_id)
        if countries := page.get("countries"):
            self.raise_geo_restricted(countries=countries)
        if refusal := page.get("refusal"):
            self.raise_no_formats(refusal, expected=True)
        if addresses := page.get("list"):
            return self.playlist_result(map(self.url_result, addresses), video_id)
        # As of YouTube's.
        order = ("quality", "res", "fps", "hdr:12", "source", "vcodec", "channels", "acodec")
        return {
            "id": video_id,
            "title": video_id,
            "formats": page["formats"],
            "_format_sort_fields": order,
        }


class Pages(Site):
    """A page a video at `/watch?v=ID`, which leads to `/media/FORMAT/ID`; a mirror in `/lab`."""

    def __init__(self) -> None:
        super().__init__()
        self.videos: dict[str, dict[str, Any]] = {}  # what its page says, by id

    @property
    def by_page(self) -> str:
        """The pattern of a video's address for whoever reads pages."""
        return self.address("/watch?v={download_id}")

    @property
    def by_clip(self) -> str:
        """The pattern for whoever takes the mirror's files."""
        return self.address("/lab/{clip}.mp4")

    def add(self, video_id: str, content: bytes, *format_ids: str) -> None:
        """A video in these formats, all of them of the same content."""
        formats = []
        for format_id in format_ids:
            path = f"/media/{format_id}/{video_id}"
            self.files[path] = content
            known = dict(zip(_NAMES, LISTED[format_id], strict=True))
            # YouTube gives at most this much for one request.
            chunks = {"downloader_options": {"http_chunk_size": 10 << 20}}
            formats.append({"format_id": format_id, "url": self.address(path), **known, **chunks})
        self.videos[video_id] = {"formats": formats}

    def refuse(self, video_id: str, refusal: str) -> None:
        self.videos[video_id] = {"refusal": refusal}

    def pages(self) -> list[str]:
        """The ids whose pages were asked for, in order."""
        return [request.query["v"] for request in list(self.requests) if request.path == "/watch"]

    def answer(self, request: Request) -> Answer:
        if request.path != "/watch":
            return super().answer(request)
        video_id = request.query["v"]
        page = json.dumps(self.videos.get(video_id, {"refusal": "This video does not exist."}))
        return self.scripted(f"/watch?v={video_id}") or Answer(body=page.encode())


def online(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Lets `Pages` be known to yt-dlp and asked. Nobody waits: gives the seconds they would."""
    # With all 1,900 sites, a client takes its time.
    know(monkeypatch, ("DancePage", "Youtube", "Generic"))
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", False)
    waits: list[float] = []
    for module in (download, politeness):
        monkeypatch.setattr(module, "sleep", waits.append)
    monkeypatch.setattr(http_client, "retry_wait_s", lambda n: 0)
    monkeypatch.setattr(clip_fetcher, "pace", politeness.Pace())
    return waits


def know(monkeypatch: pytest.MonkeyPatch, prefixes: tuple[str, ...] = ("",)) -> None:
    """Adds `Pages` to the sites that yt-dlp knows: to all, or to those whose names begin so."""
    known = {c.__name__: c for c in (DancePageIE, *_all_sites()) if c.__name__.startswith(prefixes)}
    monkeypatch.setattr(yt_dlp_globals.extractors, "value", known)


@functools.cache
def _all_sites() -> list[type[InfoExtractor]]:
    return gen_extractor_classes()


def plugin(folder: Path) -> Path:
    """A folder that makes `Pages` known to the yt-dlp of any process that has it in its path."""
    package = folder / "yt_dlp_plugins" / "extractor"
    package.mkdir(parents=True)
    shutil.copy(__file__, package / "dance_page.py")
    return folder


class Clock:
    """The time as fetching has it: it goes on as a test says, and while somebody sleeps."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now_s = 0.0
        self.slept: list[float] = []
        clock = SimpleNamespace(monotonic=lambda: self.now_s)
        for module in (limits, politeness):
            monkeypatch.setattr(module, "time", clock)
        monkeypatch.setattr(politeness, "sleep", self.sleep)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now_s += seconds


def network(folder: Path, pattern: str, **options: Any) -> Network:
    """As a user with nothing else set has it."""
    given = {"video_url": pattern, "download_dir": folder, **options}
    return Network.read(given, environment={})


def catalogue_of(folder: Path, *video_ids: str) -> Catalogue:
    """Of these videos, in this order."""
    path = folder / "catalogue.csv"
    path.write_text("".join(["video_id,people,split\n", *(f"{i},1,test\n" for i in video_ids)]))
    return Catalogue.read(path)


CLIP = "/lab/000_aaa.mp4"  # where the mirror has the first video


def fetcher_of(folder: Path, pattern: str, **options: Any) -> ClipFetcher:
    """Fetches three videos into `videos`."""
    (folder / "videos").mkdir(exist_ok=True)
    catalogue = catalogue_of(folder, "aaa", "bbb", "ccc")
    return ClipFetcher(folder / "videos", catalogue, network(folder, pattern, **options))


def fetch(
    fetcher: ClipFetcher, row: int = 0, on_bytes: OnBytes = lambda there, whole: None
) -> Entry:
    """Fetches a video, and makes sure that the manifest has what came of it."""
    entry = fetcher.fetch(fetcher.catalogue.videos[row], on_bytes)
    assert fetcher.manifest.read()[entry.video_id] == entry
    return entry


def kept(fetcher: ClipFetcher) -> dict[str, bytes]:
    """What is in the folder, but for the manifest."""
    found = {p.name: p.read_bytes() for p in fetcher.folder.iterdir() if p.is_file()}
    assert json.loads(found.pop("manifest.json"))
    return found


def ranges(site: Site, path: str = CLIP) -> list[str | None]:
    """The part that each request for a path asked for."""
    return [request.range for request in site.requests if request.path == path]


@dataclass
class Lab:
    """A folder that clips are crawled into, time and again."""

    site: Pages
    folder: Path
    catalogue: Catalogue
    network: Network

    def crawl(self, *, again: bool = False) -> list[Entry]:
        """Crawls all videos, having forgotten what was asked before."""
        self.site.requests.clear()
        videos = list(self.catalogue)
        found = crawl(self.folder, self.catalogue, videos, self.network, again=again)
        assert [entry.video_id for entry in found.entries] == [v.video_id for v in videos]
        assert found.whole is all(entry.outcome is Reason.USED for entry in found.entries)
        return list(found.entries)

    def outcomes(self, *, again: bool = False) -> list[Reason]:
        return [entry.outcome for entry in self.crawl(again=again)]

    @property
    def asked(self) -> list[str]:
        """What was asked for since the last crawl began: pages by id, clips by name."""
        paths = [(r.path, r.query) for r in list(self.site.requests)]
        kinds = ("/watch", "/lab")
        return [q.get("v", p[5:]) for p, q in paths if p.startswith(kinds)]


@contextmanager
def hearing() -> Iterator[queue.Queue[str]]:
    """What this project's log says meanwhile, be it in other threads."""
    messages: queue.Queue[str] = queue.Queue()
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: messages.put(record.getMessage())  # type: ignore[method-assign]
    logging.getLogger("dancereid").addHandler(handler)
    try:
        yield messages
    finally:
        logging.getLogger("dancereid").removeHandler(handler)


@functools.cache
def clip_bytes(
    frames: int = 40,
    *,
    suffix: str = ".mp4",
    codec: str = "libx264",
    options: str = "b_frames",
    start_first: bool = False,
) -> bytes:
    """A clip's content; with `start_first`, the index is before the frames."""
    with tempfile.TemporaryDirectory() as folder:
        return write_clip(
            Path(folder, f"clip{suffix}"),
            frames,
            codec=codec,
            options=X264[options] if codec == "libx264" else {},
            size=(160, 120),
            container_options={"movflags": "faststart"} if start_first else {},
        ).read_bytes()
