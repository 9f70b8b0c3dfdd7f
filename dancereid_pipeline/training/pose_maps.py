"""Keypoints -> what ST-ReIDNet's nets see of a pose: a map for each joint, and a mask of the body.

Source: the published code of ST-ReIDNet. Its numbers are for images of 256 x 128 pixels; here they
grow and shrink with the image.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from .gpu import sent

_PUBLISHED_HEIGHT = 256
_RADIUS, _RADIUS_NOSE = 10, 20
# Both ends of each line, and half of its thickness. A disc is a line from a joint to itself.
_LINES = (
    *((joint, joint, _RADIUS if joint else _RADIUS_NOSE) for joint in range(17)),
    *((*pair, 10) for pair in ((0, 1), (0, 2), (1, 3), (2, 4))),
    *((*pair, 10) for pair in ((5, 7), (7, 9), (6, 8), (8, 10))),
    *((*pair, 10) for pair in ((11, 13), (13, 15), (12, 14), (14, 16))),
    *((*pair, 15) for pair in ((5, 6), (5, 11), (6, 12), (11, 12), (6, 11), (5, 12))),
    *((*pair, 15) for pair in ((0, 6), (0, 5))),
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
    sigmas = sent(sigmas, keypoints.device).to(keypoints.dtype)[:, None]
    sigmas = sigmas * (size[0] / _PUBLISHED_HEIGHT)
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
    first, second, radii = (sent(values, keypoints.device) for values in zip(*_LINES, strict=True))
    one, other = pixels[:, first], pixels[:, second]
    drawn = seen[:, first] & seen[:, second]
    limits = torch.where(drawn, (radii * size[0] / _PUBLISHED_HEIGHT) ** 2, -1)
    along = other - one  # [N, lines, 2]
    share = along / (along**2).sum(dim=-1, keepdim=True).clamp(min=1e-9)
    rows, columns = (torch.arange(length, device=keypoints.device) for length in size)
    x, y = columns - one[..., :1], rows - one[..., 1:]  # from one end, [N, lines, W] and [.., H]
    along_x, along_y = x * share[..., :1], y * share[..., 1:]
    mask = torch.zeros(len(keypoints), *size, dtype=torch.bool, device=keypoints.device)
    for i in range(len(_LINES)):  # one by one: a map of each would take much memory
        nearest = (along_x[:, i, None, :] + along_y[:, i, :, None]).clamp_(0, 1)
        apart_x = x[:, i, None, :] - nearest * along[:, i, 0, None, None]
        apart_y = y[:, i, :, None] - nearest * along[:, i, 1, None, None]
        mask |= apart_x.square_().add_(apart_y.square_()) <= limits[:, i, None, None]
    return mask[:, None].float()


def _pixels(keypoints: Tensor, size: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Whole coordinates, 0 where a joint is not seen; and which joints are seen."""
    pixels = keypoints.trunc()
    limit = sent([size[1], size[0]], keypoints.device)
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
