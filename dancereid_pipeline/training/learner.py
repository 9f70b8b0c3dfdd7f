"""What a step of a training does: `Learner`, and the one of all methods but ST-ReIDNet."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from .augmentation import Augmentation
from .encoder import Encoder
from .methods import Recipe
from .objective import objective

_DECAY = 5e-4


class Learner(ABC):
    """Nets, their optimizers, and what a step does with them.

    Args:
        encoder: the net that is wanted, on its device.
        recipe: the recipe.
    """

    def __init__(self, encoder: Encoder, recipe: Recipe) -> None:
        self.encoder, self.recipe = encoder, recipe
        self.nets: dict[str, nn.Module] = {"encoder": encoder}
        self.optimizers: dict[str, torch.optim.Optimizer] = {}
        self.augmentation = Augmentation(
            encoder.design.size,
            crop=recipe.crop,
            published_erasing="misplaced_erasing" in recipe.switches,
        )

    def state(self) -> dict[str, Any]:
        """All that the next steps depend on, as tensors and plain data."""
        parts = {**self.nets, **self.optimizers}
        return {name: part.state_dict() for name, part in parts.items()}

    def resume(self, state: dict[str, Any]) -> None:
        """Continues from a state."""
        for name, part in {**self.nets, **self.optimizers}.items():
            part.load_state_dict(state[name])

    def train(self) -> None:
        """Begins, or goes on after an evaluation."""
        for net in self.nets.values():
            net.train()

    def set_rate(self, factor: float) -> None:
        """Sets the learning rates to so much of what they are at most."""
        for optimizer in self.optimizers.values():
            for group in optimizer.param_groups:
                group["lr"] = group["most"] * factor

    @abstractmethod
    def step(
        self, images: Tensor, keypoints: Tensor, classes: Tensor, random: np.random.Generator
    ) -> dict[str, Tensor]:
        """Takes one step.

        Args:
            images: uint8 `[N, height, width, 3]`, as the recipe's sampling gives them.
            keypoints: x, y in pixels of the images, `[N, 17, 2]`.
            classes: the person of each image, from 0, int64 `[N]`.
            random: draws all that is random.

        Returns:
            The terms of the loss, each a number on the device, which may still compute it.
        """

    def draw(self, path: Path) -> None:  # noqa: B027  # only one learner draws
        """Draws what the nets draw, if they do."""


class EncoderLearner(Learner):
    """Adam on the encoder alone, with the recipe's losses."""

    def __init__(self, encoder: Encoder, recipe: Recipe) -> None:
        super().__init__(encoder, recipe)
        backbone = {"params": list(encoder.backbone.parameters()), "most": recipe.backbone_rate}
        heads = {"params": trained_heads(encoder), "most": recipe.lr}
        self.optimizers["optimizer"] = torch.optim.Adam(
            [backbone, heads], weight_decay=_DECAY, fused=fused(encoder)
        )

    def step(
        self, images: Tensor, keypoints: Tensor, classes: Tensor, random: np.random.Generator
    ) -> dict[str, Tensor]:
        """Takes one step."""
        draws = self.augmentation.draw(random, len(images), tuple(images.shape[1:3]))
        images, keypoints = self.augmentation.apply(images, keypoints, draws)
        terms = objective(self.recipe, self.encoder, images, keypoints, classes)
        descend(sum(terms.values(), start=images.new_zeros(())), **self.optimizers)
        return {name: term.detach() for name, term in terms.items()}


def fused(net: nn.Module) -> bool | None:
    """How an optimizer takes its steps: all tensors at once on a GPU, else as PyTorch chooses."""
    return next(net.parameters()).is_cuda or None


def trained_heads(encoder: Encoder) -> list[nn.Parameter]:
    """What is trained of an encoder besides its backbone."""
    named = encoder.named_parameters()
    return [p for name, p in named if p.requires_grad and not name.startswith("backbone.")]


def descend(loss: Tensor, **optimizers: torch.optim.Optimizer) -> None:
    """Steps down the gradient of a loss."""
    for optimizer in optimizers.values():
        optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]  # PyTorch has no types for it
    for optimizer in optimizers.values():
        optimizer.step()
