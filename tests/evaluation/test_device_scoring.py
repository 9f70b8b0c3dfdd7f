"""Scores by PyTorch are those by NumPy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import dancereid
from dancereid_pipeline.common.errors import DanceReIDError, OptionError

torch = pytest.importorskip("torch", reason="needs torch: make test-slow")

from dancereid_pipeline.evaluation import device_scoring  # noqa: E402
from dancereid_pipeline.evaluation.arrange import CheckedImages, SortedImages  # noqa: E402
from dancereid_pipeline.evaluation.distance import Space  # noqa: E402
from dancereid_pipeline.evaluation.ranking import Gallery  # noqa: E402

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True, scope="module")
def processor_as_cuda() -> Any:
    """A GPU if there is one; else PyTorch's own processor stands for it."""
    with pytest.MonkeyPatch.context() as patch:
        name = "dancereid_pipeline.evaluation.evaluate.usable_device"
        found = "cuda" if torch.cuda.is_available() else "cpu"
        patch.setattr(name, lambda device: torch.device(found))
        yield


def scored(*images: Any, **options: Any) -> Any:
    """The scores of each query, or why there are none."""
    try:
        return dancereid.evaluate(*images, **options).per_query
    except DanceReIDError as error:
        return str(error)


def same(*images: Any, **options: Any) -> int:
    """Compares all scores of all queries; the number of queries with ties."""
    expected = scored(*images, **options)
    found = scored(*images, **options, device="cuda")
    if isinstance(expected, str):
        assert found == expected
        return 0
    assert found.matches.tolist() == expected.matches.tolist()
    assert found.tied.tolist() == expected.tied.tolist()
    for name, values in expected.scores().items():
        np.testing.assert_allclose(found.scores()[name], values, rtol=0, atol=1e-12, err_msg=name)
    return int(expected.tied.sum())


@st.composite
def some_images(draw: st.DrawFn) -> tuple[Any, Any, Any]:
    """Few people, frames and values: so there are equal rows, equal distances, equal frames."""
    count = draw(st.integers(2, 24))
    whole = st.integers(-2, 2).map(float)
    rows = draw(arrays.arrays(np.float64, (count, 2), elements=whole))
    people = draw(arrays.arrays(np.int64, count, elements=st.integers(1, 4)))
    frames = draw(arrays.arrays(np.int64, count, elements=st.integers(0, 5)))
    return rows, people, frames


@settings(max_examples=150, deadline=None)
@given(some_images(), st.none() | some_images(), st.integers(1, 6))
def test_images_with_many_ties(images: Any, gallery: Any, ranks: int) -> None:
    same(*images, gallery=gallery, ranks=ranks)


def test_random_features_in_several_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    people, frames = random.integers(1, 9, 400), random.integers(0, 60, 400)
    rows = random.normal(size=(400, 16)) + np.eye(16)[people]
    rows[:40] = rows[40:80]  # equal rows, of other people as well
    monkeypatch.setattr(device_scoring, "_BLOCK_BYTES", 8 * 1000 * 7)
    assert same(rows, people, frames) > 10
    assert same(rows, people, frames, distance="cosine") > 10


def test_equal_rows_have_equal_distances_however_a_product_is_rounded() -> None:
    rows, frames = np.array([[1.0], [2.0], [1.0], [5.0]]), np.arange(4)
    checked = CheckedImages.check("query", rows, np.array([1, 1, 2, 2]), frames)
    space = Space.for_features(checked.features, checked.low, checked.high, "sqeuclidean")
    gallery = Gallery(SortedImages.sort(checked, space))
    images = device_scoring._Images(torch.device("cpu"), gallery)
    assert gallery.copies.tolist() == [2]
    images._rows[2] += 0.25  # as if the product was rounded in another way
    distances = images._distances(torch.from_numpy(gallery.images.rows))
    assert torch.equal(distances[:, 2], distances[:, 0])
    assert not torch.equal(distances[:, 1], distances[:, 0])


def test_golden_scores(golden_scores: Path) -> None:
    reference = np.load(golden_scores)
    same(*(reference[name] for name in ("features", "person_id", "frame")))


def test_nothing_is_drawn_and_other_devices_are_refused() -> None:
    images = (np.eye(4), np.array([1, 1, 2, 2]), np.arange(4))
    with pytest.raises(OptionError, match="draws: nothing is drawn on the device 'cuda'"):
        dancereid.evaluate(*images, draws=3, device="cuda")
