"""The few classes with which an image of ImageNet is compared, where a spec asks for fewer than all of them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from qbench.api import DataError, Similarity

Integers = npt.NDArray[np.int64]


def drawn(items: Sequence[str], own: Integers, names: Sequence[str], count: int, seed: int) -> Integers:
    """The candidates of each item: its own class and others, all of them in random order.

    The others are drawn evenly and without replacement, so that guessing is correct once in `count`. No two candidates
    have the same name. What is drawn for an item depends on the item and the classes only: it is the same for every
    model and every variant, whichever other items there are.

    Parameters
    ----------
    items : sequence of str
        The names of the n items.
    own : numpy.ndarray
        ``(n,)`` int, the class of each item.
    names : sequence of str
        What each class is called.
    count : int
        The number of candidates, from 2.
    seed : int
        Of the draws.

    Returns
    -------
    numpy.ndarray
        ``(n, count)`` int, classes.

    Raises
    ------
    DataError
        There are fewer different names.

    Examples
    --------
    >>> found = drawn(["a", "b"], np.array([0, 2]), ["tench", "hen", "sunglasses", "sunglasses"], 3, seed=0)
    >>> [sorted(row) for row in found.tolist()]
    [[0, 1, 2], [0, 1, 2]]
    """
    of_name: dict[str, int] = {}
    for number, name in enumerate(names):
        of_name.setdefault(name, number)
    if len(of_name) < count:
        raise DataError(
            f"candidates is {count}, and there are {len(of_name)} classes with different names",
            where="imagenet",
            fix='Set fewer candidates, or classes = "all".',
        )
    different = np.array(list(of_name.values()), dtype=np.int64)
    found = np.empty((len(items), count), dtype=np.int64)
    for row, (item, right) in enumerate(zip(items, own.tolist(), strict=True)):
        rng = np.random.default_rng(int.from_bytes(hashlib.sha256(f"{seed}/{item}".encode()).digest()))
        several = rng.choice(different, count, replace=False).tolist()
        others = [other for other in several if names[other] != names[right]]
        found[row] = rng.permutation([right, *others[: count - 1]])
    return found


class AmongCandidates:
    """The `Similarity` of items and their own candidates, from that of items and all classes.

    Parameters
    ----------
    similarity : Similarity
        One column for each class.
    candidates : numpy.ndarray
        ``(n, k)`` int, see `drawn`.
    """

    def __init__(self, similarity: Similarity, candidates: Integers) -> None:
        self._whole, self._candidates = similarity, candidates

    @property
    def shape(self) -> tuple[int, int]:
        """Number of items, number of candidates of each."""
        return self._candidates.shape[0], self._candidates.shape[1]

    def items(self, start: int, stop: int) -> npt.NDArray[np.float64]:
        """Rows ``start:stop`` → ``(stop - start, k)``."""
        return np.take_along_axis(self._whole.items(start, stop), self._candidates[start:stop], axis=1)

    def targets(self, start: int, stop: int) -> npt.NDArray[np.float64]:
        """Columns ``start:stop``, transposed → ``(stop - start, n)``."""
        return np.ascontiguousarray(self.items(0, len(self._candidates))[:, start:stop].T)
