"""An address on the network, and how a text is shown without secrets."""

from __future__ import annotations

import re

_PARTS = re.compile(r"([a-z][a-z0-9+.-]*://)([^/?#]*)([^?#]*)(?:\?([^#]*))?", re.I)
# What may be secret in a text of another program, and what is shown instead.
_SECRETS = (
    (re.compile(r"(?<=://)[^\s/?#'\"]*@"), ""),  # user and password
    (re.compile(r"\?[^\s'\"<>]+"), ""),  # a query, also one of a path without a host
    (re.compile(r"#[\w.~%-]+=[^\s'\"<>]*"), ""),  # a fragment with values
    (re.compile(r"\bBearer\s+[^\s'\"]+"), "Bearer ..."),  # a header
    (re.compile(r"\bhf_[A-Za-z0-9]{8,}"), "hf_..."),  # a token of the Hub
)


def is_address(path_or_address: str) -> bool:
    """Whether it is an address on the network, not a path."""
    return path_or_address.lower().startswith(("http://", "https://"))


class Address(str):
    """An address on the network, or a pattern of addresses. Its text never shows its secrets.

    `str`, `repr`, an f-string and JSON give the public form: without user, password and fragment,
    and of the query only the parts with a "{", since they stand for the video. Only
    `with_secrets` gives all of it.

    Args:
        whole: the address with its secrets.
        public: its public form, if it is known; else it is made from `whole`.
    """

    _whole: str

    def __new__(cls, whole: str, public: str | None = None) -> Address:  # noqa: D102  # see the class
        if isinstance(whole, Address):
            whole = whole.with_secrets()
        address = super().__new__(cls, _public(whole) if public is None else public)
        address._whole = whole
        return address

    def __getnewargs__(self) -> tuple[str, str]:  # type: ignore[override]  # str has one; for pickle
        return self._whole, str(self)

    def with_secrets(self) -> str:
        """The whole address. Only what sends a request may call it."""
        return self._whole

    def filled(self, **values: str) -> Address:
        """The address that a pattern gives with these values."""
        return Address(self._whole.format(**values), str(self).format(**values))


def without_secrets(text: str) -> str:
    """A text of another program, such as an error, without what may be secret in it.

    Removed are queries of addresses, users and passwords before a host, and tokens.
    """
    for pattern, shown in _SECRETS:
        text = pattern.sub(shown, text)
    return text


def _public(whole: str) -> str:
    """An address without its secrets. `urlsplit` would raise an error for some."""
    parts = _PARTS.match(whole)
    if parts is None:
        return without_secrets(whole)
    scheme, host, path, query = parts.groups("")
    kept = "&".join(part for part in query.split("&") if "{" in part)
    return f"{scheme}{host.rpartition('@')[2]}{path}{'?' if kept else ''}{kept}"
