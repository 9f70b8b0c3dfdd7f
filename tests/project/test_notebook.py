"""The example notebook: it runs, offline, and uses public names alone."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

import dancereid
from tests.conftest import PROJECT

PATH = PROJECT / "examples" / "first_look.ipynb"


@pytest.fixture
def notebook() -> Any:
    """The notebook as it is stored."""
    return nbformat.read(PATH, as_version=4)


def code(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_it_is_stored_without_outputs(notebook: Any) -> None:
    nbformat.validate(notebook)
    assert len(code(notebook)) > 5
    for cell in code(notebook):
        assert (cell.outputs, cell.execution_count) == ([], None)


def test_it_uses_public_names_alone(notebook: Any) -> None:
    tree = ast.parse("\n".join(cell.source for cell in code(notebook)))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    assert {ast.unparse(node) for node in imports} == {"import numpy as np", "import dancereid"}
    used = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "dancereid"
    }
    assert used == {"load_dataset", "coverage", "preview", "as_arrays", "evaluate"}
    assert used <= set(dancereid.__all__)


def test_it_runs(notebook: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HF_HOME", "IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name))
    folder = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, timeout=None, resources=folder).execute()
    outputs = [output for cell in code(notebook) for output in cell.outputs]
    printed = "".join(o.text for o in outputs if o.output_type == "stream" and o.name == "stdout")
    results = [output.data for output in outputs if output.output_type == "execute_result"]
    assert "4 of 4 videos, 12 of 12 people, 265 of 265 images" in printed
    assert "Queries: 145 of 6 people" in printed
    assert sum("image/png" in data for data in results) == 2  # a crop, and one with its pose
    assert sum("<iframe" in data.get("text/html", "") for data in results) == 1
    assert "(145, 512)" in [data["text/plain"] for data in results]


def test_results_show_themselves_as_the_last_line_of_a_cell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HF_HOME", "IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name))
    cells = (
        "import dancereid; ds = dancereid.load_dataset('demo', stride=20)",
        "dancereid.coverage(ds['test'].select([0]))",
        "test = ds['test']",
        "dancereid.evaluate(test['bbox'][:], test['person_id'], test['frame'])",
        "dancereid.export(ds, 'out')",
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
    NotebookClient(
        notebook, timeout=None, resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    shown = [
        output.data["text/plain"]
        for cell in notebook.cells
        for output in cell.outputs
        if output.output_type == "execute_result"
    ]
    coverage, result, exported = shown
    assert coverage.startswith("DanceReID 'demo': 4 of 4 videos, 12 of 12 people, ")
    assert coverage.endswith("This is what was built, whatever filter, select or map left of it.")
    assert result.startswith("mAP ")
    assert "\nCUHK03 " in result
    assert "To read it:\n" in exported
