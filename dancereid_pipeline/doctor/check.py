"""What was found about one thing that the dataset needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

State: TypeAlias = Literal["yes", "no", "warning", "skipped"]


@dataclass(frozen=True)
class Check:
    """What was found about one thing.

    Attributes:
        name: the thing.
        state: "yes", it is as needed; "no", it is not; "warning", it is not as it should be,
            which may do no harm; "skipped", it was not looked at.
        found: what there is.
        advice: what to do; a "no" always has it.
    """

    name: str
    state: State
    found: str
    advice: str = ""
