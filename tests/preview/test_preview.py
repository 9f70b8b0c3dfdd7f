"""What a page tells of a dataset, and what it is made from; the page itself is opened elsewhere."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest
from PIL import Image

import dancereid
from dancereid_pipeline.common.errors import DanceReIDError, OptionError, SourceError
from dancereid_pipeline.common.package_files import install_command
from dancereid_pipeline.common.reasons import Reason, advice
from dancereid_pipeline.formats.clip_facts import ClipFacts
from dancereid_pipeline.preview.page import dataset_rows
from dancereid_pipeline.preview.page import findings as findings_module
from dancereid_pipeline.preview.page.dataset_rows import PageData, Rows, see
from dancereid_pipeline.preview.page.figures import figures
from dancereid_pipeline.preview.page.findings import findings
from dancereid_pipeline.preview.page.measures import cut_at_edge, outside
from dancereid_pipeline.preview.page.people import BUDGET, MAX_PEOPLE, people_grid, shrink
from dancereid_pipeline.preview.page.timelines import timelines
from tests.conftest import PROJECT


def made_up(people: dict[int, list[int]], *, stride: int = 5, **changes: Any) -> PageData:
    """Rows of a video of people in these frames (counted in strides), who walk to the right."""
    pairs = [(person, frame * stride) for person, frames in people.items() for frame in frames]
    person, frame = np.array(pairs).T
    left = 10.0 + 3 * frame + 100 * person
    bbox = np.stack([left, left * 0 + 20, left + 50, left * 0 + 120], axis=1)
    values: dict[str, Any] = {
        "splits": ("test",),
        "videos": ("walk",),
        "split": np.zeros(len(pairs), int),
        "video": np.zeros(len(pairs), int),
        "person": person,
        "frame": frame,
        "bbox": bbox.astype(np.float32),
        "keypoints": np.full((len(pairs), 17, 2), 60, np.float32),
    }
    return PageData("Made up", "paper", {}, Rows(**{**values, **changes}), (256, 128), False, None)


# -- what is read


def test_every_door_gives_the_same_rows(demo_built: datasets.DatasetDict, tmp_path: Path) -> None:
    dancereid.prepare(demo_built, tmp_path / "out")
    doors: list[Any] = [
        datasets.load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache")),
        datasets.load_dataset(str(tmp_path / "out"), streaming=True),
        dancereid.load_dataset("demo", streaming=True, cache_dir=str(tmp_path / "empty")),
    ]
    expected = see(demo_built)
    for door in doors:
        seen = see(door)
        assert seen.rows.splits == ("trainval", "test")
        assert seen.rows.videos == expected.rows.videos
        assert seen.image_size == (256, 128)
        for name in ("split", "video", "person", "frame", "bbox", "keypoints"):
            assert np.array_equal(getattr(seen.rows, name), getattr(expected.rows, name)), name
    assert [see(door).streamed for door in doors] == [False, True, True]
    assert see(doors[1]).coverage == expected.coverage
    assert see(doors[2]).coverage is None  # of what was never built


def test_of_a_stream_only_the_first_examples_of_each_video_are_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(dataset_rows, "STREAMED", 10)
    seen = see(dancereid.load_dataset("demo", streaming=True))
    assert np.bincount(seen.rows.video).tolist() == [5, 5, 5, 5]
    page = dancereid.preview(dancereid.load_dataset("demo", streaming=True), split="test").html
    assert "A part of a stream." in page
    assert "This page shows 10 examples" in page


def test_a_part_of_a_dataset_is_told_from_its_build(demo_built: datasets.DatasetDict) -> None:
    part = demo_built["test"].select(range(0, 145, 3))
    page = dancereid.preview(part).html
    assert "The build has 145." in page
    assert "49 images of " in page
    assert "</svg>trainval</h2>" not in page
    assert dancereid.coverage(demo_built).fingerprint in page


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda ds: [1], "Expected a dataset"),
        (lambda ds: {}, "Expected a dataset"),
        (lambda ds: ds["test"].remove_columns(["frame", "bbox"]), "frame, bbox is missing"),
        (lambda ds: ds["test"].to_iterable_dataset().map(lambda row: row), "is missing"),
        (lambda ds: ds["test"].select([]), "has none"),
        (lambda ds: ds["test"].cast_column("person_id", datasets.Value("string")).map(
            lambda row: {"person_id": "x"}), "whole numbers in the column person_id, got string"),
        (lambda ds: ds["test"].map(lambda row: {"bbox": row["bbox"][:3]}, features=None,
            remove_columns="bbox"), "4"),
        (lambda ds: ds["test"].cast_column("image", datasets.Image(decode=False)).map(
            lambda row: {"image": {"bytes": b"no JPEG", "path": None}}), "row 0: .* a JPEG or PNG"),
    ],
)  # fmt: skip
def test_what_cannot_be_looked_at_is_said(
    demo_built: datasets.DatasetDict, change: Callable[[Any], Any], says: str
) -> None:
    with pytest.raises(DanceReIDError, match=says):
        dancereid.preview(change(demo_built))


def test_options_are_checked(demo_built: datasets.DatasetDict) -> None:
    with pytest.raises(OptionError, match="split: expected one of trainval, test, got 'val'"):
        dancereid.preview(demo_built, split="val")
    for people in (0, MAX_PEOPLE + 1, "all"):
        with pytest.raises(OptionError, match="people: expected a whole number from 1 to 2000"):
            dancereid.preview(demo_built, people=people)  # type: ignore[arg-type]


# -- what it counts


def test_findings_say_who_and_what_to_do() -> None:
    assert findings(made_up({0: list(range(20))})) == []
    (few,) = findings(made_up({0: list(range(20)), 7: [3, 4]}))
    assert few.title == "1 person has fewer than 10 images"
    assert (few.people, few.text) == ((7,), "person 7: 2 images.")

    joints = np.full((20, 17, 2), 60, np.float32)
    joints[3, 10] = (128 + 63, 60)
    assert findings(made_up({0: list(range(20))}, keypoints=joints)) == []
    joints[3, 10] = (128 + 65, 60)
    (far,) = findings(made_up({0: list(range(20))}, keypoints=joints))
    assert far.title == "Joints far outside their crop in 1 image (5.0%)"
    assert far.text == "person 0 (walk): 1 of 20."


def test_who_stands_still_is_found() -> None:
    box = np.tile(np.array([10, 20, 60, 120], np.float32), (20, 1))
    (still,) = findings(made_up({3: list(range(20))}, bbox=box))
    assert still.title.startswith("1 person hardly moves")
    assert still.text == "person 3 (walk): 100%. Of all neighbouring images, 100% are."
    joints = np.full((20, 17, 2), 60, np.float32) + 10 * (np.arange(20) % 2)[:, None, None]
    assert findings(made_up({3: list(range(20))}, bbox=box, keypoints=joints)) == []


def test_videos_whose_frames_lie_a_multiple_apart_are_found(
    demo_built: datasets.DatasetDict,
) -> None:
    doubled = demo_built["test"].map(
        lambda row: {"frame": row["frame"] * (2 if row["video_id"] == "demo_House4" else 1)}
    )
    (rate,) = findings(see(doubled))
    assert rate.title == "1 video has its frames further apart than the others"
    assert rate.text == "demo_House4: 10 instead of 5."


def with_outcomes(demo: datasets.DatasetDict, **changes: dict[str, Any]) -> datasets.Dataset:
    """The demo's test split; the outcomes of some videos are changed."""
    part, found = demo["test"].select(range(145)), dancereid.coverage(demo)
    outcomes = [replace(o, **changes.get(o.video_id, {})) for o in found.outcomes]
    part.info.description = replace(found, outcomes=tuple(outcomes)).describe("The demo.")
    return part


def test_clips_without_all_frames_are_found(demo_built: datasets.DatasetDict) -> None:
    (lengths,) = findings(see(with_outcomes(demo_built, demo_Waltz1={"past_end": 3})))
    assert (lengths.title, lengths.text) == (
        "1 clip lacks frames that the tracks have",
        "demo_Waltz1.",
    )


def test_missing_videos_are_found_with_their_people_and_the_remedy(
    demo_built: datasets.DatasetDict,
) -> None:
    gone = {"reason": Reason.REMOVED, "images": 0, "people": 0}
    short = {"reason": Reason.DAMAGED, "images": 50, "expected_people": 1}
    part = with_outcomes(
        demo_built,
        demo_Waltz1=gone,
        demoKpop_03=gone | {"first_id": None, "expected": None},
        demo_House4=short,
        **{"demo-Lock_2": {"reason": Reason.LEFT_OUT, "images": 0}},
    )
    removed, damaged = findings(see(part))
    assert removed.title == "2 videos are missing or incomplete: removed"
    assert removed.text == (
        "demo_Waltz1 (people 0 to 2; trainval; images missing: 58); "
        "demoKpop_03 (3 people; test; images missing: unknown)."
    )
    assert removed.advice == advice(Reason.REMOVED)
    assert damaged.title == "1 video is missing or incomplete: damaged"
    assert damaged.text == "demo_House4 (person 9; test; images missing: 26)."
    assert "dancereid check" in damaged.advice
    assert "Worth acting on" in dancereid.preview(part).html


def test_sizes_of_frames_come_from_the_coverage_if_they_can_be_true(
    demo_built: datasets.DatasetDict,
) -> None:
    odd = ClipFacts(frames=1, width=10**400, height=-1, fps=float("inf"), codec="<b>")
    part = with_outcomes(demo_built, demo_House4={"clip": odd})
    assert see(part).frame_sizes == dict.fromkeys(
        ("demo_Waltz1", "demo-Lock_2", "demoKpop_03"), (640, 360)
    )
    html = dancereid.preview(part).html
    assert "All edges are known in 1 of 2 videos." in html
    assert "640 x 360 pixels, 30 frames per second, 104 frames, h264" in html
    assert "<b>" not in html


def test_one_has_no_plural(demo_built: datasets.DatasetDict) -> None:
    part = demo_built["test"].select([0])
    for info in (part.info.description, ""):
        part.info.description = info
        html = dancereid.preview(part).html
        page = re.sub("<(style|script|svg).*?</\\1>", "", html, flags=re.DOTALL)
        said = " ".join(re.sub("<[^>]*>", "", page).split())
        assert "1 image of 1 person in 1 video." in said
        nouns = "images|people|videos|frames|gaps|crops|rows|examples|joints"
        assert re.findall(rf"(?<![\d,.])1 (?:{nouns})", said) == []


def test_long_lists_are_cut() -> None:
    few = findings(made_up({person: [1] for person in range(30)}))[0]
    assert few.text.count("person") == findings_module._LISTED
    assert few.text.endswith("; and 18 more.")
    assert len(few.people) == 30


def test_a_timeline_has_gaps_where_nobody_is() -> None:
    seen = made_up({0: [0, 1, 2, 3, 6, 7, 8, 9], 1: [2, 3]})
    (timeline,) = timelines(seen.rows)
    assert (timeline.first, timeline.last, timeline.step, timeline.gaps) == (0, 45, 5, 1)
    assert [line.path for line in timeline.lines] == ["M0 0H400M600 0H1000", "M200 0H400"]
    assert (timeline.longest.person, timeline.longest.longest_gap) == (0, 10)
    # However many runs there are, a line has no more strokes than its width has room for.
    (long,) = timelines(made_up({0: list(range(0, 100_000, 2)), 1: [1]}).rows)
    assert len(long.lines[0].path) < 20_000


def test_edges_are_told_from_where_boxes_end() -> None:
    box = np.tile(np.array([10, 20, 60, 120], np.float32), (6, 1))
    box[:, 2] += np.arange(6)
    box[:, 3] = [100, 101, 120, 120, 120, 90]
    box[0, 0] = -2
    rows = made_up({0: list(range(6))}, bbox=box).rows
    cut, known = cut_at_edge(rows, {})
    assert cut.tolist() == [True, False, True, True, True, False]
    assert known == 0  # the right edge is not
    cut, known = cut_at_edge(rows, {"walk": (66, 200), "other": (1, 1)})
    assert cut.tolist() == [True, False, False, False, False, True]
    assert known == 1


def test_joints_are_counted_outside_from_the_last_pixel_on() -> None:
    joints = np.zeros((1, 17, 2), np.float32)
    joints[0, :4] = [(-0.1, 0), (0, 256), (128, 0), (np.nan, 3)]
    found = outside(made_up({0: [0]}, keypoints=joints).rows, (256, 128))
    assert found[0].tolist() == [True] * 3 + [False] * 14  # NaN: not seen


def test_figures_have_their_number_and_follow_the_theme(demo_built: datasets.DatasetDict) -> None:
    found = figures(see(demo_built), np.array([100.0, 120, 140]))
    assert [figure.number for figure in found] == ["21", "66", "234 px", "14.3%", "0.2%", "120"]
    assert figures(see(demo_built), np.array([100.0, 120, 140])) == found  # to the byte
    names: list[str] = []
    for figure in found:
        assert len(figure.svg) < 30_000
        assert "var(--bar)" in figure.svg
        assert ">people</text>" in figure.svg or "</text>" in figure.svg
        assert not any(word in figure.svg for word in ("<style", "<script", "#0102", "<?xml"))
        names += [part.split('"')[0] for part in figure.svg.split(' id="')[1:]]
    assert len(set(names)) == len(names)


# -- how large it gets


def test_crops_keep_to_the_budget(demo_built: datasets.DatasetDict) -> None:
    for budget in (60_000, 200_000, BUDGET):
        grid = people_grid(see(demo_built), budget=budget)
        crops = [crop for person in grid.people for crop in person.crops]
        assert len(crops) == 120
        assert sum(len(crop["image"]) for crop in crops) * 3 / 4 <= budget + 120 * 25
    assert [len(p.crops) for p in people_grid(see(demo_built), people=3).people] == [10] * 3


def test_the_smallest_crop_of_the_worst_picture_fits_what_is_left_for_it() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (256, 128, 3), np.uint8)
    picture = Image.fromarray(noise)
    for most in (500, 1500, 5000, 50_000):
        assert len(shrink(picture, most)) <= most
    assert Image.open(io.BytesIO(shrink(picture, 10**6))).size == (128, 256)


# -- what is written


def test_only_a_file_is_overwritten(demo_built: datasets.DatasetDict, tmp_path: Path) -> None:
    page = dancereid.preview(demo_built["test"], people=1)
    with pytest.raises(SourceError, match="expected the name of a file"):
        page.save(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(SourceError, match="cannot be used"):
        page.save(tmp_path / "file" / "report.html")
    assert page.save(tmp_path / "file").read_text() == page.html


def test_without_what_draws_it_says_what_to_install() -> None:
    program = (
        "import sys; sys.modules['matplotlib'] = None; import dancereid\n"
        "try: dancereid.preview({})\n"
        "except dancereid.DanceReIDError as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert "extra 'preview', and matplotlib cannot be imported" in done.stdout
    assert done.stdout.endswith(f"Install the extra: {install_command('preview')}\n")


def test_what_json_cannot_hold_is_left_out(demo_built: datasets.DatasetDict) -> None:
    def broken(row: dict[str, Any]) -> dict[str, Any]:
        return {"keypoints": [[float("nan"), float("inf")]] * 17, "bbox": [float("nan")] * 4}

    page = dancereid.preview(demo_built["test"].select(range(20)).map(broken)).html
    crops = page.split('<script type="application/json">')[1].split("</script>")[0]
    crop = json.loads(crops, parse_constant=pytest.fail)[0]
    assert crop["keypoints"] == [None] * 17
    assert np.isfinite(crop["bbox"]).all()
