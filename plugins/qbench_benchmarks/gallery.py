"""Which images are ranked (all, or a balanced gallery), and cut-offs that are shares of the gallery."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from qbench.api import DataError


def balanced(
    values: pd.Series[str], groups: Sequence[str], items: pd.Series[str], seed: int
) -> tuple[npt.NDArray[np.int64], int]:
    """Choose as many items of each group as the rarest one has.

    In each group, the items with the smallest ``SHA-256(seed:item)`` are chosen: the choice depends on the IDs and the
    seed only, not on the order of the file or on which other items there are.

    Parameters
    ----------
    values : pandas.Series
        ``(n,)``, the group of each item; items of no group are left out.
    groups : sequence of str
        The groups; those without an item cannot be balanced and are left out.
    items : pandas.Series
        ``(n,)``, the IDs.
    seed : int
        Another seed chooses other items.

    Returns
    -------
    rows : numpy.ndarray
        Positions of the chosen items, ascending.
    each : int
        How many there are of each group.

    Raises
    ------
    DataError
        Fewer than two groups have an item.
    """
    hashed = [hashlib.sha256(f"{seed}:{item}".encode()).hexdigest() for item in items]
    of_group = [np.flatnonzero(values.eq(group)) for group in groups]
    there = [rows for rows in of_group if len(rows)]
    if len(there) < 2:
        raise DataError("a gallery cannot be balanced: fewer than two groups have an image", where=str(values.name))
    each = min(map(len, there))
    chosen = [sorted(rows, key=lambda row: hashed[row])[:each] for rows in there]
    return np.sort(np.concatenate(chosen)).astype(np.int64), each


def cutoffs(ks: Iterable[int | str], n: int) -> dict[str, int]:
    """The cut-offs as counts: ``"10%"`` of `n` items is ``n / 10``, rounded half up, and at least 1."""
    return {
        str(k): k if isinstance(k, int) else max(1, int(np.floor(float(k.rstrip("%")) / 100 * n + 0.5))) for k in ks
    }
