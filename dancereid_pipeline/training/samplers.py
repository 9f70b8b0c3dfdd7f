"""Which images make a batch. NumPy only: any training loop can use them.

A sampler is an iterable of batches, each an int64 array of row numbers of the dataset. PyTorch's
`DataLoader` takes it as `batch_sampler`. Each pass is the next epoch; `batches(epoch)` gives the
batches of a certain one. They depend on nothing but the data, the seed and the epoch.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..common.errors import DanceReIDError, OptionError
from ..common.validation import one_of, whole_number

Rows: TypeAlias = NDArray[np.int64]
MODES = ("instance", "any")
_MOST = 1_000_000


@dataclass(frozen=True)
class Images:
    """Whose the images of a dataset are.

    Attributes:
        person_ids: the person id of each person, ascending, int64 `[K]`. A person's index in it is
            the person's class.
        classes: the class of each image, int64 `[N]`.
        rows: for each class the row numbers of its images, ascending.
    """

    person_ids: Rows
    classes: Rows
    rows: tuple[Rows, ...]

    @classmethod
    def of(cls, person_ids: ArrayLike, least: int = 1) -> Images:
        """Groups images by person.

        Args:
            person_ids: the person id of each image, whole numbers `[N]`.
            least: the number of images that each person must have.

        Raises:
            DanceReIDError: there are fewer than two people, or a person has too few images.
        """
        people, classes = np.unique(np.asarray(person_ids, np.int64), return_inverse=True)
        if len(people) < 2:
            raise DanceReIDError(
                f"Expected images of at least two people to train on, got {len(classes):,} images "
                f"of {len(people)}. Add videos to the split that is trained on."
            )
        rows = tuple(np.flatnonzero(classes == index) for index in range(len(people)))
        few = [int(person) for person, own in zip(people, rows, strict=True) if len(own) < least]
        if few:
            raise DanceReIDError(
                f"Expected at least {least} images of each person, but person {few[0]} has "
                f"{len(rows[int(np.searchsorted(people, few[0]))])} ({len(few)} such people). Use "
                "a smaller stride, leave these people out (dataset.filter), or train with the "
                "method 'softmax'."
            )
        return cls(people, classes.astype(np.int64), rows)

    def other_of_person(self, row: int, random: np.random.Generator) -> int:
        """A random image of the same person, but not the same image."""
        own = self.rows[self.classes[row]]
        drawn = random.integers(len(own) - 1)
        return int(own[drawn + (own[drawn] >= row)])  # the list without `row`: it is ascending

    def of_others(self, row: int, random: np.random.Generator) -> int:
        """A random image of all other people's images, each as likely."""
        while True:  # most images are others'
            drawn = int(random.integers(len(self.classes)))
            if self.classes[drawn] != self.classes[row]:
                return drawn


class Sampler(ABC):
    """The batches of one epoch after the other.

    Args:
        images: the images.
        batch: number of anchors in a batch.
        seed: seed of all draws.
    """

    def __init__(self, images: Images, batch: int, seed: int = 0) -> None:
        self.images = images
        self.batch = whole_number("batch", batch, 1, _MOST)
        self.seed = whole_number("seed", seed, 0, 2**32)
        self._epoch = 0

    def __len__(self) -> int:
        """The number of batches in an epoch."""
        count = len(self.images.classes)
        return count // self.batch + (count % self.batch >= min(2, self.batch))

    def __iter__(self) -> Iterator[Rows]:
        # Counted when the first batch is asked for: a loader with workers begins a pass twice.
        epoch, self._epoch = self._epoch, self._epoch + 1
        yield from self.batches(epoch)

    def batches(self, epoch: int) -> Iterator[Rows]:
        """The batches of an epoch, from 0."""
        return self._draw(np.random.default_rng((self.seed, epoch)))

    @abstractmethod
    def _draw(self, random: np.random.Generator) -> Iterator[Rows]: ...

    def _anchors(self, random: np.random.Generator) -> Iterator[Rows]:
        """Each image once, in random order. The last batch may be smaller, but has two images."""
        order = random.permutation(len(self.images.classes))
        for start in range(0, len(order), self.batch):
            # Batch normalization cannot learn from one image.
            if len(order) - start >= min(2, self.batch):
                yield order[start : start + self.batch]


class Shuffled(Sampler):
    """Each image once an epoch."""

    def _draw(self, random: np.random.Generator) -> Iterator[Rows]:
        return self._anchors(random)


class PeopleTimesImages(Sampler):
    """P random people and K random images of each, without repetition as far as there are so many.

    An epoch has as many batches as it takes to draw as many images as there are, at least one.
    Source: Hermans, Beyer, Leibe, "In Defense of the Triplet Loss", 2017, section 2.

    Args:
        images: the images; `Images.of(..., least=2)`.
        people: P.
        per_person: K.
        seed: seed of all draws.
    """

    def __init__(self, images: Images, people: int, per_person: int, seed: int = 0) -> None:
        self.people = whole_number("people", people, 2, _MOST)
        self.per_person = whole_number("per_person", per_person, 2, _MOST)
        super().__init__(images, self.people * self.per_person, seed)
        if len(images.rows) < self.people:
            raise OptionError(
                f"people: expected at most {len(images.rows)}, the number of people in the data, "
                f"got {self.people}. Ask for fewer people in a batch, and more images of each."
            )

    def __len__(self) -> int:
        return max(1, len(self.images.classes) // self.batch)

    def _draw(self, random: np.random.Generator) -> Iterator[Rows]:
        for _ in range(len(self)):
            people = random.choice(len(self.images.rows), self.people, replace=False)
            yield np.concatenate([self._of_person(int(person), random) for person in people])

    def _of_person(self, person: int, random: np.random.Generator) -> Rows:
        own = self.images.rows[person]
        rounds = math.ceil(self.per_person / len(own))
        return np.concatenate([random.permutation(own) for _ in range(rounds)])[: self.per_person]


class Triples(Sampler):
    """Each image once as anchor, with two others: `[anchors, positives, negatives]`, `[3 B]`.

    Args:
        images: the images; `Images.of(..., least=2)`.
        batch: number of triples, B.
        mode: "any": an image of the same person, and an image of all other people's. "instance",
            as the published command line has it: both are images of the same person (maybe the
            same one), so that negatives come from the rest of the batch.
        seed: seed of all draws.
    """

    def __init__(self, images: Images, batch: int, mode: str = "any", seed: int = 0) -> None:
        super().__init__(images, batch, seed)
        one_of("mode", mode, MODES)
        self.mode = mode

    def _draw(self, random: np.random.Generator) -> Iterator[Rows]:
        for anchors in self._anchors(random):
            others = [self._others(int(anchor), random) for anchor in anchors]
            yield np.concatenate([anchors, *np.array(others, np.int64).T])

    def _others(self, anchor: int, random: np.random.Generator) -> tuple[int, int]:
        positive = self.images.other_of_person(anchor, random)
        if self.mode == "instance":
            return positive, self.images.other_of_person(anchor, random)
        return positive, self.images.of_others(anchor, random)


class Pairs(Sampler):
    """Pairs of images: of each anchor one of the same person, then `negatives` of others.

    A batch is `[first images, second images]`, `[2 B]`. The pairs of an anchor follow each other,
    as in the published code, and an epoch has N (1 + negatives) pairs.

    Args:
        images: the images; `Images.of(..., least=2)`.
        batch: number of pairs, B.
        negatives: number of pairs of different people for each pair of the same.
        seed: seed of all draws.
    """

    def __init__(self, images: Images, batch: int, negatives: int = 3, seed: int = 0) -> None:
        super().__init__(images, batch, seed)
        self.negatives = whole_number("negatives", negatives, 1, 1000)

    def __len__(self) -> int:
        return math.ceil(len(self.images.classes) * (1 + self.negatives) / self.batch)

    def _draw(self, random: np.random.Generator) -> Iterator[Rows]:
        order = random.permutation(len(self.images.classes))
        firsts = np.repeat(order, 1 + self.negatives)
        for start in range(0, len(firsts), self.batch):
            first = firsts[start : start + self.batch]
            second = [
                self.images.of_others(int(row), random)
                if (start + at) % (1 + self.negatives)
                else self.images.other_of_person(int(row), random)
                for at, row in enumerate(first)
            ]
            yield np.concatenate([first, np.array(second, np.int64)])
