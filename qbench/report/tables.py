"""Results → tables for other programs and for papers: CSV, Parquet, Markdown, LaTeX."""

from __future__ import annotations

import io
import math
from typing import Any

import pandas as pd

from qbench.errors import InputError
from qbench.markup import latex_table, markdown_table
from qbench.report.formatting import MINUS, clean
from qbench.results import Results

TABLES = (
    *("metrics", "effects", "populations", "flips", "exemplars", "squares", "variance", "tests", "items"),
    *("coverage", "cost", "noise", "drift", "speed", "cells"),
)
FORMATS = ("csv", "parquet", "md", "latex")


def export(results: Results, table: str = "metrics", format: str = "csv") -> bytes:
    """Write one table of a run.

    Parameters
    ----------
    results : Results
        Of ``qbench.results.load``.
    table : str
        One of `TABLES`.
    format : {"csv", "parquet", "md", "latex"}
        CSV and Parquet hold the numbers as they are (an undetermined one is empty); Markdown and LaTeX (which
        needs the ``booktabs`` package) print six digits, and a dash.

    Returns
    -------
    bytes
        The file's content; text is UTF-8.

    Raises
    ------
    qbench.errors.InputError
        There is no such table or format, or a file of the run folder is damaged.
    """
    if table not in TABLES:
        raise InputError(f"there is no table {table!r}", fix=f"Choose one of: {', '.join(TABLES)}.")
    if format not in FORMATS:
        raise InputError(f"there is no format {format!r}", fix=f"Choose one of: {', '.join(FORMATS)}.")
    frame: pd.DataFrame = getattr(results, table)
    if format == "csv":
        return frame.to_csv(index=False, lineterminator="\n").encode()
    if format == "parquet":
        buffer = io.BytesIO()
        frame.to_parquet(buffer, index=False)
        return buffer.getvalue()
    return (markdown(frame) if format == "md" else latex(frame)).encode()


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
