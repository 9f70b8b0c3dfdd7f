"""Data folders in a store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import fsspec


@contextmanager
def in_memory(folder: Path) -> Iterator[str]:
    """The address of a copy of a folder in the memory of this process."""
    fs = fsspec.filesystem("memory")
    for path in folder.rglob("*"):
        if path.is_file():
            fs.pipe_file(f"/lab/data/{path.relative_to(folder).as_posix()}", path.read_bytes())
    try:
        yield "memory://lab/data"
    finally:
        # Not by `rm`, which asks what a test may have made fail.
        for path in [path for path in fs.store if path.startswith("/lab/")]:
            del fs.store[path]
        fs.pseudo_dirs[:] = [path for path in fs.pseudo_dirs if not path.startswith("/lab")]
