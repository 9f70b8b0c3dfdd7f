"""Random crops, flips and erasing, for a whole batch at once; keypoints move with the image.

What is random is drawn with NumPy, apart from what is done with it: so a batch is the same on
every device. Coordinates are those of pixels' centres: the first pixel is at 0.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from ..formats.pose import JOINT_NAMES

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
        draws = Draws(
            crops=np.tile(np.array([0, 0, *size]), (count, 1)),
            patches=np.zeros((count, 4), np.int64),
            colours=random.integers(0, 256, (count, 3)),
            flips=(random.random(count) < 0.5) & self.flip,
        )
        for index in range(count):
            if self.crop:
                draws.crops[index] = random_crop(random, *size)
            if self.erase:
                draws.patches[index] = random_patch(random, *self.size, self.published_erasing)
        return draws

    def apply(self, images: Tensor, keypoints: Tensor, draws: Draws) -> tuple[Tensor, Tensor]:
        """Augments a batch, on the device that the images are on.

        Args:
            images: uint8 `[N, height, width, 3]`.
            keypoints: x, y in pixels of the images, `[N, 17, 2]`.
            draws: as `draw` gives it.

        Returns:
            Images, float32 `[N, 3, *size]`, normalized by `MEAN` and `STD`; and keypoints, in
            pixels of these, with left and right joints exchanged where the image is flipped.
        """
        found = _cropped(images, draws.crops, self.size)
        keypoints = _moved(keypoints, draws.crops, self.size)
        found = _erased(found, draws)
        flips = torch.as_tensor(draws.flips, device=found.device)[:, None, None]
        found = torch.where(flips[..., None], found.flip(3), found)
        mirrored = keypoints[:, list(MIRRORED)]
        mirrored = torch.stack([self.size[1] - 1 - mirrored[..., 0], mirrored[..., 1]], dim=2)
        return normalized(found), torch.where(flips.to(keypoints.device), mirrored, keypoints)


def resized(images: Tensor, size: Sequence[int]) -> Tensor:
    """Images for a net, without augmentation: uint8 `[N, H, W, 3]` -> float32 `[N, 3, *size]`."""
    whole = np.tile(np.array([0, 0, *images.shape[1:3]]), (len(images), 1))
    return normalized(_cropped(images, whole, size))


def resized_keypoints(keypoints: Tensor, before: Sequence[int], after: Sequence[int]) -> Tensor:
    """Keypoints `[N, 17, 2]` of images that are resized from one height and width to another."""
    return _moved(keypoints, np.array([[0, 0, *before]]), after)


def _moved(keypoints: Tensor, crops: NDArray[np.int64], size: Sequence[int]) -> Tensor:
    """Keypoints in pixels of the crops, which are resized."""
    boxes = torch.as_tensor(crops, device=keypoints.device, dtype=keypoints.dtype)[:, None]
    scale = keypoints.new_tensor([size[1], size[0]]) / boxes[..., [3, 2]]
    return (keypoints + 0.5 - boxes[..., [1, 0]]) * scale - 0.5


def normalized(images: Tensor) -> Tensor:
    """Images of 0 to 255 -> by `MEAN` and `STD`, `[N, 3, H, W]`."""
    mean, std = (images.new_tensor(values)[:, None, None] for values in (MEAN, STD))
    return (images / 255 - mean) / std


def random_crop(random: np.random.Generator, height: int, width: int) -> tuple[int, int, int, int]:
    """Top, left, height and width of a random sized crop of an image of this size."""
    for _ in range(10):
        area = random.uniform(0.64, 1) * height * width
        ratio = random.uniform(2, 3)
        h, w = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if h <= height and w <= width:
            top, left = random.integers(height - h + 1), random.integers(width - w + 1)
            return int(top), int(left), h, w
    return 0, 0, height, width


def random_patch(
    random: np.random.Generator, height: int, width: int, published: bool = False
) -> tuple[int, int, int, int]:
    """Top, left, height and width of a patch to erase in an image of this size; all 0 for none."""
    if random.random() >= 0.75:
        return 0, 0, 0, 0
    while True:
        area = random.uniform(0.02, 0.2) * height * width
        ratio = random.uniform(0.3, 1 / 0.3)
        h, w = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if 0 < h < height and 0 < w < width:
            break
    top, left = random.integers(height - h + 1), random.integers(width - w + 1)
    return (h, w, h, w) if published else (int(top), int(left), h, w)


def _cropped(images: Tensor, crops: NDArray[np.int64], size: Sequence[int]) -> Tensor:
    """Bilinear; uint8 `[N, H, W, 3]` -> float32 `[N, 3, *size]`, 0 to 255."""
    height, width = images.shape[1:3]
    top, left, h, w = torch.as_tensor(crops, device=images.device, dtype=torch.float32).T
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


def _erased(images: Tensor, draws: Draws) -> Tensor:
    top, left, h, w = torch.as_tensor(draws.patches, device=images.device).T[..., None]
    rows = torch.arange(images.shape[2], device=images.device)
    columns = torch.arange(images.shape[3], device=images.device)
    inside = ((rows >= top) & (rows < top + h))[:, :, None]
    inside = inside & ((columns >= left) & (columns < left + w))[:, None, :]
    colours = torch.as_tensor(draws.colours, device=images.device, dtype=images.dtype)
    return torch.where(inside[:, None], colours[:, :, None, None], images)
