"""A path or an address, and the part of an address that may be shown."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit


def is_address(path_or_address: str) -> bool:
    """Whether it is an address on the network, not a path."""
    return path_or_address.lower().startswith(("http://", "https://"))


def public(address: str) -> str:
    """The address (or the pattern of addresses) without its secrets.

    Its user and password are removed. Of its query only the parts with a "{" are kept, since
    they stand for the video.
    """
    parts = urlsplit(address)
    query = "&".join(part for part in parts.query.split("&") if "{" in part)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, query, ""))
