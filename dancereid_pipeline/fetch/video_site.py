"""Where the bytes of a clip are: behind a video site's page, or at an address of their own."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from ..common.errors import VideoError
from ..common.reasons import Reason
from ..inputs.data_folder import CLIP_SUFFIXES
from ..transfer.failures import fetch_error

# Only pictures, no larger and no faster than what the tracks were made on. YouTube has
# had AVC the longest, and every decoder knows it.
_LIMITS = "[height<=?1080][fps<=?30]"
FORMATS = "/".join(
    f"bestvideo{codec}{_LIMITS}"
    for codec in ("[vcodec^=avc1][ext=mp4]", "[vcodec~='^vp0?9']", "[vcodec^=av01]")
)


def is_page(address: str) -> bool:
    """Whether yt-dlp knows the site: then it is a page; else, the address is the clip's own."""
    from yt_dlp.extractor import list_extractor_classes

    return any(
        extractor.IE_NAME != "generic" and extractor.suitable(address)
        for extractor in list_extractor_classes()
    )


def locate(ydl: Any, address: str) -> dict[str, Any]:
    """Where the bytes of a clip are, as yt-dlp describes it: `url`, `ext` and more.

    Raises:
        VideoError: it is not to be had, with the reason.
    """
    from yt_dlp.utils import YoutubeDLError

    if not is_page(address):
        suffix = PurePosixPath(unquote(urlsplit(address).path)).suffix.lower()
        return {"url": address, "ext": suffix[1:] if suffix in CLIP_SUFFIXES else "mp4"}
    try:
        info = ydl.extract_info(address, download=False)
    except (YoutubeDLError, OSError) as error:
        raise fetch_error(error, Path()) from error
    if not info.get("url"):
        raise VideoError(Reason.NO_FORMAT, "the address is not that of one video's page")
    return dict(info)
