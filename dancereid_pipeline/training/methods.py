"""The methods, as short recipes: what is sampled, which losses count, how steps are taken.

The numbers of softmax, siamese, triplet and st-reidnet are those of the published command lines.
Which flags gave which of the first three rows of the published table is not known; the mapping here
is our reading of it.
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
    "verification_over_people": "verification has an output a person, though only two count",
    "misread_neighbours": "who shares a video is looked up by a wrong number",
    "unsorted_images": "images are not in the order of time, by which far ones are chosen",
    "sides_kept_by_flips": "a flip of pose maps does not exchange left and right joints",
    "unreachable_colours": "the generator's -1 to 1 is compared with normalized pixels",
    "doubled_generator_loss": "what the generator follows counts twice for the encoder",
}
"""Faults of the published code that shaped its numbers; each can be switched on by itself."""


@dataclass(frozen=True)
class Recipe:
    """How a method trains.

    Attributes:
        sampling: "shuffled", "people" (P x 4), "triples" (of one person each), "pairs" (1:3), or
            "spatio-temporal" (triples; then the step is that of `st_reidnet`).
        classification: weight of the cross entropy over people.
        triplet: weight of the batch-hard triplet loss.
        verification: weight of the cross entropy of pairs.
        margin: margin of the triplet loss; None for the soft margin.
        smoothing: label smoothing of the classification.
        crop: whether images are cropped at random.
        mean: whether the backbone's map is pooled by its mean, and not by its maximum.
        parts: whether features of body parts are added, which needs keypoints at test time, too.
        batch: number of images in a batch; of triples or pairs with these samplings.
        epochs: number of epochs.
        lr: learning rate; of Adam (L2 weight decay 5e-4) in all methods but ST-ReIDNet.
        backbone_lr: the backbone's learning rate is `lr` times this, if its weights are trained.
        drops: when the learning rate falls to a tenth, as shares of the training.
        warm_up: share of the training in which the learning rate rises from a tenth.
        fall: share of the training after which the learning rate falls evenly, a hundredth of the
            training at a time, to 0 in the last hundredth; instead of `drops`.
        switches: the faults of `SWITCHES` that are on.
    """

    sampling: str
    classification: float = 0.0
    triplet: float = 0.0
    verification: float = 0.0
    margin: float | None = None
    smoothing: float = 0.1
    crop: bool = True
    mean: bool = False
    parts: bool = False
    batch: int = 128
    epochs: int = 100
    lr: float = 5e-5
    backbone_lr: float = 0.1
    drops: tuple[float, ...] = (0.4, 0.8)
    warm_up: float = 0.0
    fall: float | None = None
    switches: tuple[str, ...] = ()

    @property
    def backbone_rate(self) -> float:
        """The learning rate of the backbone."""
        return self.lr * self.backbone_lr

    @property
    def generates(self) -> bool:
        """Whether a generator draws images, as in ST-ReIDNet."""
        return self.sampling == "spatio-temporal"

    def rate(self, done: float) -> float:
        """The factor of the learning rate when a share of the training, 0 to 1, is done."""
        if done < self.warm_up:
            return 0.1 + 0.9 * done / self.warm_up
        if self.fall is not None:
            hundredths = int(100 * done + 1e-9)
            return 1 - max(0.0, hundredths - 100 * self.fall) / (99 - 100 * self.fall)
        return float(0.1 ** sum(done >= drop for drop in self.drops))


_STRONG = Recipe(
    "people",
    classification=1,
    triplet=1,
    margin=0.3,
    mean=True,
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
    "st-reidnet": Recipe(
        "spatio-temporal",
        classification=1,
        triplet=1,
        crop=False,
        batch=24,
        lr=2e-5,
        backbone_lr=1,
        fall=0.48,
    ),
    # Luo et al., "Bag of Tricks and A Strong Baseline for Deep Person Re-identification", 2019.
    "strong": _STRONG,
    "parts": replace(_STRONG, parts=True),
}
_SHAPED_ALL = ("stem_without_relu", "frozen_neck", "misplaced_erasing")
_PUBLISHED = {
    "softmax": _SHAPED_ALL,
    "siamese": (*_SHAPED_ALL, "verification_over_people"),
    "triplet": _SHAPED_ALL,
    "st-reidnet": tuple(name for name in SWITCHES if name != "verification_over_people"),
}


PUBLISHED_SCORES = {
    "softmax": (74.4, 73.1, 94.7),
    "siamese": (77.5, 75.9, 96.9),
    "triplet": (78.4, 77.2, 97.6),
    "st-reidnet": (86.1, 84.9, 98.7),
}
"""The published mAP, rank 1 and rank 5 of each published method, in percent."""


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
    if method not in _PUBLISHED:
        raise OptionError(
            f"preset: the method '{method}' was not published with the dataset, so it has only "
            "the preset 'mended'."
        )
    return replace(METHODS[method], switches=_PUBLISHED[method])
