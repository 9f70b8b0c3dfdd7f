"""The features that need no training."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dancereid_pipeline.evaluation.colour_baseline import COLUMNS, STRIPES, colour_features, stripes

SIZE = (256, 128)
# Upright: nose, eyes, ears; shoulders, elbows, wrists; hips, knees, ankles.
POSE = np.array(
    [(64, 40)] * 5 + [(44, 70), (84, 70)] + [(30, 100), (98, 100), (30, 130), (98, 130)]
    + [(52, 140), (76, 140), (52, 185), (76, 185), (52, 235), (76, 235)], float,
)  # fmt: skip


def clothes(*colours: tuple[int, int, int]) -> np.ndarray:
    """A person whose head, trunk, thighs and shins have these colours."""
    crop = np.full((*SIZE, 3), 128, np.uint8)
    for mask, colour in zip(stripes(POSE, SIZE), colours, strict=True):
        crop[mask > 0] = colour
    return crop


RED, BLUE, PINK = (220, 30, 30), (30, 30, 220), (250, 180, 200)


def test_stripes_lie_on_the_body_one_above_the_other() -> None:
    head, trunk, thighs, shins = stripes(POSE, SIZE)
    assert len(STRIPES) == 4
    assert (head[40, 64], trunk[105, 64], thighs[160, 52], shins[210, 76]) == (255,) * 4
    assert (head[105, 64], trunk[210, 64], thighs[40, 64], shins[105, 64]) == (0,) * 4
    # As wide as the shoulders, 40; half a trunk's length, 35, about the head.
    assert np.flatnonzero(trunk[105]).tolist() == list(range(44, 85))
    assert 30 <= np.count_nonzero(head[40]) <= 40
    # Upside down they go along.
    turned = POSE * (1, -1) + (0, 256)
    assert stripes(turned, SIZE)[3][256 - 210, 76] == 255


def test_a_feature_by_hand() -> None:
    # One colour a stripe, so one bin each holds all, but where the stripe below lies on it:
    # sqrt(1 / 4) four times, or a little less.
    feature = colour_features(clothes(PINK, RED, BLUE, BLUE), POSE)
    assert (feature.shape, feature.dtype) == ((COLUMNS,), np.float32)
    filled = feature.reshape(4, -1)
    assert (filled > 0.4).sum(axis=1).tolist() == [1] * 4
    assert filled[3].max() == 0.5
    # All red, all blue: no colour shared, 2 for each stripe, and in the mean. Half and half
    # (shares of 1/2): BC = sqrt(1/2), so 2 - sqrt(2), but for the column in the middle.
    red, blue = np.full((*SIZE, 3), RED, np.uint8), np.full((*SIZE, 3), BLUE, np.uint8)
    both = np.concatenate([red[:, :64], blue[:, 64:]], axis=1)
    of_red, of_blue, of_both = (colour_features(crop, POSE) for crop in (red, blue, both))
    assert ((of_red - of_blue) ** 2).sum() == pytest.approx(2)
    assert ((of_red - of_both) ** 2).sum() == pytest.approx(2 - 2**0.5, abs=0.02)


def test_only_the_body_counts() -> None:
    crop = clothes(PINK, RED, BLUE, BLUE)
    elsewhere = crop.copy()
    elsewhere[sum(stripes(POSE, SIZE)) == 0] = (0, 255, 0)
    assert np.array_equal(colour_features(crop, POSE), colour_features(elsewhere, POSE))


@given(st.floats(-1e30, 1e30), st.floats(0, 1e6))
def test_any_pose_has_a_feature(shift: float, scale: float) -> None:
    feature = colour_features(clothes(PINK, RED, BLUE, BLUE), POSE * scale + shift)
    assert np.isfinite(feature).all()
    assert 0 <= (feature**2).sum() <= 1 + 1e-5
