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
        fs.rm("/lab", recursive=True)
