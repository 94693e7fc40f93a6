"""Compare the tables of two runs, each read by the code that it belongs to.

::

    python tools/compare_runs.py export RUN FOLDER [--code CHECKOUT]
    python tools/compare_runs.py compare OLD NEW [--rename old=new] [--word "old=new"] [--rows N]

``export`` writes every table of a run folder as Parquet; with ``--code`` the qbench of another checkout reads the run
folder. ``compare`` reads two such folders of tables and prints, for each table, how many numbers were compared, the
largest difference of each column, and every text that differs. It exits with 1 where a metric is not equal bit for bit,
another number differs by more than 1e-12 (of its size where that is above 1), a text that is not prose differs, or rows
or columns are missing.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

TOLERANCE = 1e-12
"""Of a number of size 1 or less; of a larger one, relative to its size."""

_CELL = ["model", "quantizer", "benchmark"]
_NUMBER = [*_CELL, "metric", "attribute", "group", "class"]
KEYS: Mapping[str, list[str]] = {
    "metrics": _NUMBER,
    "effects": _NUMBER,
    "noise": _NUMBER,
    "populations": ["quantizer", "benchmark", "metric", "attribute", "group"],
    "flips": [*_CELL, "attribute", "group", "margin_bin"],
    "exemplars": ["quantizer", "benchmark", "item"],
    "squares": [*_CELL, "attribute", "group"],
    "variance": ["benchmark", "metric", "attribute", "factor"],
    "tests": ["reading", *_CELL, "metric", "attribute", "group", "of"],
    "items": [*_CELL, "item"],
    "coverage": ["model", "quantizer", "tower"],
    "layers": ["model", "quantizer", "name"],
    "drift": [*_CELL, "attribute", "group"],
    "cells": _CELL,
    "unpaired": _CELL,
}
"""The tables that are compared, and the columns that name a row of each."""

EXACT = ("metrics", "items", "noise", "coverage", "layers", "drift", "cells")
"""Tables that are compared bit for bit."""

PROSE = ("reason", "reason_exact", "why", "null", "family", "error")
"""Columns of sentences for readers: they may be put better, so a difference in them is shown but is no failure."""

MEASURED = ("seconds",)
"""Columns that differ from run to run."""

EXPORT = """
import sys
from pathlib import Path
import qbench
results, folder = qbench.load(sys.argv[1]), Path(sys.argv[2])
folder.mkdir(parents=True, exist_ok=True)
for name in sys.argv[3:]:
    table = getattr(results, name) if hasattr(results, name) else results.added_tables[name]
    table.to_parquet(folder / f"{name}.parquet", index=False)
print("exported by", Path(qbench.__file__).parent)
"""
"""Needs nothing but the public `qbench.load`, so that it runs with the code of any version."""


@dataclass(frozen=True, kw_only=True)
class ColumnDifference:
    """What differs in one column.

    Attributes
    ----------
    compared : int
        Rows that were compared; of numbers, those where at least one side is not NaN.
    largest : float
        Largest difference of two numbers (infinite where one is NaN and the other is not); NaN for texts.
    rows : pandas.DataFrame
        The rows that differ by more than the tolerance: ``old`` and ``new``, by the columns that name them.
    """

    compared: int
    largest: float
    rows: pd.DataFrame


@dataclass(frozen=True, kw_only=True)
class TableDifference:
    """What differs between two tables.

    Attributes
    ----------
    rows : int
        Rows that are in both.
    missing_columns : list of str
        Columns of the old table that the new one lacks.
    missing, added : list of tuple
        Rows that are in one of the tables only.
    columns : dict of str to ColumnDifference
        Every column that was compared.
    """

    rows: int
    missing_columns: list[str]
    missing: list[tuple[str, ...]]
    added: list[tuple[str, ...]]
    columns: dict[str, ColumnDifference] = field(default_factory=dict)

    def failures(self, prose: Collection[str] = PROSE) -> list[str]:
        """What is wrong, one line each; sentences for readers may differ."""
        found = [f"the column {name} is missing" for name in self.missing_columns]
        for what, rows in (("missing", self.missing), ("new", self.added)):
            found += [f"{len(rows)} rows are {what}, such as {' · '.join(map(str, rows[0]))}"] if rows else []
        return found + [
            f"{name}: {len(column.rows)} rows differ, such as\n{column.rows.head(5)}"
            for name, column in self.columns.items()
            if len(column.rows) and name not in prose
        ]


def compare_tables(
    old: pd.DataFrame,
    new: pd.DataFrame,
    keys: Sequence[str],
    *,
    tolerance: float = TOLERANCE,
) -> TableDifference:
    """Compare two tables; the order of rows and columns does not matter, and `new` may have more columns.

    Parameters
    ----------
    old, new : pandas.DataFrame
        The tables.
    keys : sequence of str
        The columns that name a row.
    tolerance : float
        Numbers may differ by this, or by this times their size; 0 is bit for bit. NaN equals NaN.
    """
    before, after = _indexed(old, keys), _indexed(new, keys)
    both = before.index.intersection(after.index)
    missing, added = (list(x.index.difference(both)) for x in (before, after))
    before, after = before.loc[both], after.loc[both]
    columns = [str(x) for x in before if x in after]
    return TableDifference(
        rows=len(both),
        missing_columns=[str(x) for x in before if x not in after],
        missing=missing,
        added=added,
        columns={x: _compare_column(before[x], after[x], tolerance) for x in columns},
    )


def _indexed(table: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """Rows by their names; rows of one name are told apart by their order."""
    named = table.astype(dict.fromkeys(keys, str))
    named = named.assign(**{"#": named.groupby(list(keys), sort=False).cumcount()})
    return named.set_index([*keys, "#"])


def _compare_column(old: pd.Series, new: pd.Series, tolerance: float) -> ColumnDifference:
    if old.dtype.kind in "biuf" and new.dtype.kind in "biuf":
        first, second = (x.to_numpy(np.float64, na_value=np.nan) for x in (old, new))
        gap = _gaps(first, second)
        compared = int((~(np.isnan(first) & np.isnan(second))).sum())
        different = gap > tolerance * np.maximum(1.0, np.abs(np.nan_to_num(first, posinf=1.0, neginf=1.0)))
    else:
        gap, compared = np.zeros(0), len(old)
        different = old.fillna("").astype(str).to_numpy() != new.fillna("").astype(str).to_numpy()
    rows = pd.DataFrame({"old": old[different], "new": new[different]})
    numeric = old.dtype.kind in "biuf"
    return ColumnDifference(
        compared=compared, largest=float(gap.max(initial=0.0)) if numeric else float("nan"), rows=rows
    )


def _gaps(first: npt.NDArray[np.float64], second: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Absolute differences: 0 between equals (NaN and infinity too), infinite between NaN and a number."""
    with np.errstate(invalid="ignore"):  # infinity minus infinity
        gap = np.abs(first - second)
    equal = (first == second) | (np.isnan(first) & np.isnan(second))
    return np.where(equal, 0.0, np.where(np.isnan(gap), np.inf, gap))


def export_tables(run: Path, folder: Path, code: Path | None) -> None:
    """Write the tables of a run folder, read by the installed qbench or by that of a checkout."""
    environment = dict(os.environ)
    if code is not None:
        environment["PYTHONPATH"] = os.pathsep.join([str(code.absolute()), str(code.absolute() / "plugins")])
    arguments = [str(run.absolute()), str(folder.absolute()), *KEYS]
    # not in this checkout's folder, whose qbench would be imported first
    subprocess.run([sys.executable, "-c", EXPORT, *arguments], env=environment, cwd=run, check=True)


def compare_folders(
    old: Path, new: Path, *, renamed: Mapping[str, str], words: Mapping[str, str], shown: int
) -> tuple[str, bool]:
    """Compare two folders of tables: a report to be printed, and whether all is equal.

    Parameters
    ----------
    old, new : pathlib.Path
        What `export_tables` wrote.
    renamed, words : mapping
        Old names of columns, and old texts, with their new ones.
    shown : int
        How many rows of a number or a text that differs are printed.
    """
    lines, numbers, equal = [], 0, True
    for table, keys in KEYS.items():
        before, after = (pd.read_parquet(x / f"{table}.parquet") for x in (old, new))
        before = (
            before.rename(columns=dict(renamed)).replace(dict(words)) if words else before.rename(columns=dict(renamed))
        )
        before = before.drop(columns=[x for x in MEASURED if x in before])
        found = compare_tables(before, after, keys, tolerance=0.0 if table in EXACT else TOLERANCE)
        failures = found.failures()
        equal &= not failures
        compared = sum(x.compared for x in found.columns.values() if not np.isnan(x.largest))
        numbers += compared
        lines += [f"\n{table}: {found.rows:,} rows, {compared:,} numbers {'DIFFERENT' if failures else 'equal'}"]
        lines += [f"  {x}" for x in failures if x.partition(":")[0] not in found.columns]
        for name, column in found.columns.items():
            if not np.isnan(column.largest) and column.largest > 0:
                lines.append(
                    f"  {name}: largest difference {column.largest:.3g}, {len(column.rows):,} beyond tolerance"
                )
            elif len(column.rows):
                lines.append(f"  {name}: {len(column.rows):,} of {column.compared:,} texts differ")
            if len(column.rows):
                lines += [f"    {x}" for x in _shown(column.rows, shown, numeric=not np.isnan(column.largest))]
    lines.append(
        f"\n{numbers:,} numbers compared: {'all equal within tolerance' if equal else 'there are differences'}"
    )
    return "\n".join(lines), equal


def _shown(rows: pd.DataFrame, limit: int, *, numeric: bool) -> list[str]:
    """Rows that differ; texts first counted by what became of what."""
    lines = []
    if not numeric:
        counts = Counter(zip(rows["old"].astype(str), rows["new"].astype(str), strict=True))
        lines += [f"{count:,} × {before!r} → {after!r}" for (before, after), count in counts.most_common()]
    for name, before, after in zip(rows.index[:limit], rows["old"], rows["new"], strict=False):
        lines.append(f"{' · '.join(str(x) for x in name[:-1])}: {before!r} → {after!r}")
    return lines if len(rows) <= limit else [*lines, f"… and {len(rows) - limit:,} more"]


def _pairs(given: Sequence[str]) -> dict[str, str]:
    return {old: new for old, _, new in (x.partition("=") for x in given)}


def main() -> int:
    """Run the command line; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    export = commands.add_parser("export", help="write the tables of a run folder")
    export.add_argument("run", type=Path)
    export.add_argument("folder", type=Path)
    export.add_argument("--code", type=Path, help="a checkout whose qbench reads the run folder")
    compare = commands.add_parser("compare", help="compare two folders of tables")
    compare.add_argument("old", type=Path)
    compare.add_argument("new", type=Path)
    compare.add_argument("--rename", action="append", default=[], metavar="OLD=NEW", help="a column's new name")
    compare.add_argument("--word", action="append", default=[], metavar="OLD=NEW", help="a text's new wording")
    compare.add_argument("--rows", type=int, default=5, help="rows printed for each column that differs [5]")
    given = parser.parse_args()
    if given.command == "export":
        export_tables(given.run, given.folder, given.code)
        return 0
    report, equal = compare_folders(
        given.old, given.new, renamed=_pairs(given.rename), words=_pairs(given.word), shown=given.rows
    )
    print(report)
    return 0 if equal else 1


if __name__ == "__main__":
    sys.exit(main())
