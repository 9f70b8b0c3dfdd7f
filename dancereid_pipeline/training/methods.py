"""The methods, as short recipes: what is sampled, which losses count, how steps are taken.

The numbers of softmax, siamese and triplet are those of the published command line. Which of its
flags gave which row of the published table is not known; the mapping here is our reading of it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..common.errors import OptionError
from ..common.validation import one_of

PRESETS = ("mended", "published")
SWITCHES = {
    "stem_without_relu": "no ReLU between the first convolution's normalization and its max pool",
    "frozen_neck": "the weight of the neck's normalization is not trained",
    "misplaced_erasing": "a patch's corner is at its own width and height, not where it was drawn",
    "verification_over_people": "verification has an output for each person, though only two count",
}
"""Faults of the published code that shaped its numbers; each can be switched on by itself."""


@dataclass(frozen=True)
class Recipe:
    """How a method trains.

    Attributes:
        sampling: "shuffled", "people" (P x 4), "triples" (of one person each) or "pairs" (1:3).
        classification: weight of the cross entropy over people.
        triplet: weight of the batch-hard triplet loss.
        verification: weight of the cross entropy of pairs.
        margin: margin of the triplet loss; None for the soft margin.
        smoothing: label smoothing of the classification.
        parts: whether features of body parts are added, which needs keypoints at test time, too.
        batch: number of images in a batch; of triples or pairs with these samplings.
        epochs: number of epochs.
        lr: learning rate of Adam (L2 weight decay 5e-4).
        backbone_lr: the backbone's learning rate is `lr` times this, if its weights are trained.
        drops: when the learning rate falls to a tenth, as shares of the training.
        warm_up: share of the training in which the learning rate rises from a tenth.
        switches: the faults of `SWITCHES` that are on.
    """

    sampling: str
    classification: float = 0.0
    triplet: float = 0.0
    verification: float = 0.0
    margin: float | None = None
    smoothing: float = 0.1
    parts: bool = False
    batch: int = 128
    epochs: int = 100
    lr: float = 5e-5
    backbone_lr: float = 0.1
    drops: tuple[float, ...] = (0.4, 0.8)
    warm_up: float = 0.0
    switches: tuple[str, ...] = ()

    def rate(self, done: float) -> float:
        """The factor of the learning rate when a share of the training, 0 to 1, is done."""
        if done < self.warm_up:
            return 0.1 + 0.9 * done / self.warm_up
        return float(0.1 ** sum(done >= drop for drop in self.drops))


_STRONG = Recipe(
    "people",
    classification=1,
    triplet=1,
    margin=0.3,
    batch=64,
    epochs=120,
    lr=3.5e-4,
    backbone_lr=1,
    drops=(1 / 3, 7 / 12),
    warm_up=1 / 12,
)
METHODS = {
    "softmax": Recipe("shuffled", classification=1),
    "siamese": Recipe("pairs", verification=1),
    "triplet": Recipe("triples", triplet=1),
    # Luo et al., "Bag of Tricks and A Strong Baseline for Deep Person Re-identification", 2019.
    "strong": _STRONG,
    "parts": replace(_STRONG, parts=True),
}
_NOT_PUBLISHED = ("strong", "parts")


def recipe(method: str, preset: str = "mended") -> Recipe:
    """The recipe of a method.

    Args:
        method: a key of `METHODS`.
        preset: "published" switches on the faults of the published code, "mended" none.

    Raises:
        OptionError: there is no such method or preset.
    """
    one_of("method", method, METHODS)
    one_of("preset", preset, PRESETS)
    if preset == "mended":
        return METHODS[method]
    if method in _NOT_PUBLISHED:
        raise OptionError(
            f"preset: the method '{method}' was not published with the dataset, so it has only "
            "the preset 'mended'."
        )
    ours = {"verification_over_people"} if method != "siamese" else set()
    return replace(METHODS[method], switches=tuple(name for name in SWITCHES if name not in ours))
