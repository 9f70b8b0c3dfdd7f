"""The result of checking one thing that the dataset needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

State: TypeAlias = Literal["yes", "no", "warning", "skipped"]


@dataclass(frozen=True)
class Check:
    """The result of one check.

    Attributes:
        name: what was checked.
        state: "yes" if it is as needed, "no" if it is not, "warning" if it may cause a problem,
            "skipped" if it was not checked.
        found: what was found.
        advice: what to do; a "no" always has advice.
    """

    name: str
    state: State
    found: str
    advice: str = ""
