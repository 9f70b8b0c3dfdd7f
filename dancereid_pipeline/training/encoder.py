"""The net from images to features: backbone, global pooling, neck, classifier."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ..common.errors import DanceReIDError, SourceError
from ..common.validation import require_extra
from .gpu import mixed_precision
from .methods import Recipe
from .parts import PARTS, part_features

SMALL = "small"
_WIDTHS, _STRIDES = (32, 64, 96, 128, 192), (2, 2, 2, 2, 1)  # of the small net's convolutions


@dataclass(frozen=True)
class Design:
    """What an encoder is made of; enough to make it again.

    Attributes:
        backbone: "small" (five convolutions), or the name of a model of timm.
        people: number of people that the classifier tells apart, K.
        verification: number of outputs of the verification of pairs; 0 for none.
        mean: whether the map is pooled by its mean, and not by its maximum.
        parts: whether features of body parts are added.
        stem_without_relu: see `methods.SWITCHES`.
        frozen_neck: see `methods.SWITCHES`.
        last_stride: the stride of a ResNet's last stage.
        raw: whether the feature to search with is `g`, and not `f`.
    """

    backbone: str
    people: int
    verification: int = 0
    mean: bool = False
    parts: bool = False
    stem_without_relu: bool = False
    frozen_neck: bool = False
    last_stride: int = 1
    raw: bool = False

    @classmethod
    def of(cls, recipe: Recipe, backbone: str, people: int) -> Design:
        """The design that a recipe needs.

        Args:
            recipe: the recipe.
            backbone: as the attribute.
            people: as the attribute.
        """
        switches = recipe.switches
        pairs = people if "verification_over_people" in switches else 2
        return cls(
            backbone,
            people,
            verification=pairs if recipe.verification else 0,
            mean=recipe.mean,
            parts=recipe.parts,
            stem_without_relu="stem_without_relu" in switches,
            frozen_neck="frozen_neck" in switches,
            raw=recipe.generates,
        )

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the images that the encoder takes."""
        return (128, 64) if self.backbone == SMALL else (256, 128)


class Encoder(nn.Module):
    """Images to features, as in the published baselines.

    `g` is the global maximum or mean of the backbone's map (with parts: and the means around body
    parts), `[N, D]`; `f` is batch normalization of `g` without a bias (the "neck"). The classifier
    is linear, without a bias. The feature to search with is `f`, or `g` if the design says so.
    Source: the published code of ST-ReIDNet; the neck is that of Luo et al., 2019.

    Args:
        design: what it is made of.
        pretrained: whether timm's weights are fetched for the backbone.
    """

    def __init__(self, design: Design, *, pretrained: bool = False) -> None:
        super().__init__()
        self.design = design
        self.backbone, channels = _backbone(design, pretrained)
        self.columns = channels * (1 + len(PARTS) * design.parts)
        self.neck = nn.BatchNorm1d(self.columns)
        self.neck.bias.requires_grad_(False)
        self.neck.weight.requires_grad_(not design.frozen_neck)
        self.classifier = nn.Linear(self.columns, design.people, bias=False)
        nn.init.normal_(self.classifier.weight, std=0.001)
        if design.verification:
            self.verifier = nn.Linear(self.columns, design.verification, bias=False)
            nn.init.normal_(self.verifier.weight, std=0.001)
        self.to(memory_format=torch.channels_last)  # faster, on CPUs, too

    def forward(self, images: Tensor, keypoints: Tensor) -> tuple[Tensor, Tensor]:
        """Computes features.

        Args:
            images: normalized, `[N, 3, *design.size]`.
            keypoints: x, y in pixels of these, `[N, 17, 2]`; used by parts only.

        Returns:
            `g` and `f`, float32 `[N, columns]`. Features to search with are computed in float32
            on any device; while it trains, a GPU computes the backbone in bfloat16.
        """
        images = images.contiguous(memory_format=torch.channels_last)
        with mixed_precision(images.device) if self.training else nullcontext():
            found = self.backbone(images)
        found = found.float()
        pooled = found.mean(dim=(2, 3)) if self.design.mean else found.amax(dim=(2, 3))
        if self.design.parts:
            parts = part_features(found, keypoints, self.design.size)
            pooled = torch.cat([pooled, parts.flatten(1)], dim=1)
        return pooled, self.neck(pooled)


def _backbone(design: Design, pretrained: bool) -> tuple[nn.Module, int]:
    """A net from images to maps `[N, C, h, w]`, and C."""
    if design.backbone == SMALL and not design.stem_without_relu:
        return _small(), _WIDTHS[-1]
    if design.backbone == SMALL:
        raise _no_stem(design.backbone)
    return _timm_backbone(design, pretrained)


def _small() -> nn.Module:
    """Five convolutions: 128 x 64 pixels -> `[N, 192, 8, 4]`.

    A cell of the map sees 63 pixels: with 31, the small net cannot tell where on a body it is.
    """
    layers: list[nn.Module] = []
    channels = 3
    for width, stride in zip(_WIDTHS, _STRIDES, strict=True):
        layers += [
            nn.Conv2d(channels, width, 3, stride=stride, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
        ]
        channels = width
    return nn.Sequential(*layers)


def _timm_backbone(design: Design, pretrained: bool) -> tuple[nn.Module, int]:
    require_extra("train", "torchvision", "timm")
    import timm

    name = design.backbone
    # timm would also take addresses of the Hub and folders, which a stranger's design may name.
    if not timm.is_model(name):
        raise DanceReIDError(
            f"backbone: timm knows no model '{name}'. timm.list_models() lists them."
        )
    try:
        net = timm.create_model(name, pretrained=pretrained, num_classes=0, global_pool="")
    except (OSError, RuntimeError, ValueError) as error:  # the Hub's, and those of the network
        raise no_weights(name, error) from error
    if hasattr(net, "layer4") and design.last_stride == 1:
        # By hand: timm's output_stride=16 would also dilate the convolutions.
        for layer in net.layer4[0].modules():
            if isinstance(layer, nn.Conv2d):
                layer.stride = (1, 1)
    if design.stem_without_relu:
        if not hasattr(net, "act1"):
            raise _no_stem(name)
        net.act1 = nn.Identity()
    net.eval()
    try:
        with torch.no_grad():
            shape = net(torch.zeros(1, 3, *design.size)).shape
    except AssertionError:  # a transformer of timm that is made for another size
        shape = ()
    net.train()
    if len(shape) != 4:
        raise DanceReIDError(
            f"backbone: expected a net that turns {design.size[0]} x {design.size[1]} pixels into "
            f"maps [N, C, h, w], '{name}' does not. Train a convolutional net; dancereid extract "
            f"--model timm:{name} gives its features as they are."
        )
    return net, int(shape[1])


def _no_stem(backbone: str) -> DanceReIDError:
    return DanceReIDError(
        f"preset 'published': expected a backbone with the stem of a ResNet, '{backbone}' has "
        "none. Use the preset 'mended'."
    )


def no_weights(name: str, error: Exception) -> SourceError:
    """The error that timm's weights of a model cannot be fetched."""
    first = str(error).splitlines()[0] if str(error) else type(error).__name__
    return SourceError(
        f"weights: those of '{name}' cannot be fetched ({first}). Fetch them where there is a "
        f"network (hf download timm/{name}), and bring the Hub's cache (HF_HOME) here. A training "
        "can also begin with a file of them (--weights FILE) or with random ones (--weights none)."
    )


def check_weights(shapes: dict[str, Any], tensors: dict[str, Any], source: str) -> None:
    """Refuses weights that do not fit a net.

    Args:
        shapes: the net's state, by name; on any device.
        tensors: the weights, by name.
        source: where they are from, for the message.

    Raises:
        SourceError: a tensor is missing or has another shape.
    """
    for name, own in shapes.items():
        if name not in tensors:
            raise SourceError(
                f"{source}: expected a tensor '{name}', there is none. Name weights of this "
                "backbone, or another --backbone."
            )
        if tensors[name].shape != own.shape:
            raise SourceError(
                f"{source}: expected '{name}' to have the shape {list(own.shape)}, it has "
                f"{list(tensors[name].shape)}. Name weights of this backbone, or another "
                "--backbone."
            )
