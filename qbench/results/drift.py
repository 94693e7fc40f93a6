"""Embedding drift by group: how far quantizing moved the images' embeddings, from the cosines that the run stored."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from qbench.runfolder.reader import Cell
from qbench.stats.group_means import group_means

COLUMNS = [
    *["model", "quantizer", "benchmark", "attribute", "group", "n", "mean", "median", "q05", "low", "high"],
    "p_groups",
]
LOW = 0.05


def summarise_drift(
    folder: Path, files: Iterable[str], cells: Iterable[Cell], confidence: float = 0.95
) -> pd.DataFrame:
    """Summarise the cosines between the baseline's and each variant's embedding of the same image.

    Parameters
    ----------
    folder : pathlib.Path
        The run folder.
    files : iterable of str
        The ``drift`` files that ``run.json`` names, each in the folder of its cell.
    cells : iterable of Cell
        The cells that are done.
    confidence : float
        Of the intervals.

    Returns
    -------
    pandas.DataFrame
        One row per variant × benchmark × group: ``n`` items, ``mean``, ``median`` and 5 % quantile (``q05``: the items
        that moved most) of the cosine. An empty attribute is all items. Items without a label to compare have rows too.
        ``low`` and ``high`` are the interval of the mean over images. ``p_groups``, the same in all rows of an
        attribute, tests whether its groups have one mean; items without a label have no part in it. No p-value is
        corrected. See `qbench.stats.group_means`.

    Raises
    ------
    qbench.errors.InputError
        A file is missing, damaged or lacks a column.
    """
    place = {cell.folder: cell for cell in cells}
    rows: list[dict[str, Any]] = []
    for name in files:
        path = PurePosixPath(name)
        cell = place.get(folder.joinpath(*path.parent.parts))
        if cell is not None:
            rows += ({**cell.names, **row} for row in _rows(cell, path.stem, confidence))
    return pd.DataFrame(rows, columns=COLUMNS).astype({"n": "int64"})


def _rows(cell: Cell, stem: str, confidence: float) -> Iterator[dict[str, Any]]:
    attributes = cell.attributes
    image = [name for name in ("image",) if name in cell.columns(stem)]
    table = cell.table(stem, columns=["cosine", *image, *(a.name for a in attributes)])
    cosine = table["cosine"].to_numpy(dtype=np.float64)
    # Without a column of images, each item has an image of its own.
    at = pd.factorize(table["image"])[0].astype(np.int64) if image else np.arange(len(table))
    everything = np.zeros(len(table), dtype=np.int64)
    yield from _of_groups("", [""], [], cosine, everything, at, confidence)
    for attribute in attributes:
        column = table[attribute.name].astype("str").to_numpy(dtype=object)
        others = sorted({*column} - {*attribute.groups})
        groups = [*attribute.groups, *others]
        code = pd.Categorical(column, categories=groups).codes.astype(np.int64)
        yield from _of_groups(attribute.name, list(attribute.groups), others, cosine, code, at, confidence)


def _of_groups(
    attribute: str,
    groups: list[str],
    others: list[str],
    cosine: npt.NDArray[np.float64],
    code: npt.NDArray[np.int64],
    image: npt.NDArray[np.int64],
    confidence: float,
) -> Iterator[dict[str, Any]]:
    """Rows of the groups and of what has no label to compare; the groups alone are tested."""
    every = [*groups, *others]
    means = group_means(cosine, code, image, len(every), confidence)
    tested = means if not others else group_means(cosine, np.where(code < len(groups), code, -1), image, len(groups))
    for at, group in enumerate(every):
        chosen = cosine[code == at]
        if len(chosen):
            yield {
                "attribute": attribute,
                "group": group,
                "n": len(chosen),
                "mean": float(np.nanmean(chosen)),
                "median": float(np.nanmedian(chosen)),
                "q05": float(np.nanquantile(chosen, LOW)),
                "low": float(means.low[at]),
                "high": float(means.high[at]),
                "p_groups": tested.p if at < len(groups) else np.nan,
            }
