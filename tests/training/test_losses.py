from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs torch: make test-slow")

from dancereid_pipeline.training import losses  # noqa: E402  # it needs torch

pytestmark = pytest.mark.slow


def rows(count: int, columns: int, seed: int = 0) -> Any:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, columns, generator=generator, dtype=torch.float64)


def gradient(loss: Any, tensor: Any) -> Any:
    return torch.autograd.grad(loss, tensor)[0]


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])
def test_classification_is_the_formula(smoothing: float) -> None:
    logits = rows(5, 4).requires_grad_()
    classes = torch.tensor([0, 3, 1, 1, 2])
    x = logits.detach().numpy()
    chances = np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)
    targets = (1 - smoothing) * np.eye(4)[classes.numpy()] + smoothing / 4
    loss = losses.classification(logits, classes, smoothing)
    assert loss.item() == pytest.approx(-(targets * np.log(chances)).sum(axis=1).mean())
    np.testing.assert_allclose(gradient(loss, logits).numpy(), (chances - targets) / 5, atol=1e-12)


# Four images of two people on a line: person 0 at 0 and 3, person 1 at 1 and 10. The hardest
# positive and negative of each: (3, 1), (3, 2), (9, 1), (9, 7).
LINE = ([[0.0], [3.0], [1.0], [10.0]], [0, 0, 1, 1])


def test_batch_hard_by_hand() -> None:
    features, people = torch.tensor(LINE[0], dtype=torch.float64), torch.tensor(LINE[1])
    soft = [math.log1p(math.exp(ap - an)) for ap, an in ((3, 1), (3, 2), (9, 1), (9, 7))]
    assert losses.batch_hard_triplet(features, people).item() == pytest.approx(sum(soft) / 4)
    for margin, expected in ((1.0, (3 + 2 + 9 + 3) / 4), (-2.0, (0 + 0 + 6 + 0) / 4)):
        assert losses.batch_hard_triplet(features, people, margin).item() == pytest.approx(expected)
    first = losses.batch_hard_triplet(features, people, anchors=slice(3))
    assert first.item() == pytest.approx(sum(soft[:3]) / 3)


def test_a_person_with_one_image_has_the_positive_zero() -> None:
    features = torch.tensor([[0.0], [3.0], [7.0]], dtype=torch.float64)
    loss = losses.batch_hard_triplet(features, torch.tensor([0, 0, 1]), 5.0)
    # Pairs: (3, 7), (3, 4), (0, 4).
    assert loss.item() == pytest.approx((1 + 4 + 1) / 3)


def test_batch_hard_is_that_of_pytorch_metric_learning() -> None:
    from pytorch_metric_learning import distances, miners, reducers
    from pytorch_metric_learning import losses as others

    apart = distances.LpDistance(normalize_embeddings=False, p=2)
    miner = miners.BatchHardMiner(distance=apart)
    oracle = others.TripletMarginLoss(margin=0.7, distance=apart, reducer=reducers.MeanReducer())
    people = torch.arange(6).repeat_interleave(4)
    for seed in range(5):
        features = rows(24, 8, seed).requires_grad_()
        expected = oracle(features, people, miner(features, people))
        found = losses.batch_hard_triplet(features, people, 0.7)
        assert found.item() == pytest.approx(expected.item(), rel=1e-6)
        torch.testing.assert_close(
            gradient(found, features), gradient(expected, features), rtol=1e-6, atol=1e-9
        )


def test_the_soft_margin_has_the_gradient_of_differences() -> None:
    features = rows(12, 3).requires_grad_()
    people = torch.arange(4).repeat(3)
    assert torch.autograd.gradcheck(lambda f: losses.batch_hard_triplet(f, people), features)


def test_collapsed_features_have_the_loss_log_2_and_a_finite_gradient() -> None:
    features = torch.ones(8, 4, requires_grad=True)
    loss = losses.batch_hard_triplet(features, torch.arange(4).repeat(2))
    assert loss.item() == pytest.approx(math.log(2), abs=1e-6)
    assert torch.isfinite(gradient(loss, features)).all()


def test_what_is_very_wrong_stays_finite() -> None:
    features = torch.tensor([[0.0], [1e6], [1.0], [1e6 + 1]], requires_grad=True)
    loss = losses.batch_hard_triplet(features, torch.tensor([0, 0, 1, 1]))
    assert loss.item() == pytest.approx(50)


def test_verification_by_hand() -> None:
    first, second = torch.tensor([[1.0, 2.0], [0.0, 1.0]]), torch.tensor([[3.0, 2.0], [0.0, 4.0]])
    difference = losses.pair_difference(first, second)
    assert difference.tolist() == [[4, 0], [0, 9]]
    # Logits (4, 0) of a same pair, (0, 9) of a different one.
    loss = losses.verification(difference, torch.tensor([True, False]))
    assert loss.item() == pytest.approx((math.log1p(math.exp(4)) + math.log1p(math.exp(9))) / 2)
    # Outputs that are never right only take part in the sum below the fraction.
    wide = torch.cat([difference, torch.zeros(2, 69)], dim=1)
    published = losses.verification(wide, torch.tensor([True, False])).item()
    sums = (math.exp(4) + 70, math.exp(9) + 70)
    assert published == pytest.approx((math.log(sums[0]) + math.log(sums[1])) / 2)
