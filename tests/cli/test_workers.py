from __future__ import annotations

import pytest

from dancereid_pipeline.cli import train


@pytest.mark.parametrize(
    ("device", "cores", "expected"), [("cpu", 16, 0), ("cuda", 4, 4), ("cuda:1", 64, 8)]
)
def test_a_gpu_has_processes_that_decode(
    device: str, cores: int, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train, "cores", lambda: cores)
    assert train.decoding_workers(device) == expected
    assert train.decoding_workers(device, 3) == 3
