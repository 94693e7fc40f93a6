"""``qbench inspect``."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import typer

EXAMPLES = (
    "Examples: `qbench inspect openai/ViT-B-32 --quantizer hf-int4` | "
    "`qbench inspect checkpoints/mine --quantizer hf-int8 --option towers=image --layers --format csv`"
)


def command(
    model: Annotated[str, typer.Argument(help="source/checkpoint as in a spec, or the folder of a CLIP checkpoint.")],
    quantizer: Annotated[str, typer.Option(help="A quantizer (see `qbench list quantizers`).")],
    option: Annotated[list[str] | None, typer.Option(help="name=value, as often as needed.")] = None,
    layers: Annotated[bool, typer.Option("--layers", help="A row a layer in place of a row a tower.")] = False,
    format_: Annotated[Literal["table", "csv", "json"], typer.Option("--format", help="Which format.")] = "table",
    device: Annotated[str, typer.Option(help="cpu, cuda or cuda:1.")] = "cpu",
) -> None:
    """Show what a quantizer does to a model, by tower or layer: bits, errors, bytes. Runs no benchmark."""
    from qbench.extension.registry import installed
    from qbench.results.coverage import layer_table, summarise
    from qbench.run.single import built
    from qbench.spec.words import read_model, read_quantizer

    wanted = read_model(model), read_quantizer(quantizer, option or ())
    with built(*wanted, device=device, registry=installed()) as made:
        rows = [(made.model.label, made.quantizer.label, made.variant.coverage)]
        frame = layer_table(rows) if layers else summarise(rows)
        facts = {"dtype": made.variant.dtype, "control": made.variant.control, "note": made.variant.note}
    if format_ == "csv":
        typer.echo(frame.to_csv(index=False, lineterminator="\n"), nl=False)
    elif format_ == "json":
        import json

        # pandas writes what is not known as null
        typer.echo(json.dumps({**facts, "rows": json.loads(frame.to_json(orient="records", double_precision=15))}))
    else:
        _print(frame, facts)


def _print(frame: Any, facts: dict[str, str]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=True)
    first = frame.iloc[0]
    console.print(Text(f"{first['model']} · {first['quantizer']}"))
    console.print(
        Text(f"other layers: {facts['dtype']}; control: {facts['control'] or 'none'}")
        + Text(f"; {facts['note']}" if facts["note"] else "")
    )
    columns = [c for c in frame.columns if c not in ("model", "quantizer")]
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(column, justify="right" if frame[column].dtype.kind in "iuf" else "left", no_wrap=True)
    for row in frame[columns].itertuples(index=False):
        table.add_row(*(Text(_word(value)) for value in row))
    console.print(table)


def _word(value: Any) -> str:
    if value is None or value != value:
        return "–"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
