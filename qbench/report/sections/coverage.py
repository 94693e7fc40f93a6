"""What was really quantized: shares of the weights by tower, and the layers that were left out."""

from __future__ import annotations

from qbench.report import numbers
from qbench.report.compare import Comparison
from qbench.report.view import Column, Entry, Section, Table, Text, name, number


def section(comparison: Comparison) -> Section:
    """A row a variant, and the layers left out with their reasons."""
    coverage = comparison.results.coverage
    if coverage.empty:
        return Section("coverage", "What was quantized", [Text("This run recorded no coverage.")])
    towers = [t for t in dict.fromkeys(coverage["tower"]) if t != "all"]
    shares = {(x["model"], x["quantizer"], x["tower"]): x for x in coverage.to_dict("records")}
    rows: list[list[Entry]] = []
    for model, quantizer in dict.fromkeys(zip(coverage["model"], coverage["quantizer"], strict=True)):
        whole = shares[model, quantizer, "all"]
        parts = [shares.get((model, quantizer, t)) for t in towers]
        rows.append(
            [
                name(model, head=True),
                name(quantizer, head=True),
                number(numbers.value(whole["share"], "share")),
                *(number(numbers.value(p["share"], "share") if p else "") for p in parts),
                number(f"{whole['quantized_layers']:,} of {whole['layers']:,}"),
                number(numbers.fixed(whole["bits_per_weight"], 2)),
                number(numbers.megabytes(whole["model_bytes"])),
            ]
        )
    heads = [
        "Quantized weights",
        *(f"{t.capitalize()} tower" for t in towers),
        "Linear layers",
        "Bits a weight",
        "Model",
    ]
    table = Table(
        caption="Share of the Linear weights that is stored in fewer bits",
        columns=[Column("Model"), Column("Quantizer"), *(Column(h, True) for h in heads)],
        rows=rows,
        note="Scales and other state of a quantization count as bits. Embeddings and norms are not Linear layers.",
        closed=len(rows) > 40,
    )
    return Section("coverage", "What was quantized", [table, *_left_out(comparison)])


def _left_out(comparison: Comparison) -> list[Table]:
    layers = comparison.results.layers
    touched = set(
        layers.loc[layers["quantized"].astype(bool), ["model", "quantizer"]].itertuples(index=False, name=None)
    )
    rows: list[list[Entry]] = []
    kept = layers[~layers["quantized"].astype(bool)]
    for (model, quantizer, tower, reason), group in kept.groupby(["model", "quantizer", "tower", "reason"], sort=False):
        if (model, quantizer) in touched:  # where nothing was quantized there is nothing to list
            names = [str(x) for x in group["name"]]
            entries = [name(str(model), head=True), name(str(quantizer), head=True), name(str(tower))]
            rows.append(
                [
                    *entries,
                    number(f"{len(names):,}"),
                    Entry(numbers.listing(names, 4)),
                    Entry(str(reason) or "not given"),
                ]
            )
    if not rows:
        return []
    heads = ["Model", "Quantizer", "Tower", "Layers", "Which", "Why"]
    columns = [Column(h, h == "Layers") for h in heads]
    return [Table(caption="Linear layers left as they were", columns=columns, rows=rows, closed=True)]
