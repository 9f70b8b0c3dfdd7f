"""What is doubtful in tracks and annotation is said with each build, and costs no image."""

from __future__ import annotations

import json
from pathlib import Path

import datasets
import pytest

import dancereid
from dancereid_pipeline.build.coverage import Coverage, Outcome
from dancereid_pipeline.checks.finding import Finding, Kind
from dancereid_pipeline.common.reasons import Reason
from dancereid_pipeline.common.records import parse_record
from tests.support.data.broken import change_annotation, change_detections, write_corners
from tests.support.data.folders import contents, load

SAID = "ccc: doubtful: joints outside their bboxes. In half of the 18 detections, no joint lies"


@pytest.fixture
def doubtful(folder: Path) -> Path:
    """The small folder, where the joints of ccc are those of another clip."""
    change_detections(folder, "ccc", lambda d: d.update(pose_pos=d["pose_pos"] + 1000))
    return folder


def said_of(ds: datasets.DatasetDict) -> list[tuple[str, Kind]]:
    return [(finding.video_id, finding.kind) for finding in dancereid.coverage(ds).findings]


@pytest.mark.parametrize("num_proc", [1, 2])
def test_a_doubt_stands_in_the_coverage_and_costs_no_image(
    doubtful: Path,
    built: dict[str, list[str]],
    cache: str,
    num_proc: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    ds = load(doubtful, cache, num_proc=num_proc, missing="error")
    assert {split: len(ds[split]) for split in ds} == {"trainval": 18, "test": 24}
    assert contents(ds["trainval"]) == built["trainval"]
    assert contents(ds["test"])[:6] == built["test"][:6]
    assert said_of(ds) == [("ccc", Kind.JOINTS_OUTSIDE)]
    coverage = dancereid.coverage(ds)
    assert coverage.whole
    assert SAID in str(coverage)
    assert [record.levelname for record in caplog.records if SAID in record.message] == ["WARNING"]


def test_a_build_from_the_cache_says_it_again(
    doubtful: Path, cache: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(doubtful, cache)
    caplog.clear()
    monkeypatch.setattr("dancereid_pipeline.build.samples.read_tracks", None)  # nothing is read
    assert said_of(load(doubtful, cache)) == [("ccc", Kind.JOINTS_OUTSIDE)]
    assert SAID in caplog.text


def test_a_stream_says_it_at_the_end_of_the_video(
    doubtful: Path, cache: str, caplog: pytest.LogCaptureFixture
) -> None:
    stream = load(doubtful, cache, streaming=True, split="test", missing="error")
    assert len(list(stream)) == 24
    assert caplog.text.count(SAID) == 1


def test_a_build_in_order_says_nothing(
    folder: Path, cache: str, caplog: pytest.LogCaptureFixture
) -> None:
    ds = load(folder, cache)
    assert dancereid.coverage(ds).findings == ()
    said = [record for record in caplog.records if record.levelname == "WARNING"]
    # The Hub's client 1.0 says at each build that the folder of the script has no dataset card.
    assert [record for record in said if record.name != "huggingface_hub.repocard"] == []


def test_bboxes_in_another_order_are_named_also_where_the_clip_seems_to_be_another(
    folder: Path, cache: str
) -> None:
    write_corners(folder, "ccc")
    coverage = dancereid.coverage(load(folder, cache))
    assert [finding.kind for finding in coverage.findings] == [Kind.BBOX_ORDER]
    assert "Read as x1, y1, x2, y2, the bboxes hold the joints." in str(coverage)


def test_ids_of_an_annotation_that_counts_from_1(folder: Path, cache: str) -> None:
    def count_from_1(annotation: dict) -> None:
        annotation["aaa"] = {str(int(person) + 1): f for person, f in annotation["aaa"].items()}

    change_annotation(folder, count_from_1)
    assert said_of(load(folder, cache)) == [("aaa", Kind.IDS_SHIFTED)]


def test_it_goes_into_the_prepared_folder_and_onto_card_and_page(
    doubtful: Path, cache: str, tmp_path: Path
) -> None:
    ds = load(doubtful, cache)
    prepared = tmp_path / "prepared"
    dancereid.prepare(ds, prepared)
    coverage = json.loads((prepared / "paper" / "build.json").read_text())["coverage"]
    (finding,) = (parse_record(Finding, f) for o in coverage["outcomes"] for f in o["findings"])
    assert (finding.video_id, finding.frame, finding.person) == ("ccc", 0, 0)
    card = (prepared / "README.md").read_text()
    assert "**Doubtful**" in card
    assert "- `ccc`: joints outside their bboxes. In half of the 18 detections, no joint" in card
    again = datasets.load_dataset(str(prepared), "paper", cache_dir=cache)
    assert said_of(again) == [("ccc", Kind.JOINTS_OUTSIDE)]
    page = dancereid.preview(again).html
    assert "1 video: joints outside their bboxes" in page
    assert finding.advice in page
    assert 'data-people="3 4 5"' in page  # those of ccc


def test_coverage_keeps_findings_through_json() -> None:
    finding = Finding(Kind.WIDE, "vid", "19 of 20.", 3, 1)
    outcome = Outcome("vid", ("test",), Reason.USED, findings=(finding,))
    assert Coverage.from_json(Coverage("paper", {}, (outcome,)).to_json()).findings == (finding,)
