"""The changes and their noise floor: how much of each change the batches alone can cause."""

from __future__ import annotations

import math
from collections.abc import Iterator

from qbench.data.records import records
from qbench.metrics.interface import INDEX
from qbench.plugins.report_blocks import Block, Chart, Column, Entry, Heading, Section, Table, Text, name, number
from qbench.report import effect_rows, formatting
from qbench.report.charts.forest import forest
from qbench.report.palette import chart_name
from qbench.report.run_numbers import RunNumbers
from qbench.results.effects import NAMES

TITLE = "Batch noise"
NOT_MEASURED = (
    "Not measured in this run. Some quantizers scale a whole batch together, so the answer to an item depends on "
    "the other items in its batch. With noise = N in the spec, every cell is computed in N other orders, and this "
    "section shows how much of each change the batches alone can cause."
)
WITHIN = 2.0
"""Changes of at most so many standard deviations of the noise are marked (2: about 95 % of normal noise)."""
ROWS = 40
"""The number of rows of the chart."""


def section(numbers: RunNumbers) -> Section:
    """Make a chart and a table per benchmark: each change, and how far other orders move it."""
    whole = effect_rows.whole(numbers.results.noise)
    ends = numbers.results.effects[[*NAMES, *INDEX, "low", "high"]]
    whole = whole.merge(ends, on=[*NAMES, *INDEX], how="left", validate="one_to_one")
    blocks: list[Block] = []
    for benchmark in dict.fromkeys(whole["benchmark"]):
        rows = [_row(numbers, x) for x in records(whole[whole["benchmark"] == benchmark])]
        orders = int(whole.loc[whole["benchmark"] == benchmark, "orders"].max())
        heads = ["Change", f"{numbers.confidence} interval", "Noise (SD)", "Largest shift"]
        columns = [
            Column("Model"),
            Column("Quantizer"),
            Column("Number"),
            *(Column(h, True) for h in heads),
            Column(""),
        ]
        note = (
            f"The noise is measured over {orders} orders of the same items, for the baseline and the variant alike. "
            f"“Within the noise” marks a change of at most {WITHIN:g} standard deviations of this noise."
        )
        caption = f"{benchmark}: changes, and how much other batch orders move them"
        blocks.append(Heading(str(benchmark)))
        blocks += _chart(numbers, str(benchmark), orders)
        blocks.append(Table(caption=caption, columns=columns, rows=rows, note=note, closed=True))
    return Section("noise", TITLE, blocks or [Text(NOT_MEASURED, absent=True)])


def _chart(numbers: RunNumbers, benchmark: str, orders: int) -> Iterator[Chart]:
    """Draw the changes of the main numbers with their intervals, and the noise as a shaded area behind them."""
    measures = [m for grouped in (False, True) for m in numbers.measures(benchmark, grouped=grouped)[:1]]
    keys = [*NAMES, *INDEX]
    floor, effects = (effect_rows.whole(x) for x in (numbers.results.noise, numbers.results.effects))
    both = effects.merge(floor[[*keys, "noise_sd"]], on=keys, how="inner", validate="one_to_one")
    both = both[(both["benchmark"] == benchmark) & both["change"].notna() & both["noise_sd"].notna()]
    both = both.assign(margin=WITHIN * both["noise_sd"])
    for unit in dict.fromkeys(m.unit_of_change for m in measures):
        metrics = {m.metric for m in measures if m.unit_of_change == unit}
        rows = [
            r
            for r in records(both[both["metric"].isin(metrics)])
            if not numbers.unlabelled(benchmark, str(r["attribute"]), str(r["group"]))
        ]
        if not rows:
            continue
        rows.sort(key=lambda r: -abs(float(r["change"])))
        left = f" {len(rows) - ROWS:,} smaller changes are in the table." if len(rows) > ROWS else ""
        several = len(metrics) > 1
        yield Chart(
            name=chart_name("noise", benchmark, unit),
            title=f"{' and '.join(sorted(metrics))} on {formatting.isolated(benchmark)}: changes and the batch noise",
            words=(
                f"Forest plot of {formatting.count(min(len(rows), ROWS), 'change')}, the largest first, each with the "
                f"noise of {orders} orders behind it."
            ),
            spec=forest(
                [
                    effect_rows.mark(r, *(["metric"] if several else []), "where", "quantizer", "model")
                    for r in rows[:ROWS]
                ],
                unit,
                f"Change{unit and f', {unit}'}",
                band=f"Noise, {WITHIN:g} SD",
            ),
            note=(
                f"The shaded area is {WITHIN:g} standard deviations of the number over {orders} orders of the same "
                f"items. The batches alone can cause a change inside it.{left}"
            ),
        )


def _row(numbers: RunNumbers, found: dict[str, object]) -> list[Entry]:
    measure = numbers.measure(str(found["benchmark"]), str(found["metric"]))
    change, low, high, sd, most = (float(str(found[k])) for k in ("change", "low", "high", "noise_sd", "noise_max"))
    what = " ".join(str(found[k]) for k in ("metric", "attribute", "group") if found[k])
    scale = measure.scale
    places = 2 if scale > 1 else 4
    within = math.isfinite(sd) and abs(change) <= WITHIN * sd
    return [
        name(str(found["model"]), head=True),
        name(str(found["quantizer"]), head=True),
        name(what),
        number(formatting.bare(formatting.change(change, measure.unit))),
        number(formatting.interval(low, high, measure.unit) if math.isfinite(low) else ""),
        *(number(formatting.fixed(x * scale, places) if math.isfinite(x) else "undetermined") for x in (sd, most)),
        Entry("within the noise" if within else ""),
    ]
