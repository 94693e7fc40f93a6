"""A stored table compared with the same table made again."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import numpy.typing as npt
import pandas as pd

from qbench.metrics.interface import INDEX
from qbench.results.recompute import ABSOLUTE, RELATIVE

NAMES = ("model", "quantizer", "benchmark", *INDEX)
"""The columns by which a row is named, of those that a table has."""


def table_differences(stored: pd.DataFrame, again: pd.DataFrame) -> list[str]:
    """What differs between a stored table and one that was made again, one sentence per value.

    Numbers are compared within the rounding of sums in another order (`qbench.results.recompute`), all else exactly.

    Examples
    --------
    >>> stored = pd.DataFrame({"model": ["a", "b"], "verdict": ["worse", "equivalent"], "change": [-0.25, 0.0]})
    >>> table_differences(stored, stored.assign(change=[-0.25, 1e-15]))
    []
    >>> stored_with_gaps = stored.assign(direction=["up", None])
    >>> table_differences(stored_with_gaps, stored_with_gaps)
    []
    >>> table_differences(stored, stored.assign(verdict=["worse", "worse"]))
    ["b: verdict is stored as 'equivalent'; computed again, it is 'worse'"]
    """
    again = _read_back(again)
    if list(stored.columns) != list(again.columns):
        other = sorted({*stored.columns} ^ {*again.columns})
        return [f"its columns are not those that are computed again ({', '.join(map(repr, other)) or 'another order'})"]
    if len(stored) != len(again):
        return [f"it has {len(stored):,} rows; computed again, there are {len(again):,}"]
    return [
        f"{_row(stored, int(row))}: {name} is stored as {_shown(was[row])}; computed again, it is {_shown(now[row])}"
        for name in stored.columns
        for was, now in [(stored[name].to_numpy(), again[name].to_numpy())]
        for row in np.flatnonzero(~_same(stored[name], again[name]))
    ]


def _read_back(table: pd.DataFrame) -> pd.DataFrame:
    """The table as it is when it was written and read."""
    file = BytesIO()
    table.to_parquet(file, index=False)
    return pd.read_parquet(file)


def _same(was: pd.Series[str], now: pd.Series[str]) -> npt.NDArray[np.bool_]:
    if all(pd.api.types.is_numeric_dtype(x) and not pd.api.types.is_bool_dtype(x) for x in (was, now)):
        a, b = (x.to_numpy(np.float64, na_value=np.nan) for x in (was, now))
        return np.asarray(np.isclose(a, b, rtol=RELATIVE, atol=ABSOLUTE, equal_nan=True))
    missing = (was.isna() & now.isna()).to_numpy(dtype=bool)  # a missing text is not equal to itself
    return np.asarray(missing | (was.astype(str).to_numpy() == now.astype(str).to_numpy()), dtype=bool)


def _row(table: pd.DataFrame, row: int) -> str:
    names = [str(table[name].iloc[row]) for name in NAMES if name in table]
    return " ".join(name for name in names if name) or f"row {row + 1}"


def _shown(value: object) -> str:
    return f"{value:.12g}" if isinstance(value, float) else repr(value)
