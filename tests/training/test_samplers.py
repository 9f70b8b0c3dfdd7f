from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dancereid_pipeline.catalogue.catalogue import Catalogue
from dancereid_pipeline.common.errors import DanceReIDError, OptionError
from dancereid_pipeline.training.samplers import (
    Images,
    Pairs,
    PeopleTimesImages,
    Sampler,
    Shuffled,
    Triples,
)
from dancereid_pipeline.training.st_sampler import SpatioTemporal

# Of 4, 2, 3 and 6 images; the ids are not 0 to 3, and the images are not sorted.
PEOPLE = np.array([30, 12, 30, 17, 25, 17, 30, 12, 25, 25, 17, 25, 25, 25, 30])
IMAGES = Images.of(PEOPLE, least=2)
VIDEOS = [[12, 30], [17], [25, 99]]


def drawn(sampler: Sampler, epochs: int = 200) -> list[Any]:
    return [batch for epoch in range(epochs) for batch in sampler.batches(epoch)]


def test_images_are_grouped_by_person() -> None:
    assert IMAGES.person_ids.tolist() == [12, 17, 25, 30]
    assert [own.tolist() for own in IMAGES.rows] == [
        [1, 7], [3, 5, 10], [4, 8, 9, 11, 12, 13], [0, 2, 6, 14],
    ]  # fmt: skip
    assert (IMAGES.person_ids[IMAGES.classes] == PEOPLE).all()


SAMPLERS = {
    "shuffled": Shuffled(IMAGES, 4),
    "people times images": PeopleTimesImages(IMAGES, 2, 3),
    "triples": Triples(IMAGES, 4),
    "instance": Triples(IMAGES, 4, "instance"),
    "pairs": Pairs(IMAGES, 8),
    "spatio-temporal": SpatioTemporal(IMAGES, np.arange(15), VIDEOS, 4),
}


@pytest.mark.parametrize("sampler", SAMPLERS.values(), ids=SAMPLERS)
def test_an_epoch_depends_on_seed_and_number_alone(sampler: Sampler) -> None:
    first, again, second = (
        [batch.tolist() for batch in sampler.batches(epoch)] for epoch in (3, 3, 4)
    )
    assert first == again
    assert first != second
    assert len(first) == len(sampler)
    # Each pass is the next epoch.
    passes = [[batch.tolist() for batch in sampler] for _ in range(2)]
    assert passes == [[batch.tolist() for batch in sampler.batches(epoch)] for epoch in (0, 1)]


def test_shuffled_has_each_image_once() -> None:
    batches = list(Shuffled(IMAGES, 4).batches(0))
    assert [len(batch) for batch in batches] == [4, 4, 4, 3]
    assert sorted(np.concatenate(batches)) == list(range(15))
    # A last batch of one image is left out.
    assert [len(batch) for batch in Shuffled(IMAGES, 7).batches(0)] == [7, 7]
    assert len(Shuffled(IMAGES, 7)) == 2


def test_people_times_images() -> None:
    seen: Counter[int] = Counter()
    for batch in drawn(PeopleTimesImages(IMAGES, 3, 3)):
        people = PEOPLE[batch].reshape(3, 3)
        assert (people == people[:, :1]).all()
        assert len(set(people[:, 0])) == 3
        for own in batch.reshape(3, 3):
            # Only of the person with two images is one there twice.
            assert len(set(own)) == (2 if PEOPLE[own[0]] == 12 else 3)
        seen.update(people[:, 0].tolist())
    total = sum(seen.values())
    assert all(abs(count / total - 1 / 4) < 0.04 for count in seen.values())  # people alike


def test_triples() -> None:
    others = 0
    for batch in drawn(Triples(IMAGES, 4)):
        anchors, positives, negatives = batch.reshape(3, -1)
        assert (PEOPLE[anchors] == PEOPLE[positives]).all()
        assert (anchors != positives).all()
        assert (PEOPLE[anchors] != PEOPLE[negatives]).all()
    for batch in drawn(Triples(IMAGES, 4, "instance")):
        anchors, first, second = batch.reshape(3, -1)
        for other in (first, second):
            assert (PEOPLE[anchors] == PEOPLE[other]).all()
            assert (anchors != other).all()
        others += int((first != second).sum())
    assert others > 0
    anchors = np.concatenate([b.reshape(3, -1)[0] for b in Triples(IMAGES, 4).batches(0)])
    assert sorted(anchors) == list(range(15))


def test_positives_and_negatives_of_triples_are_uniform() -> None:
    batches = [batch.reshape(3, -1) for batch in drawn(Triples(IMAGES, 15), 3000)]
    of_image_0 = np.concatenate([b[1:, b[0] == 0] for b in batches], axis=1)
    positives, negatives = (Counter(row.tolist()) for row in of_image_0)
    assert set(positives) == {2, 6, 14}
    assert set(negatives) == {row for row in range(15) if PEOPLE[row] != 30}
    assert all(abs(count - 1000) < 150 for count in positives.values())
    assert all(abs(count - 3000 / 11) < 90 for count in negatives.values())


def test_pairs_are_one_to_three_and_stay_together() -> None:
    sampler = Pairs(IMAGES, 8)
    batches = [batch.reshape(2, -1) for batch in sampler.batches(0)]
    assert [batch.shape[1] for batch in batches] == [8] * 7 + [4]
    first, second = np.concatenate(batches, axis=1)
    same = (PEOPLE[first] == PEOPLE[second]).reshape(15, 4)
    assert same.tolist() == [[True, False, False, False]] * 15
    assert (first.reshape(15, 4) == first.reshape(15, 4)[:, :1]).all()
    assert sorted(first.reshape(15, 4)[:, 0]) == list(range(15))
    assert (first != second).all()
    # Also where a batch does not end with an anchor.
    again = np.concatenate([b.reshape(2, -1) for b in Pairs(IMAGES, 7).batches(0)], axis=1)
    assert (PEOPLE[again[0]] == PEOPLE[again[1]]).reshape(15, 4).tolist() == same.tolist()


def test_a_person_with_one_image_is_named() -> None:
    with pytest.raises(DanceReIDError, match=r"at least 2 images .* person 12 has 1 \(1 such"):
        Images.of(PEOPLE[2:], least=2)
    assert len(Images.of(PEOPLE[2:]).rows) == 4
    with pytest.raises(DanceReIDError, match="at least two people to train on, got 3 images of 1"):
        Images.of([4, 4, 4])


def test_fewer_people_than_p() -> None:
    with pytest.raises(OptionError, match="people: expected at most 4, the number of people"):
        PeopleTimesImages(IMAGES, 5, 2)


def test_positives_of_spatio_temporal_sampling_are_far_away_in_time() -> None:
    people = np.repeat([0, 1, 2], [60, 21, 8])  # of skips 10, 4 (of 20 // 5) and 1
    frames = np.random.default_rng(0).permutation(len(people))
    rank = np.empty(len(people), np.int64)
    for person in range(3):
        own = np.flatnonzero(people == person)
        rank[own[np.argsort(frames[own])]] = np.arange(len(own))
    sampler = SpatioTemporal(Images.of(people, 2), frames, [[0, 1], [2]], 16, rate=1.0)
    nearest = {0: 99, 1: 99, 2: 99}
    for batch in drawn(sampler, 40):
        anchors, positives, negatives = batch.reshape(3, -1)
        assert (people[anchors] == people[positives]).all()
        for person, apart in zip(
            people[anchors], abs(rank[anchors] - rank[positives]), strict=True
        ):
            nearest[person] = min(nearest[person], apart)
        # Of the same video; of anybody for person 2, who is alone.
        expected = {0: {1}, 1: {0}, 2: {0, 1}}
        for anchor, negative in zip(people[anchors], people[negatives], strict=True):
            assert negative in expected[anchor]
    assert nearest == {0: 11, 1: 5, 2: 2}


@pytest.fixture(scope="module")
def real(real_annotation: Path) -> dict[str, Any]:
    """Person, frame and video of each image of trainval, and the people of all videos."""
    annotation = json.loads(real_annotation.read_text())
    people, frames, videos = [], [], []
    listed = list(Catalogue.read(None).choose("paper"))
    for video in listed:
        if video.split != "trainval":
            continue
        for person, kept in annotation[video.video_id].items():
            own = sorted({frame for frame in kept if frame % 5 == 0})
            people += [video.person_ids[int(person)]] * len(own)
            frames += own
            videos += [video.video_id] * len(own)
    order = np.random.default_rng(0).permutation(len(people))
    return {
        "people": np.array(people)[order],
        "frames": np.array(frames)[order],
        "videos": np.array(videos)[order],
        "together": [list(video.person_ids) for video in listed],
    }


def same_video(real: dict[str, Any], published: bool) -> tuple[float, float]:
    """How many negatives are of the anchor's video, averaged over people: neighbours, draws."""
    images = Images.of(real["people"], 2)
    sampler = SpatioTemporal(
        images, real["frames"], real["together"], 128, rate=1.0, published_neighbours=published
    )
    video = {p: v for v, people in enumerate(real["together"]) for p in people}
    of_class = np.array([video[int(person)] for person in images.person_ids])
    exact = [
        (of_class[others] == of_class[index]).mean()
        for index, others in enumerate(sampler.neighbours)
    ]
    hits: dict[int, list[bool]] = {index: [] for index in range(len(of_class))}
    for batch in sampler.batches(0):
        anchors, _, negatives = batch.reshape(3, -1)
        assert (real["people"][anchors] != real["people"][negatives]).all() or published
        equal = real["videos"][anchors] == real["videos"][negatives]
        for index, hit in zip(images.classes[anchors], equal, strict=True):
            hits[int(index)].append(bool(hit))
    return float(np.mean(exact)), float(np.mean([np.mean(own) for own in hits.values()]))


def test_negatives_of_the_published_code_are_of_another_video_in_37_of_100(
    real: dict[str, Any],
) -> None:
    assert len(np.unique(real["people"])) == 71
    exact, drawn = same_video(real, published=True)
    assert exact == pytest.approx(0.629, abs=0.001)
    assert drawn == pytest.approx(exact, abs=0.01)
    assert same_video(real, published=False) == (1.0, 1.0)


def in_time(real: dict[str, Any], published: bool) -> float:
    """How many neighbours in the sampler's lists are neighbours in time."""
    order = np.lexsort((real["frames"], real["people"]))
    people, frames = real["people"][order], real["frames"][order]
    images = Images.of(people, 2)
    sampler = SpatioTemporal(images, frames, real["together"], 128, published_order=published)
    steps = [np.diff(own) == 1 for own in sampler._in_time]
    return float(np.concatenate(steps).mean())


def test_the_published_order_is_not_that_of_time(real: dict[str, Any]) -> None:
    assert in_time(real, published=False) == 1.0
    assert in_time(real, published=True) < 0.9


def test_published_neighbours_need_the_published_ids() -> None:
    with pytest.raises(DanceReIDError, match=r"looks up person 0, .* preset 'mended'"):
        SpatioTemporal(IMAGES, np.arange(15), VIDEOS, 4, published_neighbours=True)
