"""Random crops, flips and erasing, for a whole batch at once; keypoints move with the image.

What is random is drawn with NumPy, apart from what is done with it: so a batch is the same on
every device. Coordinates are those of pixels' centres: the first pixel is at 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from ..formats.pose import JOINT_NAMES
from .gpu import sent

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet's; of what weights expect
_SWAPPED = {"left": "right", "right": "left"}
MIRRORED = tuple(
    JOINT_NAMES.index(" ".join(_SWAPPED.get(word, word) for word in name.split()))
    for name in JOINT_NAMES
)
"""For each joint the index of the joint of the other side; the nose is its own."""


@dataclass(frozen=True)
class Draws:
    """What is done with each image of a batch.

    Attributes:
        crops: top, left, height, width of the crop, in pixels of the image, `[N, 4]`.
        patches: the same of the patch to erase, in pixels of the result; all 0 for none, `[N, 4]`.
        colours: the colour of the patch, 0 to 255, `[N, 3]`.
        flips: whether the image is flipped, bool `[N]`.
    """

    crops: NDArray[np.int64]
    patches: NDArray[np.int64]
    colours: NDArray[np.int64]
    flips: NDArray[np.bool_]


@dataclass(frozen=True)
class Augmentation:
    """The augmentation of the published baselines: random sized crop, erasing, flip.

    Source: the published code of ST-ReIDNet; Zhong et al., "Random Erasing Data Augmentation",
    2017. A crop has 0.64 to 1 of the area and is 2 to 3 times as high as wide; after 10 draws
    that do not fit, the whole image is taken. With probability 0.75, a patch of 0.02 to 0.2 of
    the area is filled with one random colour. Half of the images are flipped.

    Attributes:
        size: height and width of the result.
        crop: whether to crop.
        erase: whether to erase.
        flip: whether to flip.
        published_erasing: put the upper left corner of a patch at its own width and height, as
            the published code does by mistake, instead of where it was drawn.
    """

    size: tuple[int, int] = (256, 128)
    crop: bool = True
    erase: bool = True
    flip: bool = True
    published_erasing: bool = False

    def draw(self, random: np.random.Generator, count: int, size: tuple[int, int]) -> Draws:
        """Draws what to do with `count` images of this height and width."""
        crops = np.tile(np.array([0, 0, *size]), (count, 1))
        patches = np.zeros((count, 4), np.int64)
        return Draws(
            random_crops(random, count, *size) if self.crop else crops,
            random_patches(random, count, *self.size, self.published_erasing)
            if self.erase
            else patches,
            colours=random.integers(0, 256, (count, 3)),
            flips=(random.random(count) < 0.5) & self.flip,
        )

    def apply(self, images: Tensor, keypoints: Tensor, draws: Draws) -> tuple[Tensor, Tensor]:
        """Augments a batch, on the device that the images are on.

        Args:
            images: uint8 `[N, height, width, 3]`.
            keypoints: x, y in pixels of the images, on the same device, `[N, 17, 2]`.
            draws: as `draw` gives it.

        Returns:
            Images, float32 `[N, 3, *size]`, normalized by `MEAN` and `STD`; and keypoints, in
            pixels of these, with left and right joints exchanged where the image is flipped.
        """
        # In one array, since each copy to a GPU takes the processor some time.
        numbers = (draws.crops, draws.patches, draws.colours, draws.flips[:, None])
        drawn = sent(np.concatenate(numbers, axis=1), images.device)
        crops, patches, colours, flips = drawn.split([4, 4, 3, 1], dim=1)
        found = _cropped(images, crops, self.size)
        keypoints = _moved(keypoints, crops, self.size)
        found = _erased(found, patches, colours)
        flips = flips[..., None].bool()
        found = torch.where(flips[..., None], found.flip(3), found)
        mirrored = keypoints[:, sent(MIRRORED, keypoints.device)]
        mirrored = torch.stack([self.size[1] - 1 - mirrored[..., 0], mirrored[..., 1]], dim=2)
        return normalized(found), torch.where(flips, mirrored, keypoints)


def resized(images: Tensor, size: Sequence[int]) -> Tensor:
    """Images for a net, without augmentation: uint8 `[N, H, W, 3]` -> float32 `[N, 3, *size]`."""
    whole = torch.tensor([[0, 0, *images.shape[1:3]]], device=images.device)
    return normalized(_cropped(images, whole.expand(len(images), 4), size))


def resized_keypoints(keypoints: Tensor, before: Sequence[int], after: Sequence[int]) -> Tensor:
    """Keypoints `[N, 17, 2]` of images that are resized from one height and width to another."""
    return _moved(keypoints, torch.tensor([[0, 0, *before]], device=keypoints.device), after)


def _moved(keypoints: Tensor, crops: Tensor, size: Sequence[int]) -> Tensor:
    """Keypoints in pixels of the crops, which are resized."""
    top, left, height, width = crops.to(keypoints.dtype).T[..., None]
    x = (keypoints[..., 0] + 0.5 - left) * (size[1] / width) - 0.5
    y = (keypoints[..., 1] + 0.5 - top) * (size[0] / height) - 0.5
    return torch.stack([x, y], dim=2)


def normalized(images: Tensor) -> Tensor:
    """Images of 0 to 255 -> by `MEAN` and `STD`, `[N, 3, H, W]`."""
    mean, std = sent((MEAN, STD), images.device)[..., None, None]
    return (images / 255 - mean) / std


def random_crops(
    random: np.random.Generator, count: int, height: int, width: int
) -> NDArray[np.int64]:
    """Top, left, height and width of random sized crops of images of this size, `[count, 4]`."""
    tries = (count, 10)
    area = random.uniform(0.64, 1, tries) * height * width
    h, w = _sides(area, random.uniform(2, 3, tries))
    fits = (h <= height) & (w <= width)
    first = np.arange(count), fits.argmax(axis=1)
    h, w = np.where(fits[first], h[first], height), np.where(fits[first], w[first], width)
    return np.stack([random.integers(height - h + 1), random.integers(width - w + 1), h, w], axis=1)


def random_patches(
    random: np.random.Generator, count: int, height: int, width: int, published: bool = False
) -> NDArray[np.int64]:
    """Top, left, height and width of patches to erase in images of this size; all 0 for none."""
    h, w = np.zeros((2, count), np.int64)
    missing = random.random(count) < 0.75
    while missing.any():
        area = random.uniform(0.02, 0.2, count) * height * width
        new_h, new_w = _sides(area, random.uniform(0.3, 1 / 0.3, count))
        fits = missing & (new_h > 0) & (new_h < height) & (new_w > 0) & (new_w < width)
        h, w = np.where(fits, new_h, h), np.where(fits, new_w, w)
        missing &= ~fits
    top, left = random.integers(height - h + 1), random.integers(width - w + 1)
    if published:
        top, left = h, w
    return np.stack([top, left, h, w], axis=1) * (h > 0)[:, None]


def _sides(area: NDArray[np.float64], ratio: NDArray[np.float64]) -> NDArray[np.int64]:
    """Whole heights and widths of areas that are `ratio` times as high as wide."""
    return np.rint([np.sqrt(area * ratio), np.sqrt(area / ratio)]).astype(np.int64)


def _cropped(images: Tensor, crops: Tensor, size: Sequence[int]) -> Tensor:
    """Bilinear; uint8 `[N, H, W, 3]` -> float32 `[N, 3, *size]`, 0 to 255."""
    height, width = images.shape[1:3]
    top, left, h, w = crops.float().T
    none = torch.zeros_like(top)
    affine = torch.stack(
        [
            torch.stack([w / width, none, (2 * left + w) / width - 1], dim=1),
            torch.stack([none, h / height, (2 * top + h) / height - 1], dim=1),
        ],
        dim=1,
    )
    grid = functional.affine_grid(affine, [len(images), 3, *size], align_corners=False)
    pixels = images.permute(0, 3, 1, 2).float()
    return functional.grid_sample(pixels, grid, padding_mode="border", align_corners=False)


def _erased(images: Tensor, patches: Tensor, colours: Tensor) -> Tensor:
    top, left, h, w = patches.T[..., None]
    rows = torch.arange(images.shape[2], device=images.device)
    columns = torch.arange(images.shape[3], device=images.device)
    inside = ((rows >= top) & (rows < top + h))[:, :, None]
    inside = inside & ((columns >= left) & (columns < left + w))[:, None, :]
    return torch.where(inside[:, None], colours[:, :, None, None].to(images.dtype), images)
