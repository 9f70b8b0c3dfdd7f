"""A real yt-dlp whose extractor fails as a test wants it to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from yt_dlp import YoutubeDL
from yt_dlp.extractor.common import InfoExtractor
from yt_dlp.utils import (
    DownloadError,
)


class RefusalIE(InfoExtractor):
    """Fails as the test wants it to."""

    _VALID_URL = r"refusal:(?P<id>.+)"
    fails: Callable[[RefusalIE], Any]

    def _real_extract(self, url: str) -> dict[str, Any]:
        return self.fails(self)


def refused(
    fails: Callable[[RefusalIE], Any], *, download: bool = False, **params: Any
) -> DownloadError:
    """The error that a client ends with whose extractor does what `fails` does."""
    silent = {"quiet": True, "no_warnings": True, "noprogress": True, "logger": Silent()}
    once = {"retries": 0, "extractor_retries": 0, "fragment_retries": 0, "proxy": ""}
    with YoutubeDL({**silent, **once, **params}, auto_init=False) as ydl:
        extractor = RefusalIE()
        extractor.fails = fails
        ydl.add_info_extractor(extractor)
        with pytest.raises(DownloadError) as error:
            ydl.extract_info("refusal:ZhuDSdmby8k", download=download)
    return error.value


class Silent:
    def debug(self, message: str) -> None: ...
    def warning(self, message: str) -> None: ...
    def error(self, message: str) -> None: ...
