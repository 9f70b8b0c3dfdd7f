from __future__ import annotations

import signal
from pathlib import Path

import pytest

pytest.importorskip("resource", reason="memory is bounded by a limit that this system lacks")

from tests.fuzz import __main__ as fuzz
from tests.fuzz.readers import READERS

pytestmark = pytest.mark.slow

COUNTS = {"tracks": 1500, "annotation": 500, "catalogue": 500, "archives": 500}
COUNTS |= {"mot": 500, "coco": 500}
COUNTS |= {"shards": 400, "prepared": 60}
COUNTS |= {"builds": 500, "coverage": 500, "features": 600, "clips": 300}


@pytest.mark.parametrize("name", READERS)
def test_changed_files_are_read_or_refused(name: str, tmp_path: Path) -> None:
    found = fuzz.attack(name, 0, COUNTS[name], tmp_path)
    assert found["surprises"] == {}
    assert found["read"] > COUNTS[name] / 20
    assert found["refused"] > COUNTS[name] / 20
    assert found["read"] + found["refused"] == COUNTS[name]


def test_what_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader with every kind of fault, in this process but for the crash."""
    file = tmp_path / "file"
    file.touch()
    monkeypatch.setattr(fuzz, "CPU_SECONDS", 0.05)
    signal.signal(signal.SIGVTALRM, fuzz._refuse)

    def forever(_path: Path) -> None:
        while True:
            pass

    def raises(_path: Path) -> None:
        raise KeyError("id")

    assert "KeyError: 'id'" in (fuzz._outcome(raises, file) or "")
    assert "_TooLongError" in (fuzz._outcome(forever, file) or "")
    assert fuzz._outcome(Path.read_bytes, file) is None


def test_a_crash_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import os, sys\n"
        "if '--child' in sys.argv:\n"
        "    from tests.fuzz.readers import READERS\n"
        "    from dataclasses import replace\n"
        "    crash = lambda path: os.abort() if path.name.startswith('0-7') else None\n"
        "    READERS['catalogue'] = replace(READERS['catalogue'], read=crash)\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    found = fuzz.attack("catalogue", 0, 20, tmp_path / "kept")
    assert [*found["surprises"]] == ["0-7.csv"]
    assert "exit status -6" in found["surprises"]["0-7.csv"]
    assert (tmp_path / "kept" / "0-7.csv").exists()
