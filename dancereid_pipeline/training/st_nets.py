"""ST-ReIDNet's generator and the discriminator of poses.

Source: the published code of ST-ReIDNet. Shapes in comments are for images of 256 x 128 pixels.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ..formats.pose import JOINT_NAMES
from .gpu import mixed_precision

_JOINTS = len(JOINT_NAMES)
_HALVINGS = 5


class Generator(nn.Module):
    """Draws a person, whose feature it gets, in a pose.

    Args:
        columns: length of a feature, D.
        size: height and width of the images; divisible by 32.
        width: number of channels of the outer layers (64 as published).
    """

    def __init__(self, columns: int, size: Sequence[int], width: int = 64) -> None:
        super().__init__()
        smallest = (size[0] >> _HALVINGS, size[1] >> _HALVINGS)
        down: list[nn.Module] = [nn.Conv2d(_JOINTS, width, 4, 2, 1, bias=False)]  # 128 x 64
        channels = width
        for wider in (2, 4, 8, 8):  # 64 x 32, 32 x 16, 16 x 8, 8 x 4
            down += _down(nn.Conv2d(channels, wider * width, 4, 2, 1, bias=False))
            channels = wider * width
        down += _down(nn.Conv2d(channels, 2 * width, smallest, bias=False))  # 1 x 1
        up = _up(nn.ConvTranspose2d(columns + 2 * width, channels, smallest, bias=False))  # 8 x 4
        for narrower in (8, 4, 2, 1):  # 16 x 8, 32 x 16, 64 x 32, 128 x 64
            up += _up(nn.ConvTranspose2d(channels, narrower * width, 4, 2, 1, bias=False))
            channels = narrower * width
        up += [nn.ReLU(), nn.ConvTranspose2d(channels, 3, 4, 2, 1, bias=False), nn.Tanh()]
        self.down, self.up = nn.Sequential(*down), nn.Sequential(*up)
        self.apply(_begin)
        self.to(memory_format=torch.channels_last)

    def forward(self, poses: Tensor, features: Tensor) -> Tensor:
        """Poses `[N, 17, H, W]` and features `[N, D]` -> pixels from -1 to 1, `[N, 3, H, W]`."""
        with mixed_precision(poses.device):
            pose = self.down(poses.contiguous(memory_format=torch.channels_last))
            found: Tensor = self.up(torch.cat([features[..., None, None], pose], dim=1))
        return found.float()


class PoseDiscriminator(nn.Module):
    """Tells whether patches of an image are real, and in the pose that is given with it.

    Args:
        width: number of channels of the first layer (64 as published).
    """

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(_JOINTS + 3, width, 4, 2, 1), nn.LeakyReLU(0.2)]
        channels = width
        for wider, stride in ((2, 2), (4, 2), (8, 1)):
            layers += [
                nn.Conv2d(channels, wider * width, 4, stride, 1, bias=False),
                nn.BatchNorm2d(wider * width),
                nn.LeakyReLU(0.2),
            ]
            channels = wider * width
        self.layers = nn.Sequential(*layers, nn.Conv2d(channels, 1, 4, 1, 1))
        self.apply(_begin)
        self.to(memory_format=torch.channels_last)

    def forward(self, poses: Tensor, images: Tensor) -> Tensor:
        """Poses `[N, 17, H, W]` and images `[N, 3, H, W]` -> logits of patches, `[N, 1, h, w]`."""
        with mixed_precision(poses.device):
            joined = torch.cat([poses, images], dim=1)
            found: Tensor = self.layers(joined.contiguous(memory_format=torch.channels_last))
        return found.float()


def _down(layer: nn.Conv2d) -> list[nn.Module]:
    return [nn.LeakyReLU(0.2), layer, nn.BatchNorm2d(layer.out_channels)]


def _up(layer: nn.ConvTranspose2d) -> list[nn.Module]:
    return [nn.ReLU(), layer, nn.BatchNorm2d(layer.out_channels), nn.Dropout(0.2)]


def _begin(layer: nn.Module) -> None:
    """The published initial weights."""
    if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(layer.weight, std=0.02)
    elif isinstance(layer, nn.BatchNorm2d):
        nn.init.normal_(layer.weight, 1, 0.02)
