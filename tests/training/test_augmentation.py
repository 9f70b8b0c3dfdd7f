from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs torch: make test-slow")

from dancereid_pipeline.formats.pose import JOINT_NAMES  # noqa: E402  # after the check
from dancereid_pipeline.training import augmentation as module  # noqa: E402  # it needs torch
from dancereid_pipeline.training.augmentation import Augmentation, Draws  # noqa: E402

pytestmark = pytest.mark.slow


def test_the_joints_of_a_flip() -> None:
    names = [JOINT_NAMES[index] for index in module.MIRRORED]
    assert names[:5] == ["nose", "right eye", "left eye", "right ear", "left ear"]
    assert sorted(module.MIRRORED) == list(range(17))
    assert sum(index == other for index, other in enumerate(module.MIRRORED)) == 1


def spots(size: tuple[int, int], keypoints: Any) -> Any:
    """An image for each joint with a bright spot there, round, of sigma 3 pixels."""
    rows, columns = np.mgrid[: size[0], : size[1]]
    found = [255 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 18) for x, y in keypoints]
    return torch.from_numpy(np.repeat(np.array(found)[..., None], 3, axis=3).astype(np.uint8))


@pytest.mark.parametrize("size", [(256, 128), (200, 120)])
def test_keypoints_move_with_the_image(size: tuple[int, int]) -> None:
    random = np.random.default_rng(0)
    keypoints = random.uniform((45, 70), (75, 140), (17, 2))
    joints = torch.from_numpy(keypoints).expand(17, 17, 2)
    augment = Augmentation(size=(128, 64), erase=False)
    flipped = 0
    for _ in range(4):
        draws = augment.draw(random, 17, size)
        images, moved = augment.apply(spots(size, keypoints), joints, draws)
        assert (images.shape, moved.shape) == ((17, 3, 128, 64), (17, 17, 2))
        bright = images[:, 0] * module.STD[0] + module.MEAN[0]
        for joint in range(17):
            rows, columns = np.mgrid[:128, :64]
            weight = bright[joint].numpy().clip(0.02) - 0.02
            centre = [(weight * c).sum() / weight.sum() for c in (columns, rows)]
            # After a flip, the spot of a left joint is where the right joint is now.
            name = module.MIRRORED[joint] if draws.flips[joint] else joint
            np.testing.assert_allclose(moved[joint, name], centre, atol=0.15)
        flipped += int(draws.flips.sum())
    assert 15 < flipped < 53


def test_without_anything_pixels_are_only_normalized() -> None:
    images = torch.randint(0, 256, (2, 20, 10, 3), dtype=torch.uint8)
    keypoints = torch.rand(2, 17, 2) * 10
    augment = Augmentation((20, 10), crop=False, erase=False, flip=False)
    found, same = augment.apply(
        images, keypoints, augment.draw(np.random.default_rng(0), 2, (20, 10))
    )
    expected = (images.numpy() / 255 - module.MEAN) / module.STD
    np.testing.assert_allclose(found.permute(0, 2, 3, 1), expected, atol=1e-4)
    torch.testing.assert_close(same, keypoints)
    torch.testing.assert_close(module.resized(images, (20, 10)), found)


def test_a_flip_is_a_mirror_and_a_patch_is_filled() -> None:
    images = torch.randint(0, 256, (2, 20, 10, 3), dtype=torch.uint8)
    draws = Draws(
        crops=np.array([[0, 0, 20, 10]] * 2),
        patches=np.array([[0, 0, 0, 0], [3, 2, 4, 5]]),
        colours=np.array([[1, 2, 3], [10, 20, 30]]),
        flips=np.array([True, False]),
    )
    found, _ = Augmentation((20, 10)).apply(images, torch.zeros(2, 17, 2), draws)
    pixels = found.permute(0, 2, 3, 1).numpy() * module.STD + module.MEAN
    expected = images.numpy().copy()
    expected[0] = expected[0, :, ::-1]
    expected[1, 3:7, 2:7] = (10, 20, 30)
    np.testing.assert_allclose(pixels * 255, expected, atol=1e-3)


def test_crops_are_as_published() -> None:
    random = np.random.default_rng(0)
    crops = module.random_crops(random, 3000, 256, 128)
    top, left, h, w = crops.T
    assert (top >= 0).all()
    assert (left >= 0).all()
    assert (top + h <= 256).all()
    assert (left + w <= 128).all()
    assert 0.635 < (h * w / (256 * 128)).min() < 0.66
    assert (h / w).min() >= 1.98
    assert 2.7 < (h / w).max() <= 3.02
    assert (h < 256).mean() > 0.9


@pytest.mark.parametrize("published", [False, True])
def test_patches(published: bool) -> None:
    random = np.random.default_rng(0)
    patches = module.random_patches(random, 4000, 256, 128, published)
    erased = patches[patches[:, 2] > 0]
    assert abs(len(erased) / 4000 - 0.75) < 0.03
    top, left, h, w = erased.T
    share = h * w / (256 * 128)
    assert 0.019 < share.min() < 0.03 < 0.19 < share.max() < 0.205
    assert 0.28 < (h / w).min() < 0.4
    assert 2.9 < (h / w).max() < 3.4
    if published:
        assert (top == h).all()
        assert (left == w).all()
        assert (left + w > 128).any()  # partly outside
    else:
        assert (top + h <= 256).all()
        assert (left + w <= 128).all()
        assert top.min() < 5
        assert left.min() < 5
