"""One heat map of model × quantizer, in which the reader chooses the number."""

from __future__ import annotations

import math
from typing import Any

from qbench.data.records import records
from qbench.plugins.report_blocks import Chart, Section, Text
from qbench.report import effect_rows, formatting
from qbench.report.charts.heat_map import heat_map
from qbench.report.run_numbers import RunNumbers

NUMBERS = 120
"""How many numbers can be chosen; gaps and numbers over all items come before groups."""
STEPS = (0.15, 0.5)
"""The shares of the largest change from which the shade is darker; below one tenth of the first it is neutral."""


def section(numbers: RunNumbers) -> Section:
    """Make the heat map; the tables of the numbers are in the sections below."""
    effects = effect_rows.whole(numbers.results.effects)
    effects = effects[effects["change"].notna()]
    title = "Model × quantizer"
    if len(effects[["model", "quantizer"]].drop_duplicates()) < 2:
        return Section("grid", title, [Text("This run has fewer than two variants that are compared.", absent=True)])
    found: dict[str, list[dict[Any, Any]]] = {}
    for row in records(effects.sort_values("attribute", kind="stable")):
        what = " ".join(str(row[k]) for k in ("metric", "attribute", "group") if row[k])
        found.setdefault(f"{row['benchmark']}: {what}", []).append(row)
    shown = list(found)[:NUMBERS]
    rows = [cell for number in shown for cell in _cells(number, found[number])]
    left = (
        f" {formatting.count(len(found) - NUMBERS, 'more number is', 'more numbers are')} in the tables."
        if len(found) > NUMBERS
        else ""
    )
    chart = Chart(
        name="grid",
        title="Change of one number by model and quantizer",
        words=f"Heat map of {shown[0]}; with its script, the page lets you choose one of {len(shown):,} numbers.",
        spec=heat_map(rows, shown, list(dict.fromkeys(effects["quantizer"]))),
        note=(
            f"Orange is below zero, and blue is above; each number has a scale of its own.{left} The numbers are in "
            "the tables of “Accuracy” and “Fairness”."
        ),
    )
    return Section("grid", title, [chart])


def _cells(label: str, rows: list[dict[Any, Any]]) -> list[dict[Any, Any]]:
    largest = max(abs(r["change"]) for r in rows) or 1.0
    return [
        {
            "number": label,
            "model": str(r["model"]),
            "quantizer": str(r["quantizer"]),
            "shade": _shade(r["change"] / largest),
            "short": formatting.bare(formatting.change(r["change"], str(r["unit"]))),
            "said": effect_rows.signed(r),
            "verdict": str(r["verdict"]),
            "n": f"{int(r['n']):,}",
        }
        for r in rows
    ]


def _shade(share: float) -> int:
    size = abs(share)
    steps = 0 if size < STEPS[0] / 10 else 1 + sum(size > s for s in STEPS)
    return int(math.copysign(steps, share))
