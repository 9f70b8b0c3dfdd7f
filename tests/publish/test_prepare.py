"""A folder in the Hub's layout: what is in it, what reads it, and what is none."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import duckdb
import pandas as pd
import polars as pl
import pyarrow.parquet as pq
import pytest
from datasets import load_dataset
from PIL import Image

import dancereid
from dancereid_pipeline.common.errors import DanceReIDError, SourceError
from dancereid_pipeline.common.reasons import Reason
from dancereid_pipeline.publish.prepare import prepare
from dancereid_pipeline.publish.prepared_folder import Prepared, load_prepared
from dancereid_pipeline.shards.build_record import RECORD, Build
from tests.conftest import PROJECT
from tests.support.data.folders import all_contents, load, prepared_files

# -- what is in it


def test_it_has_a_shard_a_video_and_what_tells_of_them(output: Path) -> None:
    assert sorted(prepared_files(output)) == [
        "README.md",
        "croissant.json",
        "paper/000-aaa.json",
        "paper/001-bbb.json",
        "paper/002-ccc.json",
        "paper/003-ddd.json",
        "paper/build.json",
        "paper/people.jpg",
        "paper/test-001-bbb.parquet",
        "paper/test-002-ccc.parquet",
        "paper/trainval-000-aaa.parquet",
        "paper/trainval-003-ddd.parquet",
    ]
    (build,) = Prepared.read(output).builds
    assert [(s.split, s.video_id, s.rows) for s in build.shards] == [
        ("trainval", "aaa", 12), ("trainval", "ddd", 6), ("test", "bbb", 6), ("test", "ccc", 18),
    ]  # fmt: skip
    for shard in build.shards:
        table = pq.read_table(output / "paper" / shard.name)
        assert table["video_id"].unique().to_pylist() == [shard.video_id]
        assert len(table) == shard.rows
    assert build.coverage.whole


def test_row_groups_are_small_and_pages_are_indexed(
    small: Path, cache: str, tmp_path: Path
) -> None:
    ds = load(small, cache, stride=1, videos=["ccc", "ddd"])
    prepare(ds, tmp_path)
    found = pq.read_metadata(tmp_path / "paper" / "test-002-ccc.parquet")
    groups = [found.row_group(i) for i in range(found.num_row_groups)]
    assert [group.num_rows for group in groups] == [90]
    assert all(
        group.column(i).has_offset_index for group in groups for i in range(group.num_columns)
    )
    ds = load(small, cache, stride=1, videos=["aaa"])
    many = datasets.concatenate_datasets([ds["trainval"]] * 4)
    description = ds["trainval"].info.description.replace('"images": 60', '"images": 240')
    many.info.description = description.replace('"examples": 60', '"examples": 240')
    prepare({"trainval": many}, tmp_path / "many")
    found = pq.read_metadata(tmp_path / "many" / "paper" / "trainval-000-aaa.parquet")
    rows = [found.row_group(i).num_rows for i in range(found.num_row_groups)]
    assert rows == [100, 100, 40]


def test_it_loads_by_name_and_gives_the_same(
    output: Path, built: dict[str, list[str]], cache: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = load_dataset(str(output), cache_dir=cache)
    assert all_contents(loaded) == built
    assert loaded["test"].features == load_dataset("dancereid", "demo")["test"].features
    assert all_contents(load_dataset(str(output), "paper", streaming=True)) == built
    # A plain name is a folder to whoever has not imported this package.
    monkeypatch.chdir(output.parent)
    program = (
        "import sys, datasets; from tests.support.data.folders import all_contents; import json;"
        "print(json.dumps(all_contents(datasets.load_dataset('dancereid', streaming=True))));"
        "sys.exit('dancereid' in sys.modules)"
    )
    said = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, "PYTHONPATH": str(PROJECT)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert json.loads(said.stdout) == built


def test_a_folder_called_as_the_builder_is_the_folder(
    output: Path, built: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(output.parent)
    assert output.name == "dancereid"
    assert all_contents(load_prepared("dancereid", streaming=True)) == built


def test_coverage_comes_with_it_built_or_streamed(
    ds: datasets.DatasetDict, output: Path, cache: str
) -> None:
    expected = dancereid.coverage(ds)
    for loaded in (
        load_dataset(str(output), cache_dir=cache),
        load_dataset(str(output), split="test", streaming=True),
    ):
        assert dancereid.coverage(loaded) == expected
        assert dancereid.coverage(loaded).fingerprint == expected.fingerprint


def test_what_was_prepared_can_be_prepared_again_from_what_it_gives(
    output: Path, cache: str, tmp_path: Path
) -> None:
    prepare(load_dataset(str(output), cache_dir=cache), tmp_path / "again")
    first, again = (Prepared.read(folder).builds[0] for folder in (output, tmp_path / "again"))
    assert again.same_data(first)
    assert again.statistics == first.statistics


def test_pandas_polars_and_duckdb_read_it(output: Path, ds: datasets.DatasetDict) -> None:
    pattern = str(output / "paper" / "test-*.parquet")
    raw = ds["test"].cast_column("image", datasets.Image(decode=False))
    expected = raw[7]
    frame = pd.read_parquet(output / "paper" / "test-002-ccc.parquet")
    relation = duckdb.sql(f"select * from '{pattern}' order by video_id, frame, person_id")
    names = relation.columns
    rows = (
        frame.iloc[1].to_dict(),
        pl.read_parquet(pattern).row(7, named=True),
        dict(zip(names, relation.fetchall()[7], strict=True)),
    )
    for row in rows:
        assert row["image"] == expected["image"]
        assert Image.open(io.BytesIO(row["image"]["bytes"])).size == (128, 256)
        assert [list(joint) for joint in row["keypoints"]] == expected["keypoints"]
        assert (row["person_id"], row["video_id"], row["frame"]) == (4, "ccc", 0)


def test_skeletons_and_other_options_are_kept(small: Path, cache: str, tmp_path: Path) -> None:
    ds = load(small, cache, skeleton=True, image_size=(64, 32), keypoints="published", stride=10)
    build = prepare(ds, tmp_path)
    assert build.options.skeleton
    assert build.options.image_size == (64, 32)
    loaded = load_dataset(str(tmp_path), cache_dir=cache)
    assert all_contents(loaded) == all_contents(ds)
    assert loaded["test"][0]["skeleton"].size == (32, 64)


# -- what is missing


def test_what_is_missing_is_told_without_naming_this_machine(
    folder: Path, cache: str, tmp_path: Path
) -> None:
    (folder / "videos" / "000_aaa.mp4").unlink()
    clip = folder / "videos" / "003_ddd.mp4"
    clip.write_bytes(clip.read_bytes()[:5000])
    ds = load(folder, cache)
    assert str(folder) in dancereid.coverage(ds).to_json()
    build = prepare(ds, tmp_path / "out")
    reasons = {o.video_id: (o.reason, o.detail) for o in build.coverage.outcomes}
    assert reasons["aaa"] == (Reason.NO_CLIP, "")
    assert reasons["ddd"] == (Reason.NOT_A_VIDEO, "")
    for name, content in prepared_files(tmp_path / "out").items():
        assert str(tmp_path).encode() not in content, name
        assert b"trainval-" not in name.encode()  # a split without examples has no file
    loaded = load_dataset(str(tmp_path / "out"), cache_dir=cache)
    assert list(loaded) == ["test"]
    assert dancereid.coverage(loaded).splits == {"trainval": 0, "test": 24}


def test_videos_that_were_not_asked_for_are_told(cache: str, tmp_path: Path) -> None:
    ds = dancereid.load_dataset("demo", videos=["demo-Lock_2", "demoKpop_03"], cache_dir=cache)
    assert dancereid.coverage(ds).whole
    build = prepare(ds, tmp_path)
    assert [(o.video_id, o.reason, o.images) for o in build.coverage.outcomes] == [
        ("demo_Waltz1", Reason.LEFT_OUT, 0),
        ("demo-Lock_2", Reason.USED, 62),
        ("demoKpop_03", Reason.USED, 69),
        ("demo_House4", Reason.LEFT_OUT, 0),
    ]
    assert build.coverage.fingerprint == dancereid.coverage(ds).fingerprint
    assert build.coverage == dancereid.coverage(ds)
    said = str(build.coverage)
    assert "2 of 4 videos, 6 of 12 people, 131 of 265 images" in said
    assert "left out by choice (2): demo_Waltz1, demo_House4" in said


# -- what is refused


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda ds: ds.filter(lambda row: row["frame"] > 0), "Was it filtered"),
        (lambda ds: ds.shuffle(seed=1), "next to each other"),
        (lambda ds: ds["test"], "all splits"),
        (lambda ds: ds.remove_columns("bbox"), "video_id, frame, bbox with their types, got"),
        (lambda ds: ds.map(lambda row: {"mine": 1}), "got image.*, mine"),
        (lambda ds: ds.map(lambda row: {"person_id": 0}), "other images or people"),
        (lambda ds: ds.cast_column("frame", datasets.Value("int64")), "with their types"),
        (lambda ds: {name: of.to_iterable_dataset() for name, of in ds.items()}, "streaming=True"),
        (lambda ds: {}, "all splits"),
    ],
)
def test_what_is_no_whole_build_is_refused(
    ds: datasets.DatasetDict, tmp_path: Path, change: Callable[[Any], Any], says: str
) -> None:
    with pytest.raises(DanceReIDError, match=says):
        prepare(change(ds), tmp_path / "out")
    assert not (tmp_path / "out").exists() or prepared_files(tmp_path / "out") == {}


def test_a_folder_that_changed_is_noticed(output: Path, tmp_path: Path) -> None:
    Prepared.read(output).check()
    for change in (_change_a_byte, Path.unlink, lambda path: shutil.copy(path, f"{path}.parquet")):
        copy = Path(shutil.copytree(output, tmp_path / "copy"))
        change(copy / "paper" / "test-001-bbb.parquet")
        with pytest.raises(SourceError, match=r"test-001-bbb.parquet\S* is not as in build"):
            Prepared.read(copy).check()
        shutil.rmtree(copy)


def _change_a_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[1000] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    "change",
    [
        lambda v: v.pop("coverage"),
        lambda v: v["shards"][0].update(name="../../README.md"),
        lambda v: v["shards"][0].update(images=1),
        lambda v: v["shards"][0].update(split="test"),
        lambda v: v.update(config="../paper"),
        lambda v: v["coverage"].update(config="full"),
        lambda v: v["coverage"]["options"].update(stride=0),
        lambda v: v["coverage"]["outcomes"][0].update(reason="?"),
        lambda v: v["features"].update(image={"_type": "Picture"}),
        lambda v: v.update(shards=[]),
        lambda v: v.update(more=1),
        lambda v: v.clear(),
    ],
)
def test_a_record_that_is_none_is_said(output: Path, change: Callable[[Any], Any]) -> None:
    path = output / "paper" / RECORD
    values = json.loads(path.read_text())
    change(values)
    with pytest.raises(SourceError, match=r"^here: is not the record of a prepared config \(.*\)"):
        Build.from_json(json.dumps(values), "here")
    with pytest.raises(SourceError, match="here"):
        Build.from_json("[1", "here")
    (output / "paper").rename(output / "full")
    with pytest.raises(SourceError, match="is the record of 'paper'"):
        Prepared.read(output)


def test_a_folder_with_nothing_prepared_is_said(output: Path, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"expected any config.*--config paper"):
        Prepared.read(tmp_path)
    with pytest.raises(SourceError, match=r"expected 'full'.*--config full"):
        Prepared.read(output, ["paper", "full"])
