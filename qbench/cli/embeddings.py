"""``qbench embeddings``: for models that run elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

EXAMPLES = "Example: `qbench embeddings list study.toml --benchmark facet --out to-embed`"

app = typer.Typer(help="Embeddings that are made elsewhere: a phone, a server, ONNX.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    pass  # with a callback a single command keeps its name


@app.command("list", epilog=EXAMPLES)
def command(
    spec: Annotated[str, typer.Argument(help="A TOML file, or a preset (see `qbench list`).")],
    out: Annotated[Path, typer.Option(help="The folder to write; it has to be new or empty.")],
    benchmark: Annotated[str, typer.Option(help="Only this one, by its label [default: all].")] = "",
) -> None:
    """Write what a spec embeds: images with their boxes, texts, preprocessing. Embeds nothing."""
    from rich.console import Console

    from qbench.execution.embedding_list import list_wanted
    from qbench.execution.progress import Bar
    from qbench.plugins.registry import installed
    from qbench.spec.read import read_spec

    console = Console(stderr=True)
    listed = list_wanted(read_spec(spec), out, registry=installed(), benchmark=benchmark, progress=Bar(console))
    for label, why in listed.unknown.items():
        console.print(f"{label}: its preprocessing is not listed: {why}", highlight=False, markup=False)
    for folder, (images, texts) in listed.counts.items():
        typer.echo(f"{out / folder}: {images:,} images, {texts:,} texts")
    typer.echo("Add a column `embedding` to each table and a manifest.json: see docs/embeddings.md.")
