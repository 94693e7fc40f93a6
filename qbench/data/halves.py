"""Two halves of a dataset: one to choose a configuration on, and one to confirm it on.

An image is in one half, however many items or copies of it there are, and the groups are spread evenly over both.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from qbench.data.items import Items
from qbench.errors import DataError


def in_first_half(items: Items, digests: Sequence[str], seed: int) -> npt.NDArray[np.bool_]:
    """Which items are in the first half.

    The images are dealt out one after the other, in an order that depends on their content and the seed only: each goes
    to the half that has fewer items of its groups (minimisation, Pocock and Simon 1975). So the halves differ by few
    items in the number of all items and in that of each group; of items without groups, in that of each class. Two
    benchmarks with the same images and groups are divided alike.

    Parameters
    ----------
    items : Items
        The items.
    digests : sequence of str
        The digest of each of ``items.images``; images with one digest stay together.
    seed : int
        Of the order.

    Returns
    -------
    numpy.ndarray
        ``(n,)``, True in the first half.
    """
    digest_of = np.asarray(digests, dtype=str)[items.table["image_index"].to_numpy()]
    groups = _groups(items)
    rows: dict[str, list[int]] = {}
    for row, digest in enumerate(digest_of):
        rows.setdefault(str(digest), []).append(row)
    more_in_first = np.zeros(int(groups.max(initial=0)) + 1, dtype=np.int64)
    first = np.zeros(len(items), dtype=bool)
    for shuffled, mine in sorted((hashlib.sha256(f"{seed}\0{d}".encode()).digest(), mine) for d, mine in rows.items()):
        of_image = groups[mine].ravel()
        lead = int(more_in_first[of_image].sum())
        chosen = lead < 0 or (lead == 0 and shuffled[0] % 2 == 0)
        first[mine] = chosen
        np.add.at(more_in_first, of_image, 1 if chosen else -1)
    return first


def _groups(items: Items) -> npt.NDArray[np.int64]:
    """The groups of each item as numbers, ``(n, 1 + attributes)``; the first column is that of all items."""
    names = [attribute.name for attribute in items.attributes] or ["label"]
    columns, used = [np.zeros(len(items), dtype=np.int64)], 1
    for name in names:
        _, codes = np.unique(items.table[name].astype(str).to_numpy(), return_inverse=True)
        columns.append(codes.astype(np.int64) + used)
        used = int(columns[-1].max(initial=used)) + 1
    return np.stack(columns, axis=1)


def half_of(
    items: Items, digests: Sequence[str], part: Literal["first", "second"], seed: int, *, where: str
) -> tuple[Items, tuple[str, ...]]:
    """One half of the items, see `in_first_half`.

    Parameters
    ----------
    items, digests, seed
        As for `in_first_half`.
    part : {"first", "second"}
        Which half.
    where : str
        The benchmark, for the message.

    Returns
    -------
    items : Items
        Its items, in the order of the dataset, with only the images that they need.
    digests : tuple of str
        The digest of each of these images.

    Raises
    ------
    DataError
        The half is empty: all items show one image.
    """
    rows = np.flatnonzero(in_first_half(items, digests, seed) == (part == "first"))
    if not len(rows):
        raise DataError(f"the {part} half has no items, because all items show one image", where=where)
    used = np.unique(items.table["image_index"].to_numpy()[rows])
    said = f"the {part} half of {len(items):,}, divided by image, evenly by group, with the seed {seed}"
    half = replace(items.take(rows), choices={**items.choices, "items": said})
    return half, tuple(digests[i] for i in used)
