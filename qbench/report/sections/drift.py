"""Drift by group: how far quantization moved the answers to the images, whatever the task."""

from __future__ import annotations

import math

from qbench.data.records import records
from qbench.plugins.report_blocks import Block, Chart, Column, Heading, Section, Table, Text, name, number
from qbench.report import formatting
from qbench.report.charts.dots import dots
from qbench.report.palette import chart_name
from qbench.report.run_numbers import RunNumbers

ROWS = 80
EXPLAINED = (
    "Drift is one minus the cosine between what the baseline and what the variant answered to the same image; where "
    "models are asked for embeddings, these are its two embeddings. 0 means that nothing moved. It needs no labels and "
    "no task. A group whose answers move more is at a higher risk in any task."
)


DECLARED = (
    "It is measured between a variant and the baseline of its own model. Comparisons that the spec declares have no "
    "drift: the embeddings of two checkpoints have no axes in common, and may differ in width."
)


def section(numbers: RunNumbers) -> Section:
    """Make one chart and one table per benchmark."""
    drift = numbers.results.drift
    if drift.empty:
        return Section(
            "drift",
            "Drift",
            [Text("This run has no variant whose answers, and those of its baseline, are stored.", absent=True)],
        )
    blocks: list[Block] = [Text(EXPLAINED), *([Text(DECLARED)] if numbers.results.declared else [])]
    quantizers = [str(q) for q in dict.fromkeys(drift["quantizer"])]
    for benchmark, frame in drift.groupby("benchmark", sort=False):
        blocks.append(Heading(str(benchmark)))
        where = formatting.isolated(str(benchmark))
        summaries = records(frame)
        rows = [
            {
                **{k: str(r[k]) for k in ("model", "quantizer", "attribute")},
                "category": ": ".join(str(x) for x in (r["attribute"], r["group"]) if x) or "all",
                **{"value": round(1 - r["mean"], 6), "low": round(1 - r["median"], 6), "high": round(1 - r["q05"], 6)},
                "said": (
                    f"mean {formatting.fixed(1 - r['mean'], 5)}, 95 % quantile {formatting.fixed(1 - r['q05'], 5)}"
                ),
                "n": f"{int(r['n']):,}",
            }
            for r in summaries
        ]
        models = list(dict.fromkeys(r["model"] for r in rows))
        blocks.append(
            Chart(
                name=chart_name("drift", benchmark),
                title=f"Drift on {where}: one minus the cosine",
                words=(
                    f"{formatting.count(len(rows), 'dot')} for {formatting.count(len(models), 'model')}; the numbers "
                    f"are in the table below."
                ),
                spec=dots(rows, quantizers, "1 − cosine", facet="model" if len(models) > 1 else ""),
                note="A dot is the mean; the line goes from the median to the 95 % quantile.",
            )
        )
        body = [
            [
                *(name(str(r[k]), head=True) for k in ("model", "quantizer")),
                name(": ".join(str(x) for x in (r["attribute"], r["group"]) if x) or "all"),
                number(formatting.fixed(1 - r["mean"], 5)),
                number(_interval(1 - r["high"], 1 - r["low"])),
                *(number(formatting.fixed(1 - r[k], 5)) for k in ("median", "q05")),
                number(f"{int(r['n']):,}"),
            ]
            for r in summaries[:ROWS]
        ]
        heads = [
            "Model",
            "Quantizer",
            "Groups",
            "Mean",
            f"{numbers.confidence} interval",
            "Median",
            "95 % quantile",
            "n",
        ]
        blocks.append(
            Table(
                caption=f"One minus the cosine on {where}",
                columns=[Column(h, i > 2) for i, h in enumerate(heads)],
                rows=body,
                left_out=max(0, len(summaries) - ROWS),
                left_out_note="`qbench export --table drift` has all",
                closed=True,
            )
        )
    return Section("drift", "Drift", blocks)


def _interval(low: float, high: float) -> str:
    ends = f"{formatting.fixed(low, 5)}, {formatting.fixed(high, 5)}"
    return f"[{ends}]" if math.isfinite(low) else formatting.UNDETERMINED
