"""Which items a run evaluates: those whose image exists, and of those the subset that was asked for."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from qbench.data.items import Items
from qbench.errors import DataError
from qbench.images.locations import ImageLocation

SHOWN = 3
"""Missing images that a message names."""


def present(items: Items, *, allow_missing: bool, where: str) -> tuple[Items, dict[str, Any]]:
    """Leave out the items whose image is missing, if that is allowed, and count them by group.

    Parameters
    ----------
    items : Items
        All items of the annotations.
    allow_missing : bool
        Whether missing images are allowed.
    where : str
        The benchmark, for the message.

    Returns
    -------
    items : Items
        Those whose image exists.
    missing : dict
        ``count``, ``of`` and ``by_group`` (attribute → group → count), plain values for JSON.

    Raises
    ------
    DataError
        Images are missing and `allow_missing` is false, or all are missing.
    """
    exists = existing(items.images)
    keep = exists[items.table["image_index"].to_numpy()]
    gone = items.table[~keep]
    by_group = {a.name: gone[a.name].value_counts().sort_index().to_dict() for a in items.attributes}
    missing = {"count": len(gone), "of": len(items), "by_group": by_group if len(gone) else {}}
    if not len(gone):
        return items, missing
    absent = [image.where for image, found in zip(items.images, exists, strict=True) if not found]
    examples = ", ".join(absent[:SHOWN]) + (", …" if len(absent) > SHOWN else "")
    if not keep.any():
        raise DataError(f"the images of all {len(items)} items are missing ({examples})", where=where)
    if not allow_missing:
        groups = "; ".join(
            f"{name}: " + ", ".join(f"{group or 'no label'} {n}" for group, n in counts.items())
            for name, counts in by_group.items()
        )
        raise DataError(
            f"the images of {len(gone)} of {len(items)} items are missing ({examples})"
            + (f". Missing by group: {groups}" if groups else ""),
            where=where,
            fix="Complete the data, or set allow_missing = true for this benchmark; the report then counts them.",
        )
    return items.take(np.flatnonzero(keep)), missing


def existing(images: Sequence[ImageLocation]) -> npt.NDArray[np.bool_]:
    """Whether each image exists, ``(n,)``; each is looked up once, however many boxes are cut out of it."""
    wanted = {(image.source, image.key) for image in images}
    found = {(source, key): source.exists(key) for source, key in wanted}
    return np.array([found[image.source, image.key] for image in images], dtype=bool)


def limited(items: Items, limit: int | None) -> Items:
    """A fixed subset of at most `limit` items, spread over labels and groups in their true shares.

    Items are ordered by stratum (label and groups) and within it by a hash of their ID, and then every
    ``n / limit``-th is taken. So each stratum is represented to within one item, the choice depends on nothing but the
    IDs, and runs with the same limit always evaluate the same items. They stay in the order of the benchmark.
    """
    if limit is None or limit >= len(items):
        return items
    table = items.table
    strata = table[["label", *(a.name for a in items.attributes)]].astype(str).agg("\x1f".join, axis=1)
    shuffled = [hashlib.sha256(str(i).encode()).hexdigest() for i in table["item"]]
    order = sorted(range(len(table)), key=lambda row: (strata.iloc[row], shuffled[row]))
    chosen = np.floor((np.arange(limit) + 0.5) * len(table) / limit).astype(np.int64)
    return items.take(np.sort(np.asarray(order, dtype=np.int64)[chosen]))
