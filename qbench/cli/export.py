"""``qbench export``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from qbench.cli.common import RUN, run_folder
from qbench.report.table_names import TABLES

EXAMPLES = (
    "Examples: `qbench export RUN > metrics.csv` | `qbench export RUN --table effects --format parquet --out e.parquet`"
    " | `qbench export RUN --table ablation --format latex`"
)


def command(
    run: Annotated[
        Path,
        typer.Argument(
            parser=run_folder, metavar="RUN", help=f"{RUN[:-1]}; for `tuning` and `diagnosis`, the folder of all runs."
        ),
    ],
    table: Annotated[
        str,
        typer.Option(
            help=f"The table: {', '.join(TABLES)}; or one that a statistic adds, or PLUGIN:NAME for one of a section.",
            autocompletion=lambda: list(TABLES),
        ),
    ] = "metrics",
    format_: Annotated[Literal["csv", "parquet", "md", "latex"], typer.Option("--format", help="The format.")] = "csv",
    out: Annotated[Path | None, typer.Option(help="The file [default: standard output].")] = None,
) -> None:
    """Write a tidy table of a run."""
    import sys

    from qbench.diagnosis.record import TABLE as DIAGNOSIS
    from qbench.diagnosis.record import diagnosis_table
    from qbench.report.tables import export, written
    from qbench.results import load
    from qbench.store.files import atomic
    from qbench.tuning.table import TABLE as TUNING
    from qbench.tuning.table import tuning_table

    of_folders = {TUNING: tuning_table, DIAGNOSIS: diagnosis_table}
    if table in of_folders:
        data = written(of_folders[table](run), format_)
    else:
        data = export(load(run), table=table, format=format_)
    if out is None:
        if sys.stdout.isatty():
            sys.stdout.write(data.decode(errors="replace"))  # on a terminal, what is in names has no effect
        else:
            sys.stdout.buffer.write(data)
        return
    with atomic(out) as temporary:
        temporary.write_bytes(data)
