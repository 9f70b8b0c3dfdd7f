"""Whether the network may be used."""

from __future__ import annotations

from pathlib import Path

from datasets import config as datasets_config

from .address import public
from .errors import SourceError

OFFLINE = "offline mode is on (HF_HUB_OFFLINE or HF_DATASETS_OFFLINE)"


def offline() -> bool:
    """Whether `datasets` was told to stay off the network (HF_HUB_OFFLINE, HF_DATASETS_OFFLINE)."""
    return bool(datasets_config.HF_HUB_OFFLINE)


def refuse_offline(address: str, target: Path) -> None:
    """Raises a `SourceError` in offline mode."""
    if offline():
        raise SourceError(
            f"{public(address)}: is needed, is not in {target.parent}, and {OFFLINE}. Turn it off "
            "once, or bring the files."
        )
