"""The orders in which items go through an encoder.

A quantizer that looks at the whole batch gives an item another embedding beside other items. The dataset's own order is
the experiment; seeded shuffles of it measure how much of a result the batches alone make.
"""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt

DATASET = "dataset"


def shuffle(i: int) -> str:
    """The name of the `i`-th other order, counted from 1."""
    return f"shuffle-{i}"


def positions(order: str, count: int) -> npt.NDArray[np.int64]:
    """The order in which `count` items are embedded: a permutation that depends on its name and the count only.

    Raises
    ------
    ValueError
        The order is not one of ``dataset``, ``shuffle-1``, ``shuffle-2``, ….
    """
    if order == DATASET:
        return np.arange(count, dtype=np.int64)
    kind, _, number = order.partition("-")
    if kind != "shuffle" or not number.isdecimal():
        raise ValueError(f"there is no order {order!r}")
    seed = int.from_bytes(hashlib.sha256(f"{order}/{count}".encode()).digest()[:8])
    return np.random.default_rng(seed).permutation(count).astype(np.int64)
