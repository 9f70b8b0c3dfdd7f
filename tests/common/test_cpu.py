from __future__ import annotations

import os
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import dancereid
from dancereid_pipeline.common import cpu as cores
from dancereid_pipeline.common.parallel import side_by_side
from dancereid_pipeline.formats import container
from tests.support.data.folders import write_folder


@pytest.fixture(autouse=True)
def alone() -> Iterator[None]:
    cores.share_cores(1)
    yield
    cores.share_cores(1)


def cores_are(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(count)), raising=False)


@pytest.mark.parametrize(
    ("count", "processes", "threads"),
    [
        (1, 1, 1),
        (2, 1, 12),
        (2, 2, 1),
        (3, 2, 9),
        (4, 1, 16),
        (64, 1, 16),
        (64, 32, 12),
        (2, 8, 1),
        (2, 99, 1),
    ],
)
def test_threads_of_a_decoder(
    count: int, processes: int, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    cores_are(count, monkeypatch)
    cores.share_cores(processes)
    assert cores.decoder_threads() == threads


def test_where_the_system_does_not_say_which_cores_it_grants(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    assert cores.cores() == 3
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert cores.cores() == 1


def test_workers_of_a_data_loader_share_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    cores_are(8, monkeypatch)
    loader: Any = types.ModuleType("torch.utils.data")
    loader.get_worker_info = lambda: types.SimpleNamespace(num_workers=4)
    monkeypatch.setitem(sys.modules, "torch.utils.data", loader)
    assert cores.decoder_threads() == 12
    loader.get_worker_info = lambda: None  # the main process
    assert cores.decoder_threads() == 16


def write_threads(path: Path) -> Iterator[None]:
    path.write_text(str(cores._processes))
    yield


def test_processes_of_an_export_share_the_cores(tmp_path: Path) -> None:
    paths = [tmp_path / str(number) for number in range(3)]
    list(side_by_side(write_threads, paths, 2))
    assert [path.read_text() for path in paths] == ["2"] * 3


def test_processes_of_a_build_share_the_cores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    videos = {"one": [0], "two": [0], "three": [0]}
    folder = write_folder(tmp_path / "data", videos, frames=10)
    log = tmp_path / "log"

    def log_processes() -> int:
        with log.open("a") as file:
            file.write(f"{cores._processes}\n")
        return 1

    monkeypatch.setattr(container, "decoder_threads", log_processes)
    for asked, used in ((None, 1), (2, 2), (9, 3)):  # at most one for each video
        log.unlink(missing_ok=True)
        dancereid.load_dataset(
            data_dir=str(folder),
            catalogue=str(folder / "catalogue.csv"),
            cache_dir=str(tmp_path / f"cache{asked}"),
            num_proc=asked,
        )
        assert log.read_text().split() == [str(used)] * 3
