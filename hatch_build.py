"""What the build of a distribution adds to pyproject.toml.

The wheel ships the types of dancereid.py: a single module cannot carry a `py.typed` (PEP 561), so
type checkers find them in a stub package of its name, which is the module itself once more.
README links to the files of the checkout; the README that an index shows links to their addresses.
"""

from __future__ import annotations

import re
import runpy
import shutil
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

_LINK = re.compile(r"\]\((?!https?://|#)([^)\s]+)\)")


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


class AbsoluteLinks(MetadataHookInterface):
    """Gives the README absolute links, so that its pictures show where there is no checkout."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Sets the readme of the distribution."""
        root = Path(self.root)
        constants = runpy.run_path(str(root / "dancereid_pipeline/catalogue/metadata.py"))
        address = constants["PROJECT_URL_SHOWN"]

        def absolute(link: re.Match[str]) -> str:
            kind = "raw" if link[1].endswith(".jpg") else "blob"
            return f"]({address}/{kind}/main/{link[1]})"

        text = _LINK.sub(absolute, (root / "README.md").read_text("utf-8"))
        metadata["readme"] = {"content-type": "text/markdown", "text": text}
