"""``qbench plugins``."""

from __future__ import annotations


def command() -> None:
    """List the plugins: what each gives, what failed and at which stage, and names that clash."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from qbench.extension.registry import installed

    registry, console = installed(), Console(highlight=False)
    table = Table("plugin", "distribution", "version", "gives", box=None, padding=(0, 2, 0, 0))
    for plugin in registry.plugins:
        gives = [e.record.name for entries in registry.entries.values() for e in entries if e.plugin == plugin]
        failed = [f.stage for f in registry.failures if f.plugin == plugin]
        text = ", ".join(gives) + (f"FAILED at {', '.join(failed)}" if failed else "")
        table.add_row(Text(plugin.name), plugin.distribution, plugin.version, Text(text, overflow="fold"))
    console.print(table)
    for failure in registry.failures:
        console.print(
            Text(
                f"\n{failure.plugin.name} ({failure.plugin.distribution} {failure.plugin.version}) failed at "
                f"{failure.stage}: {failure.message}"
            )
        )
    for entries in registry.entries.values():
        for name, found in registry.clashes(entries).items():
            origins = ", ".join(f"{e.qualified} ({e.plugin.distribution})" for e in found)
            console.print(Text(f"\n{name} is given by several plugins: {origins}. Use the qualified name."))
