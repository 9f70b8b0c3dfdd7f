"""Caches go to temporary folders, the network is off, and shared data may be absent."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

# Before `datasets` is imported anywhere: it reads these once.
_HOME = tempfile.mkdtemp(prefix="dancereid-tests-")
os.environ["HF_HOME"] = _HOME
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_DATASETS_DISABLE_PROGRESS_BARS"] = "1"

import pytest  # noqa: E402  # the environment comes first
from hypothesis import settings  # noqa: E402

import dancereid  # noqa: E402, F401  # registers the name "dancereid"

# Decoding takes the time it takes; a slow machine is no failure.
settings.register_profile("dancereid", deadline=None)
settings.load_profile("dancereid")

PROJECT = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("DANCEREID_SHARED", PROJECT.parent / "shared"))


def _shared(name: str) -> Path:
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"needs {name} in {SHARED} (or in $DANCEREID_SHARED), which is not there")
    return path


@pytest.fixture(scope="session")
def golden() -> Path:
    """A folder with a clip, its tracks and labels, and what the published code makes of them."""
    return _shared("golden/edge_landscape")


@pytest.fixture(scope="session")
def real_annotation() -> Path:
    """The annotation that was published."""
    return _shared("data/annotation.json")


@pytest.fixture(scope="session")
def real_footage() -> Path:
    """A folder with real pedestrians, ids with gaps."""
    return _shared("real_footage")


@pytest.fixture(scope="session")
def demo() -> Path:
    """The bundled demo's folder."""
    return PROJECT / "dancereid_pipeline" / "demo"


@pytest.fixture
def cache(tmp_path: Path) -> str:
    """An empty cache folder for `datasets`."""
    return str(tmp_path / "cache")
