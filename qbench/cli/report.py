"""``qbench report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

EXAMPLES = "Example: `qbench report qbench-runs/demo --out demo.html`"


def command(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    out: Annotated[Path | None, typer.Option(help="The HTML file [default: RUN/report.html].")] = None,
) -> None:
    """Write the HTML report of a run: one file, no network, no model needed."""
    from qbench.report.html import render
    from qbench.results import load

    typer.echo(f"Report: {render(load(run), out if out is not None else run / 'report.html')}")
