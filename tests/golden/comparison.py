"""Comparing a table with its golden version: rows by name, numbers by size, words as they are."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd

TOLERANCE = 1e-12
"""Of a number of size 1 or less; of a larger one, relative to its size."""

KEYS = {
    "metrics": ["model", "quantizer", "benchmark", "metric", "attribute", "group", "class"],
    "items": ["model", "quantizer", "benchmark", "item"],
    "effects": ["model", "quantizer", "benchmark", "metric", "attribute", "group", "class"],
    "populations": ["quantizer", "benchmark", "metric", "attribute", "group"],
    "flips": ["model", "quantizer", "benchmark", "attribute", "group", "margin_bin"],
    "exemplars": ["quantizer", "benchmark", "item"],
    "squares": ["model", "quantizer", "benchmark", "attribute", "group"],
    "variance": ["benchmark", "metric", "attribute", "factor"],
}
"""The columns that name a row."""

PROSE = ("reason", "why", "null", "family")
"""Columns of sentences for readers: they may be put better."""


def differences(
    golden: pd.DataFrame,
    today: pd.DataFrame,
    keys: list[str],
    *,
    tolerance: float = TOLERANCE,
    filled: Collection[str] = (),
) -> dict[str, pd.DataFrame]:
    """Where two tables differ: by column, the rows with both values. Empty if they agree.

    Parameters
    ----------
    golden, today : pandas.DataFrame
        The tables; the order of rows and columns does not matter, and `today` may have more columns.
    keys : list of str
        The columns that name a row.
    tolerance : float
        Numbers may differ by this, or by this times their size; 0 is bit for bit. NaN equals NaN.
    filled : collection of str
        Columns that are compared only where `golden` has a number.

    Raises
    ------
    AssertionError
        A row or a column is missing, is there twice, or is new.
    """
    missing = set(golden) - set(today)
    assert not missing, f"columns are missing: {sorted(missing)}"
    before, after = (frame.set_index(keys).sort_index() for frame in (golden, today))
    assert before.index.is_unique
    assert after.index.is_unique
    missing, new = before.index.difference(after.index), after.index.difference(before.index)
    assert not len(missing), f"{len(missing)} rows are missing, first {missing[0]}"
    assert not len(new), f"{len(new)} rows are new, first {new[0]}"
    found = {}
    for column in before.columns.difference(PROSE):
        same = _same(before[column], after[column], tolerance)
        if column in filled:
            same |= before[column].isna().to_numpy()
        if not same.all():
            found[column] = pd.DataFrame({"golden": before[column][~same], "today": after[column][~same]})
    return found


def _same(golden: pd.Series, today: pd.Series, tolerance: float) -> np.ndarray:
    if golden.dtype.kind not in "biuf":
        return golden.fillna("").astype(str).to_numpy() == today.fillna("").astype(str).to_numpy()
    first, second = golden.to_numpy(np.float64, na_value=np.nan), today.to_numpy(np.float64, na_value=np.nan)
    with np.errstate(invalid="ignore"):  # infinity minus infinity
        near = np.abs(first - second) <= tolerance * np.maximum(1.0, np.abs(first))
    return near | (first == second) | (np.isnan(first) & np.isnan(second))
