"""``qbench cache``: what is in the cache folder, whether it is whole, and removing what is not needed."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from qbench.store.inventory import Inventory, Thing

LS = "Examples: `qbench cache ls` | `qbench cache ls pixels` | `qbench cache ls --json`"
VERIFY = "Examples: `qbench cache verify` | `qbench cache verify images --json`"
PRUNE = (
    "Examples: `qbench cache prune` (removes only what no run can use) | `qbench cache prune --max-size 20G` | "
    "`qbench cache prune --older-than 30d --yes`"
)
SIZES = {"K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
TIMES = {"h": 3600, "d": 86_400, "w": 604_800}

app = typer.Typer(
    help="The cache folder: QBENCH_CACHE, or the platform's folder for caches.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Kind = Annotated[str, typer.Argument(help="A folder of the cache, such as pixels [default: all].", metavar="[KIND]")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("ls", epilog=LS)
def ls(kind: Kind = "", json: Json = False) -> None:
    """List what is in the cache: how much, how large, when it was used last. With a KIND, each thing of it."""
    from qbench.store.cache import Cache

    cache = Cache()
    found = _found(kind)
    if json:
        _print_json(cache.root, {"things": [_as_dict(thing) for thing in found.things], "unknown": found.unknown})
        return
    typer.echo(cache.root)
    if kind:
        _print_things(cache.root, sorted(found.things, key=lambda thing: -thing.used))
    else:
        _print_kinds(found.things)
    for path in found.unknown:
        typer.echo(f"not known, and left alone: {path}")


@app.command("verify", epilog=VERIFY)
def verify(kind: Kind = "", json: Json = False) -> None:
    """Read everything and compare its digests. Exit code 1 if something is damaged; the next run makes it again."""
    from qbench.execution.progress import Bar
    from qbench.store.cache import Cache
    from qbench.store.inventory import fault
    from qbench.terminal.console import Terminal
    from qbench.text import counted

    cache, things, faults = Cache(), _found(kind).things, []
    with Bar(Terminal(stderr=True)) as bar:
        bar.begin("reading the cache", len(things))
        for thing in things:
            if said := fault(cache, thing):
                faults.append((thing, said))
            bar.step()
    if json:
        damaged = [_as_dict(thing) | {"fault": said} for thing, said in faults]
        _print_json(cache.root, {"checked": len(things), "damaged": damaged})
    else:
        for thing, said in faults:
            typer.echo(f"{thing.path}: {said}")
        typer.echo(
            f"{counted(len(things), 'thing was', 'things were')} read; {counted(len(faults), 'is', 'are')} damaged."
            + (AGAIN if faults else "")
        )
    if faults:
        raise typer.Exit(1)


AGAIN = " What is damaged counts as absent, and is made again by the next run that needs it."


@app.command("prune", epilog=PRUNE)
def prune(
    max_size: Annotated[
        str, typer.Option(help="Remove what was not used for longest, until so much is left, such as 20G or 500M.")
    ] = "",
    older_than: Annotated[str, typer.Option(help="Remove what was not used for so long, such as 30d or 12h.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json: Json = False,
) -> None:
    """Remove what stopped processes left, what earlier versions wrote, and what was not used for longest.

    Everything in the cache can be computed again. A thing was used when it was written or read by a run, a plan or
    another command. Nothing is removed while a run uses the cache.
    """
    from qbench.store.cache import Cache
    from qbench.store.inventory import remove, to_prune
    from qbench.store.lock import alone

    cache, most, longest = Cache(), _bytes(max_size), _seconds(older_than)
    chosen = to_prune(_found("").things, now=time.time(), max_size=most, older_than=longest)
    if chosen and not json:
        _print_kinds(chosen)
    if chosen and not yes:
        typer.confirm("Remove this?", abort=True, err=True)
    with alone(cache.in_use, of=cache.root):
        removed = [thing for thing in chosen if remove(thing)]
    if json:
        _print_json(cache.root, {"removed": [_as_dict(thing) for thing in removed]})
    else:
        _say_removed(chosen, removed)


def _say_removed(chosen: list[Thing], removed: list[Thing]) -> None:
    from qbench.text import bytes_in_words, counted

    busy = len(chosen) - len(removed)
    typer.echo(
        f"{counted(len(removed), 'thing')} removed, {bytes_in_words(sum(thing.size for thing in removed))}"
        + (f"; {busy:,} are being written and were left" if busy else "")
    )


def _found(kind: str) -> Inventory:
    """What is in the cache, of one kind if it is named."""
    from qbench.errors import InputError
    from qbench.store.cache import Cache
    from qbench.store.inventory import Inventory, inventory

    found = inventory(Cache())
    if not kind:
        return found
    things = [thing for thing in found.things if thing.kind == kind]
    if not things:
        kinds = ", ".join(sorted({thing.kind for thing in found.things})) or "none"
        raise InputError(f"there is nothing of the kind {kind!r} in the cache", fix=f"Kinds: {kinds}.")
    return Inventory(things=things)


def _bytes(text: str) -> int | None:
    number = _quantity(text.upper().removesuffix("B").removesuffix("I"), SIZES, "--max-size", "20G, 500M")
    return None if number is None else int(number)


def _seconds(text: str) -> float | None:
    return _quantity(text, TIMES, "--older-than", "30d, 12h, 2w")


def _quantity(text: str, units: Mapping[str, int], option: str, examples: str) -> float | None:
    """A number with a unit; `None` for an empty text."""
    import re

    from qbench.errors import InputError

    if not text:
        return None
    found = re.fullmatch(rf"(\d{{1,9}}(?:\.\d{{1,9}})?)([{''.join(units)}])", text)
    if found is None:
        raise InputError(f"{text!r} is not a number with a unit", where=option, fix=f"Examples: {examples}.")
    return float(found[1]) * units[found[2]]


def _print_kinds(things: Iterable[Thing]) -> None:
    from qbench.text import bytes_in_words

    groups: dict[tuple[str, str], list[Thing]] = {}
    for thing in things:
        groups.setdefault((thing.kind, str(thing.state)), []).append(thing)
    rows = [
        (kind, state, f"{len(of):,}", bytes_in_words(sum(x.size for x in of)), _date(max(x.used for x in of)))
        for (kind, state), of in sorted(groups.items())
    ]
    total = [thing for of in groups.values() for thing in of]
    rows.append(("all", "", f"{len(total):,}", bytes_in_words(sum(thing.size for thing in total)), ""))
    _print_table(("kind", "state", "things", "size", "last used"), rows)


def _print_things(root: Path, things: Iterable[Thing]) -> None:
    from qbench.text import bytes_in_words

    rows = [(x.path.relative_to(root).as_posix(), str(x.state), bytes_in_words(x.size), _date(x.used)) for x in things]
    _print_table(("path", "state", "size", "last used"), rows)


def _print_table(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    from rich.table import Table
    from rich.text import Text

    from qbench.terminal.console import Terminal

    table = Table(box=None, padding=(0, 2, 0, 0))
    for name in columns:
        number = name in ("things", "size")
        table.add_column(name, justify="right" if number else "left", overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    Terminal().print(table)


def _date(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds)) if seconds else "never"


def _as_dict(thing: Thing) -> dict[str, Any]:
    return {
        "kind": thing.kind,
        "path": thing.path,
        "state": str(thing.state),
        "bytes": thing.size,
        "used": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(thing.used)),
    }


def _print_json(root: object, values: dict[str, Any]) -> None:
    import json

    typer.echo(json.dumps({"folder": root, **values}, ensure_ascii=False, indent=2, default=str))
