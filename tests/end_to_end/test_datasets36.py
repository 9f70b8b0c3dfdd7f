"""The doors of `datasets` 3.6, the last that runs dancereid.py as a script, against today's."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import datasets
import pytest

from dancereid_pipeline.publish.prepare import prepare
from tests.conftest import IN_ENVIRONMENT, PROJECT
from tests.support.data.folders import all_contents

PYTHON = Path(os.environ.get("DANCEREID_DATASETS36", PROJECT / ".venv-datasets36" / IN_ENVIRONMENT))
WAYS: dict[str, dict[str, Any]] = {
    "built": {},
    "built by processes": {"num_proc": 2},
    "streamed": {"streaming": True},
}
Hashes = dict[str, list[str]]
Loaded = dict[tuple[str, str], Hashes]


def skip_where_it_is_not() -> None:
    """Skips where there is no datasets 3.6."""
    if not PYTHON.exists():
        pytest.skip(f"needs datasets 3.6 at {PYTHON} (or $DANCEREID_DATASETS36), as of `make test`")
    program = "import importlib.metadata; print(importlib.metadata.version('datasets'))"
    done = subprocess.run([PYTHON, "-c", program], capture_output=True, text=True, check=True)
    if not done.stdout.startswith("3.6."):
        pytest.skip(f"3.6 does not work with {PYTHON}, which has datasets {done.stdout.strip()}")


@pytest.fixture(scope="module")
def load36(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Loaded]]:
    """Loads with datasets 3.6, through every door in each of some ways."""
    skip_where_it_is_not()
    folder = tmp_path_factory.mktemp("datasets36")
    # In a folder, datasets 3.6 looks for a script of the folder's name.
    (folder / "dancereid").symlink_to(PROJECT)
    script = {"trust_remote_code": True}
    # The name is the last: until then, nothing has imported the module by it.
    doors: dict[str, dict[str, Any]] = {
        "dancereid.py": {"path": str(PROJECT / "dancereid.py"), **script},
        "its folder": {"path": str(folder / "dancereid"), **script},
        "its name": {"path": "dancereid"},
    }
    errors = folder / "errors.txt"
    with errors.open("w") as stderr, subprocess.Popen(
        [PYTHON, "-m", "tests.support.data.hashes"],
        cwd=PROJECT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr,
    ) as program:  # fmt: skip
        assert program.stdin is not None
        assert program.stdout is not None

        def load(*ways: str, **options: Any) -> Loaded:
            loaded = {}
            asked_for = {"a folder": {}} if "path" in options else doors
            for (door, its), way in itertools.product(asked_for.items(), ways):
                cache = str(tmp_path_factory.mktemp("cache"))
                asked = {**its, **WAYS[way], **options, "cache_dir": cache}
                print(json.dumps(asked), file=program.stdin, flush=True)
                answer = program.stdout.readline()
                assert answer, f"{door}, {way}: {errors.read_text()[-3000:]}"
                loaded[door, way] = json.loads(answer)
            return loaded

        yield load


def assert_all_are(expected: Hashes, loaded: Loaded) -> None:
    """Said by door and way, without the hashes."""
    assert [how for how, found in loaded.items() if found != expected] == []


def assert_parquet_is_the_same(
    ds: datasets.DatasetDict, load36: Callable[..., Loaded], folder: Path
) -> None:
    """Of both versions, built and streamed, without any code of ours."""
    expected = all_contents(ds)
    prepare(ds, folder)
    for way in ({"cache_dir": str(folder.parent / "parquet")}, {"streaming": True}):
        assert all_contents(datasets.load_dataset(str(folder), **way)) == expected
    loaded = load36("built", "streamed", path=str(folder))
    assert len(loaded) == 2
    assert_all_are(expected, loaded)


def test_the_demo(load36: Callable[..., Loaded], tmp_path: Path, cache: str) -> None:
    today = datasets.load_dataset("dancereid", "demo", cache_dir=cache)
    assert {split: len(today[split]) for split in today} == {"trainval": 120, "test": 145}
    loaded = load36("built", name="demo")
    assert len(loaded) == 3
    assert_all_are(all_contents(today), loaded)
    assert_parquet_is_the_same(today, load36, tmp_path / "reid")


@pytest.mark.parametrize("unit", ["tracklet", "frame"])
def test_other_units(
    unit: str, load36: Callable[..., Loaded], small: Path, tmp_path: Path, cache: str
) -> None:
    options = {"data_dir": str(small), "catalogue": str(small / "catalogue.csv"), "unit": unit}
    today = datasets.load_dataset("dancereid", cache_dir=cache, **options)
    loaded = load36("built", "streamed", **options)
    assert len(loaded) == 6
    assert_all_are(all_contents(today), loaded)
    assert_parquet_is_the_same(today, load36, tmp_path / "reid")


def test_a_folder_with_a_catalogue_of_its_own(
    load36: Callable[..., Loaded], small: Path, built: Hashes
) -> None:
    catalogue = str(small / "catalogue.csv")
    loaded = load36("built by processes", data_dir=str(small), catalogue=catalogue)
    assert_all_are(built, loaded)


def test_some_videos_of_a_rehearsal(
    load36: Callable[..., Loaded], real_annotation: Path, tmp_path: Path, cache: str
) -> None:
    folder = tmp_path / "rehearsal"
    subprocess.run(
        [sys.executable, "tools/rehearse.py", real_annotation, folder, "--max-frames", "60"],
        cwd=PROJECT, capture_output=True, check=True,
    )  # fmt: skip
    options = {"data_dir": str(folder), "videos": ["E--IWzJznxo", "1hl-3HrwMw4", "trftzcE6kXA"]}
    today = datasets.load_dataset("dancereid", cache_dir=cache, **options)
    assert {split: len(today[split]) for split in today} == {"trainval": 84, "test": 36}
    loaded = load36(*WAYS, **options)
    assert len(loaded) == 9
    assert_all_are(all_contents(today), loaded)
    assert_parquet_is_the_same(today, load36, tmp_path / "reid")
