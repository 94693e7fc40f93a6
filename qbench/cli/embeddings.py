"""``qbench embeddings``: for models that run in another program."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

EXAMPLES = "Example: `qbench embeddings list study.toml --benchmark facet --out to-embed`"

app = typer.Typer(
    help="Embeddings computed by another program: on a phone, on a server, in ONNX.", no_args_is_help=True
)


@app.callback()
def _group() -> None:
    pass  # without a callback, typer would drop the name of the only command


@app.command("list", epilog=EXAMPLES)
def command(
    spec: Annotated[str, typer.Argument(help="A TOML file, or the name of a preset (see `qbench list presets`).")],
    out: Annotated[Path, typer.Option(help="The folder to write; it must be new or empty.")],
    benchmark: Annotated[str, typer.Option(help="List only the benchmark with this label [default: all].")] = "",
) -> None:
    """Write lists of what a spec embeds: images with their boxes, texts, preprocessing. Computes no embeddings."""
    from qbench.execution.embedding_list import list_wanted
    from qbench.execution.progress import Bar
    from qbench.plugins.registry import installed
    from qbench.spec.read import read_spec
    from qbench.terminal.console import Terminal
    from qbench.text import counted

    console = Terminal(stderr=True)
    listed = list_wanted(read_spec(spec), out, registry=installed(), benchmark=benchmark, progress=Bar(console))
    for label, why in listed.unknown.items():
        console.print(f"{label}: the preprocessing is not listed, because {why}")
    for folder, (images, texts) in listed.counts.items():
        typer.echo(f"{out / folder}: {counted(images, 'image')}, {counted(texts, 'text')}")
    typer.echo("Next: add a column `embedding` to each table, and a manifest.json. See docs/embeddings.md.")
