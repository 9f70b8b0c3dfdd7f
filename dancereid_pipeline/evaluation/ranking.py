"""Ranks the gallery for a query: how many matches are nearer than each wrong image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .arrange import SortedImages

# The lowest bits of a distance that are rounded off. Of its 52 fraction bits 36 are left, so
# distances whose relative difference is below 1.5e-11 count as equal. The rounding error of a
# matrix product with 2,048 columns is about 1e-14, so it makes no equal distances different.
NOISE_BITS = 16


@dataclass(frozen=True)
class Ranked:
    """The ranked gallery of one query, as its scores need it.

    A wrong image that is as near as a match counts as nearer.

    Attributes:
        wrong_before: number of wrong images nearer than each match, nearest match first; int64
            `[M]`, ascending, M > 0.
        before: number of matches nearer than each image of the gallery, int64 `[N]`. It is M for
            images of the query's person, and for images at the query's frame, which CUHK03 leaves
            out.
        codes: index into `sizes` of each image's person, ascending; int64 `[N]`.
        sizes: number of images of each person in the gallery, without those at the query's frame;
            int64 `[P]`.
        tied: whether a wrong image is exactly as near as a match.
    """

    wrong_before: NDArray[np.int64]
    before: NDArray[np.int64]
    codes: NDArray[np.int64]
    sizes: NDArray[np.int64]
    tied: bool

    @property
    def match_ranks(self) -> NDArray[np.int64]:
        """Ranks of the matches in the gallery, counted from 0; int64 `[M]`, ascending."""
        return self.wrong_before + np.arange(len(self.wrong_before))

    def nearer(self, people: range) -> NDArray[np.int64]:
        """Counts the images of some people that are nearer than each match.

        Images at the query's frame do not count.

        Args:
            people: indices into `sizes`.

        Returns:
            int64 `[people, M]`; 0 for the query's own person.
        """
        start, stop = np.searchsorted(self.codes, (people.start, people.stop))
        columns = len(self.wrong_before) + 1
        cells = (self.codes[start:stop] - people.start) * columns + self.before[start:stop]
        counts = np.bincount(cells, minlength=len(people) * columns)
        return counts.reshape(len(people), columns)[:, :-1].cumsum(axis=1)


class Gallery:
    """The gallery of images, which is ranked for each query.

    Args:
        images: at least one image.

    Attributes:
        images: the images.
        people: person ids in the gallery, int64 `[P]`, ascending.
        norms: `|y|^2` of each image, float64 `[N]`.
        copies: indices of images that have the features of an image before them.
    """

    def __init__(self, images: SortedImages) -> None:
        self.images = images
        self.norms = np.einsum("nd,nd->n", images.rows, images.rows)
        self.people, self._starts, self._codes, self._sizes = np.unique(
            images.person_ids, return_index=True, return_inverse=True, return_counts=True
        )
        self._by_frame = np.argsort(images.frames, kind="stable")
        self._frames = images.frames[self._by_frame]
        self.copies = np.flatnonzero(images.originals != np.arange(len(images.originals)))

    @property
    def most_images(self) -> int:
        """The number of images of the person who has most."""
        return int(self._sizes.max())

    def ends(self) -> NDArray[np.int64]:
        """The indices of each person's first image, and of the one behind the last; `[P, 2]`."""
        return np.stack([self._starts, self._starts + self._sizes], axis=1)

    def products(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Computes `-2 x y`, `[q, N]`, of rows `[q, D]` with the gallery's rows."""
        products = (-2 * rows) @ self.images.rows.T
        # OpenBLAS rounds a product in up to three ways, which depend on its index in the matrix.
        # Images with equal features must have equal distances.
        if len(self.copies):
            products[:, self.copies] = products[:, self.images.originals[self.copies]]
        return products

    def distances(self, products: NDArray[np.float64], norm: float) -> NDArray[np.int64]:
        """Turns one query's products into whole numbers in the order of its distances.

        They are the rounded bits of `|x|^2 + |x - y|^2`. Its rounding errors are small compared
        with its value for all x and y; those of the distance alone are not. The bits of floats
        that are not negative, read as whole numbers, have the order of the floats.

        Args:
            products: `[N]`, from `products`; overwritten.
            norm: `|x|^2` of the query.

        Returns:
            int64 `[N]`, below 2^48.
        """
        products += self.norms
        products += 2 * norm
        bits = products.view(np.int64)
        bits += 1 << (NOISE_BITS - 1)
        bits >>= NOISE_BITS
        return bits

    def rank(
        self, products: NDArray[np.float64], norm: float, person_id: int, frame: int
    ) -> Ranked | None:
        """Ranks the gallery for one query.

        Only the matches are sorted: the scores need no more than the number of matches before
        each wrong image.

        Args:
            products: `[N]`, from `products`; overwritten.
            norm: `|x|^2` of the query.
            person_id: the query's person.
            frame: the query's frame.

        Returns:
            The ranked gallery; None if the query has no match.
        """
        own, left_out = self._own(person_id, frame)
        if own == left_out:
            return None
        distances = self.distances(products, norm)
        matches = np.concatenate(
            [distances[own.start : left_out.start], distances[left_out.stop : own.stop]]
        )
        matches.sort()
        count = len(matches)
        before = count_below(matches, distances)
        before[own] = count
        wrong_before = np.bincount(before, minlength=count + 1)[:-1].cumsum()
        wrong = np.flatnonzero(before < count)
        tied = bool((distances[wrong] == matches[before[wrong]]).any())
        same_frame = self._at_frame(frame)
        before[same_frame] = count
        sizes = self._sizes - np.bincount(self._codes[same_frame], minlength=len(self.people))
        return Ranked(wrong_before, before, self._codes, sizes, tied)

    def _own(self, person_id: int, frame: int) -> tuple[slice, slice]:
        """Slices of a person's images, and of those at this frame, which are left out."""
        code = int(np.searchsorted(self.people, person_id))
        if code == len(self.people) or self.people[code] != person_id:
            return slice(0, 0), slice(0, 0)
        start = int(self._starts[code])
        own = slice(start, start + int(self._sizes[code]))
        first, stop = np.searchsorted(self.images.frames[own], (frame, frame + 1))
        return own, slice(start + int(first), start + int(stop))

    def _at_frame(self, frame: int) -> NDArray[np.int64]:
        """Indices of the images at a frame."""
        first, stop = np.searchsorted(self._frames, (frame, frame + 1))
        return self._by_frame[first:stop]


def count_below(ordered: NDArray[np.int64], values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Does the same as `ordered.searchsorted(values)`, several times as fast for many values.

    A binary search takes about 50 ns for a value, since the processor cannot predict its branches.
    This function makes a table of about N cells of equal width, which holds how many of the
    ordered numbers are below each cell. It only searches for values that share a cell with an
    ordered number. With 22,637 distances of random features and 780 ordered numbers it takes
    0.17 ms instead of 1.0 ms.

    Args:
        ordered: int64 `[M]`, ascending, M > 0; within 2^62 of zero.
        values: int64 `[N]`, in any order.

    Returns:
        The number of `ordered` that are below each value, int64 `[N]`.
    """
    span = int(ordered[-1]) - int(ordered[0])
    shift = max(0, span.bit_length() - len(values).bit_length())
    # One cell more at each end, so that values beyond the ends share no cell.
    low, high = int(ordered[0]) - (1 << shift), int(ordered[-1]) + (1 << shift)
    cells = (values.clip(low, high) - low) >> shift
    counts = np.bincount((ordered - low) >> shift, minlength=((high - low) >> shift) + 1)
    found = (counts.cumsum() - counts)[cells]
    shared = np.flatnonzero(counts[cells])
    found[shared] = ordered.searchsorted(values[shared])
    return found
