"""How often to ask, and when to stop asking."""

from __future__ import annotations

import contextlib
import math
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass

from ..common.reasons import STOPPING, Reason
from ..transfer.download import sleep
from .manifest import Entry

# A network that is down answers no other video either.
_NETWORK_FAILURES = 3


@dataclass
class Manners:
    """When to stop asking: where that makes it worse, or nobody answers.

    Attributes:
        stopped: why nothing more is to be asked; None to go on.
    """

    stopped: str | None = None
    _failures: int = 0

    def note(self, entry: Entry) -> None:
        """Takes note of what came of a video."""
        self._failures = self._failures + 1 if entry.outcome is Reason.NETWORK else 0
        if entry.outcome in STOPPING or self._failures == _NETWORK_FAILURES:
            self.stopped = f"it ended with {entry.video_id}: {entry.outcome.value}"


class Pace:
    """Leaves time between two pages of one process, so that the site need not mind us."""

    def __init__(self) -> None:
        self._last_s = -math.inf

    @contextlib.contextmanager
    def kept(self) -> Iterator[None]:
        """Waits for its turn; the next one's begins when it ends."""
        left = self._last_s + pause_s() - time.monotonic()
        if left > 0:
            sleep(left)
        try:
            yield
        finally:
            self._last_s = time.monotonic()


pace = Pace()


def pause_s() -> float:
    """Seconds to leave between two videos, 5 to 10, never the same."""
    return random.uniform(5, 10)  # noqa: S311  # not for secrets
