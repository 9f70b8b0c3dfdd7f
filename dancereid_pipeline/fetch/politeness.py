"""How often to send requests to a site, and when to stop."""

from __future__ import annotations

import contextlib
import logging
import math
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass

from ..common.reasons import STOPPING, Reason, advice
from ..transfer.download import sleep
from .manifest import Entry

logger = logging.getLogger("dancereid")
# After so many, the network is probably down, and other videos would fail, too.
_NETWORK_FAILURES = 3


@dataclass
class StopRule:
    """Decides when to stop: when more requests would make it worse, or the network is down.

    Attributes:
        stopped: why no more requests may be sent; None while they may.
    """

    stopped: str | None = None
    _failures: int = 0

    def note(self, entry: Entry) -> None:
        """Takes the outcome of a video into account."""
        self._failures = self._failures + 1 if entry.outcome is Reason.NETWORK else 0
        is_down = self._failures == _NETWORK_FAILURES
        if entry.outcome in STOPPING or is_down:
            self.stopped = f"it ended with {entry.video_id}: {entry.outcome.value}"
            logger.warning(
                "Fetching ended with %s: %s. No other video is tried. %s",
                entry.video_id,
                f"{self._failures} videos in a row failed (network)"
                if is_down
                else entry.outcome.value,
                advice(entry.outcome),
            )


class Pace:
    """Leaves time between two pages that one process asks for, so as not to burden the site."""

    def __init__(self) -> None:
        self._last_s = -math.inf

    @contextlib.contextmanager
    def kept(self) -> Iterator[None]:
        """Waits until the pause after the last page is over; the next pause begins at the end."""
        left = self._last_s + pause_s() - time.monotonic()
        if left > 0:
            sleep(left)
        try:
            yield
        finally:
            self._last_s = time.monotonic()


pace = Pace()


def pause_s() -> float:
    """Seconds between two videos, 5 to 10, at random."""
    return random.uniform(5, 10)  # noqa: S311  # not for secrets
