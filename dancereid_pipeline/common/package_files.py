"""Files that ship with the project, and how the project is installed."""

from __future__ import annotations

from pathlib import Path

# The package is on no index: `pip install dancereid` may install a stranger's.
_INSTALL = "pip install {} in a checkout of dancereid"


def project_file(name: str) -> Path:
    """The path of a file of the project: in the installed package, or else in a checkout."""
    here = Path(__file__).parents[1]
    return next((p for p in (here / name, here.parent / name) if p.exists()), here / name)


def install_command(extra: str = "") -> str:
    """What to type to install the package, with one of its extras if one is named."""
    return _INSTALL.format(f"'.[{extra}]'" if extra else ".")
