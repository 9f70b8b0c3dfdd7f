"""Videos and people are taken out of what was prepared, and do not come back."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from datasets import load_dataset

import dancereid
from dancereid_pipeline.common.errors import DanceReIDError
from dancereid_pipeline.common.files import sha256
from dancereid_pipeline.common.reasons import Reason
from dancereid_pipeline.common.storage import Storage
from dancereid_pipeline.publish.found_records import PARTS
from dancereid_pipeline.publish.merge_copies import merge_copies
from dancereid_pipeline.publish.prepare import prepare, prepare_part
from dancereid_pipeline.publish.prepared_folder import Prepared
from dancereid_pipeline.publish.takedown import take_down
from tests.support.data.folders import all_contents, prepared_files


def inputs(folder: Path) -> dict[str, Any]:
    """The options for a data folder."""
    return {"data_dir": str(folder), "catalogue": str(folder / "catalogue.csv")}


@pytest.fixture
def output(small: Path, tmp_path: Path) -> Path:
    """The small folder, prepared: videos aaa to ddd with the people 0-1, 2, 3-5, 6."""
    prepare("paper", tmp_path / "out", **inputs(small))
    return tmp_path / "out"


def test_a_video_is_taken_out(output: Path, built: dict[str, list[str]], cache: str) -> None:
    before = prepared_files(output)
    asked = take_down(output, ["ccc"], dry_run=True)
    assert (asked.videos, asked.images) == ((("paper", "ccc"),), 18)
    assert sorted(asked.files) == ["paper/people.jpg", "paper/test-002-ccc.parquet"]
    for name, digest in asked.files.items():
        assert sha256(output / name) == digest
    assert "nothing was changed" in str(asked)
    assert prepared_files(output) == before
    done = take_down(output, ["ccc"])
    assert "18 images taken out" in str(done)
    ds = load_dataset(str(output), cache_dir=cache)
    assert all_contents(ds) == {**built, "test": built["test"][:6]}
    outcome = dancereid.coverage(ds).outcomes[2]
    assert (outcome.reason, outcome.images, outcome.expected) == (Reason.TAKEN_DOWN, 0, 18)
    assert "taken down (1): ccc" in str(dancereid.coverage(ds))
    Prepared.read(output).check()
    after = prepared_files(output)
    assert not [name for name in after if name.startswith(".") or "ccc.parquet" in name]
    # Nobody's pixels are left in the picture, either.
    assert after["paper/people.jpg"] != before["paper/people.jpg"]
    assert take_down(output, ["ccc"]).videos == ()
    assert prepared_files(output) == after


def test_a_person_is_taken_out(output: Path, cache: str) -> None:
    done = take_down(output, ["ccc"], person=4)
    assert done.images == 6
    ds = load_dataset(str(output), cache_dir=cache)
    assert sorted(set(ds["test"]["person_id"])) == [2, 3, 5]
    outcome = dancereid.coverage(ds).outcomes[2]
    assert (outcome.reason, outcome.images, outcome.people) == (Reason.TAKEN_DOWN, 12, 2)
    assert "ccc: taken down after 12 images" in str(dancereid.coverage(ds))
    assert take_down(output, ["ccc"], person=4).videos == ()
    take_down(output, ["ccc"], person=3)
    take_down(output, ["ccc"], person=5)
    ds = load_dataset(str(output), cache_dir=cache)
    assert set(ds["test"]["person_id"]) == {2}


def test_it_does_not_come_back(output: Path, small: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(output, copy)
    take_down(output, ["ccc", "aaa"])
    take_down(output, ["ddd"], person=6)
    after = prepared_files(output)
    prepare("paper", output, **inputs(small))
    assert prepared_files(output) == after
    for order in ((output, copy), (copy, output)):
        joined = tmp_path / f"joined-{order[0].name}"
        (build,) = merge_copies(order, joined)
        assert [o.images for o in build.coverage.outcomes] == [0, 6, 0, 0]
    build = prepare("paper", output, force=True, stride=1, **inputs(small))
    assert [o.images for o in build.coverage.outcomes] == [0, 30, 0, 0]


def test_with_its_last_image_the_config_goes(output: Path, tmp_path: Path) -> None:
    dancereid.prepare("demo", output)
    take_down(output, ["aaa", "bbb", "ccc", "ddd"])
    assert not (output / "paper").exists()
    (output / "demo" / "mine").mkdir()
    assert [build.config for build in Prepared.read(output).builds] == ["demo"]
    assert "paper" not in (output / "README.md").read_text()
    ids = [o.video_id for o in Prepared.read(output).builds[0].coverage.outcomes]
    take_down(output, ids)
    assert [path.name for path in (output / "demo").iterdir()] == ["mine"]
    assert take_down(output, ids).videos == ()
    with pytest.raises(DanceReIDError, match="has no video 'nobody'; expected one of aaa, bbb"):
        take_down(output, ["nobody"])
    assert {name.partition("/")[0] for name in prepared_files(output)} == {
        ".taken-down-demo",
        ".taken-down-paper",
    }


def test_what_was_the_last_of_a_config_does_not_come_back(
    folder: Path, output: Path, tmp_path: Path, cache: str
) -> None:
    copy, clip = shutil.copytree(output, tmp_path / "copy"), folder / "videos" / "000_aaa.mp4"
    others = ["bbb", "ccc", "ddd"]
    clip.rename(tmp_path / "aaa.mp4")
    prepare("paper", output, force=True, **inputs(folder))
    take_down(output, others[:1])
    take_down(output, others)
    gone = prepared_files(output)
    assert not [name for name in gone if not name.endswith(".json")]
    with pytest.raises(DanceReIDError, match=r"Not one image could be made(.|\n)*taken down"):
        prepare("paper", output, **inputs(folder))
    with pytest.raises(DanceReIDError, match="ddd was taken down there, and this dataset has it"):
        prepare(load_dataset(str(copy), cache_dir=cache), output)
    joined = merge_copies((output, copy), tmp_path / "joined")
    (tmp_path / "aaa.mp4").rename(clip)
    built = prepare("paper", output, force=True, stride=1, **inputs(folder))
    assert not list(output.glob(".taken-down-*"))  # the config remembers it now
    merge_copies((output, output), tmp_path / "other")
    for build in (*joined, built):
        reasons = {o.video_id: o.reason for o in build.coverage.outcomes}
        assert reasons == {"aaa": Reason.USED, **dict.fromkeys(others, Reason.TAKEN_DOWN)}
        assert {shard.video_id for shard in build.shards} == {"aaa"}


@pytest.mark.parametrize(
    ("ids", "person", "said"),
    [
        (["nobody"], None, "has no video 'nobody'; expected one of aaa, bbb, ccc, ddd"),
        (["ccc"], 2, r"ccc has the people 3 to 5 \(global ids\), not 2"),
        (["ccc", "aaa"], 3, "expected one, got 2"),
        ([], None, "expected at least one, got 0"),
        (["ccc"], -1, "person: expected a whole number"),
    ],
)
def test_what_is_not_there_is_refused(
    output: Path, ids: list[str], person: int | None, said: str
) -> None:
    before = prepared_files(output)
    with pytest.raises(DanceReIDError, match=said):
        take_down(output, ids, person=person)
    assert prepared_files(output) == before


def test_a_build_that_is_half_done_is_ended_first(output: Path, small: Path) -> None:
    prepare_part("paper", output, 1, 2, force=True, stride=1, **inputs(small))
    with pytest.raises(DanceReIDError, match=rf"{PARTS}paper is half done"):
        take_down(output, ["ccc"])


def test_a_store_too(small: Path) -> None:
    prepare("paper", "memory://takedown/data", **inputs(small))
    take_down("memory://takedown/data", ["ccc"])
    names = Storage.of("memory://takedown/data").folder("paper").names()
    assert sorted(name for name in names if name.endswith(".parquet")) == [
        "test-001-bbb.parquet",
        "trainval-000-aaa.parquet",
        "trainval-003-ddd.parquet",
    ]
