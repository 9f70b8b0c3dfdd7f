"""An address on the network, and what of it may be shown."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit


def is_address(place: str) -> bool:
    """Whether it is an address on the network, not a path."""
    return place.lower().startswith(("http://", "https://"))


def public(address: str) -> str:
    """An address (or a pattern of one) without what may let somebody in.

    That is its user and password, and of its query whatever names no video.
    """
    parts = urlsplit(address)
    query = "&".join(part for part in parts.query.split("&") if "{" in part)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, query, ""))
