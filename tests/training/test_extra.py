from __future__ import annotations

import sys
from pathlib import Path

import pytest

import dancereid
from dancereid_pipeline.common.errors import DanceReIDError
from tests.support.command import refusal


def test_without_the_extra_one_line_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "dancereid_pipeline.training.loader", raising=False)
    with pytest.raises(DanceReIDError, match=r"needs the extra 'train'.*pip install '.\[train\]'"):
        dancereid.people_loader(None)


@pytest.mark.parametrize(
    "words",
    [
        ["train", "--method", "softmax", "--output", "new"],
        ["extract", "--model", "timm:resnet18", "--output", "new.parquet"],
    ],
)
def test_it_is_asked_for_before_anything_is_built(
    words: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "torch", None)
    code, said = refusal([*words, "--data-dir", "nowhere"], capsys)
    assert code == 1
    assert "needs the extra 'train'" in said
