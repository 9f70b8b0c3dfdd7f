"""A room imports only rooms above it, in the order of `dancereid_pipeline.ROOMS`."""

from __future__ import annotations

import ast
import importlib.util
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from dancereid_pipeline import ROOMS
from tests.conftest import PROJECT

PACKAGE = "dancereid_pipeline"


def module_of(path: Path) -> str:
    parts = path.relative_to(PROJECT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = [PROJECT / "dancereid.py", *(PROJECT / PACKAGE).rglob("*.py")]
MODULES = {module_of(path): path for path in FILES}


def imported(module: str, text: str) -> set[str]:
    """The modules of this project that a module imports, wherever in it and however late."""
    is_package = MODULES.get(module, Path()).name == "__init__.py"
    package = module if is_package else module.rpartition(".")[0]
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            name = "." * node.level + (node.module or "")
            source = importlib.util.resolve_name(name, package)
            for alias in node.names:
                inner = f"{source}.{alias.name}"
                found.add(inner if inner in MODULES else source)
    return found & set(MODULES)


ARROWS = {module: imported(module, path.read_text()) for module, path in MODULES.items()}


def against_the_order(arrows: dict[str, set[str]]) -> list[str]:
    """Imports that do not lead to a room above, or within a room."""
    # The builder stands below all rooms but the command, which calls it as a user does.
    *rooms, command = ROOMS
    order = [PACKAGE, *rooms, "dancereid", command, "__main__"]

    def place(module: str) -> int:
        package, _, inner = module.partition(".")
        return order.index(inner.partition(".")[0] if inner else package)

    return [
        f"{module} imports {other}"
        for module, others in arrows.items()
        for other in sorted(others)
        if place(other) > place(module)
    ]


def test_every_folder_of_the_package_is_a_room_and_every_room_a_folder() -> None:
    folders = {module.split(".")[1] for module in MODULES if module.count(".") > 1}
    assert folders == set(ROOMS)


def test_a_room_imports_only_rooms_above_it() -> None:
    assert sum(map(len, ARROWS.values())) > 200  # they were found at all
    assert against_the_order(ARROWS) == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    list(TopologicalSorter(ARROWS).static_order())


@pytest.mark.parametrize(
    "text",
    [
        "from ..publish.card import card",
        "import dancereid_pipeline.publish.card",
        "from dancereid_pipeline.publish import card",
        "def late():\n    from ..publish import card",
        "if TYPE_CHECKING:\n    from ..publish.card import card",
        "def late():\n    import dancereid",
        "def late():\n    from ..cli.main import main",
    ],
)
def test_an_arrow_against_the_order_is_found_however_it_is_written(text: str) -> None:
    module = "dancereid_pipeline.build.samples"
    assert len(against_the_order({module: imported(module, text)})) == 1


def test_only_the_command_imports_the_builder() -> None:
    importers = {module for module, others in ARROWS.items() if "dancereid" in others}
    assert importers
    assert {module.split(".")[1] for module in importers} == {"cli"}


def test_tests_lie_in_folders_named_after_rooms() -> None:
    tests = PROJECT / "tests"
    folders = {path.parent.relative_to(tests).parts[0] for path in tests.rglob("test_*.py")}
    assert folders <= {*ROOMS, "end_to_end", "fuzz", "project"}
