"""Ships the types of dancereid.py in the wheel.

A single module cannot carry a `py.typed` (PEP 561), so type checkers would ignore its types. They
find them in a stub package of its name instead, which is the module itself once more.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class StubPackage(BuildHookInterface[Any]):
    """Adds `dancereid-stubs`, by a copy: hatchling ships each file of a project once."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Before the wheel is written. An editable installation has the checkout itself."""
        self.folder = Path(tempfile.mkdtemp())
        stub = shutil.copyfile(Path(self.root) / "dancereid.py", self.folder / "__init__.pyi")
        if version != "editable":
            build_data["force_include"][str(stub)] = "dancereid-stubs/__init__.pyi"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002
        """After the wheel is written."""
        shutil.rmtree(self.folder)
