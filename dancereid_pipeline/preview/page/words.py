"""Numbers and their nouns."""

from __future__ import annotations


def counted(number: int, one: str, many: str | None = None) -> str:
    """A number and its noun: "1 image", "1,234 images".

    Args:
        number: the number.
        one: the noun for one.
        many: the noun for others; `one` with an s if None.
    """
    return f"{number:,} {one if number == 1 else many or one + 's'}"
