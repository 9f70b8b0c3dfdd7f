"""What holds of the project as a whole."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import datasets
import pytest

import dancereid
from dancereid_pipeline.build.prepared_names import config_and_unit
from tests.conftest import PROJECT

MODULES = [PROJECT / "dancereid.py", *sorted((PROJECT / "dancereid_pipeline").rglob("*.py"))]


def test_dataset_infos_is_up_to_date() -> None:
    subprocess.run(
        [sys.executable, "tools/make_dataset_infos.py", "--check"], cwd=PROJECT, check=True
    )
    infos = json.loads((PROJECT / "dataset_infos.json").read_text())
    counts = {
        name: {s: v["num_examples"] for s, v in i["splits"].items()} for name, i in infos.items()
    }
    assert counts["paper"] == {"trainval": 31643, "test": 22637}
    assert counts["full"] == {"trainval": 31643, "test": 22637, "extra": 43091}
    assert counts["published"] == {"trainval": 31643, "test": 19526}
    for name in infos:
        features = datasets.Features.from_dict(infos[name]["features"])
        _, unit = config_and_unit(name)
        assert features == dancereid.DanceReID(config_name="demo", unit=unit).info.features


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.name)
def test_modules_are_short_and_do_not_assert_on_input(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= 400
    assert not [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Assert)]


def test_importing_waits_for_neither_decoder_nor_opencv_nor_what_pages_need() -> None:
    late = ("av", "cv2", "torch", "jinja2", "matplotlib")
    program = f"import sys, dancereid; print([m for m in {late} if m in sys.modules])"
    output = subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert output.stdout.strip() == "[]"


def test_what_is_offered_is_there_and_described() -> None:
    assert {"evaluate", "write_tracks", "doctor"} <= set(dancereid.__all__)
    for name in dancereid.__all__:
        assert getattr(dancereid, name).__doc__
        assert getattr(dancereid, name).__module__.startswith("dancereid")
        assert name in dir(dancereid)
    assert set(dancereid._LATER) <= set(dancereid.__all__)


def test_what_is_printed_names_the_command_and_installs_from_a_checkout() -> None:
    for path in MODULES:
        text = path.read_text()
        assert not re.search(r"python scripts/|pip install '?dancereid['\[]", text), path
