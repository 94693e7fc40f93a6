"""Charts for the sections of plugins, drawn like those of the built-in sections."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from qbench.data.records import records
from qbench.plugins.report_blocks import Chart
from qbench.report import effect_rows, formatting
from qbench.report.charts.forest import forest
from qbench.report.palette import chart_name

MOST_ROWS = 60
"""Rows that a forest plot shows; with more its labels can no longer be read on one screen."""


def forest_chart(
    effects: pd.DataFrame,
    *,
    name: Sequence[str],
    title: str,
    note: str = "",
    label: Sequence[str] = ("quantizer", "model", "where"),
) -> Chart:
    """A forest plot of changes: one row per change, with its interval, its margin and n.

    Parameters
    ----------
    effects : pandas.DataFrame
        Rows of ``results.effects`` in the order in which they are drawn, all in one unit; at least one. Of more than 60
        rows the first 60 are drawn.
    name : sequence of str
        What tells the chart from all others in the report, such as ``("cuts", "facet")``: its file is named after it.
    title : str
        The title.
    note : str
        A sentence below the chart: what it shows.
    label : sequence of str
        What the label of a row consists of: names of columns, and ``where`` for attribute, group and class.

    Returns
    -------
    Chart
        A block for the section.
    """
    rows = records(effects.head(MOST_ROWS))
    unit = str(rows[0]["unit"])
    unit_of_change = formatting.unit_of_change(unit)
    return Chart(
        name=chart_name(*name),
        title=title,
        words=f"Forest plot of {formatting.count(len(rows), 'change')}, one row per change. {note}".strip(),
        spec=forest(
            [effect_rows.mark(row, *label) for row in rows],
            unit,
            f"Change{unit_of_change and f', {unit_of_change}'}",
        ),
        note=note,
    )
