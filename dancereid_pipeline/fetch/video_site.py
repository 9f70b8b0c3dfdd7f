"""Finds the address of the bytes of a clip, from a page of a video site or directly."""

from __future__ import annotations

import functools
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from ..common.errors import PublicTracebackError, VideoError
from ..common.reasons import Reason
from ..inputs.data_folder import CLIP_SUFFIXES
from ..transfer.failures import CLIENT_ERRORS, fetch_error

# Video without sound, with at most the size and frame rate that the tracks were made from.
# AVC first: YouTube has used it for the longest time, and every decoder reads it.
_LIMITS = "[height<=?1080][fps<=?30]"
FORMATS = "/".join(
    f"bestvideo{codec}{_LIMITS}"
    for codec in ("[vcodec^=avc1][ext=mp4]", "[vcodec~='^vp0?9']", "[vcodec^=av01]")
)


def is_page(address: str) -> bool:
    """Whether an address is a page of a site that yt-dlp knows; else it is that of a clip."""
    from yt_dlp.extractor import list_extractor_classes

    return any(
        extractor.IE_NAME != "generic" and extractor.suitable(address)
        for extractor in list_extractor_classes()
    )


def locate(ydl: Any, address: str) -> dict[str, Any]:
    """The address of the bytes of a clip, as yt-dlp describes it: `url`, `ext` and more.

    Raises:
        VideoError: the clip is not available; has the reason.
    """
    from yt_dlp.utils import YoutubeDLError

    if not is_page(address):
        suffix = PurePosixPath(unquote(urlsplit(address).path)).suffix.lower()
        return {"url": address, "ext": suffix[1:] if suffix in CLIP_SUFFIXES else "mp4"}
    try:
        info = ydl.limit.run(functools.partial(ydl.extract_info, address, download=False))
    except (YoutubeDLError, *CLIENT_ERRORS) as error:
        raise fetch_error(error, Path()) from PublicTracebackError.of(error)
    if not info.get("url"):
        raise VideoError(Reason.NO_FORMAT, "the address is not the page of one video")
    return dict(info)
