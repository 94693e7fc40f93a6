"""Which items a run evaluates: those that are there, and of those the subset that was asked for."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from qbench.data.items import Items
from qbench.errors import DataError

SHOWN = 3


def present(items: Items, *, allow_missing: bool, where: str) -> tuple[Items, dict[str, Any]]:
    """Drop the items whose image is not on disk, if that is allowed; and say which groups they were of.

    Parameters
    ----------
    items : Items
        All items of the annotations.
    allow_missing : bool
        Whether to go on without them.
    where : str
        The benchmark, for the message.

    Returns
    -------
    items : Items
        Those with an image.
    missing : dict
        ``count``, ``of`` and ``by_group`` (attribute → group → count), JSON-able.

    Raises
    ------
    DataError
        Images are missing and `allow_missing` is false, or all are missing.
    """
    on_disk = {path: path.is_file() for path in {ref.path for ref in items.images}}
    there = np.array([on_disk[ref.path] for ref in items.images], dtype=bool)
    keep = there[items.table["image_index"].to_numpy()]
    gone = items.table[~keep]
    by_group = {a.name: gone[a.name].value_counts().sort_index().to_dict() for a in items.attributes}
    missing = {"count": len(gone), "of": len(items), "by_group": by_group if len(gone) else {}}
    if not len(gone):
        return items, missing
    absent = [str(ref.path) for ref, is_there in zip(items.images, there, strict=True) if not is_there]
    examples = ", ".join(absent[:SHOWN]) + (", …" if len(absent) > SHOWN else "")
    if not keep.any():
        raise DataError(f"none of the {len(items)} items has its image on disk ({examples})", where=where)
    if not allow_missing:
        groups = "; ".join(
            f"{name}: " + ", ".join(f"{group or 'no label'} {n}" for group, n in counts.items())
            for name, counts in by_group.items()
        )
        raise DataError(
            f"{len(gone)} of {len(items)} items have no image on disk ({examples})"
            + (f". Missing by group: {groups}" if groups else ""),
            where=where,
            fix="Complete the data, or set allow_missing = true for this benchmark; the report then counts them.",
        )
    return items.take(np.flatnonzero(keep)), missing


def limited(items: Items, limit: int | None) -> Items:
    """A fixed subset of at most `limit` items, spread over labels and groups in their true shares.

    Items are ordered by stratum (label and groups), by a hash of their id within it, and then every ``n / limit``-th
    is taken: each stratum is represented to within one item, the choice depends on ids only, and a run with the same
    limit always sees the same items. The order of the benchmark is kept.
    """
    if limit is None or limit >= len(items):
        return items
    table = items.table
    strata = table[["label", *(a.name for a in items.attributes)]].astype(str).agg("\x1f".join, axis=1)
    shuffled = [hashlib.sha256(str(i).encode()).hexdigest() for i in table["item"]]
    order = sorted(range(len(table)), key=lambda row: (strata.iloc[row], shuffled[row]))
    chosen = np.floor((np.arange(limit) + 0.5) * len(table) / limit).astype(np.int64)
    return items.take(np.sort(np.asarray(order, dtype=np.int64)[chosen]))
