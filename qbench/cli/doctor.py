"""``qbench doctor``."""

from __future__ import annotations

import typer


def command() -> None:
    """Check whether this machine is ready. Exit code 1 if something that qbench needs is broken."""
    from pathlib import Path
    from tempfile import TemporaryDirectory

    from rich.text import Text

    from qbench.doctor import checks
    from qbench.execution.quiet import quiet
    from qbench.terminal.console import Terminal

    console = Terminal(soft_wrap=True)
    styles = {"ok": "green", "note": "yellow", "broken": "bold red"}
    broken = False
    with TemporaryDirectory() as folder, quiet(Path(folder) / "log"):
        for check in checks():
            console.print(
                Text(f"{check.state:<7}", style=styles[check.state])
                + Text(f"{check.name}: {check.found}", style="default")
            )
            if check.fix:
                console.print(Text(f"        {check.fix}"))
            broken |= check.state == "broken"
    if broken:
        raise typer.Exit(1)
