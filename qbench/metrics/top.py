"""The best items of a gallery for each query, in one pass over the gallery and in memory that does not grow with it.

The gallery is read in blocks. Of each block only what is better than the `k` best so far is looked at again.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from qbench.metrics.blocks import BLOCK_BYTES, blocks
from qbench.metrics.interface import Similarity
from qbench.metrics.weights import Floats


def top_items(
    similarity: Similarity, k: int, rows: npt.NDArray[np.int64] | None = None, *, block_bytes: int = BLOCK_BYTES
) -> npt.NDArray[np.int32]:
    """The `k` most similar items of each query, best first; of equally similar items the first one ranks first.

    They are the first `k` columns of a stable sort of all similarities.

    Parameters
    ----------
    similarity : Similarity
        The similarity of items and queries.
    k : int
        How many, at least 1; all items where there are fewer.
    rows : numpy.ndarray, optional
        ``(n,)`` int, the items of the gallery, in its order; all items if not given.
    block_bytes : int
        Size of one block of similarities.

    Returns
    -------
    numpy.ndarray
        ``(queries, min(k, n))`` int32, positions in the gallery.
    """
    items, queries = similarity.shape
    gallery = np.arange(items) if rows is None else rows
    best = _Best(queries, min(k, len(gallery)))
    for start, stop in blocks(len(gallery), queries, block_bytes):
        asked = gallery[start:stop]
        first = int(asked.min())
        best.look(similarity.items(first, int(asked.max()) + 1)[asked - first], start)
    return best.items()


class _Best:
    """The best items of each query so far, with those that may be among them and have not been compared yet."""

    def __init__(self, queries: int, k: int) -> None:
        self._k, self._queries = k, queries
        self._limit = np.full(queries, -np.inf)
        """The score that an item has to exceed: one that equals it comes later in the gallery, and ranks behind."""
        self._found: list[tuple[npt.NDArray[np.int32], Floats, npt.NDArray[np.int32]]] = []
        self._waiting = 0

    def look(self, scores: Floats, first: int) -> None:
        """Look at a block ``(items, queries)`` of the gallery, which begins at its position `first`."""
        if first == 0 and len(scores) > self._k:
            worst = np.partition(scores, len(scores) - self._k, axis=0)[len(scores) - self._k]
            self._limit = np.nextafter(worst, -np.inf)  # of those equal to it too, which may be the first ones
        item, query = np.nonzero(scores > self._limit)
        self._found.append((query.astype(np.int32), scores[item, query], (item + first).astype(np.int32)))
        self._waiting += len(item)
        if self._waiting >= self._queries * self._k:
            self._compare()

    def items(self) -> npt.NDArray[np.int32]:
        """The best items of all that were looked at, ``(queries, k)``."""
        self._compare()
        return self._found[0][2].reshape(self._queries, self._k)

    def _compare(self) -> None:
        """Forget what is not among the best."""
        queries, scores, items = zip(*self._found, strict=True)
        query, score, item = np.concatenate(queries), np.concatenate(scores), np.concatenate(items)
        # Equal ones are in the order of the gallery already: those that were kept come first. So the sort is stable.
        order = np.lexsort((-score, query))
        query, score, item = query[order], score[order], item[order]
        starts = np.searchsorted(query, np.arange(self._queries + 1))
        kept = np.arange(len(query)) - starts[query] < self._k
        full = np.flatnonzero(np.diff(starts) >= self._k)
        self._limit[full] = score[starts[full] + self._k - 1]
        self._found, self._waiting = [(query[kept], score[kept], item[kept])], 0
