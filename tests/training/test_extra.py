from __future__ import annotations

import sys

import pytest

import dancereid
from dancereid_pipeline.common.errors import DanceReIDError


def test_without_the_extra_one_line_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "dancereid_pipeline.training.loader", raising=False)
    with pytest.raises(DanceReIDError, match=r"needs the extra 'train'.*pip install '.\[train\]'"):
        dancereid.people_loader(None)
