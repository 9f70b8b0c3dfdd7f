"""The path of a cookies.txt -> its checked text."""

from __future__ import annotations

import re
from pathlib import Path

from ..common.errors import SourceError

COOKIES_WANTED = "Export a cookies.txt in Netscape's format, or name another browser."
_HEADER = re.compile(r"#( Netscape)? HTTP Cookie File")
_FIELDS = 7


def read_cookies(path: str) -> str:
    """The text of a cookies.txt.

    Raises:
        SourceError: the file is not a cookies.txt. (yt-dlp would print the lines that it cannot
            read, with their secrets, and continue.)
    """
    try:
        text = Path(path).expanduser().read_text("utf-8")
    except (OSError, ValueError, RuntimeError) as error:
        raise SourceError(f"cookies={path!r} cannot be read: {error}. {COOKIES_WANTED}") from error
    if not _HEADER.match(text):
        raise SourceError(
            f"cookies={path!r}: the first line is not '# Netscape HTTP Cookie File'. "
            f"{COOKIES_WANTED}"
        )
    for number, line in enumerate(text.splitlines(), start=1):
        cookie = line.removeprefix("#HttpOnly_").strip()
        if cookie and not cookie.startswith("#") and len(line.split("\t")) != _FIELDS:
            raise SourceError(
                f"cookies={path!r}, line {number}: expected {_FIELDS} fields with tabs between "
                f"them, found {len(line.split(chr(9)))}. {COOKIES_WANTED}"
            )
    return text
