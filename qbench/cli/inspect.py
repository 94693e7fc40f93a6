"""``qbench inspect``."""

from __future__ import annotations

from numbers import Integral
from typing import Annotated, Any, Literal

import typer

EXAMPLES = (
    "Examples: `qbench inspect openai/ViT-B-32 --quantizer hf-int4` | "
    "`qbench inspect checkpoints/mine --quantizer hf-int8 --option towers=image --layers --format csv`"
)


WHOLE = ("model", "quantizer", "total_parameters", "model_bytes", "disk_bytes", "origin")
HEADS = {"quantized_layers": "quantized", "bits_per_weight": "bits", "median_error": "error", "max_error": "worst"}
"""Short heads of columns, so that a row fits into a terminal of 80 columns."""


def command(
    model: Annotated[str, typer.Argument(help="source/checkpoint as in a spec, or the path of a checkpoint.")],
    quantizer: Annotated[str, typer.Option(help="A quantizer (see `qbench list quantizers`).")],
    option: Annotated[
        list[str] | None, typer.Option(help="An option of the quantizer, as name=value; repeatable.")
    ] = None,
    model_option: Annotated[
        list[str] | None, typer.Option(help="An option of the model, as name=value; repeatable.")
    ] = None,
    layers: Annotated[bool, typer.Option("--layers", help="One row per layer instead of one row per tower.")] = False,
    format_: Annotated[Literal["table", "csv", "json"], typer.Option("--format", help="The format.")] = "table",
    device: Annotated[str, typer.Option(help="cpu, cuda, or one GPU, such as cuda:1.")] = "cpu",
) -> None:
    """Show what a quantizer does to a model, by tower or by layer: bits, weight errors, bytes. Runs no benchmark."""
    from qbench.execution.model_names import find_model
    from qbench.execution.single import built
    from qbench.plugins.registry import installed
    from qbench.results.coverage import layer_table, summarise
    from qbench.spec.words import read_options, read_quantizer

    registry = installed()
    wanted = find_model(model, registry, read_options(model_option or (), where="--model-option"))
    with built(wanted, read_quantizer(quantizer, option or ()), device=device, registry=registry) as made:
        rows = [(made.model.label, made.quantizer.label, made.variant.coverage)]
        frame = layer_table(rows) if layers else summarise(rows)
        facts = {"dtype": made.variant.dtype, "control": made.variant.control, "note": made.variant.note}
    if format_ == "csv":
        from qbench.report.tables import csv_text

        typer.echo(csv_text(frame), nl=False)
    elif format_ == "json":
        import json

        # pandas writes an unknown value as null
        typer.echo(json.dumps({**facts, "rows": json.loads(frame.to_json(orient="records", double_precision=15))}))
    else:
        _print(frame, facts)


def _print(frame: Any, facts: dict[str, str]) -> None:
    from rich.table import Table
    from rich.text import Text

    from qbench.terminal.console import Terminal
    from qbench.text import bytes_in_words

    console = Terminal(soft_wrap=True)
    first = frame.iloc[0]
    console.print(Text(f"{first['model']} · {first['quantizer']}"))
    console.print(Text(f"other layers: {facts['dtype']}; control: {facts['control'] or 'none'}"))
    if facts["note"]:
        console.print(Text(facts["note"]), soft_wrap=False)
    if "total_parameters" in frame:  # these are the same in every row; an unknown value is NA or NaN
        memory, disk = (
            bytes_in_words(int(x)) if isinstance(x, Integral) else "not known"
            for x in first[["model_bytes", "disk_bytes"]]
        )
        count = f"{first['total_parameters']:,} parameters" if first["total_parameters"] else "parameters not known"
        console.print(f"{count}, {memory} in memory; read from {disk} on disk")
        if first["origin"] == "declared":
            console.print("These facts were declared with the embeddings; qbench measured none of them.")
    columns = [c for c in frame.columns if c not in WHOLE]
    table = Table(box=None, padding=(0, 1, 0, 0))
    for column in columns:
        right = frame[column].dtype.kind in "iuf"
        table.add_column(HEADS.get(column, column), justify="right" if right else "left", no_wrap=True)
    for row in frame[columns].itertuples(index=False):
        table.add_row(*(Text(_word(value)) for value in row))
    console.print(table)


def _word(value: Any) -> str:
    if value is None or value != value:
        return "–"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
