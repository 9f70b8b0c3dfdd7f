from __future__ import annotations

from pathlib import Path

import datasets
import pytest

import dancereid
from dancereid_pipeline.common.errors import DanceReIDError


@pytest.mark.parametrize(
    ("column", "expected"), [("video_id", "string"), ("person_id", "whole numbers")]
)
def test_an_encoded_column_is_named(column: str, expected: str, tmp_path: Path) -> None:
    dataset = dancereid.load_dataset("demo")
    encoded = datasets.DatasetDict(
        {name: of_split.class_encode_column(column) for name, of_split in dataset.items()}
    )
    said = f"expected {expected} in the column {column}, got ClassLabel"
    with pytest.raises(DanceReIDError, match=said):
        dancereid.export(encoded, tmp_path / "new", layout="market1501")
    with pytest.raises(DanceReIDError, match=said):
        dancereid.preview(encoded)
    assert not (tmp_path / "new").exists()
