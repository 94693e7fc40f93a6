"""Results → tables for other programs and for papers: CSV, Parquet, Markdown, LaTeX.

A section of a plugin may provide tables of its own (`qbench.api.ReportSection.tables`). They are exported under their
qualified name, ``plugin:name``.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from qbench.errors import InputError
from qbench.markup import latex_table, markdown_table
from qbench.plugins.records import ReportSection
from qbench.plugins.registry import Entry, installed
from qbench.report.formatting import MINUS, clean
from qbench.report.table_names import FORMATS, TABLES
from qbench.results import Results
from qbench.text import without_control

NAME = re.compile(r"[A-Za-z0-9][\w-]*")
FORMULA = ("=", "+", "-", "@", "\t", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""How a cell begins that a spreadsheet program takes for a formula; the last four are full-width signs."""
SIGNED_NUMBER = re.compile(r"[+-](?:\d[\d,]*(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?|-inf", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class PluginTables:
    """The tables that the sections of plugins provide for one run.

    Attributes
    ----------
    tables : mapping of str to pandas.DataFrame
        By qualified name, ``plugin:name``.
    failures : mapping of str to str
        The qualified name of a section whose tables could not be made → why.
    """

    tables: Mapping[str, pd.DataFrame]
    failures: Mapping[str, str]


def plugin_tables(results: Results, sections: Iterable[Entry[ReportSection]] | None = None) -> PluginTables:
    """Make the tables of plugins. A plugin that fails stops no other.

    Parameters
    ----------
    results : Results
        Of ``qbench.results.load``.
    sections : iterable of Entry, optional
        The sections with their plugins; the installed ones if not given.
    """
    tables: dict[str, pd.DataFrame] = {}
    failures: dict[str, str] = {}
    for entry in installed().report_sections() if sections is None else sections:
        if entry.record.tables is None:
            continue
        try:
            made = dict(entry.record.tables(results))
            wrong = [name for name, table in made.items() if not NAME.fullmatch(name) or not _is_table(table)]
            if wrong:
                raise TypeError(f"{wrong[0]!r} is not a name of letters, digits, _ and - with a DataFrame")
        except Exception as error:  # noqa: BLE001 - this is the code of a plugin
            failures[entry.qualified] = f"{type(error).__name__}: {error}"
        else:
            tables |= {f"{entry.plugin.name}:{name}": table for name, table in made.items()}
    return PluginTables(tables=tables, failures=failures)


def _is_table(value: object) -> bool:
    return isinstance(value, pd.DataFrame)


def export(
    results: Results,
    table: str = "metrics",
    format: str = "csv",
    sections: Iterable[Entry[ReportSection]] | None = None,
) -> bytes:
    """Write one table of a run.

    Parameters
    ----------
    results : Results
        Of ``qbench.results.load``.
    table : str
        One of `TABLES`, or a table that a statistic adds, or ``plugin:name`` for a table of a section of a plugin.
    format : {"csv", "parquet", "md", "latex"}
        CSV and Parquet contain the numbers in full precision, and nothing for an undetermined number. In CSV, an
        apostrophe stands before a text that a spreadsheet program would take for a formula, and control characters are
        written as ``\\u001b``. Markdown and LaTeX (for the package ``booktabs``) print six digits, and a dash for an
        undetermined number.
    sections : iterable of Entry, optional
        As in `plugin_tables`.

    Returns
    -------
    bytes
        The content of the file; text is in UTF-8.

    Raises
    ------
    qbench.errors.InputError
        There is no such table or format, a plugin failed to make the table, or a file of the run folder is damaged.
    """
    if format not in FORMATS:
        raise InputError(f"there is no format {format!r}", fix=f"Choose one of: {', '.join(FORMATS)}.")
    if table in TABLES:
        return written(getattr(results, table), format)
    if table in results.added_tables:
        return written(results.added_tables[table], format)
    added = plugin_tables(results, sections)
    if table not in added.tables:
        failed = "".join(f" The tables of {name} could not be made ({why})." for name, why in added.failures.items())
        fix = f"Choose one of: {', '.join([*TABLES, *results.added_tables, *added.tables])}.{failed}"
        raise InputError(f"there is no table {table!r}", fix=fix)
    return written(added.tables[table], format)


def written(frame: pd.DataFrame, format: str) -> bytes:
    """Write a table in one of `FORMATS`."""
    if format == "csv":
        return csv_text(frame).encode()
    if format == "parquet":
        buffer = io.BytesIO()
        frame.to_parquet(buffer, index=False)
        return buffer.getvalue()
    return (markdown(frame) if format == "md" else latex(frame)).encode()


def csv_text(frame: pd.DataFrame) -> str:
    """Print a table as CSV in which a spreadsheet program finds no formula."""
    inert = frame.copy(deep=False)
    for position, kind in enumerate(frame.dtypes):  # by position: two columns of a plugin may have one name
        if not pd.api.types.is_numeric_dtype(kind):
            inert.isetitem(position, frame.iloc[:, position].map(without_formula).array)
    return inert.rename(columns=without_formula).to_csv(index=False, lineterminator="\n")


def without_formula(value: Any) -> Any:
    """Put an apostrophe before a text that a spreadsheet program would take for a formula; numbers are kept.

    Control characters become visible, because a CSV is shown on terminals, too. Carriage returns become ends of lines:
    the standard library does not quote them, and readers end a row there, so that the text behind it would begin a
    cell. Source: OWASP, *CSV Injection*.

    Examples
    --------
    >>> without_formula("=1+1"), without_formula("-1.5"), without_formula("- old")
    ("'=1+1", '-1.5', "'- old")
    """
    if not isinstance(value, str):
        return value
    text = without_control(value.replace("\r\n", "\n").replace("\r", "\n"))
    return f"'{text}" if text.startswith(FORMULA) and not SIGNED_NUMBER.fullmatch(text) else text


def markdown(frame: pd.DataFrame) -> str:
    """Print a table as GitHub's Markdown, with every text inert."""
    return markdown_table(*_printed(frame, "–"))


def latex(frame: pd.DataFrame) -> str:
    """Print a table as LaTeX for ``booktabs``, with every text inert."""
    return latex_table(*_printed(frame, "--"))


def _printed(frame: pd.DataFrame, nothing: str) -> tuple[list[str], list[list[str]], list[bool]]:
    """The heads, the cells and which columns are numeric; `nothing` stands for an undetermined number."""
    rows = [[_print(x, nothing) for x in row] for row in frame.itertuples(index=False, name=None)]
    return [str(c) for c in frame.columns], rows, [pd.api.types.is_numeric_dtype(t) for t in frame.dtypes]


def _print(value: Any, nothing: str) -> str:
    if value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value)):
        return nothing
    if isinstance(value, float):
        text = f"{value:.6g}"
        return "0" if float(text) == 0 else text.replace("-", MINUS, 1) if value < 0 else text
    return " ".join(clean(str(value)).split())
