"""Prints the lowest version of each dependency that pyproject.toml allows, as constraints for pip.

    python tools/lowest_versions.py > lowest.txt
    pip install . --constraint lowest.txt

`make test-lowest` runs the tests with these. PyTorch's extra is left out: it is tested with one
release, see the group `slow`.
"""

from __future__ import annotations

import re
from pathlib import Path

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10, whose pip brings the same library
    from pip._vendor import tomli as tomllib  # type: ignore[no-redef]  # one of two imports

_PYPROJECT = Path(__file__).parents[1] / "pyproject.toml"
_LOWEST = re.compile(r"([\w.-]+)(?:\[[\w,-]+\])?>=([\w.]+)")


def constraints() -> list[str]:
    """One line for each dependency, `name==version`.

    Raises:
        ValueError: a dependency has no lowest version.
    """
    project = tomllib.loads(_PYPROJECT.read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    lines = []
    for requirement in [*project["dependencies"], *extras["h5"], *extras["preview"]]:
        found = _LOWEST.match(requirement)
        if found is None:
            raise ValueError(f"pyproject.toml: expected name>=version, got {requirement!r}.")
        # A release of OpenCV has a fourth number, which its module does not know.
        lines.append(f"{found[1]}=={found[2]}{'.*' if found[2].count('.') > 1 else ''}")
    return lines


if __name__ == "__main__":
    print("\n".join(constraints()))
