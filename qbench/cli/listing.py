"""``qbench list``."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

import typer

EXAMPLES = "Examples: `qbench list` | `qbench list quantizers`"

Kind = Literal["models", "quantizers", "benchmarks", "datasets", "statistics", "probes", "executors", "presets"]
KINDS: tuple[Kind, ...] = get_args(Kind)


def command(
    kind: Annotated[Kind | None, typer.Argument(help="List only this kind.")] = None,
) -> None:
    """List the available models, quantizers, benchmarks, datasets, statistics, probes, executors and presets."""
    from rich.table import Table
    from rich.text import Text

    from qbench.terminal.console import Terminal

    console = Terminal()
    for wanted in [kind] if kind else KINDS:
        table = Table(title=wanted, title_justify="left", box=None, show_header=False, padding=(0, 2, 0, 0))
        for name, summary, origin in _rows(wanted):
            table.add_row(Text(name), Text(summary), Text(origin, style="dim"))
        console.print(table)
        console.print()


def _summary(record: Any) -> str:
    """The line about a record; of one whose packages are missing, also how to install them."""
    install = getattr(record, "install", "")
    return f"{record.summary} (to use it: {install})" if install else str(record.summary)


def _rows(kind: Kind) -> list[tuple[str, str, str]]:
    if kind == "presets":
        from qbench.spec.preset_list import presets

        return [(name, summary, "") for name, summary in presets().items()]
    from qbench.plugins.registry import installed

    registry = installed()
    entries = registry.entries[f"qbench_{kind}"]
    clashing = registry.clashes(entries)
    rows = []
    for entry in entries:
        name = entry.qualified if entry.record.name in clashing else entry.record.name
        origin = f"{entry.plugin.distribution} {entry.plugin.version}"
        if kind == "models" and entry.record.checkpoints:
            rows += [(f"{name}/{c}", about, origin) for c, about in entry.record.checkpoints.items()]
        else:
            rows.append((name, _summary(entry.record), origin))
    return rows
