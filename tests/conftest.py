"""Caches go to temporary folders, the network is off, and shared data may be absent."""

from __future__ import annotations

import os
import re
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

# Before `datasets` is imported anywhere: it reads these once.
_HOME = tempfile.mkdtemp(prefix="dancereid-tests-")
os.environ["HF_HOME"] = _HOME
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_DATASETS_DISABLE_PROGRESS_BARS"] = "1"

import datasets  # noqa: E402  # after the environment is set
import pytest  # noqa: E402  # after the environment is set
from hypothesis import settings  # noqa: E402  # after the environment is set

import dancereid  # noqa: E402  # after the environment is set; registers the name
from dancereid_pipeline.common.errors import DanceReIDError  # noqa: E402  # after the environment is set
from tests.support.data.folders import contents, load, write_folder  # noqa: E402  # after the environment is set
from tests.support.servers.remote import serve  # noqa: E402  # after the environment is set
from tests.support.servers.web import Site  # noqa: E402  # after the environment is set

# Decoding takes the time it takes; a slow machine is no failure.
settings.register_profile("dancereid", deadline=None)
settings.load_profile("dancereid")

PROJECT = Path(__file__).resolve().parents[1]
IN_ENVIRONMENT = "Scripts/python.exe" if os.name == "nt" else "bin/python"
"""Where a virtual environment has its Python."""
SHARED = Path(os.environ.get("DANCEREID_SHARED", PROJECT.parent / "shared"))


def _shared(name: str) -> Path:
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"needs {name} in {SHARED} (or in $DANCEREID_SHARED), which is not there")
    return path


def pytest_configure() -> None:
    """Hears Ctrl-C. Who started the tests may ignore it, and what they start would, too.

    It is not done on import: processes that a test starts import this as well.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def golden() -> Path:
    """A folder with a clip, its tracks and labels, and what the published code makes of them."""
    return _shared("golden/edge_landscape")


@pytest.fixture(scope="session")
def golden_scores() -> Path:
    """Features, and what the published code scores them."""
    return _shared("golden/reid_metrics.npz")


@pytest.fixture(scope="session")
def real_annotation() -> Path:
    """The annotation that was published."""
    return _shared("data/annotation.json")


@pytest.fixture(scope="session")
def real_footage() -> Path:
    """A folder with real pedestrians, ids with gaps."""
    return _shared("real_footage")


@pytest.fixture(scope="session")
def lookalikes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that `load_dataset` reads: rendered people who look alike, 80 and 20."""
    folder = tmp_path_factory.mktemp("lookalikes")
    files = ""
    for split in ("trainval", "test"):
        files += f"  - {{split: {split}, path: {split}.parquet}}\n"
        shutil.copy(
            _shared(f"lookalikes/{split}-00000-of-00001.parquet"), folder / f"{split}.parquet"
        )
    (folder / "README.md").write_text(
        f"---\nconfigs:\n- config_name: default\n  data_files:\n{files}---\n"
    )
    return folder


@pytest.fixture(scope="session")
def demo() -> Path:
    """The bundled demo's folder."""
    return PROJECT / "dancereid_pipeline" / "demo"


@pytest.fixture(scope="session")
def demo_cache(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A cache folder that the demo is built in once; for nothing else."""
    return str(tmp_path_factory.mktemp("demo-cache"))


@pytest.fixture(scope="session")
def demo_built(demo_cache: str) -> datasets.DatasetDict:
    """The demo, built; not to be changed."""
    return dancereid.load_dataset("demo", cache_dir=demo_cache)


@pytest.fixture
def cache(tmp_path: Path) -> str:
    """An empty cache folder for `datasets`."""
    return str(tmp_path / "cache")


PEOPLE = {"aaa": [0, 1], "bbb": [0], "ccc": [3, 0, 17], "ddd": [0]}
SPLITS = {"aaa": "trainval", "bbb": "test", "ccc": "test", "ddd": "trainval"}


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four clips of 30 frames, two a split; 7 people."""
    return write_folder(tmp_path_factory.mktemp("small") / "data", PEOPLE, splits=SPLITS)


@pytest.fixture
def options(small: Path, cache: str) -> dict[str, str]:
    """What every load of the small folder is given."""
    return {"data_dir": str(small), "catalogue": str(small / "catalogue.csv"), "cache_dir": cache}


@pytest.fixture(scope="session")
def built(small: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """The content of the small folder's examples, by split, as one process builds them."""
    ds = datasets.load_dataset(
        "dancereid",
        data_dir=str(small),
        catalogue=str(small / "catalogue.csv"),
        cache_dir=str(tmp_path_factory.mktemp("cache")),
    )
    found = {split: contents(ds[split]) for split in ds}
    assert {split: len(hashes) for split, hashes in found.items()} == {"trainval": 18, "test": 24}
    return found


@pytest.fixture(scope="session")
def ds(small: Path, tmp_path_factory: pytest.TempPathFactory) -> datasets.DatasetDict:
    """The small folder, built."""
    return load(small, str(tmp_path_factory.mktemp("cache")))


@pytest.fixture(scope="session")
def prepared(ds: datasets.DatasetDict, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small folder, prepared; not to be written to."""
    folder = tmp_path_factory.mktemp("prepared") / "dancereid"
    dancereid.prepare(ds, folder)
    return folder


@pytest.fixture
def output(prepared: Path, tmp_path: Path) -> Path:
    """A copy of that."""
    return Path(shutil.copytree(prepared, tmp_path / "dancereid"))


@pytest.fixture
def folder(small: Path, tmp_path: Path) -> Path:
    """A copy of the small folder, to break."""
    return Path(shutil.copytree(small, tmp_path / "data"))


@pytest.fixture
def online(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Lets the network be asked; gives the seconds that were to be waited, and are not."""
    waits: list[float] = []
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr("dancereid_pipeline.transfer.http_client.retry_wait_s", lambda n: 0.0)
    for module in ("transfer.download", "fetch.politeness"):
        monkeypatch.setattr(f"dancereid_pipeline.{module}.sleep", waits.append)
    return waits


@pytest.fixture(autouse=True)
def _one_full_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    """No sentence of an error that is made in a test ends twice, whatever it is put together of."""

    def checked(error: DanceReIDError, *arguments: object) -> None:
        Exception.__init__(error, *arguments)
        assert not re.search(r"[\w)'\"]\.\.(\s|$)|\. \.", str(error)), str(error)

    monkeypatch.setattr(DanceReIDError, "__init__", checked)


@pytest.fixture
def site() -> Iterator[Site]:
    """A server on the loopback."""
    with Site() as site:
        yield site


@pytest.fixture
def remote(site: Site, small: Path, tmp_path: Path, online: list[float]) -> dict[str, str]:
    """The options that load the small folder from a server."""
    places = {"download_dir": str(tmp_path / "downloads"), "cache_dir": str(tmp_path / "cache")}
    return {**serve(site, small), **places}
