"""How much work something is, in steps that do not depend on the machine."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TypeVar

_T = TypeVar("_T")


def counted_calls(work: Callable[[], _T]) -> tuple[_T, int]:
    """What the work returns, and the number of functions that it calls."""
    calls = 0

    def count(_frame: object, event: str, _function: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        found = work()
    finally:
        sys.setprofile(None)
    return found, calls
