"""``qbench new``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

EXAMPLES = "Examples: `qbench new quantizer my-method` | `qbench new dataset my-faces --dir ~/work`"

# The kinds of `qbench.scaffold`, which `--help` does not import.
Kind = Literal["quantizer", "model", "benchmark", "dataset", "section"]


def command(
    kind: Annotated[Kind, typer.Argument(help="What the plugin gives.")],
    name: Annotated[str, typer.Argument(help="Its name in a spec, such as my-method.")],
    dir_: Annotated[Path, typer.Option("--dir", help="Where the folder qbench-NAME is made.")] = Path(),
) -> None:
    """Write a plugin to start from: a distribution of its own with tests, which pass as it is."""
    from qbench.scaffold import create

    folder = create(kind, name, dir_)
    typer.echo(f"Written: {folder}\nNext: cd {folder} && pip install -e '.[test]' && qbench plugins --strict && pytest")
