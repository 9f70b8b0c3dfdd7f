"""Features of body parts: means of a net's map around the joints of each part."""

from __future__ import annotations

import torch
from torch import Tensor

from .gpu import sent

PARTS = {
    "head": (0, 1, 2, 3, 4),
    "trunk": (5, 6, 11, 12),
    "arms": (7, 8, 9, 10),
    "legs": (13, 14, 15, 16),
}
_SIGMA = 1 / 16  # of the image's height


def part_features(found: Tensor, keypoints: Tensor, size: tuple[int, int]) -> Tensor:
    """The mean of the map around each part's joints, weighted by the share of joints seen.

    A joint is seen if it is finite and inside the image. Its surroundings are a Gaussian with a
    sigma of a sixteenth of the image's height.

    Args:
        found: a net's map, `[N, C, h, w]`.
        keypoints: x, y in pixels of the image, `[N, 17, 2]`.
        size: height and width of the image.

    Returns:
        `[N, len(PARTS), C]`; all 0 for a part of which no joint is seen.
    """
    height, width = size
    limits = sent([width, height], keypoints.device)
    seen = ((keypoints >= -0.5) & (keypoints < limits - 0.5)).all(dim=2)  # not of NaN, either
    # The centres of the map's cells, in pixels of the image.
    rows = (torch.arange(found.shape[2], device=found.device) + 0.5) * height / found.shape[2] - 0.5
    columns = (torch.arange(found.shape[3], device=found.device) + 0.5) * width / found.shape[3]
    columns = columns - 0.5
    x, y = torch.where(seen[..., None], keypoints, 0).float().unbind(dim=2)
    squares = (rows[:, None] - y[..., None, None]) ** 2 + (columns - x[..., None, None]) ** 2
    near = torch.exp(-squares / (2 * (_SIGMA * height) ** 2)) * seen[..., None, None]
    features = []
    for joints in PARTS.values():
        indices = sent(joints, found.device)
        around = near[:, indices].sum(dim=1)
        total = around.sum(dim=(1, 2)).clamp(min=1e-6)
        mean = torch.einsum("nchw,nhw->nc", found, around) / total[:, None]
        features.append(mean * seen[:, indices].float().mean(dim=1, keepdim=True))
    return torch.stack(features, dim=1)
