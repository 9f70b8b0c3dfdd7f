"""ST-ReIDNet: an encoder whose features must suffice to draw a person in another pose.

A generator draws people in poses, from features and poses; two discriminators judge what it draws,
one the image alone and one the image with the pose. At test time only the encoder is used.

Source: Ho, Shim, Wee, "Learning from Dances", 2020, as its published code has it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ..common.files import replaced
from .augmentation import MEAN, MIRRORED, STD, normalized
from .encoder import SMALL, Design, Encoder
from .learner import Learner, descend, fused
from .losses import batch_hard_triplet, classification, masked_l1
from .methods import Recipe
from .pose_maps import body_masks, pose_maps
from .st_nets import Generator, PoseDiscriminator

_JUDGE = "resnet18.tv_in1k"  # the discriminator of images, if the encoder is one of timm's
# Learning rates: as published, but as multiples of the encoder's, which is 2e-5 there.
_GENERATOR_RATE, _JUDGE_RATE = 0.5, 2.0
_DECAY, _JUDGE_DECAY = 5e-4, 1e-4
_SIGMAS = (4, 7)  # of pose maps: from 4, below 7
_EXCHANGED = 1 / 10_001  # the probability that a discriminator's real and fake are exchanged
_OWN, _SWAPPED = 0.3, 0.7  # of the reconstruction: drawn in the own pose, in another one
_FOOLING, _RECONSTRUCTION = 0.1, 10.0
_SHOWN = 4  # triples on a picture


class StReIDNet(Learner):
    """Encoder, generator and discriminators, and their steps.

    Args:
        encoder: the encoder.
        recipe: the recipe, whose batches are `[anchors, positives, negatives]`.
        pretrained: whether timm's weights are fetched for the discriminator of images.
    """

    def __init__(self, encoder: Encoder, recipe: Recipe, *, pretrained: bool) -> None:
        super().__init__(encoder, recipe)
        small = encoder.design.backbone == SMALL
        width = 16 if small else 64
        judge = Design(
            SMALL if small else _JUDGE,
            people=1,
            last_stride=2,
            stem_without_relu=encoder.design.stem_without_relu,
        )
        self.generator = Generator(encoder.columns, encoder.design.size, width)
        self.image_judge = Encoder(judge, pretrained=pretrained and not small)
        self.pose_judge = PoseDiscriminator(width)
        self.nets |= {
            "generator": self.generator,
            "image_judge": self.image_judge,
            "pose_judge": self.pose_judge,
        }
        device = next(encoder.parameters()).device
        for net in self.nets.values():
            net.to(device)
        drawing = [
            {"params": list(self.generator.parameters()), "most": recipe.lr * _GENERATOR_RATE}
        ]
        judging = recipe.lr * _JUDGE_RATE
        self.optimizers = {
            "encoder_steps": _sgd(encoder, recipe.lr, _DECAY),
            "generator_steps": torch.optim.Adam(drawing, betas=(0.5, 0.999), fused=fused(encoder)),
            "image_steps": _sgd(self.image_judge, judging, _JUDGE_DECAY),
            "pose_steps": _sgd(self.pose_judge, judging, _JUDGE_DECAY),
        }
        self._shown: tuple[Tensor, Tensor]  # of the last step

    def train(self) -> None:
        """As published, the discriminator of images keeps the statistics that it began with."""
        super().train()
        for layer in self.image_judge.modules():
            if isinstance(layer, nn.modules.batchnorm._BatchNorm):
                layer.eval()

    def step(
        self, images: Tensor, keypoints: Tensor, classes: Tensor, random: np.random.Generator
    ) -> dict[str, Tensor]:
        """One step of the discriminators, and then one of encoder and generator."""
        torch.manual_seed(int(random.integers(2**63)))  # for the generator's dropout
        triples = self._triples(images, keypoints, classes, random)
        found = [self.encoder(some, keypoints) for some in triples.seen.chunk(3)]
        raw, normal = (torch.cat(column) for column in zip(*found, strict=True))
        drawn = self.drawn(triples.poses, raw)
        judges = self._judges_step(triples, drawn.detach(), random)
        terms = self.losses(triples, raw, self.encoder.classifier(normal), drawn)
        drawing = _FOOLING * terms["fooling"] + _RECONSTRUCTION * terms["reconstruction"]
        times = 2 if "doubled_generator_loss" in self.recipe.switches else 1
        descend(
            terms["classification"] + terms["triplet"] + times * drawing,
            encoder=self.optimizers["encoder_steps"],
            generator=self.optimizers["generator_steps"],
        )
        self._shown = (triples.real.detach(), drawn.detach())
        return {name: term.detach() for name, term in terms.items()} | judges

    def _triples(
        self, images: Tensor, keypoints: Tensor, classes: Tensor, random: np.random.Generator
    ) -> Triples:
        """The batch as the nets see it: erased images for the encoder, whole ones to draw."""
        draws = self.augmentation.draw(random, len(images), tuple(images.shape[1:3]))
        whole = replace(draws, patches=np.zeros_like(draws.patches))
        real, _ = self.augmentation.apply(images, keypoints, whole)
        seen, keypoints = self.augmentation.apply(images, keypoints, draws)
        if "sides_kept_by_flips" in self.recipe.switches:
            flipped = torch.from_numpy(draws.flips).to(keypoints.device)
            keypoints = torch.where(flipped[:, None, None], keypoints[:, list(MIRRORED)], keypoints)
        size = self.encoder.design.size
        sigmas = torch.from_numpy(random.integers(*_SIGMAS, len(images)))
        poses = pose_maps(keypoints, size, sigmas)
        return Triples(seen, real, poses, body_masks(keypoints, size), classes)

    def drawn(self, poses: Tensor, features: Tensor) -> Tensor:
        """Each image of the triples in its own pose, anchors and positives in each other's.

        Args:
            poses: `[3 B, 17, H, W]`.
            features: `[3 B, D]`.

        Returns:
            `[5 B, 3, H, W]`, normalized as the images are: all in their own pose; then positives
            in the poses of the anchors, and anchors in the poses of the positives.
        """
        (pose_a, pose_p, pose_n), (a, p, n) = poses.chunk(3), features.chunk(3)
        passes = ((pose_a, a), (pose_p, p), (pose_n, n), (pose_a, p), (pose_p, a))
        pixels = torch.cat([self.generator(*each) for each in passes])
        if "unreachable_colours" in self.recipe.switches:
            return pixels
        return normalized((pixels + 1) * 127.5)

    def _judges_step(
        self, triples: Triples, drawn: Tensor, random: np.random.Generator
    ) -> dict[str, Tensor]:
        image = self._judgement(self._image_logits(triples.real), self._image_logits(drawn), random)
        descend(image, steps=self.optimizers["image_steps"])
        pose = self._judgement(
            self.pose_judge(triples.poses, triples.real),
            self.pose_judge(*triples.doubtful(drawn)),
            random,
        )
        descend(pose, steps=self.optimizers["pose_steps"])
        return {"image_judge": image.detach(), "pose_judge": pose.detach()}

    @staticmethod
    def _judgement(real: Tensor, drawn: Tensor, random: np.random.Generator) -> Tensor:
        """The loss of a discriminator, with smoothed targets."""
        targets = [random.uniform(0.9, 1), random.uniform(0, 0.1)]
        if random.random() < _EXCHANGED:
            targets.reverse()
        return (judged(real, targets[0]) + judged(drawn, targets[1])) / 2

    def losses(
        self, triples: Triples, features: Tensor, logits: Tensor, drawn: Tensor
    ) -> dict[str, Tensor]:
        """The terms that encoder and generator follow, without their weights.

        Args:
            triples: the batch.
            features: `[3 B, D]`.
            logits: of the classifier, `[3 B, K]`.
            drawn: as `drawn` gives it.
        """
        count = len(features)
        masks = triples.masks
        own = masked_l1(drawn[:count], triples.real, masks)
        swapped = masked_l1(drawn[count:], triples.real[triples.pairs], masks[triples.pairs])
        with _fixed(self.image_judge), _fixed(self.pose_judge):
            fooling = judged(self._image_logits(drawn), 1.0)
            fooling = fooling + judged(self.pose_judge(*triples.doubtful(drawn)), 1.0)
        return {
            "classification": classification(logits, triples.classes, self.recipe.smoothing),
            # Negatives are candidates, but no anchors.
            "triplet": batch_hard_triplet(
                features, triples.classes, self.recipe.margin, triples.pairs
            ),
            "reconstruction": _OWN * own + _SWAPPED * swapped,
            "fooling": fooling,
        }

    def _image_logits(self, images: Tensor) -> Tensor:
        none = images.new_zeros(len(images), 0, 2)  # it has no parts
        logits: Tensor = self.image_judge.classifier(self.image_judge(images, none)[1])
        return logits

    def draw(self, path: Path) -> None:
        """Draws some triples of the last step.

        A row is one triple: the anchor and the positive; both as they are drawn in their own
        poses; the positive drawn in the pose of the anchor, and the anchor in the positive's.
        """
        real, drawn = self._shown
        count = len(real) // 3
        a, p = real[:count], real[count : 2 * count]
        own_a, own_p, _, p_as_a, a_as_p = drawn.chunk(5)
        columns = [part[:_SHOWN] for part in (a, p, own_a, own_p, p_as_a, a_as_p)]
        rows = torch.stack(columns).float().cpu()  # [6, n, 3, H, W]
        mean, std = (rows.new_tensor(values)[:, None, None] for values in (MEAN, STD))
        pixels = ((rows * std + mean) * 255).clamp(0, 255).byte().permute(1, 3, 0, 4, 2).numpy()
        picture = np.ascontiguousarray(pixels.reshape(-1, pixels.shape[2] * pixels.shape[3], 3))
        path.parent.mkdir(exist_ok=True)
        with replaced(path) as unfinished:
            unfinished.write_bytes(cv2.imencode(".png", picture[..., ::-1])[1].tobytes())


@dataclass(frozen=True)
class Triples:
    """A batch as the nets see it: B anchors, then B positives, then B negatives.

    Attributes:
        seen: what the encoder gets, with erased patches, normalized, `[3 B, 3, H, W]`.
        real: the same without them.
        poses: pose maps, `[3 B, 17, H, W]`.
        masks: where the bodies are, `[3 B, 1, H, W]`.
        classes: the person of each, int64 `[3 B]`.
    """

    seen: Tensor
    real: Tensor
    poses: Tensor
    masks: Tensor
    classes: Tensor

    @property
    def pairs(self) -> slice:
        """The anchors and positives."""
        return slice(2 * (len(self.real) // 3))

    def doubtful(self, drawn: Tensor) -> tuple[Tensor, Tensor]:
        """What the discriminator of poses shall refuse: poses and images, 7 B of each.

        They are all that was drawn, with the poses that were asked for; and the real anchors and
        positives, with each other's poses.
        """
        pose_a, pose_p, _ = self.poses.chunk(3)
        poses = torch.cat([self.poses, pose_a, pose_p, pose_p, pose_a])
        return poses, torch.cat([drawn, self.real[self.pairs]])


def judged(logits: Tensor, target: float) -> Tensor:
    """Binary cross entropy of logits against one target, a mean."""
    return functional.binary_cross_entropy_with_logits(logits, torch.full_like(logits, target))


def _sgd(net: nn.Module, rate: float, decay: float) -> torch.optim.Optimizer:
    groups = [{"params": [p for p in net.parameters() if p.requires_grad], "most": rate}]
    return torch.optim.SGD(groups, lr=rate, momentum=0.9, weight_decay=decay, fused=fused(net))


@contextmanager
def _fixed(net: nn.Module) -> Iterator[None]:
    """Inside, gradients pass through the net, and its own are not computed."""
    trained = [p for p in net.parameters() if p.requires_grad]
    for parameter in trained:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in trained:
            parameter.requires_grad_(True)
