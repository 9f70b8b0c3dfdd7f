"""The split that the name of a folder or a file says."""

from __future__ import annotations

import re

SPLITS = {
    "train": "train", "training": "train", "val": "validation", "valid": "validation",
    "validation": "validation", "trainval": "trainval", "test": "test", "extra": "extra",
}  # fmt: skip


def split_named(name: str) -> str | None:
    """The split by a name's last word, as in `train`, `train2`, `MOT20-train`; None if none is."""
    return SPLITS.get(re.split("[-_]", name.lower())[-1].rstrip("0123456789"))
