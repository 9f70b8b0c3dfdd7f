"""What holds of scores whatever is scored; every draw enumerated."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dancereid_pipeline.evaluation import cmc_cuhk03 as cuhk03
from dancereid_pipeline.evaluation import scoring
from dancereid_pipeline.evaluation.arrange import CheckedImages, SortedImages
from dancereid_pipeline.evaluation.distance import Space
from dancereid_pipeline.evaluation.evaluate import evaluate
from dancereid_pipeline.evaluation.per_query import PerQuery
from dancereid_pipeline.evaluation.ranking import Gallery, count_below
from tests.support.data.reid import Problem, problems, reference

COLUMNS = ("average_precision", "inverse_penalty", "cuhk03", "market1501", "allshots")


def assert_equal(one: PerQuery, other: PerQuery, tolerance: float = 1e-12) -> None:
    for name in COLUMNS:
        np.testing.assert_allclose(
            getattr(one, name), getattr(other, name), rtol=0, atol=tolerance, err_msg=name
        )


@given(problems(), st.integers(1, 6))
def test_every_score_is_that_of_every_draw_enumerated(images: Problem, ranks: int) -> None:
    found = evaluate(*images, ranks=ranks).per_query
    for query, expected in enumerate(reference(images, ranks)):
        assert found.scored[query] == (expected is not None)
        if expected is not None:
            assert found.tied[query] == expected["tied"]
            for name in COLUMNS:
                value = getattr(found, name)[query]
                assert value == pytest.approx(expected[name], abs=1e-12), (query, name)


@given(problems(people=6, images=30))
def test_cmc_never_decreases_and_stays_in_bounds(images: Problem) -> None:
    found = evaluate(*images, draws=2).to_dict()
    for name in ("cmc_cuhk03", "cmc_market1501", "cmc_allshots", "cmc_cuhk03_drawn"):
        assert len(found[name]) == 20
        assert (np.diff(found[name]) >= 0).all(), name
        assert 0 <= found[name][0] <= found[name][-1] <= 1
    assert 0 < found["mean_inp"] <= 1
    assert 0 < found["mean_ap"] <= 1


@given(problems())
def test_perfect_features_give_one(images: Problem) -> None:
    _, people, frames = images
    perfect = np.column_stack([100.0 * people, frames])
    found = evaluate(perfect, people, frames).to_dict()
    assert (found["mean_ap"], found["mean_inp"]) == (1, 1)
    assert found["cmc_cuhk03"] == found["cmc_market1501"] == found["cmc_allshots"] == [1] * 20


@given(problems(images=20), st.randoms(use_true_random=False))
def test_the_order_of_the_input_changes_nothing_to_the_last_bit(
    images: Problem, random: Any
) -> None:
    order = list(range(len(images[0])))
    random.shuffle(order)
    noisy = images[0] * np.sqrt(2)  # so that sums round
    one = evaluate(noisy, *images[1:], draws=3)
    other = evaluate(*(column[order] for column in (noisy, *images[1:])), draws=3)
    assert one.to_dict() == other.to_dict()
    for name in COLUMNS:
        expected, found = getattr(one.per_query, name)[order], getattr(other.per_query, name)
        assert np.array_equal(expected, found, equal_nan=True), name


@given(problems(), st.floats(1e-6, 1e6), st.sampled_from(["sqeuclidean", "cosine"]))
def test_scaling_the_features_changes_nothing(images: Problem, scale: float, distance: str) -> None:
    features = images[0] + [0, 10]  # none is all zeros
    one = evaluate(features, *images[1:], distance=distance)
    other = evaluate(features * scale, *images[1:], distance=distance)
    assert_equal(one.per_query, other.per_query)
    assert one.counts == other.counts


@given(problems(), st.floats(0.1, 10))
def test_shifting_the_features_changes_nothing(images: Problem, shift: float) -> None:
    one, other = evaluate(*images), evaluate(images[0] + shift, *images[1:])
    assert_equal(one.per_query, other.per_query)


@given(problems(), st.floats(1e3, 1e7))
def test_a_person_far_away_changes_nothing_for_the_others(images: Problem, far: float) -> None:
    count = len(images[0])
    more = [[far, far], [far, far + 1]], [50, 50], [0, 1]
    others = [np.concatenate([one, other]) for one, other in zip(images, more, strict=True)]
    found = evaluate(*others).per_query
    assert_equal(evaluate(*images).per_query, found.select(np.arange(count)))
    assert found.average_precision[count:].tolist() == [1, 1]


@given(problems())
def test_the_images_as_their_own_gallery_are_the_default(images: Problem) -> None:
    assert evaluate(*images).to_dict() == evaluate(*images, gallery=images).to_dict()


numbers = st.integers(0, 2**48) | st.integers(0, 40) | st.just(2**47)


@given(st.lists(numbers, min_size=1, max_size=30), st.lists(numbers, min_size=1, max_size=90))
def test_count_below_is_as_a_binary_search(some: list[int], values: list[int]) -> None:
    ordered, given = np.sort(np.array(some)), np.array(values)
    assert count_below(ordered, given).tolist() == ordered.searchsorted(given).tolist()


def test_collapsed_features_score_least_not_best() -> None:
    # All but one are in one place: every wrong image of it counts as nearer.
    rows = np.zeros((20, 3))
    rows[0] = 1
    found = evaluate(rows, np.arange(20) % 2, np.arange(20)).to_dict()
    assert found["cmc_market1501"][0] == 0
    # Of the 10 queries of person 1, each has a tenth of a chance to meet image 0, which is far.
    assert found["cmc_cuhk03"][0] == pytest.approx(10 / 20 / 10)
    assert found["counts"]["queries_with_ties"] == 20


@pytest.mark.parametrize("queries", [1, 2, 7, 64])
def test_equal_images_are_equally_far_to_the_last_bit(queries: int) -> None:
    rows = np.random.default_rng(0).normal(size=(131, 2048))
    same = np.arange(131) % 3 > 0
    rows[same] = rows[1]
    checked = CheckedImages.check("gallery", rows, np.arange(131), np.arange(131))
    space = Space.for_features(rows, checked.low, checked.high, "sqeuclidean")
    images = SortedImages.sort(checked, space)
    products = Gallery(images).products(images.rows[:queries])
    assert same.sum() == 87
    for of_query in products[:, same]:
        assert len(np.unique(of_query)) == 1


def test_neither_blocks_nor_threads_change_a_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    people = rng.integers(0, 9, 150)
    images = (rng.normal(size=(150, 5)) + people[:, None] / 9, people, rng.integers(0, 20, 150))
    whole = evaluate(*images, draws=4).to_dict()
    monkeypatch.setattr(scoring, "cores", lambda: 3)
    monkeypatch.setattr(scoring, "_MATCHES_A_TASK", 50)
    assert evaluate(*images, draws=4).to_dict() == whole
    monkeypatch.setattr(scoring, "_MATCHES_A_TASK", 1)
    monkeypatch.setattr(scoring, "_BLOCK_BYTES", 1)
    monkeypatch.setattr(cuhk03, "_BATCH_NUMBERS", 1)  # a person at a time
    found = evaluate(*images).to_dict()
    # The product of one row is another routine of BLAS, which may round otherwise.
    for name in ("mean_ap", "cmc_cuhk03", "cmc_market1501", "cmc_allshots"):
        assert found[name] == pytest.approx(whole[name], abs=1e-12)
