"""What was really quantized: shares of the weights by tower, the control arms, the layers and their errors."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from qbench.data.records import records
from qbench.plugins.report_blocks import Block, Column, Entry, Section, Table, Text, name, number
from qbench.report import formatting
from qbench.report.run_numbers import RunNumbers
from qbench.results.controls import Control, find_controls

UNKNOWN = "unknown"
DECLARED = (
    "“Declared” marks precomputed embeddings: their author stated this coverage. None of it was measured here, and one "
    "entry may stand for several layers."
)


def section(numbers: RunNumbers) -> Section:
    """Make tables of the variants, their control arms, the layers with their errors, and the layers left out."""
    coverage = numbers.results.coverage
    if coverage.empty:
        return Section("coverage", "What was quantized", [Text("This run recorded no coverage.", absent=True)])
    blocks: list[Block] = [_shares(numbers), *_controls(numbers), *_by_layer(numbers), *_left_out(numbers)]
    return Section("coverage", "What was quantized", blocks)


def _shares(numbers: RunNumbers) -> Table:
    coverage = numbers.results.coverage
    towers = [t for t in dict.fromkeys(coverage["tower"]) if t != "all"]
    shares = {(x["model"], x["quantizer"], x["tower"]): x for x in records(coverage)}
    declared = (coverage["origin"] == "declared").any()
    rows: list[list[Entry]] = []
    for model, quantizer in dict.fromkeys(zip(coverage["model"], coverage["quantizer"], strict=True)):
        whole = shares[model, quantizer, "all"]
        parts = [shares.get((model, quantizer, t)) for t in towers]
        rows.append(
            [
                name(model, head=True),
                name(quantizer, head=True),
                number(formatting.value(whole["share"], "share")),
                *(number(formatting.value(p["share"], "share") if p else "") for p in parts),
                number(f"{whole['quantized_layers']:,} of {whole['layers']:,}"),
                number(formatting.fixed(whole["bits_per_weight"], 2)),
                number(_error(whole["median_error"])),
                number(_error(whole["max_error"])),
                number(_share(whole["sparsity"])),
                number(_megabytes(whole["model_bytes"])),
                number(_megabytes(whole["disk_bytes"])),
                *([Entry(whole["origin"])] if declared else []),
            ]
        )
    heads = [
        "Quantized weights",
        *(f"{t.capitalize()} tower" for t in towers),
        "Linear layers",
        "Bits per weight",
        "Median error",
        "Largest error",
        "Zero weights",
        "In memory",
        "Weight files",
    ]
    return Table(
        caption="Share of the Linear weights that is stored in fewer bits, or pruned",
        columns=[
            *(Column("Model"), Column("Quantizer"), *(Column(h, True) for h in heads)),
            *([Column("Known by")] if declared else []),
        ],
        rows=rows,
        note=(
            "Scales and other state of a quantization count as bits. Token embeddings, position embeddings and "
            "norms are not Linear layers. The error of a layer is ‖original − effective‖ / ‖original‖ over its "
            "weights, before the first forward pass; the median and the largest error are over the quantized "
            "layers. The weight files are "
            "those that were loaded." + (f" {DECLARED}" if declared else "")
        ),
        closed=len(rows) > 40,
    )


def _controls(numbers: RunNumbers) -> list[Table]:
    controls = find_controls(numbers.results.done)
    rows = [
        [name(model, head=True), name(quantizer, head=True), Entry(x.dtype or "?"), Entry(_control(x)), Entry(x.note)]
        for (model, quantizer), x in controls.items()
    ]
    if not rows:
        return []
    heads = ["Model", "Quantizer", "Type of the other layers", "Control", "What it does not match"]
    note = (
        "A quantizer leaves some layers unquantized, in a type that may differ from that of the baseline. Only a "
        "control arm, which casts to the same type and quantizes nothing, separates the effect of the cast from "
        "that of the quantization."
    )
    caption = "The control arm of each variant: what the cast alone does"
    return [
        Table(caption=caption, columns=[Column(h) for h in heads], rows=rows, note=note, closed=len(rows) > 40),
    ]


def _control(control: Control) -> str:
    if not control.name:
        return "none named"
    return control.label or f"{control.name}, not in this run"


def _by_layer(numbers: RunNumbers) -> Iterable[Table]:
    """Make one table per model, with one row per layer and one column per quantizer that changed something."""
    layers = numbers.results.layers
    touched = layers.loc[layers["quantized"].astype(bool), ["model", "quantizer"]].drop_duplicates()
    for model, group in touched.groupby("model", sort=False):
        quantizers = list(group["quantizer"])
        of_model = layers[(layers["model"] == model) & layers["quantizer"].isin(quantizers)]
        found = {(x["name"], x["quantizer"]): x for x in records(of_model)}
        rows: list[list[Entry]] = [
            [
                name(str(row["name"]), head=True),
                name(str(row["tower"])),
                number(f"{row['parameters']:,}"),
                *(number(_layer(found.get((row["name"], q)))) for q in quantizers),
            ]
            for row in records(of_model.drop_duplicates("name"))
        ]
        yield Table(
            caption=f"Error by layer: {formatting.isolated(str(model))}",
            columns=[
                *(Column("Layer"), Column("Tower"), Column("Weights", True)),
                *(Column(q, True) for q in quantizers),
            ],
            rows=rows,
            note="The relative error of the weights, and in brackets the signal-to-noise ratio in dB.",
            closed=True,
        )


def _layer(layer: dict[Any, Any] | None) -> str:
    if layer is None:
        return ""
    if not layer["quantized"]:
        return "left out"
    said = _error(layer["error"])
    return said if math.isnan(layer["snr"]) else f"{said} ({formatting.fixed(layer['snr'], 1)})"


def _error(error: float) -> str:
    return UNKNOWN if math.isnan(error) else formatting.fixed(error, 4)


def _share(share: float) -> str:
    return UNKNOWN if math.isnan(share) else formatting.value(share, "share")


def _megabytes(size: Any) -> str:
    return formatting.megabytes(float(size)) if isinstance(size, int) else UNKNOWN


def _left_out(numbers: RunNumbers) -> list[Table]:
    layers = numbers.results.layers
    touched = set(
        layers.loc[layers["quantized"].astype(bool), ["model", "quantizer"]].itertuples(index=False, name=None)
    )
    rows: list[list[Entry]] = []
    kept = layers[~layers["quantized"].astype(bool)]
    for (model, quantizer, tower, reason), group in kept.groupby(["model", "quantizer", "tower", "reason"], sort=False):
        if (model, quantizer) in touched:  # if nothing was quantized, no layer was left out
            names = [str(x) for x in group["name"]]
            entries = [name(str(model), head=True), name(str(quantizer), head=True), name(str(tower))]
            rows.append(
                [
                    *entries,
                    number(f"{len(names):,}"),
                    Entry(formatting.listing(names, 4)),
                    Entry(str(reason) or "not given"),
                ]
            )
    if not rows:
        return []
    heads = ["Model", "Quantizer", "Tower", "Layers", "Which", "Why"]
    columns = [Column(h, h == "Layers") for h in heads]
    return [Table(caption="Linear layers left as they were", columns=columns, rows=rows, closed=True)]
