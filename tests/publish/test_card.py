"""The dataset card: YAML that the Hub reads, and figures that are computed."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import datasets
import pytest
from huggingface_hub import DatasetCard

import dancereid
from dancereid_pipeline.build.coverage import Coverage, Outcome
from dancereid_pipeline.build.options import SampleOptions
from dancereid_pipeline.catalogue.metadata import CITATION
from dancereid_pipeline.common.reasons import Reason
from dancereid_pipeline.publish.card import card, licence
from dancereid_pipeline.publish.prepare import prepare
from dancereid_pipeline.shards.build_record import Build
from dancereid_pipeline.shards.parquet_shards import Shard
from dancereid_pipeline.shards.split_statistics import SplitStatistics, shard_figures
from tests.conftest import PROJECT
from tests.support.data.folders import load
from tests.support.servers.hub_card import check_card


def example(frame: int, person: int, box: Sequence[float], joints: Any) -> dict[str, Any]:
    """One of a made-up split."""
    return {
        "image": {"bytes": b"", "path": f"{person:04d}_{frame:06d}.jpg"},
        "keypoints": joints, "person_id": person, "video_id": f"v{person % 2}",
        "frame": frame, "bbox": box,
    }  # fmt: skip


def test_statistics_worked_by_hand(tmp_path: Path) -> None:
    features = dancereid.DanceReID(config_name="demo").info.features
    inside, outside = [[5, 5]] * 17, [[5, 5]] * 14 + [[128, 0], [0, 256], [-0.5, 0]]
    rows = [
        # Three of person 1, one of person 2; heights 10, 20, 30, 40.
        example(0, 1, (0, 0, 5, 10), inside),
        example(5, 1, (0, 5, 5, 25), inside),
        example(10, 1, (0, 10, 5, 40), outside),
        example(0, 2, (0, 1, 5, 41), outside),
    ]
    figures = []
    for name, of_video in (("v1", rows[:3]), ("v0", rows[3:])):
        datasets.Dataset.from_list(of_video, features=features).to_parquet(tmp_path / name)
        figures.append(shard_figures(tmp_path / name, SampleOptions()))
    assert figures[0].images_a_person == (3,)
    assert figures[0].box_heights == ((10, 1), (20, 1), (30, 1))
    assert (figures[0].joints, figures[0].joints_outside) == (51, 3)
    assert SplitStatistics.of(figures) == SplitStatistics(
        images=4,
        people=2,
        videos=2,
        bytes=figures[0].bytes + figures[1].bytes,
        images_a_person=(1, 2, 3),
        # Of 10, 20, 30, 40: the first that 5, 50 and 95 of 100 do not exceed.
        box_height=(10, 20, 40),
        # 6 of 68 joints: x from 0 to below 128, y from 0 to below 256 is inside.
        joints_outside=round(6 / 68, 4),
        examples=4,
    )


def build(config: str, outcomes: Sequence[Outcome], **changes: Any) -> Build:
    """A build that was never made, with an image a video."""
    coverage = Coverage(config, SampleOptions().as_dict(), tuple(outcomes))
    shards = [
        Shard(f"{split}-000-v.parquet", split, "v", count, 1000, "0" * 64)
        for split, count in coverage.splits.items()
        if count
    ]
    made = Build(
        config=config,
        made="2026-07-14T10:00:00+00:00",
        made_with={"datasets": "5.2.0"},
        coverage=coverage,
        features=dancereid.DanceReID(config_name="demo").info.features.to_dict(),
        statistics={
            s.split: SplitStatistics(s.rows, 2, 1, 5000, (1, 2, 3), (10, 20, 30), 0.0123, s.rows)
            for s in shards
        },
        shards=tuple(shards),
        records=(),
        example={"keypoints": [[1.0, 2.0]] * 17, "person_id": 3, "video_id": "v", "frame": 5},
    )
    return replace(made, **changes)


def outcomes_of(catalogue: Path, **special: dict[str, Any]) -> list[Outcome]:
    """A whole outcome for each video of the paper, but for those that are special."""
    with catalogue.open() as file:
        rows = [row for row in csv.DictReader(file) if row["split"] != "extra"]
    return [
        Outcome(
            row["video_id"], (row["split"],), Reason.USED,
            images=int(row["annotated_every_5th"]), expected=int(row["annotated_every_5th"]),
            people=int(row["people"]), expected_people=int(row["people"]),
        )
        if row["video_id"] not in special
        else Outcome(row["video_id"], (row["split"],), **special[row["video_id"]])
        for row in rows
    ]  # fmt: skip


@pytest.fixture
def paper() -> Build:
    """All of it but two videos."""
    special = {
        "T4vr8mA4hoY": {
            "reason": Reason.REMOVED, "since": "2026-03-05T01:02:03+00:00", "expected": 4154,
            "expected_people": 5,
        },
        "B3syPoisQMU": {
            "reason": Reason.DAMAGED, "images": 700, "expected": 1401, "people": 8,
            "expected_people": 8, "outside": 2, "past_end": 1,
        },
    }  # fmt: skip
    return build("paper", outcomes_of(PROJECT / "video_data.csv", **special))


def test_the_hub_takes_its_metadata(paper: Build) -> None:
    demo = build("demo", [Outcome("demo_Waltz1", ("test",), Reason.USED, images=9, expected=9)])
    text = card([paper, demo], "me/reid")
    assert check_card(text) == ([], [])
    data = DatasetCard(text).data.to_dict()
    assert data["size_categories"] == ["10K<n<100K"]
    assert data["license"] == "other"
    assert data["configs"] == [
        {
            "config_name": "paper",
            "data_files": [
                {"split": "trainval", "path": "paper/trainval-*.parquet"},
                {"split": "test", "path": "paper/test-*.parquet"},
            ],
            "default": True,
        },
        {
            "config_name": "demo",
            "data_files": [{"split": "test", "path": "demo/test-*.parquet"}],
        },
    ]
    info = data["dataset_info"][0]
    assert info["splits"] == [
        {"name": "trainval", "num_bytes": 5000, "num_examples": 30942},
        {"name": "test", "num_bytes": 5000, "num_examples": 18483},
    ]
    assert (info["download_size"], info["dataset_size"]) == (2000, 10000)
    assert info["features"][1] == {
        "name": "keypoints", "sequence": {"sequence": "float32", "length": 2}, "length": 17,
    }  # fmt: skip
    assert Coverage.from_description(info["description"]) == paper.coverage


def test_its_figures_are_the_builds(paper: Build) -> None:
    text = card([paper], "me/reid")
    assert 'load_dataset("me/reid", "paper")' in text
    assert f"**Fingerprint `{paper.coverage.fingerprint}`**" in text
    assert "| trainval | 30,942 | 2 | 1 | 1, 2, 3 | 10, 20, 30 | 1.2% |" in text
    assert "**Coverage**: 20 of 21 videos, 95 of 100 people, 49,425 of 54,280 images." in text
    page = "https://www.youtube.com/watch?v"
    assert (
        f"| [`T4vr8mA4hoY`]({page}=T4vr8mA4hoY) | test | removed | 2026-03-05 | 0 of 4,154 |"
        in text
    )
    assert (
        f"| [`B3syPoisQMU`]({page}=B3syPoisQMU) | trainval | damaged; 2 bboxes outside the frame; "
        "1 annotated detections after the end of the clip | 2026-07-14 or earlier | 700 of 1,401 |"
    ) in text
    # The clip of this one was uploaded again.
    assert f"| [`FTSl3VWnCaU`]({page}=E_31o3NSgHk) | trainval | 4 | 2,000 |" in text
    assert "<summary>The 20 videos in it</summary>" in text
    assert CITATION in text


def test_what_is_wrong_with_the_published_list_is_reckoned(paper: Build) -> None:
    text = " ".join(card([paper], "x").split())
    assert "31,643 images of 71 people to train on and 22,637 images of 29 others" in text
    assert "leaves out video `T4vr8mA4hoY` and takes in `qz2311gT1y4`, **whose 5 people" in text
    assert "22,637 - 4,154 + 1,043 = 19,526 images" in text
    assert "counted 41,242 images to train on and 21,356 to test on. No published" in text
    assert "The [published results](https://github.com/azuxmioy/DanceReID)" in text
    assert '"collected from YouTube Creative Commons". That was not checked here' in text


def test_no_placeholder_is_left_and_no_line_of_a_table_is_broken(paper: Build) -> None:
    text = card([paper], "me/reid").split("\n---\n", 1)[1]
    assert not re.findall(r"\$\w+|\{[a-z_]+\}|\bNone \||\bnan\b", text)
    tables = [line for line in text.splitlines() if line.startswith("|")]
    assert len(tables) > 30
    assert all(line.endswith("|") for line in tables)


@pytest.mark.parametrize(
    ("images", "category"),
    [(1, "n<1K"), (999, "n<1K"), (1000, "1K<n<10K"), (99999, "10K<n<100K"), (10**6, "1M<n<10M")],
)
def test_size_categories(images: int, category: str) -> None:
    outcome = Outcome("x", ("test",), Reason.USED, images=images, expected=images)
    data = DatasetCard(card([build("paper", [outcome])], "x")).data
    assert data.size_categories == [category]


@pytest.fixture
def demo_build(demo: Path) -> Build:
    """All of the demo."""
    with (demo / "video_data.csv").open() as file:
        rows = list(csv.DictReader(file))
    outcomes = [
        Outcome(
            row["video_id"], (row["split"],), Reason.USED, images=9, expected=9, people=3,
            expected_people=int(row["people"]),
        )
        for row in rows
    ]  # fmt: skip
    return build("demo", outcomes)


def test_the_licence_is_that_of_what_is_in_it(paper: Build, demo_build: Build) -> None:
    own = build("paper", [Outcome("mine", ("test",), Reason.USED, images=9, expected=9)])
    # One of DanceReID's videos, by the wrong split, among others: a selection of one's own.
    known = Outcome("ZhuDSdmby8k", ("trainval",), Reason.USED, images=9, expected=9)
    mixed = build("paper", [*own.coverage.outcomes, known])
    assert [b.origin for b in (paper, demo_build, own, mixed)] == [
        "dancereid",
        "demo",
        "own",
        "own",
    ]

    def of(*builds: Build, **others: str) -> str:
        return str(DatasetCard(card(builds, "x", others)).data.license)

    assert of(demo_build) == "mit"
    assert of(own) == "unknown"
    assert of(own, license="cc-by-4.0") == "cc-by-4.0"  # only its owner knows
    assert of(own, demo_build) == "unknown"
    assert of(paper, demo_build, license="mit") == "other"
    assert of(mixed) == "other"
    assert licence([own]) == {}

    texts = {name: card([b], "x") for name, b in {"paper": paper, "demo": demo_build}.items()}
    assert "People and privacy" in texts["paper"]
    assert "People and privacy" in card([mixed], "x")
    assert "People and privacy" not in texts["demo"]
    assert "The paper's videos" in texts["paper"]
    assert "The paper's videos" not in card([mixed], "x")
    assert "published test list" not in texts["demo"]
    both = card([paper, demo_build], "x")
    assert "## Where `paper` come from" in both
    assert "## Where `demo` comes from" in both


def test_what_others_put_into_the_metadata_stays(paper: Build) -> None:
    others = {
        "extra_gated_prompt": "What for?", "pretty_name": "Mine", "tags": ["x", "pose"],
        "configs": [
            {"config_name": "filtered", "data_files": "filtered/*.parquet", "default": True},
            {"config_name": "paper", "data_files": "old/*.parquet"},
            {
                "config_name": "gone",
                "data_files": [{"split": "test", "path": "gone/test-*.parquet"}],
            },
        ],
        "dataset_info": {"config_name": "filtered", "features": []},
    }  # fmt: skip
    data = DatasetCard(card([paper], "x", others)).data.to_dict()
    assert data["extra_gated_prompt"] == "What for?"
    assert data["pretty_name"] == "DanceReID"
    assert data["tags"] == ["person-re-identification", "re-id", "pose", "dance", "x"]
    assert [entry["config_name"] for entry in data["configs"]] == ["paper", "filtered"]
    assert [entry.get("default") for entry in data["configs"]] == [True, None]
    assert [entry["config_name"] for entry in data["dataset_info"]] == ["paper", "filtered"]


def test_files_are_named_so_that_they_are_found(paper: Build) -> None:
    assert 'read_parquet("hf://datasets/me/reid/paper/trainval-' in card([paper], "me/reid")
    text = card([paper], 'it is "mine"')
    assert 'read_parquet("paper/trainval-' in text
    assert 'load_dataset("it is \\"mine\\"", "paper")' in text


def test_the_card_of_a_real_build(small: Path, cache: str, tmp_path: Path) -> None:
    ds = load(small, cache, skeleton=True, keypoints="published", stride=7)
    prepare(ds, tmp_path / "mine")
    text = (tmp_path / "mine" / "README.md").read_text()
    assert check_card(text) == ([], [])
    assert 'load_dataset("mine", "paper")' in text
    assert "| `skeleton` | JPEG | only in `paper`: the crop with its pose drawn on it |" in text
    assert "keypoints published; with the column `skeleton`." in text
    assert "`paper`: published: as the published files have them" in text
    assert "| test | 20 | 4 | 2 | 5, 5, 5 |" in text
    first = ds["trainval"][0]
    assert f"'bbox': {[round(x, 2) for x in first['bbox']]!r}" in text
    assert "![Crops of people" in text
    assert (tmp_path / "mine" / "paper" / "people.jpg").read_bytes()[:3] == b"\xff\xd8\xff"


def test_its_head_says_who_annotated_and_from_what(paper: Build, demo_build: Build) -> None:
    own = build("paper", [Outcome("mine", ("test",), Reason.USED, images=9, expected=9)])

    def of(*builds: Build, **others: Any) -> dict[str, Any]:
        return dict(DatasetCard(card(builds, "x", others)).data.to_dict())

    data = of(paper)
    assert data["language"] == ["zxx"]
    assert data["annotations_creators"] == ["machine-generated", "other"]
    assert data["source_datasets"] == ["original"]
    assert of(demo_build)["annotations_creators"] == ["machine-generated"]
    assert of(paper, demo_build)["annotations_creators"] == ["machine-generated", "other"]
    # Of somebody's own videos only the owner knows, and what the owner wrote stays.
    assert "annotations_creators" not in of(own)
    assert "source_datasets" not in of(own, demo_build)
    assert of(own, annotations_creators=["found"])["annotations_creators"] == ["found"]


def test_its_sections_are_those_of_the_guide(paper: Build, demo_build: Build) -> None:
    text = card([paper], "me/reid")
    for heading in (
        *("## Where `paper` come from", "### Who annotated", "### Uses", "### Biases and limits"),
        *("## People and privacy", "### Removal", "## Licence", "## Cite"),
    ):
        assert f"\n{heading}\n\n" in text
    assert "People then filtered the tracks by hand" in text
    assert "Not for finding out who somebody is" in text
    assert "ICASSP 2020" in text
    assert "- Contact: (to be filled in)" in text
    assert "## Cite" not in card([demo_build], "x")


OWN_TEXT = re.compile(r"<!-- The owner's own text: [^>]+ -->\n(.*)\n<!-- The owner's", re.DOTALL)


def test_the_owners_own_text_is_kept_and_its_blanks_are_named(
    paper: Build, demo_build: Build
) -> None:
    own = build("paper", [Outcome("mine", ("test",), Reason.USED, images=9, expected=9)])

    def owners(*builds: Build, last: str = "") -> str:
        found = OWN_TEXT.search(card(builds, "x", None, last))
        assert found
        return found[1]

    assert owners(own).count("(to be filled in") == 7
    assert owners(own, paper) == owners(own)  # of whichever videos the owner must say something
    assert owners(paper).count("(to be filled in)") == 1
    last = card([demo_build], "x")
    assert owners(own, last=last) == owners(own)  # nobody had filled in anything
    filled = last.replace("(to be filled in)", "dance@example.org costs $5")
    assert "dance@example.org costs $5" in owners(own, last=filled)
    assert owners(own, last="# A card of somebody else") == owners(own)


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("language: [english]", '"language" with value "english" is not valid.'),
        ("annotations_creators: found", '"annotations_creators" must be an array'),
        ("extra_gated_prompt: [a]", '"extra_gated_prompt" must be a string'),
        ("extra_gated_fields: {Purpose: essay}", '"extra_gated_fields.Purpose" must be one of'),
    ],
)
def test_the_stand_in_for_the_hub_refuses_what_is_wrong(line: str, error: str) -> None:
    errors, _ = check_card(f"---\n{line}\n---\n")
    assert len(errors) == 1
    assert errors[0].startswith(error)
