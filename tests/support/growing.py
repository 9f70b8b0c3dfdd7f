"""Clips on a server, to be read while they are fetched."""

from __future__ import annotations

import functools
import hashlib
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from dancereid_pipeline.catalogue.catalogue import Catalogue
from dancereid_pipeline.common.address import Address
from dancereid_pipeline.fetch.clip_fetcher import ClipFetcher
from dancereid_pipeline.fetch.growing_clip import GrowingClip
from dancereid_pipeline.fetch.politeness import StopRule
from dancereid_pipeline.formats.video import Clip
from dancereid_pipeline.transfer.settings import Network
from tests.support.data.clips import X264, write_clip
from tests.support.servers.web import Site

FRAMES = 70
# What the container is asked for, by the clip's name.
CLIPS: dict[str, dict[str, str]] = {
    "plain.mp4": {},
    "faststart.mp4": {"movflags": "faststart"},
    "fragmented.mp4": {"movflags": "frag_keyframe+empty_moov+default_base_moof"},
    # As YouTube's: fragments, and an index of them at the beginning.
    "dash.mp4": {"movflags": "dash+global_sidx+frag_keyframe+skip_trailer"},
    "h264.mkv": {},
    "vp9.webm": {},
}


def clip_content(name: str = "faststart.mp4", frames: int = FRAMES) -> bytes:
    """A clip that is large enough for several requests."""
    return _written(name, frames)


@functools.cache  # no two clips that are written have the same bytes
def _written(name: str, frames: int) -> bytes:
    vp9 = {"codec": "libvpx-vp9", "options": {"deadline": "realtime", "cpu-used": "8"}}
    codec: dict[str, Any] = (
        vp9 if name == "vp9.webm" else {"options": {**X264["b_frames"], "preset": "ultrafast"}}
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        write_clip(path, frames, size=(480, 360), container_options=CLIPS[name], **codec)
        return path.read_bytes()


def growing_clip(
    site: Site, folder: Path, name: str = "faststart.mp4", frames: int = FRAMES, **network: Any
) -> GrowingClip:
    """A clip of a server, to be kept in a folder's `videos`."""
    site.files[f"/{name}"] = clip_content(name, frames)
    catalogue = folder / "catalogue.csv"
    folder.mkdir(exist_ok=True)
    catalogue.write_text("video_id,people,split\nvid,1,test\n")
    videos = Catalogue.read(catalogue)
    pattern = f"{site.url}/{name}?{{clip}}"
    settings = Network(video_url=Address(pattern), download_dir=folder, **network)
    return GrowingClip(
        ClipFetcher(folder / "videos", videos, settings), videos.videos[0], StopRule()
    )


def pictures(clip: Clip, wanted: Iterable[int] = range(FRAMES)) -> dict[int, str]:
    """A hash of each picture that was wanted and came."""
    return {
        index: hashlib.sha256(picture.bgr(0, picture.height, 0, picture.width)).hexdigest()
        for index, picture in clip.read(wanted)
    }


def leave(clip: Clip) -> None:
    """Ends the reading before its end, as a generator that is closed does."""
    clip.__exit__(GeneratorExit, GeneratorExit(), None)


def left(growing: GrowingClip) -> dict[str, bytes]:
    """What is in the folder of clips, but for the manifest."""
    files = growing.fetcher.folder.iterdir()
    return {p.name: p.read_bytes() for p in files if p.is_file() and p.name != "manifest.json"}
