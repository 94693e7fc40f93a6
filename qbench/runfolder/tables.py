"""The tables of a cell as declared types: which columns each has, of which kind, and how they are read and written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import pandas as pd
from pandas.api import types

from qbench.errors import InputError
from qbench.metrics.interface import INDEX
from qbench.metrics.keys import declared_names
from qbench.store.files import atomic


class Kind(StrEnum):
    """What a column holds."""

    TEXT = "text"
    METRIC = "names of metrics"
    WHOLE = "whole numbers"
    NUMBER = "numbers"
    FLAG = "true or false"

    def fits(self, column: pd.Series[Any]) -> bool:
        """Whether a column holds it; an empty column holds anything."""
        if not len(column):
            return True
        if self in (Kind.TEXT, Kind.METRIC):
            return _is_text(column) and (self is Kind.TEXT or _are_metrics(column))
        if self is Kind.WHOLE:
            return types.is_integer_dtype(column)
        if self is Kind.FLAG:
            return types.is_bool_dtype(column)
        return types.is_numeric_dtype(column) and not types.is_bool_dtype(column)


def _is_text(column: pd.Series[Any]) -> bool:
    dtype = column.dtype
    return bool(types.is_string_dtype(dtype.categories if isinstance(dtype, pd.CategoricalDtype) else column))


def _are_metrics(column: pd.Series[Any]) -> bool:
    try:
        declared_names(str(name) for name in column.unique())
    except ValueError:
        return False
    return True


@dataclass(frozen=True, kw_only=True)
class TableSchema:
    """The columns of a table.

    Attributes
    ----------
    columns : mapping
        Column → kind, of columns that are always there.
    optional : mapping
        Column → kind, of columns that need not be there. Any other column is the benchmark's own.
    unique : tuple of str
        Columns of which no two rows have the same values; empty where rows may be equal.
    """

    columns: Mapping[str, Kind]
    optional: Mapping[str, Kind] = field(default_factory=dict)
    unique: tuple[str, ...] = ()

    def complaints(self, table: pd.DataFrame, *, among: Sequence[str] | None = None) -> Iterator[str]:
        """What is wrong with a table, in words; of the columns `among` only, where these are given."""
        for name, kind in {**self.columns, **self.optional}.items():
            if among is not None and name not in among:
                continue
            if name not in table.columns:
                if name in self.columns:
                    yield f"the column {name!r} is missing"
            elif not kind.fits(table[name]):
                yield f"the column {name!r} does not hold {kind} (it is {table[name].dtype})"
        if self.unique and (among is None or {*self.unique} <= {*among}):
            repeated = table.duplicated(subset=list(self.unique))
            if repeated.any():
                row = table.loc[repeated, list(self.unique)].iloc[0]
                yield f"{' '.join(map(str, row)).strip()!r} is in it more than once"


ITEMS = TableSchema(
    columns={"item": Kind.TEXT},
    unique=("item",),
    optional={
        **dict.fromkeys(("image", "label", "prediction"), Kind.TEXT),
        "correct": Kind.FLAG,
        "rank": Kind.WHOLE,
        **dict.fromkeys(("margin", "runner_up_margin", "confidence"), Kind.NUMBER),
    },
)
"""The items of an outcome: one row per item, in the order of the benchmark."""

METRICS = TableSchema(
    columns={**dict.fromkeys(INDEX, Kind.TEXT), "metric": Kind.METRIC, "value": Kind.NUMBER, "n": Kind.WHOLE},
    unique=INDEX,
)
"""One row per number; an empty text is "all of them", a missing value is undetermined."""

NOISE = TableSchema(columns={**METRICS.columns, "order": Kind.TEXT}, unique=(*INDEX, "order"))
"""The same numbers, with the same items in other orders."""

RANKINGS = TableSchema(columns={"query": Kind.TEXT, "item": Kind.WHOLE})
"""One row per place of a ranking: positions in the table of items, query after query."""

DRIFT = TableSchema(columns={"item": Kind.TEXT, "cosine": Kind.NUMBER}, optional={"image": Kind.TEXT}, unique=("item",))
"""One row per item: the cosine between the baseline's and the variant's embedding of its image."""

TABLES: Mapping[str, TableSchema] = {
    "items": ITEMS,
    "metrics": METRICS,
    "noise": NOISE,
    "rankings": RANKINGS,
    "drift": DRIFT,
}
"""Name of a table → its columns. The file of a drift has a key behind its name."""


def schema_of(path: Path) -> TableSchema:
    """The declaration of the table that a file holds."""
    return TABLES[path.stem.partition("-")[0]]


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write one table, whole or not at all.

    Raises
    ------
    qbench.errors.InputError
        It lacks a column, or one holds something else than it should: the benchmark that made it has a fault.
    """
    _refuse(schema_of(path).complaints(table), f"{path.name}: a benchmark's table")
    write_parquet(path, table)


def read_table(path: Path, columns: Sequence[str] | None = None, *, fix: str = "") -> pd.DataFrame:
    """Read one table of a cell, or some of its columns.

    Raises
    ------
    qbench.errors.InputError
        The file is missing or damaged, or lacks a column, or one holds something else than it should.
    """
    table = read_parquet(path, columns, fix=fix)
    _refuse((f"the file is damaged: {x}" for x in schema_of(path).complaints(table, among=columns)), str(path), fix)
    return table


def read_parquet(path: Path, columns: Sequence[str] | None = None, *, fix: str = "") -> pd.DataFrame:
    """Read a Parquet file, whatever its columns are.

    Raises
    ------
    qbench.errors.InputError
        The file is missing or damaged, or lacks one of `columns`.
    """
    from pyarrow import parquet

    # As pandas reads it, but for the threads and the search for further files, which cost more than a small table.
    with _damage_said(path, fix):
        wanted = None if columns is None else list(columns)
        found: pd.DataFrame = parquet.read_table(path, columns=wanted, partitioning=None, use_threads=False).to_pandas()
        return found


def parquet_columns(path: Path, *, fix: str = "") -> list[str]:
    """The names of the columns of a Parquet file, without reading them; raises as `read_parquet` does."""
    from pyarrow import parquet

    with _damage_said(path, fix):
        return list(parquet.read_schema(path).names)


@contextmanager
def _damage_said(path: Path, fix: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise InputError("the file is missing", where=str(path), fix=fix) from None
    except Exception as error:
        raise InputError(f"the file is damaged: {error}", where=str(path), fix=fix) from error


def write_parquet(path: Path, table: pd.DataFrame) -> None:
    """Write a Parquet file, whole or not at all."""
    with atomic(path) as temporary:
        table.to_parquet(temporary, index=False, compression="zstd")


def _refuse(complaints: Iterable[str], where: str, fix: str = "") -> None:
    for what in complaints:
        raise InputError(what, where=where, fix=fix)
