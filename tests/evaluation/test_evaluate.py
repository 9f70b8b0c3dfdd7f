"""Scores: worked by hand, as the published code has them, and what cannot be scored."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dancereid import evaluate
from dancereid_pipeline.build.coverage import Coverage, Outcome
from dancereid_pipeline.common.errors import FeaturesError, OptionError
from dancereid_pipeline.common.reasons import Reason
from dancereid_pipeline.evaluation.bootstrap import person_intervals
from dancereid_pipeline.evaluation.per_query import group_table
from dancereid_pipeline.evaluation.result import Result
from dancereid_pipeline.evaluation.top_k import nearest

# Two people on a line; A is person 7, B is person 9.
#            A0      A2      A7      B1      B4      B12
PLACES = [[0.0], [2.0], [7.0], [1.0], [4.0], [12.0]]
PEOPLE = [7, 7, 7, 9, 9, 9]
FRAMES = [0, 5, 10, 5, 0, 15]


def by_hand(**options: Any) -> Result:
    return evaluate(PLACES, PEOPLE, FRAMES, ranks=3, **options)


# -- worked by hand


def test_average_precision_by_hand() -> None:
    # The galleries, nearest first, with squared distances; "=" is a tie, the wrong one first.
    # A0:  B1 1, A2 4, B4 16, A7 49, B12 144       matches at ranks 2, 4: (1/2 + 2/4) / 2
    # A2:  B1 1, B4 4 = A0 4, A7 25, B12 100       3, 4: (1/3 + 2/4) / 2
    # A7:  B4 9, B12 25 = A2 25, B1 36, A0 49      3, 5: (1/3 + 2/5) / 2
    # B1:  A0 1, A2 1, B4 9, A7 36, B12 121        3, 5
    # B4:  A2 4, A7 9 = B1 9, A0 16, B12 64        3, 5
    # B12: A7 25, B4 64, A2 100, B1 121, A0 144    2, 4
    expected = [1 / 2, 5 / 12, 11 / 30, 11 / 30, 11 / 30, 1 / 2]
    result = by_hand()
    assert result.per_query.average_precision == pytest.approx(expected, abs=1e-15)
    assert result.to_dict()["mean_ap"] == pytest.approx(sum(expected) / 6, abs=1e-15)
    # Two matches, the last at rank 4, 4, 5, 5, 5, 4.
    assert result.per_query.inverse_penalty.tolist() == [0.5, 0.5, 0.4, 0.4, 0.4, 0.5]
    assert result.per_query.matches.tolist() == [2] * 6
    assert result.per_query.tied.tolist() == [False, True, True, False, True, False]
    assert result.counts.queries_with_ties == 3


def test_cmc_of_many_shots_by_hand() -> None:
    # Wrong images before the matches, from the galleries above:
    # A0: 1, 2; A2: 2, 2; A7: 2, 3; B1: 2, 3; B4: 2, 3; B12: 1, 2.
    found = by_hand().per_query
    assert found.market1501.tolist() == [[0, 1, 1], *[[0, 0, 1]] * 4, [0, 1, 1]]
    assert found.allshots.tolist() == [
        [0, 1 / 2, 1],
        [0, 0, 1],
        *[[0, 0, 1 / 2]] * 3,
        [0, 1 / 2, 1],
    ]
    assert by_hand().to_dict()["cmc_market1501"] == pytest.approx([0, 1 / 3, 1])
    assert by_hand().to_dict()["cmc_allshots"] == pytest.approx([0, 1 / 6, 4.5 / 6])


def test_cmc_of_a_single_shot_by_hand() -> None:
    # All at the query's frame is left out; then one of A's and one of B's is drawn.
    # A0:  B4 left out. Of B1, B12: A2 loses to B1, A7 to B1         -> first in 1/2, 1/2
    # A2:  B1 left out. Of B4, B12: A0 loses to B4 (tie), A7 to B4   -> 1/2, 1/2
    # A7:  of B1, B4, B12: A2 loses to B4 and B12 (tie), A0 to all   -> 1/3, 0
    # B1:  A2 left out. Of A0, A7: B4 loses to A0, B12 to both       -> 1/2, 0
    # B4:  A0 left out. Of A2, A7: B1 loses to both (tie), B12, too  -> 0, 0
    # B12: of A0, A2, A7: B4 loses to A7, B1 to A7 and A2            -> 2/3, 1/3
    first = [1 / 2, 1 / 2, 1 / 6, 1 / 4, 0, 1 / 2]
    found = by_hand().per_query.cuhk03
    assert found[:, 0] == pytest.approx(first, abs=1e-15)
    assert found[:, 1:] == pytest.approx(np.ones((6, 2)), abs=1e-15)


def test_a_gallery_apart_by_hand() -> None:
    # Query A at 0, frame 0. Of A's images at 0 (frame 0), 3 (frame 1): the first is left out.
    # B at 1 and C at 2, at frame 0: only CUHK03 leaves them out, so nobody is before A there.
    gallery = ([[0], [3], [1], [2]], [1, 1, 2, 3], [0, 1, 0, 0])
    found = evaluate([[0]], [1], [0], gallery=gallery, ranks=3).to_dict()
    assert found["mean_ap"] == pytest.approx(1 / 3)
    assert found["cmc_market1501"] == [0, 0, 1]
    assert found["cmc_cuhk03"] == [1, 1, 1]
    assert found["counts"]["queries"] == 1
    assert found["counts"]["gallery"] == 4


def test_the_cosine_does_not_see_lengths() -> None:
    # From (1, 0): A at 0 degrees, B at 45, whatever their lengths; by distance B is nearer.
    rows = [[1, 0], [9, 0], [1, 1]]
    assert evaluate(rows, [1, 1, 2], [0, 1, 2], distance="cosine").to_dict()["mean_ap"] == 1
    assert evaluate(rows, [1, 1, 2], [0, 1, 2]).per_query.average_precision[0] == 0.5


def test_bootstrap_by_hand() -> None:
    # Person 1 scores 0 with one query, person 2 scores 1 with three. Two people drawn: both
    # the first in 1/4 of the samples (mean 0), both the second in 1/4 (1), else 3/4.
    values, people = np.array([[0.0], [1], [1], [1]]), np.array([1, 2, 2, 2])
    assert person_intervals(values, people, 500, 0, 0.95).ravel().tolist() == [0, 1]
    assert person_intervals(values, people, 500, 0, 0.2).ravel().tolist() == [0.75] * 2
    scores, ids = np.arange(40.0)[:, None], np.arange(40) // 2
    one, again, other = (person_intervals(scores, ids, 50, s, 0.9) for s in (1, 1, 2))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


def test_groups_by_hand() -> None:
    groups = {group.label: group for group in by_hand().by(["x", "y", "y", "x", "x", "z"])}
    assert {label: group.queries for label, group in groups.items()} == {"x": 3, "y": 2, "z": 1}
    assert groups["y"].means["mean_ap"] == pytest.approx((5 / 12 + 11 / 30) / 2)
    assert groups["z"].means["cmc_market1501"] == [0, 1, 1]
    table = group_table("label", list(groups.values()))
    assert "z            1   50.0   50.0            50.0          0.0        0.0" in table
    with pytest.raises(FeaturesError, match="groups: expected 6, one for each query"):
        by_hand().by(["x"])


def test_the_nearest_are_those_that_are_scored() -> None:
    # As in the galleries above: A2 (number 1) and B4 (number 4).
    found = nearest(PLACES, PEOPLE, FRAMES, [1, 4], top=3)
    assert [(n.query, n.images.tolist(), n.right.tolist()) for n in found] == [
        (1, [3, 4, 0], [False, False, True]),
        (4, [1, 2, 3], [False, False, True]),
    ]


# -- against the published code


def test_golden_scores(golden_scores: Path) -> None:
    golden = np.load(golden_scores)
    result = evaluate(golden["features"], golden["person_id"], golden["frame"])
    found = result.to_dict()
    assert result.counts.queries == 360
    assert found["mean_ap"] == pytest.approx(float(golden["mean_ap"]), abs=1e-9)
    assert found["cmc_allshots"] == pytest.approx(golden["cmc_allshots"], abs=1e-9)
    assert found["cmc_market1501"] == pytest.approx(golden["cmc_market1501"], abs=1e-9)
    ranks = len(golden["cmc_cuhk03_mean"])
    assert ranks == 12
    off = np.abs(found["cmc_cuhk03"][:ranks] - golden["cmc_cuhk03_mean"])
    # 1e-12: at the last rank all draws agree, but for rounding.
    assert (off <= 3 * golden["cmc_cuhk03_std"] / np.sqrt(40) + 1e-12).all()


def test_drawing_tends_to_the_expectation(golden_scores: Path) -> None:
    golden = np.load(golden_scores)
    images = [golden[name][::6] for name in ("features", "person_id", "frame")]
    draws = 10_000
    found = evaluate(*images, ranks=8, draws=draws).per_query
    assert found.cuhk03_drawn is not None
    chance = found.cuhk03[found.scored].clip(0, 1)
    off = np.abs(found.cuhk03_drawn[found.scored] - chance)
    assert chance.size > 400
    # Each is a share of tosses of one coin: 5 standard deviations, for some 500 of them.
    assert (off <= 5 * np.sqrt(chance * (1 - chance) / draws) + 1e-9).all()
    again, other = (evaluate(*images, draws=3, seed=s).to_dict() for s in (1, 2))
    assert again == evaluate(*images, draws=3, seed=1).to_dict()
    assert again["cmc_cuhk03_drawn"] != other["cmc_cuhk03_drawn"]
    assert again["cmc_cuhk03"] == other["cmc_cuhk03"]


# -- what is stated


def test_queries_without_a_match_are_counted_and_in_no_mean() -> None:
    # Person 3 has one image; the other two images of person 1 are at one frame.
    result = evaluate([[0], [1], [9], [5]], [1, 1, 2, 3], [0, 1, 0, 0], ranks=2)
    assert result.counts.queries_without_match == 2
    assert np.isnan(result.per_query.average_precision).tolist() == [False, False, True, True]
    assert result.to_dict()["mean_ap"] == 1
    assert "2 queries without a match, which no mean includes" in str(result)
    assert [g.means for g in result.by([0, 0, 1, 1])][1] == {}


def test_constant_columns_and_duplicate_rows_are_counted() -> None:
    rows = [[1e9, 0, -0.0], [1e9, 1, 0], [1e9, 1, 0], [1e9, 0, 0.0]]
    result = evaluate(rows, [1, 1, 2, 2], [0, 1, 0, 1])
    assert result.counts.constant_columns == 2
    assert result.counts.duplicate_rows == 2
    # Its match is 1 away, and so is one wrong image, which counts as nearer; one is at 0.
    assert result.per_query.average_precision.tolist() == [1 / 3] * 4
    said = str(result)
    assert "4 queries with a wrong image exactly as near" in said
    assert "2 constant columns; 2 images with the same features as another one" in said


def test_a_large_constant_column_drowns_nothing() -> None:
    rng = np.random.default_rng(0)
    images = (rng.normal(size=(40, 8)), np.arange(40) % 4, np.arange(40) // 4)
    shifted = np.column_stack([images[0], np.full(40, 1.7e9)])
    assert evaluate(shifted, *images[1:]).to_dict()["cmc_cuhk03"] == pytest.approx(
        evaluate(*images).to_dict()["cmc_cuhk03"], abs=1e-12
    )


@pytest.mark.parametrize("scale", [1e-300, 5e-324, 1e300])
def test_numbers_at_the_ends_of_float64(scale: float) -> None:
    places = np.array(PLACES) * scale
    assert evaluate(places, PEOPLE, FRAMES).per_query.average_precision == pytest.approx(
        by_hand().per_query.average_precision
    )


@pytest.mark.parametrize("dtype", ["float16", "float32", "int8", "uint8", "int64"])
def test_other_types_of_numbers(dtype: str) -> None:
    found = evaluate(np.array(PLACES, dtype), PEOPLE, FRAMES, ranks=3)
    assert found.to_dict() == by_hand().to_dict()


def test_a_result_names_its_protocol() -> None:
    found = by_hand(draws=10, seed=4).to_dict()
    assert json.loads(json.dumps(found)) == found
    assert found["protocol"]["distance"] == "squared Euclidean"
    assert "non-interpolated" in found["protocol"]["mean_ap"]
    assert "frame" in found["protocol"]["left_out"]
    assert (found["draws"], found["seed"]) == (10, 4)
    assert found["dataset"] is None
    said = str(by_hand(draws=10, seed=4))
    assert "mAP 41.94   mINP 45.00   (%)" in said
    assert "CUHK03             31.94" in said
    assert "drawn 10 times" in said
    assert "Queries: 6 of 2 people, 6 with a match. Gallery: 6 images of 2 people." in said
    assert "Dataset: unknown" in said


def test_the_published_overlapping_list_gives_a_warning() -> None:
    outcome = Outcome("qz2", ("trainval", "test"), Reason.USED, images=6, expected=6, people=5)
    published = Coverage("published", {"stride": 5}, (outcome,))
    result = by_hand(coverage=published)
    assert "WARNING: this is the published test list, which OVERLAPS" in str(result)
    assert "5 people here are in trainval too (video qz2)" in str(result)
    dataset = result.to_dict()["dataset"]
    assert dataset["overlaps_training"] is True
    assert dataset["fingerprint"] == published.fingerprint
    paper = by_hand(coverage=Coverage("paper", {}, (outcome,)))
    assert "WARNING" not in str(paper)
    assert "DanceReID 'paper': 1 of 1 videos" in str(paper)


# -- what cannot be scored


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"features": [[0], [np.nan], [7], [1], [4], [12]]}, "got nan in row 1, column 0; 1 of 6"),
        ({"features": [[0], [2], [7], [1], [-np.inf], [np.inf]]}, "got -inf in row 4, column 0; 2"),
        ({"features": PLACES[:5]}, "query person ids: expected 5, one for each row"),
        ({"frames": FRAMES[:5]}, "query frames: expected 6, one for each row"),
        ({"features": [0, 2, 7, 1, 4, 12]}, r"got the shape \[6\]"),
        ({"features": np.zeros((6, 0))}, "with at least one of each"),
        ({"features": np.array(PLACES, bool)}, "expected real numbers of up to 64 bits, got bool"),
        ({"features": np.array(PLACES, complex)}, "got complex128"),
        ({"features": np.array(PLACES, object)}, "got object"),
        ({"features": [["a"]] * 6}, "expected real numbers"),
        ({"features": [[3.5]] * 6}, "All 6 images have the same features"),
        ({"person_ids": np.array(PEOPLE, float)}, "person ids: expected whole numbers"),
        ({"person_ids": np.array(PEOPLE, np.uint64)}, "expected whole numbers"),
        ({"person_ids": [7] * 6}, "at least two people, got 6 images of one person, 7"),
        ({"person_ids": range(6)}, "None of 6 queries has a match"),
        ({"gallery": ([[1, 2]], [1], [1])}, "expected 1 columns, as the queries have, got 2"),
        ({"distance": "cosine"}, "query features: row 0 is all zeros"),
    ],
)  # fmt: skip
def test_what_cannot_be_scored_is_an_error(changes: dict[str, Any], message: str) -> None:
    given = {"features": PLACES, "person_ids": PEOPLE, "frames": FRAMES, **changes}
    with pytest.raises(FeaturesError, match=message):
        evaluate(**given)


@pytest.mark.parametrize(
    "option", [{"distance": "L2"}, {"ranks": 0}, {"ranks": True}, {"draws": -1}, {"seed": 1.5}]
)
def test_an_option_that_cannot_be(option: dict[str, Any]) -> None:
    with pytest.raises(OptionError, match=f"{next(iter(option))}: expected"):
        evaluate(PLACES, PEOPLE, FRAMES, **option)
