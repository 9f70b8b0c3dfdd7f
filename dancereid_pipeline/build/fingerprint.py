"""The fingerprint of the code that shapes examples."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

from .. import ROOMS


@lru_cache(maxsize=1)
def code_fingerprint() -> str:
    """sha256 of all code that may shape examples, hex.

    This code is the builder, this folder and the folders above it in `ROOMS`: these import no
    other folders.
    """
    package = Path(__file__).parents[1]
    rooms = list(ROOMS)[: list(ROOMS).index(Path(__file__).parent.name) + 1]
    modules = [path for room in rooms for path in sorted(package.joinpath(room).rglob("*.py"))]
    digest = hashlib.sha256()
    for path in (package.with_name("dancereid.py"), *modules):
        digest.update(path.read_bytes())
    return digest.hexdigest()
