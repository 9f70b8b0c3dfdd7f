"""Keypoints -> what ST-ReIDNet's nets see of a pose: a map for each joint, and a mask of the body.

Source: the published code of ST-ReIDNet. Its numbers are for images of 256 x 128 pixels; here they
grow and shrink with the image.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

_PUBLISHED_HEIGHT = 256
_RADIUS, _RADIUS_NOSE = 10, 20
# Pairs of joints, and the thickness of the line between them: limbs and face, trunk and neck.
_LINES = (
    *((pair, 20) for pair in ((0, 1), (0, 2), (1, 3), (2, 4))),
    *((pair, 20) for pair in ((5, 7), (7, 9), (6, 8), (8, 10))),
    *((pair, 20) for pair in ((11, 13), (13, 15), (12, 14), (14, 16))),
    *((pair, 30) for pair in ((5, 6), (5, 11), (6, 12), (11, 12), (6, 11), (5, 12))),
    *((pair, 30) for pair in ((0, 6), (0, 5))),
)


def pose_maps(keypoints: Tensor, size: Sequence[int], sigmas: Tensor) -> Tensor:
    """A map for each joint: a Gaussian with the maximum 1 around it; 0 if it is not seen.

    Args:
        keypoints: x, y in pixels of the image, `[N, 17, 2]`. A joint is seen if it is finite and
            inside the image; its coordinates are truncated toward zero.
        size: height and width of the image.
        sigmas: the Gaussian's standard deviation for each image, in pixels of an image that is
            256 pixels high, `[N]`.

    Returns:
        float32 `[N, 17, *size]`.
    """
    pixels, seen = _pixels(keypoints, size)
    sigmas = sigmas.to(keypoints)[:, None] * (size[0] / _PUBLISHED_HEIGHT)
    columns = _gaussian(pixels[..., 0], size[1], sigmas)
    rows = _gaussian(pixels[..., 1], size[0], sigmas)
    return (rows[..., :, None] * columns[..., None, :]).float() * seen[..., None, None]


def body_masks(keypoints: Tensor, size: Sequence[int]) -> Tensor:
    """Where the body is: discs around the joints that are seen, thick lines between them.

    Args:
        keypoints: as in `pose_maps`.
        size: height and width of the image.

    Returns:
        0 and 1, float32 `[N, 1, *size]`.
    """
    pixels, seen = _pixels(keypoints, size)
    scale = size[0] / _PUBLISHED_HEIGHT
    rows, columns = (torch.arange(length, device=keypoints.device) for length in size)
    grid = torch.stack(torch.meshgrid(columns, rows, indexing="xy"), dim=-1).to(keypoints)
    mask = torch.zeros(len(keypoints), *size, dtype=torch.bool, device=keypoints.device)
    for joint in range(pixels.shape[1]):
        radius = scale * (_RADIUS if joint else _RADIUS_NOSE)
        near = _apart(grid, pixels[:, joint], pixels[:, joint]) <= radius
        mask |= near & seen[:, joint, None, None]
    for (one, other), thickness in _LINES:
        near = _apart(grid, pixels[:, one], pixels[:, other]) <= scale * thickness / 2
        mask |= near & (seen[:, one] & seen[:, other])[:, None, None]
    return mask[:, None].float()


def _pixels(keypoints: Tensor, size: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Whole coordinates, 0 where a joint is not seen; and which joints are seen."""
    pixels = keypoints.trunc()
    limit = keypoints.new_tensor([size[1], size[0]])
    seen = ((pixels >= 0) & (pixels < limit)).all(dim=-1)  # false for NaN
    return torch.where(seen[..., None], pixels, 0), seen


def _gaussian(pixels: Tensor, length: int, sigmas: Tensor) -> Tensor:
    """A filtered 1 at a pixel of a line, divided by its maximum; `[N, 17]` -> `[N, 17, length]`.

    As SciPy's Gaussian filter has it: cut off at 4 sigma, and reflected at the borders.
    """
    line = torch.arange(length, device=pixels.device).to(pixels)
    # The pixel and its reflections at both borders.
    sources = torch.stack([pixels, -1 - pixels, 2 * length - 1 - pixels], dim=-1)[..., None]
    apart, sigmas = line - sources, sigmas[..., None, None]
    weights = torch.exp(-(apart**2) / (2 * sigmas**2)) * (apart.abs() <= (4 * sigmas + 0.5).floor())
    found = weights.sum(dim=-2)
    return found / found.amax(dim=-1, keepdim=True)


def _apart(grid: Tensor, one: Tensor, other: Tensor) -> Tensor:
    """Distances of all pixels to the line between two points, `[N, H, W]`."""
    along = (other - one)[:, None, None]
    from_one = grid - one[:, None, None]
    length = (along**2).sum(dim=-1).clamp(min=1e-9)
    share = ((from_one * along).sum(dim=-1) / length).clamp(0, 1)
    return (from_one - share[..., None] * along).norm(dim=-1)
