"""ST-ReIDNet's sampling: positives far away in time, negatives of the same video."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..common.errors import DanceReIDError
from .samplers import Images, Rows, Sampler


class SpatioTemporal(Sampler):
    """Each image once as anchor: `[anchors, positives, negatives]`, `[3 B]`.

    With probability `rate`, the positive is an image of the same person, more than `skip` images
    away in time; and the negative is a random image of a random other person of the same video (of
    anybody else, if the person is alone there). Otherwise the positive is any other image of the
    person, and the negative any image of all other people's. A person with at most `2 skip + 1`
    images has a smaller skip: a fifth of the number of images, less one.

    Source: Ho, Shim, Wee, "Learning from Dances", 2020; the numbers are those of the published
    command line. Two faults of the published code shaped its results, and can be had:

    * `published_neighbours`: who shares a video is listed by person id, but looked up by class (0
      for the lowest person id of the split), and what is found is taken for classes. Of these
      negatives, 63 % are of the anchor's video (averaged over the 71 people of trainval).
    * `published_order`: images are sorted by person as text, by a method that does not keep
      their order in time.

    Args:
        images: the images; `Images.of(..., least=2)`.
        frames: the frame of each image, whole numbers `[N]`.
        videos: the people of each video, by person id; of all splits.
        batch: number of triples, B.
        rate: the probability above.
        skip: the number above.
        published_neighbours: see above.
        published_order: see above.
        seed: seed of all draws.

    Raises:
        DanceReIDError: `published_neighbours` looks up somebody who is not there.
    """

    def __init__(
        self,
        images: Images,
        frames: ArrayLike,
        videos: Iterable[Iterable[int]],
        batch: int,
        *,
        rate: float = 0.7,
        skip: int = 10,
        published_neighbours: bool = False,
        published_order: bool = False,
        seed: int = 0,
    ) -> None:
        super().__init__(images, batch, seed)
        self.rate, self.skip = rate, skip
        classes = range(len(images.person_ids))
        together = _together(videos)
        if published_neighbours:
            self.neighbours = [_published(together, index, len(classes)) for index in classes]
        else:
            self.neighbours = [_mended(together, images.person_ids, index) for index in classes]
        self._in_time = _in_time(images, np.asarray(frames), published_order)
        self._position = np.empty(len(images.classes), np.int64)  # of each image in its person's
        for own in self._in_time:
            self._position[own] = np.arange(len(own))

    def _draw(self, random: np.random.Generator) -> Iterator[Rows]:
        for anchors in self._anchors(random):
            others = [self._others(int(anchor), random) for anchor in anchors]
            yield np.concatenate([anchors, *np.array(others, np.int64).T])

    def _others(self, anchor: int, random: np.random.Generator) -> tuple[int, int]:
        if random.random() >= self.rate:
            positive = self.images.other_of_person(anchor, random)
            return positive, self.images.of_others(anchor, random)
        neighbours = self.neighbours[self.images.classes[anchor]]
        if not len(neighbours):
            return self._far(anchor, random), self.images.of_others(anchor, random)
        person = int(neighbours[random.integers(len(neighbours))])
        own = self.images.rows[person]
        return self._far(anchor, random), int(own[random.integers(len(own))])

    def _far(self, anchor: int, random: np.random.Generator) -> int:
        own, here = self._in_time[self.images.classes[anchor]], int(self._position[anchor])
        last = len(own) - 1
        # The published code has < here, and fails at the middle one of 21 images.
        skip = last // 5 if last <= 2 * self.skip else self.skip
        before, after = max(0, here - skip), max(0, last - here - skip)
        drawn = int(random.integers(before + after))
        return int(own[drawn if drawn < before else here + skip + 1 + drawn - before])


def _together(videos: Iterable[Iterable[int]]) -> dict[int, list[int]]:
    """For each person id those who share a video with it, without itself."""
    found: dict[int, list[int]] = {}
    for people in map(sorted, videos):
        for person in people:
            found[person] = [other for other in people if other != person]
    return found


def _mended(together: Mapping[int, Sequence[int]], ids: Rows, index: int) -> NDArray[np.int64]:
    others = np.array(together.get(int(ids[index]), []), np.int64)
    return np.flatnonzero(np.isin(ids, others))


def _published(together: Mapping[int, Sequence[int]], index: int, count: int) -> NDArray[np.int64]:
    others = np.array(together.get(index, []), np.int64)
    if not len(others) or others.max() >= count:
        raise DanceReIDError(
            f"published_neighbours: looks up person {index}, and those who share a video with it, "
            f"as people 0 to {count - 1} of the training split, and does not find them. It needs "
            "the published ids, as in the config 'published'. Use the preset 'mended'."
        )
    return others


def _in_time(images: Images, frames: NDArray[np.int64], published: bool) -> list[Rows]:
    """Each person's images, in order of time."""
    if not published:
        return [own[np.argsort(frames[own], kind="stable")] for own in images.rows]
    order = np.argsort(images.classes.astype(str))  # as published: its default method
    return [order[images.classes[order] == index] for index in range(len(images.rows))]
