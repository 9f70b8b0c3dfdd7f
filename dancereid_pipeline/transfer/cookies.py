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
        why = str(error).rstrip(".")
        raise SourceError(f"cookies={path!r} cannot be read: {why}. {COOKIES_WANTED}") from error
    if not _HEADER.match(text):
        raise SourceError(
            f"cookies={path!r}: the first line is not '# Netscape HTTP Cookie File'. "
            f"{COOKIES_WANTED}"
        )
    for number, line in enumerate(text.splitlines(), start=1):
        cookie = line.removeprefix("#HttpOnly_")
        if cookie.strip() and not cookie.startswith("#"):
            problem = _problem(cookie.split("\t"))
            if problem:
                raise SourceError(f"cookies={path!r}, line {number}: {problem}. {COOKIES_WANTED}")
    return text


def _problem(fields: list[str]) -> str | None:
    """What is wrong with a line, without its text: that may be a secret. None if it is right."""
    if len(fields) != _FIELDS:
        return f"expected {_FIELDS} fields with tabs between them, found {len(fields)}"
    domain, with_subdomains, _, _, expires, _, _ = fields
    if (with_subdomains == "TRUE") != domain.startswith("."):
        return "expected TRUE as the second field if the domain begins with a dot, and only then"
    if expires and not re.fullmatch(r"[0-9]+(\.[0-9]+)?", expires):
        return "expected a number of seconds, or nothing, as the fifth field"
    return None
