"""Parts of a build, more videos for one, and two people's copies: joined video by video."""

from __future__ import annotations

import itertools
import json
import os
import shutil
from pathlib import Path
from typing import Any

import fsspec
import pytest
from datasets import load_dataset

import dancereid
from dancereid_pipeline.common.errors import DanceReIDError, MissingVideosError, SourceError
from dancereid_pipeline.common.reasons import Reason
from dancereid_pipeline.common.storage import Storage
from dancereid_pipeline.publish.found_records import PARTS
from dancereid_pipeline.publish.merge import merge
from dancereid_pipeline.publish.merge_copies import merge_copies
from dancereid_pipeline.publish.prepare import prepare, prepare_part
from tests.conftest import PEOPLE
from tests.support.data.folders import all_contents, prepared_files, write_folder


def inputs(folder: Path) -> dict[str, Any]:
    """The options for a data folder."""
    return {"data_dir": str(folder), "catalogue": str(folder / "catalogue.csv")}


def shards(folder: Path) -> dict[str, bytes]:
    """The Parquet files and records of videos of the config `paper`."""
    names = prepared_files(folder).items()
    return {n: c for n, c in names if n.startswith("paper/") and n[6:] != "build.json"}


@pytest.fixture(scope="session")
def whole(small: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small folder, prepared in one go."""
    output = tmp_path_factory.mktemp("whole") / "data"
    prepare("paper", output, **inputs(small))
    return output


def test_a_config_that_is_named_is_built(
    whole: Path, prepared: Path, built: dict[str, list[str]], cache: str
) -> None:
    ds = load_dataset(str(whole), cache_dir=cache)
    assert all_contents(ds) == built
    assert dancereid.coverage(ds).whole
    # The shards are those of the dataset that was loaded.
    ours, others = prepared_files(whole), prepared_files(prepared)
    parquet = [name for name in ours if name.endswith(".parquet")]
    assert len(parquet) == 4
    assert [ours[name] for name in parquet] == [others[name] for name in parquet]


def test_parts_in_any_order_make_the_same(whole: Path, small: Path, tmp_path: Path) -> None:
    for order in itertools.islice(itertools.permutations((1, 2, 3)), 0, 6, 2):
        output = tmp_path / "".join(map(str, order))
        for number in order:
            with pytest.raises(SourceError, match=r"expected|found"):
                merge(output)
            part = prepare_part("paper", output, number, 3, **inputs(small))
        assert "dancereid merge" in str(part)
        (build,) = merge(output)
        assert build.images == 42
        assert shards(output) == shards(whole)
        before = prepared_files(output)
        assert merge(output)[0].made == build.made
        assert prepared_files(output) == before


def test_an_empty_part_succeeds_and_one_too_many_does_not(small: Path, tmp_path: Path) -> None:
    assert prepare_part("paper", tmp_path, 9, 9, **inputs(small)).videos == 0
    with pytest.raises(DanceReIDError, match="number of the part: expected a whole number from 1"):
        prepare_part("paper", tmp_path, 10, 9, **inputs(small))


def test_one_more_video_costs_only_that_video(
    folder: Path, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip, away = folder / "videos" / "001_bbb.mp4", tmp_path / "001_bbb.mp4"
    shutil.move(clip, away)
    output = tmp_path / "out"
    first = prepare("paper", output, **inputs(folder))
    assert [o.reason for o in first.coverage.outcomes][1] is Reason.NO_CLIP
    shutil.move(away, clip)
    for name in ("000_aaa", "002_ccc", "003_ddd"):  # what is not read need not be readable
        path = folder / "videos" / f"{name}.mp4"
        times, size = path.stat(), path.stat().st_size
        path.write_bytes(bytes(size))
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    second = prepare("paper", output, **inputs(folder))
    assert second.coverage.whole
    assert shards(output).keys() == shards(whole).keys()


def test_an_input_that_changed_is_built_again_only_by_force(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    prepare("paper", output, **inputs(folder))
    annotation = json.loads((folder / "annotation.json").read_text())
    annotation["bbb"]["0"] = [0, 5]
    (folder / "annotation.json").write_text(json.dumps(annotation))
    before = prepared_files(output)
    with pytest.raises(SourceError, match=r"bbb was made otherwise .*--force"):
        prepare("paper", output, **inputs(folder))
    assert prepared_files(output) == before
    assert prepare("paper", output, force=True, **inputs(folder)).images == 38


def test_other_options_are_refused_and_a_begun_build_of_others_too(
    small: Path, whole: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    shutil.copytree(whole, output)
    with pytest.raises(SourceError, match=r"holds another build, made with stride=5, not 1"):
        prepare("paper", output, stride=1, **inputs(small))
    prepare_part("paper", output, 1, 2, force=True, stride=1, **inputs(small))
    with pytest.raises(SourceError, match=r"is half done, and was begun otherwise \(stride=5, not"):
        prepare("paper", output, **inputs(small))
    with pytest.raises(SourceError, match=r"expected the records of 4 videos, found 2; .*stride=5"):
        merge(output)
    assert shards(output).items() >= shards(whole).items()
    prepare("paper", output, force=True, **inputs(small))
    assert shards(output) == shards(whole)
    assert not (output / f"{PARTS}paper").exists()


def test_missing_videos_are_refused_if_asked_and_nothing_is_lost(
    folder: Path, tmp_path: Path
) -> None:
    (folder / "videos" / "000_aaa.mp4").unlink()
    (folder / "videos" / "001_bbb.mp4").write_bytes(b"no clip")
    output = tmp_path / "out"
    with pytest.raises(MissingVideosError, match="no clip"):
        prepare("paper", output, missing="error", **inputs(folder))
    with pytest.raises(MissingVideosError, match=r"Expected all images(.|\n)*bbb: not a video"):
        prepare("paper", output, missing="error", videos=["bbb", "ccc"], **inputs(folder))
    assert not (output / "README.md").exists()
    assert (output / f"{PARTS}paper" / "test-002-ccc.parquet").is_file()


def test_a_store_holds_the_same(small: Path, whole: Path) -> None:
    output = "memory://bucket/data"
    try:
        for number in (2, 1):
            prepare_part("paper", output, number, 2, **inputs(small))
        (build,) = merge(output)
        assert prepare("paper", output, **inputs(small)).shards == build.shards
        folder = Storage.of(output).folder("paper")
        assert {f"paper/{name}" for name in folder.names() - {"build.json"}} == shards(whole).keys()
        for shard in build.shards:
            assert folder.read(shard.name) == (whole / "paper" / shard.name).read_bytes()
        assert Storage.of(output).names() == {"README.md", "croissant.json"}
        assert fsspec.filesystem("memory").ls("/bucket/data", detail=False) == [
            "/bucket/data/README.md",
            "/bucket/data/croissant.json",
            "/bucket/data/paper",
        ]
    finally:
        fsspec.filesystem("memory").rm("/bucket", recursive=True)


# -- copies of two people


@pytest.fixture
def copies(folder: Path, tmp_path: Path) -> tuple[Path, Path]:
    """Mine lacks aaa and has a part of ccc; yours lacks bbb and ddd."""
    away = tmp_path / "away"
    shutil.copytree(folder, away)
    (folder / "videos" / "000_aaa.mp4").unlink()
    clip = folder / "videos" / "002_ccc.mp4"
    clip.write_bytes(clip.read_bytes()[: clip.stat().st_size * 3 // 4])
    prepare("paper", tmp_path / "mine", **inputs(folder))
    for name in ("001_bbb", "003_ddd"):
        (away / "videos" / f"{name}.mp4").unlink()
    prepare("paper", tmp_path / "yours", **inputs(away))
    return tmp_path / "mine", tmp_path / "yours"


def test_of_each_video_the_better_copy_is_taken(
    copies: tuple[Path, Path], whole: Path, tmp_path: Path, cache: str
) -> None:
    for number, order in enumerate((copies, copies[::-1])):
        output = tmp_path / f"ours{number}"
        (build,) = merge_copies(order, output)
        assert build.coverage.whole
        sources = [(o.video_id, o.copy) for o in build.coverage.outcomes]
        assert sources == [("aaa", "yours"), ("bbb", "mine"), ("ccc", "yours"), ("ddd", "mine")]
        parquet = {n: c for n, c in shards(output).items() if n.endswith(".parquet")}
        assert parquet == {n: c for n, c in shards(whole).items() if n.endswith(".parquet")}
        ds = load_dataset(str(output), cache_dir=cache)
        assert dancereid.coverage(ds) == build.coverage
        for content in prepared_files(output).values():
            assert str(tmp_path).encode() not in content


def test_copies_of_other_options_or_catalogues_are_refused(
    copies: tuple[Path, Path], small: Path, tmp_path: Path
) -> None:
    prepare("paper", tmp_path / "other", stride=3, **inputs(small))
    with pytest.raises(SourceError, match=r"000-aaa was built otherwise than in .*stride=3, not 5"):
        merge_copies([copies[0], tmp_path / "other"], tmp_path / "ours")
    other = write_folder(tmp_path / "data2", {**PEOPLE, "ddd": [0, 1]})
    prepare("paper", tmp_path / "other2", **inputs(other))
    with pytest.raises(SourceError, match="catalogue"):
        merge_copies([copies[0], tmp_path / "other2"], tmp_path / "ours")
    assert not (tmp_path / "ours").exists()


def test_a_broken_copy_and_a_folder_that_is_taken_are_refused(
    copies: tuple[Path, Path], tmp_path: Path
) -> None:
    with pytest.raises(SourceError, match="has something already"):
        merge_copies(copies, copies[0])
    path = copies[1] / "paper" / "test-002-ccc.parquet"
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    with pytest.raises(SourceError, match=r"test-002-ccc\.parquet: is not as in its record"):
        merge_copies(copies, tmp_path / "ours")
    assert not (tmp_path / "ours" / "README.md").exists()
    path.write_bytes(whole)
    (build,) = merge_copies(copies, tmp_path / "ours")
    assert build.coverage.whole
