"""Whether the network may be used."""

from __future__ import annotations

from pathlib import Path

from datasets import config as datasets_config

from .address import Address
from .errors import SourceError

OFFLINE = "offline mode is on (HF_HUB_OFFLINE or HF_DATASETS_OFFLINE)"


def offline() -> bool:
    """Whether the offline mode of `datasets` is on (HF_HUB_OFFLINE or HF_DATASETS_OFFLINE)."""
    return bool(datasets_config.HF_HUB_OFFLINE)


def refuse_offline(address: Address, target: Path) -> None:
    """Raises an error in offline mode.

    Args:
        address: the file to fetch.
        target: the path that the file will get.

    Raises:
        SourceError: offline mode is on.
    """
    if offline():
        raise SourceError(
            f"{address}: expected this file in {target.parent}, since {OFFLINE}. Turn "
            "offline mode off once to fetch the file, or put it there yourself."
        )
