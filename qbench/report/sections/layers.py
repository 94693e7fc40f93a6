"""The error of the weights by layer, in the order of the network."""

from __future__ import annotations

from qbench.data.records import records
from qbench.plugins.report_blocks import Block, Chart, Section, Text
from qbench.report import formatting
from qbench.report.charts.layer_errors import layer_errors
from qbench.report.palette import chart_name
from qbench.report.run_numbers import RunNumbers

MODELS = 4


def section(numbers: RunNumbers) -> Section:
    """Make one chart per model; the numbers are in the tables of “What was quantized”."""
    found = numbers.results.layers
    found = found[found["quantized"].astype(bool) & found["error"].notna()]
    if found.empty:
        return Section(
            "layers", "Weight error by layer", [Text("No error of a quantized layer is known.", absent=True)]
        )
    blocks: list[Block] = []
    order = [q for q in numbers.quantizers if q != numbers.results.baseline]
    models = [str(m) for m in dict.fromkeys(found["model"])]
    for model in models[:MODELS]:
        mine = found[found["model"] == model]
        place: dict[tuple[str, str], int] = {}
        rows = []
        for r in records(mine):
            tower = str(r["tower"])
            at = place.setdefault((tower, str(r["name"])), sum(t == tower for t, _ in place) + 1)
            rows.append(
                {
                    **{
                        "model": model,
                        "quantizer": str(r["quantizer"]),
                        "tower": f"{tower} tower",
                        "layer": str(r["name"]),
                    },
                    **{
                        "place": at,
                        "error": round(r["error"], 6),
                        "said": formatting.fixed(r["error"], 4),
                    },
                }
            )
        blocks.append(
            Chart(
                name=chart_name("layers", model),
                title=f"Relative error of the weights of {formatting.isolated(model)}, layer by layer",
                words=f"{formatting.count(len(rows), 'quantized layer')}; the numbers are in “Error by layer” below.",
                spec=layer_errors(rows, [str(q) for q in dict.fromkeys(mine["quantizer"])], order),
            )
        )
    if len(models) > MODELS:
        blocks.append(
            Text(f"{formatting.count(len(models) - MODELS, 'more model is', 'more models are')} in the tables below.")
        )
    return Section("layers", "Weight error by layer", blocks)
