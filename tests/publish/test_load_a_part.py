"""What people see first of a prepared folder, and how they load a part of it."""

from __future__ import annotations

from pathlib import Path

import datasets
import pyarrow.parquet as pq
import pytest
from huggingface_hub import DatasetCard

import dancereid
from dancereid_pipeline.publish.prepare import prepare
from tests.support.data.folders import load


@pytest.fixture(scope="module")
def folder(small: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """`full` and `paper`, prepared in this order."""
    folder, cache = tmp_path_factory.mktemp("prepared"), str(tmp_path_factory.mktemp("cache"))
    prepare(load(small, cache, name="full"), folder)
    prepare(load(small, cache, skeleton=True), folder)
    return str(folder)


def test_the_viewer_shows_images_first_and_paper_first(folder: str, cache: str) -> None:
    """The Hub's viewer shows columns as the files have them, and the default config."""
    data = DatasetCard.load(Path(folder, "README.md")).data.to_dict()
    assert [config["config_name"] for config in data["configs"]] == ["paper", "full"]
    assert [config.get("default") for config in data["configs"]] == [True, None]
    for shard in Path(folder).rglob("*.parquet"):
        assert pq.read_schema(shard).names[0] == "image"
    assert data["dataset_info"][0]["features"][0] == {"name": "image", "dtype": "image"}
    assert datasets.get_dataset_default_config_name(folder) == "paper"
    loaded = datasets.load_dataset(folder, cache_dir=cache)
    assert next(iter(loaded["test"].features)) == "image"
    assert dancereid.coverage(loaded).config == "paper"


@pytest.mark.parametrize("streaming", [False, True])
def test_columns_choose_columns(folder: str, cache: str, streaming: bool) -> None:
    whole = datasets.load_dataset(folder, "paper", cache_dir=cache)
    part = datasets.load_dataset(
        folder, "paper", columns=["person_id", "frame"], streaming=streaming, cache_dir=cache
    )
    for split, rows in whole.items():
        assert list(part[split]) == list(rows.select_columns(["person_id", "frame"]))
    assert dancereid.coverage(part) == dancereid.coverage(whole)


def test_filters_choose_rows(folder: str, cache: str) -> None:
    whole = datasets.load_dataset(folder, "paper", split="test", cache_dir=cache)
    wanted = [i for i, person in enumerate(whole["person_id"]) if person in (3, 4)]
    expected = list(whole.select(wanted).select_columns(["person_id", "frame"]))
    assert 0 < len(expected) < len(whole)
    filters = [("person_id", "in", [3, 4])]
    stream = datasets.load_dataset(folder, "paper", filters=filters, streaming=True)
    assert [{k: row[k] for k in ("person_id", "frame")} for row in stream["test"]] == expected
    # Without streaming, `datasets` compares the number of rows with that of the whole.
    with pytest.raises(datasets.exceptions.NonMatchingSplitsSizesError):
        datasets.load_dataset(folder, "paper", filters=filters, cache_dir=cache)
    unchecked = {"filters": filters, "verification_mode": "no_checks", "cache_dir": cache}
    built = datasets.load_dataset(folder, "paper", split="test", **unchecked)
    assert list(built.select_columns(["person_id", "frame"])) == expected
    # A split without any of the rows cannot be built.
    with pytest.raises(ValueError, match="corresponds to no data"):
        datasets.load_dataset(folder, "paper", **unchecked)
