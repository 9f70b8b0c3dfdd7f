"""Losses of a batch: classification, batch-hard triplets, verification of pairs.

All take logits or features of a whole batch and give one number, a mean, whose gradient is taken.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

_LEAST = 1e-6
_STEEPEST = -50.0  # the published code's bound: of exp(50), float32 still knows the logarithm


def classification(logits: Tensor, classes: Tensor, smoothing: float = 0.0) -> Tensor:
    """Cross entropy, with targets `(1 - e) * onehot + e / K`.

    Source: Szegedy et al., "Rethinking the Inception Architecture", 2016, section 7.

    Args:
        logits: `[N, K]`.
        classes: the right class of each row, int64 `[N]`, from 0 to K - 1.
        smoothing: e, from 0 to 1.

    Returns:
        The mean over the batch.
    """
    return functional.cross_entropy(logits, classes, label_smoothing=smoothing)


def distances(features: Tensor) -> Tensor:
    """Euclidean distances of all pairs of rows, `[N, D]` -> `[N, N]`.

    They are not less than 1e-6 (the published code has 1e-12 below the root).
    """
    # By differences and not by products: of near rows, these would leave rounding errors alone.
    # Its gradient is 0 where rows are equal; that of a root would be infinite.
    apart = torch.cdist(features, features, compute_mode="donot_use_mm_for_euclid_dist")
    return apart.clamp(min=_LEAST)


def batch_hard_triplet(
    features: Tensor, people: Tensor, margin: float | None = None, anchors: slice | None = None
) -> Tensor:
    """The triplet loss of each image with its hardest positive and its hardest negative.

    With `ap` the largest distance to another image of the same person (0 if there is none), and
    `an` the smallest distance to an image of another person, it is the mean of
    `log(1 + exp(ap - an))` (soft margin), or of `max(0, ap - an + margin)`.

    Source: Hermans, Beyer, Leibe, "In Defense of the Triplet Loss", 2017, equations 5 and 7. As in
    the published code of DanceReID, `an - ap` is not less than -50 in the soft margin.

    Args:
        features: `[N, D]`.
        people: the person of each row, int64 `[N]`; at least two people.
        margin: None for the soft margin.
        anchors: the rows that are anchors; None for all. The others are candidates only.

    Returns:
        The mean over the anchors. Features that are all equal have the loss log 2 = 0.693 (soft
        margin) or `margin`.
    """
    apart = distances(features)
    same = people[:, None] == people[None, :]
    others = same & ~torch.eye(len(people), dtype=torch.bool, device=people.device)
    positive = apart.masked_fill(~others, 0).amax(dim=1)
    negative = apart.masked_fill(same, float("inf")).amin(dim=1)
    if anchors is not None:
        positive, negative = positive[anchors], negative[anchors]
    gap = negative - positive
    if margin is None:
        return functional.softplus(-gap.clamp(min=_STEEPEST)).mean()
    return functional.relu(margin - gap).mean()


def pair_difference(first: Tensor, second: Tensor) -> Tensor:
    """The input of verification, `(f1 - f2)^2` element by element; `[P, D]` twice -> `[P, D]`."""
    return (first - second).square()


def verification(logits: Tensor, same: Tensor) -> Tensor:
    """Cross entropy of "is it the same person?".

    Source: Zheng, Zheng, Yang, "A Discriminatively Learned CNN Embedding", 2017. The published code
    of DanceReID has as many outputs as there are people, of which only 0 and 1 are ever right.

    Args:
        logits: of `pair_difference`, `[P, K]`; column 0 says different, column 1 the same.
        same: bool `[P]`.

    Returns:
        The mean over the pairs.
    """
    return functional.cross_entropy(logits, same.long())


def masked_l1(drawn: Tensor, wanted: Tensor, masks: Tensor) -> Tensor:
    """The mean absolute difference, in which what a mask covers counts ten times.

    It is `(mean(|x - t|) + 9 * mean(|x - t| * mask)) / 10`, with both means over all pixels and
    channels. Source: the published code of ST-ReIDNet.

    Args:
        drawn: x, `[N, 3, H, W]`.
        wanted: t, of the same shape.
        masks: 0 and 1, `[N, 1, H, W]`.
    """
    apart = (drawn - wanted).abs()
    return (apart.mean() + 9 * (apart * masks).mean()) / 10
