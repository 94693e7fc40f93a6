"""``qbench doctor``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from qbench.cli.common import run_folder

EXAMPLES = "Examples: `qbench doctor` | `qbench doctor --bundle report.zip --run qbench-runs/study`"


def command(
    bundle: Annotated[
        Path | None,
        typer.Option(
            help="Write a ZIP archive for a bug report: versions, environment, and with --run the records and logs of "
            "a run, without images and secrets. Its content is listed before."
        ),
    ] = None,
    run: Annotated[
        Path | None,
        typer.Option(parser=run_folder, metavar="RUN", help="The run whose records and logs the archive has."),
    ] = None,
) -> None:
    """Check whether this machine is ready. Exit code 1 if something that qbench needs is broken."""
    from tempfile import TemporaryDirectory

    from rich.text import Text

    from qbench.doctor import checks
    from qbench.errors import InputError
    from qbench.execution.quiet import quiet
    from qbench.store.files import user_path
    from qbench.terminal.console import Terminal

    if run is not None and bundle is None:
        raise InputError("--run is for an archive: give --bundle FILE.zip as well")
    console = Terminal(soft_wrap=True)
    styles = {"ok": "green", "note": "yellow", "broken": "bold red"}
    found = []
    with TemporaryDirectory() as folder, quiet(Path(folder) / "log"):
        for check in checks():
            found.append(check)
            console.print(
                Text(f"{check.state:<7}", style=styles[check.state])
                + Text(f"{check.name}: {check.found}", style="default")
            )
            if check.fix:
                console.print(Text(f"        {check.fix}"))
    if bundle is not None:
        from qbench.bundle import contents, write

        target = user_path(bundle, where="--bundle")
        files = contents(found, None if run is None else user_path(run, where="--run"))
        console.print(f"\nThe archive has these {len(files)} files:")
        for name, text in files.items():
            console.print(f"{len(text.encode(errors='replace')):>12,}  {name}")
        write(target, files)
        console.print(
            f"Written: {target}\nTokens and home folders were removed, as far as they can be recognised. Names of "
            "models, datasets and image files are in it: read it before you share it."
        )
    if any(check.state == "broken" for check in found):
        raise typer.Exit(1)
