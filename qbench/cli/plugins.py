"""``qbench plugins``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from qbench.plugins.registry import Plugin, Registry

EXAMPLES = "Examples: `qbench plugins` | `qbench plugins --strict` (for CI) | `qbench --no-plugin mine plugins`"


def command(
    strict: Annotated[
        bool,
        typer.Option("--strict", help="Exit code 1 if a plugin failed, has a name that clashes, or imports too much."),
    ] = False,
) -> None:
    """List the plugins: what each provides, which failed and why, names that clash, heavy imports."""
    from rich.table import Table
    from rich.text import Text

    from qbench.plugins.registry import installed
    from qbench.terminal.console import Terminal

    registry, console = installed(), Terminal()
    table = Table("plugin", "distribution", "version", "provides", box=None, padding=(0, 2, 0, 0))
    for plugin in registry.plugins:
        failed = [f.stage for f in registry.failures if f.plugin == plugin]
        text = ", ".join(_provided(registry, plugin)) + (f"FAILED at {', '.join(failed)}" if failed else "")
        table.add_row(Text(plugin.name), plugin.distribution, plugin.version, Text(text, overflow="fold"))
    for plugin in registry.left_out:
        table.add_row(Text(plugin.name), plugin.distribution, plugin.version, Text("not loaded"))
    console.print(table)
    complaints = list(_complaints(registry))
    for complaint in complaints:
        console.print(Text(f"\n{complaint}"))
    if strict and complaints:
        raise typer.Exit(1)


def _provided(registry: Registry, plugin: Plugin) -> list[str]:
    """The names of a plugin's records, with the kinds if a name belongs to several records."""
    kinds: dict[str, list[str]] = {}
    for hook, entries in registry.entries.items():
        for entry in entries:
            if entry.plugin == plugin:
                kinds.setdefault(entry.record.name, []).append(hook.removeprefix("qbench_").removesuffix("s"))
    return [name if len(of) == 1 else f"{name} ({', '.join(of)})" for name, of in kinds.items()]


def _complaints(registry: Registry) -> Iterator[str]:
    for failure in registry.failures:
        plugin = failure.plugin
        yield f"{plugin.name} ({plugin.distribution} {plugin.version}) failed at {failure.stage}: {failure.message}"
    for entries in registry.entries.values():
        for name, found in registry.clashes(entries).items():
            origins = ", ".join(f"{e.qualified} ({e.plugin.distribution})" for e in found)
            yield f"{name} is provided by several plugins: {origins}. Use the qualified name."
    for name, plugins in registry.same_plugin_names().items():
        origins = " and ".join(f"{p.distribution} {p.version}" for p in plugins)
        yield f"{name} is a plugin of {origins}, so their qualified names are equal. Uninstall one."
    yield from map(str, registry.heavy)
