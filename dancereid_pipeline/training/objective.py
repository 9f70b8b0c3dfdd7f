"""A recipe and a batch -> the loss, by its terms."""

from __future__ import annotations

import torch
from torch import Tensor

from .encoder import Encoder
from .losses import batch_hard_triplet, classification, pair_difference, verification
from .methods import Recipe


def objective(
    recipe: Recipe, encoder: Encoder, images: Tensor, keypoints: Tensor, classes: Tensor
) -> dict[str, Tensor]:
    """The weighted terms of the loss of a batch; their sum is what is minimized.

    Args:
        recipe: the recipe, whose sampling drew the batch.
        encoder: the net.
        images: normalized, `[N, 3, H, W]`.
        keypoints: `[N, 17, 2]`.
        classes: the person of each image, from 0, int64 `[N]`.
    """
    # As published, anchors, positives and negatives are normalized by statistics of their own.
    passes = 3 if recipe.sampling == "triples" else 1
    found = [
        encoder(some, joints)
        for some, joints in zip(images.chunk(passes), keypoints.chunk(passes), strict=True)
    ]
    raw, normal = (torch.cat(column) for column in zip(*found, strict=True))
    terms = {}
    if recipe.classification:
        logits = encoder.classifier(normal)
        terms["classification"] = recipe.classification * classification(
            logits, classes, recipe.smoothing
        )
    if recipe.triplet:
        terms["triplet"] = recipe.triplet * batch_hard_triplet(raw, classes, recipe.margin)
    if recipe.verification:
        logits = encoder.verifier(pair_difference(*normal.chunk(2)))
        first, second = classes.chunk(2)
        terms["verification"] = recipe.verification * verification(logits, first == second)
    return terms
