"""Embedding drift by group: how far quantizing moved the images' embeddings, from the cosines that the run stored."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from qbench.runfolder.reader import Cell

COLUMNS = ["model", "quantizer", "benchmark", "attribute", "group", "n", "mean", "median", "q05"]
LOW = 0.05


def summarise_drift(folder: Path, files: Iterable[str], cells: Iterable[Cell]) -> pd.DataFrame:
    """Summarise the cosines between the baseline's and each variant's embedding of the same image.

    Parameters
    ----------
    folder : pathlib.Path
        The run folder.
    files : iterable of str
        The ``drift`` files that ``run.json`` names, each in the folder of its cell.
    cells : iterable of Cell
        The cells that are done.

    Returns
    -------
    pandas.DataFrame
        One row per variant × benchmark × group: ``n`` items, ``mean``, ``median`` and 5 % quantile (``q05``: the items
        that moved most) of the cosine. An empty attribute is all items. Items without a label to compare have rows too.

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
            rows += ({**cell.names, **row} for row in _rows(cell, path.stem))
    return pd.DataFrame(rows, columns=COLUMNS).astype({"n": "int64"})


def _rows(cell: Cell, stem: str) -> Iterator[dict[str, Any]]:
    attributes = cell.attributes
    table = cell.table(stem, columns=["cosine", *(a.name for a in attributes)])
    cosine = table["cosine"].to_numpy(dtype=np.float64)
    yield _row("", "", cosine)
    for attribute in attributes:
        column = table[attribute.name].astype("str").to_numpy(dtype=object)
        others = sorted({*column} - {*attribute.groups})
        for group in (*attribute.groups, *others):
            chosen = cosine[column == group]
            if len(chosen):
                yield _row(attribute.name, group, chosen)


def _row(attribute: str, group: str, cosine: npt.NDArray[np.float64]) -> dict[str, Any]:
    return {
        "attribute": attribute,
        "group": group,
        "n": len(cosine),
        "mean": float(np.nanmean(cosine)),
        "median": float(np.nanmedian(cosine)),
        "q05": float(np.nanquantile(cosine, LOW)),
    }
