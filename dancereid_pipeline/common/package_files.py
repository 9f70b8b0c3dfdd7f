"""Files that ship with the project."""

from __future__ import annotations

from pathlib import Path


def project_file(name: str) -> Path:
    """The path of a file of the project: in the installed package, or else in a checkout."""
    here = Path(__file__).parents[1]
    return next((p for p in (here / name, here.parent / name) if p.exists()), here / name)
