"""Results that are reports."""

from __future__ import annotations


class Report:
    """A result whose text is a report. Python's prompt and notebooks show it, as `print` does."""

    def __repr__(self) -> str:
        return str(self)
