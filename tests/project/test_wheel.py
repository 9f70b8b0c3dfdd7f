"""The wheel: what is in it, and that it works where there is no checkout."""

from __future__ import annotations

import email
import os
import re
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

import dancereid
from dancereid_pipeline.catalogue.metadata import PROJECT_URL_SHOWN
from tests.conftest import IN_ENVIRONMENT, PROJECT
from tools.lowest_versions import constraints

PROGRAM = """\
import dancereid

built = dancereid.load_dataset("demo")
reveal_type(dancereid.coverage(built))
reveal_type(dancereid.evaluate([[0.0], [1.0]], [0, 0], [0, 5]).counts.queries)
dancereid.load_dataset("demo", streaming="yes")
dancereid.lod_dataset("demo")
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's wheel, built."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder]
    subprocess.run(command, cwd=PROJECT, check=True, capture_output=True)
    (path,) = folder.glob("*.whl")
    return path


def test_it_holds_the_package_and_nothing_else(wheel: Path) -> None:
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    package = PROJECT / "dancereid_pipeline"
    files = [path for path in package.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    assert names == {
        *(path.relative_to(PROJECT).as_posix() for path in files),
        "dancereid_pipeline/video_data.csv",
        "dancereid_pipeline/dataset_infos.json",
        "dancereid.py",
        "dancereid-stubs/__init__.pyi",
    }
    for name in (
        "py.typed",
        "demo/videos/000_demo_Waltz1.mp4",
        "preview/page/templates/page.html",
        "publish/card_texts/card.md",
    ):
        assert f"dancereid_pipeline/{name}" in names


def test_it_loads_the_demo_without_a_checkout(wheel: Path, tmp_path: Path) -> None:
    installed = tmp_path / "installed"
    zipfile.ZipFile(wheel).extractall(installed)
    program = (
        "import dancereid; print(dancereid.__file__)\n"
        f"ds = dancereid.load_dataset('demo', cache_dir={str(tmp_path / 'cache')!r})\n"
        "print({name: len(split) for name, split in ds.items()})"
    )
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.splitlines() == [
        str(installed / "dancereid.py"),
        "{'trainval': 120, 'test': 145}",
    ]


@pytest.mark.slow
def test_type_checkers_know_the_types_of_what_is_installed(wheel: Path, tmp_path: Path) -> None:
    pytest.importorskip("mypy", reason="needs mypy: make test-slow")
    venv.create(tmp_path / "venv")
    (packages,) = (tmp_path / "venv").glob("[Ll]ib/**/site-packages")
    zipfile.ZipFile(wheel).extractall(packages)
    (packages / "what_it_needs.pth").write_text(sysconfig.get_path("purelib"))
    (tmp_path / "program.py").write_text(PROGRAM)
    flags = ("--strict", "--no-error-summary", "--python-executable")
    command = [sys.executable, "-m", "mypy", *flags, tmp_path / "venv" / IN_ENVIRONMENT]
    done = subprocess.run(
        [*command, "program.py"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines() == [
        'program.py:4: note: Revealed type is "dancereid_pipeline.build.coverage.Coverage"',
        'program.py:5: note: Revealed type is "int"',
        'program.py:6: error: Argument "streaming" to "load_dataset" has incompatible type "str"; '
        'expected "bool"  [arg-type]',
        'program.py:7: error: Module has no attribute "lod_dataset"; maybe "load_dataset"?  '
        "[attr-defined]",
    ]


def test_its_metadata_is_that_of_the_project(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    (folder,) = {name.split("/")[0] for name in archive.namelist() if ".dist-info/" in name}
    metadata = email.message_from_bytes(archive.read(f"{folder}/METADATA"))
    assert (metadata["Name"], metadata["Version"]) == ("dancereid", dancereid.__version__)
    assert metadata["Requires-Python"] == ">=3.10"
    assert metadata["License-Expression"] == "MIT"
    assert metadata["Summary"].startswith("DanceReID, dancers with identities and poses")
    assert set(metadata.get_all("Provides-Extra")) == {"dask", "deno", "h5", "preview", "train"}
    needed = [line for line in metadata.get_all("Requires-Dist") if "extra ==" not in line]
    assert len(needed) >= 13
    assert all(">=" in line for line in needed)
    entries = archive.read(f"{folder}/entry_points.txt").decode().split()
    assert entries == ["[console_scripts]", "dancereid", "=", "dancereid_pipeline.cli.main:main"]
    licence = archive.read(f"{folder}/licenses/LICENSE").decode()
    assert licence == (PROJECT / "LICENSE").read_text("utf-8")


@pytest.mark.slow
def test_pip_installs_it_and_its_command_runs(wheel: Path, tmp_path: Path) -> None:
    """Without what it needs, which is lent from here: nothing is fetched."""
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / IN_ENVIRONMENT
    install = ["-m", "pip", "install", "--no-index", "--no-deps", wheel]
    subprocess.run([python, *install], cwd=tmp_path, check=True, capture_output=True)
    (packages,) = (tmp_path / "venv").glob("[Ll]ib/**/site-packages")
    (packages / "what_it_needs.pth").write_text(sysconfig.get_path("purelib"))
    done = subprocess.run(
        [python.with_name(f"dancereid{python.suffix}"), "demo"],
        cwd=tmp_path, env={**os.environ, "HF_HOME": str(tmp_path)}, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    assert "265" in done.stdout
    where = [python, "-c", "import dancereid; print(dancereid.__file__)"]
    found = subprocess.run(where, cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    assert Path(found.strip()) == packages / "dancereid.py"


def test_the_lowest_versions_are_those_of_the_project(wheel: Path) -> None:
    """`make test-lowest` installs them."""
    archive = zipfile.ZipFile(wheel)
    (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
    lines = email.message_from_bytes(archive.read(name)).get_all("Requires-Dist")
    extras = ("dask", "deno", "train")
    lowest = {
        re.sub(r"\[.*?\]", "", line.partition(";")[0]).strip().replace(">=", "==")
        for line in lines
        if not any(f"extra == '{extra}'" in line for extra in extras)
    }
    listed = [line.removesuffix(".*") for line in constraints()]
    assert {re.sub("[-_.]+", "-", line, count=1) for line in listed} == {
        re.sub("[-_.]+", "-", line, count=1) for line in lowest
    }


def test_the_readme_of_the_wheel_has_only_absolute_links(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    (metadata,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
    readme = archive.read(metadata).decode().partition("\n\n")[2]
    links = re.findall(r"\]\(([^)\s]+)\)", readme)
    assert f"{PROJECT_URL_SHOWN}/raw/main/docs/demo.jpg" in links
    assert f"{PROJECT_URL_SHOWN}/blob/main/docs/rights.md" in links
    assert all(link.startswith("https://") for link in links)
