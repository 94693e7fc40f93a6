"""``qbench new``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

EXAMPLES = "Examples: `qbench new quantizer my-method` | `qbench new dataset my-faces --dir ~/work`"

# The kinds of `qbench.scaffold`, repeated here so that `--help` does not import jinja2.
Kind = Literal["quantizer", "model", "benchmark", "dataset", "statistic", "section"]


def command(
    kind: Annotated[Kind, typer.Argument(help="What the plugin provides.")],
    name: Annotated[str, typer.Argument(help="Its name, such as my-method.")],
    dir_: Annotated[
        Path, typer.Option("--dir", help="The folder in which the new folder qbench-NAME is created.")
    ] = Path(),
) -> None:
    """Write a new plugin: a complete distribution with tests that pass, to be changed."""
    from qbench.scaffold import create
    from qbench.text import shell_command

    folder = create(kind, name, dir_)
    check = "pip install -e '.[test]' && qbench plugins --strict && pytest"
    typer.echo(f"Written: {folder}\nNext: {shell_command('cd', folder)} && {check}")
