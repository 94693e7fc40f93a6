"""``qbench power``."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from qbench.gate.power import PlannedRow, Power

EXAMPLES = (
    "Examples: `qbench power paper` | `qbench power study.toml --policy policy.toml` | `qbench power policy.toml` | "
    "`qbench power qbench-runs/demo --flips 0.03 --json power.json`"
)
LISTED = 25
"""Numbers of a rule that are shown, those with the fewest items first; the JSON file has all."""
MILLIONS_FROM = 100_000
"""The size from which a needed number is shown in millions, so that all columns fit into a narrow terminal."""
NEVER = "never"
MENTIONED = 6
"""Numbers that are named in the last lines."""


def command(
    source: Annotated[
        str, typer.Argument(help="A spec (a TOML file or the name of a preset), a policy, or a run folder.")
    ] = "demo",
    policy: Annotated[
        Path | None,
        typer.Option(help="A TOML file with the policy [default: that of the spec or run, else the built-in one]."),
    ] = None,
    flips: Annotated[
        list[float] | None,
        typer.Option(
            help="An assumed share of answers that flip, such as 0.02; repeatable [default: 0.005, 0.02, 0.05]."
        ),
    ] = None,
    json: Annotated[Path | None, typer.Option(help="Write everything as JSON to this file.")] = None,
) -> None:
    """Show how many items decide each rule of a policy, before anything is run.

    With a spec or a run, also how many items each group has, as far as the data is there. Reads annotations only; where
    the spec evaluates one half of the items, also the images that this cache does not know yet, to find the half.
    """
    import sys

    from qbench.cli.check import WITHOUT_TERMINAL
    from qbench.gate.power import FLIPS, power_of
    from qbench.store.files import atomic
    from qbench.terminal.console import Terminal

    found = power_of(source, policy, flips=flips or FLIPS)
    if json is not None:
        from qbench.gate.to_json import power_to_json

        with atomic(json) as temporary:
            temporary.write_text(power_to_json(found), encoding="utf-8")
    show(found, Terminal(width=None if sys.stdout.isatty() else WITHOUT_TERMINAL))


def show(found: Power, console: Console) -> None:
    """Print a table per rule, and what the numbers mean."""
    from rich.text import Text

    tables: dict[tuple[str, str, str], list[PlannedRow]] = {}
    for row in found.rows:
        if row.is_known:
            tables.setdefault((row.rule, row.counted, _limit(row)), []).append(row)
    for (rule, counted, limit), rows in tables.items():
        console.print(Text(f"{rule}: {limit}; {counted}"))
        console.print(_table(rows, found))
        if len(rows) > LISTED:
            console.print(f"… and {len(rows) - LISTED:,} more; --json has all of them")
        console.print()
    for line in _notes(found):
        console.print(Text(line))


def _table(rows: list[PlannedRow], found: Power) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 1, 0, 0))
    table.add_column("", overflow="fold")
    for heading in ("there", *(f"{verb}\n{_percent(x)}" for verb in ("pass", "fail") for x in found.flips)):
        table.add_column(heading, justify="right", no_wrap=True)
    known = sorted(rows, key=lambda row: -1 if row.there is None else row.there)
    for row in known[:LISTED]:
        there = "?" if row.there is None else f"{row.there:,}"
        passes = [NEVER if row.never_passes else _needed(x.to_pass, row.there) for x in row.needed]
        table.add_row(Text(row.name), there, *passes, *(_needed(x.to_fail, row.there) for x in row.needed))
    return table


def _percent(share: float) -> str:
    return f"{100 * share:g} %"


def _needed(count: int | None, there: int | None) -> str:
    if count is None:
        return "–"
    short = f"{count:,}" if count < MILLIONS_FROM else f"{count / 1e6:g} M"
    return f"{short}*" if there is not None and count > there else short


def _limit(row: PlannedRow) -> str:
    return f"limit {_amount(row.limit, row)}, fails at {_amount(row.loss, row)}"


def _amount(value: float, row: PlannedRow) -> str:
    from qbench.vocabulary import Unit

    if row.unit is Unit.NATS:
        return f"{value:g} nats"
    return f"{100 * value:g} {'point' if math.isclose(value, 0.01) else 'points'}"


def _mentioned(rows: list[PlannedRow]) -> str:
    """The names of the first of some numbers, each once."""
    names = list(dict.fromkeys(row.name for row in rows))
    return ", ".join(names[:MENTIONED] + ["…"] * (len(names) > MENTIONED))


def _notes(found: Power) -> list[str]:
    from qbench.execution.unavailable_lines import unavailable_lines
    from qbench.gate.power import left_out_lines, unjudged_lines
    from qbench.text import sentence
    from qbench.vocabulary import MetricRole

    shares = " or ".join(map(_percent, found.flips))
    notes = [
        f"pass: enough to show, in {_percent(found.power)} of all runs, that a change of nothing is within the limit, "
        f"if {shares} of the answers flip (of a skew: of the top k is replaced).",
        f"fail: enough to show, in {_percent(found.power)} of all runs, a loss of one point more than the limit "
        "(of a skew: of half as much again), among all numbers of a variant.",
    ]
    if zero := list(dict.fromkeys(row.rule for row in found.rows if row.never_passes)):
        rules = f"{'rule' if len(zero) == 1 else 'rules'} {', '.join(zero)}"
        notes.append(
            f"{NEVER}: a limit of 0 ({rules}), within which no number of items shows a change of nothing, as every "
            "interval has a width; only a gain that is proven passes."
        )
    if any(max(x.to_pass or 0, x.to_fail or 0) >= MILLIONS_FROM for row in found.rows for x in row.needed):
        notes.append("M: million.")
    if any(row.role is MetricRole.SKEW for row in found.rows):
        notes.append("expected hits at k: k times the group's share of the gallery; they grow with k and the gallery.")
    counted = [row for row in found.rows if row.there is not None]
    if counted:
        never = [row for row in counted if len(row.undecided) == len(found.flips)]
        too_few = "have too few, or a limit of 0," if any(row.never_passes for row in never) else "have too few"
        what = f"{len(never):,} of {len(counted):,} numbers {too_few} to be shown to be within their limit"
        notes += ["*: more than there are.", f"{what}: {_mentioned(never)}." if never else f"{what}."]
    if unknown := [row for row in found.rows if not row.is_known]:
        notes.append(
            f"how much they vary, and so how many items they need, is known after a run: {_mentioned(unknown)}."
        )
    notes += [sentence(f"rule {name}: {why}") for name, why in found.unused.items()]
    notes += [f"not known, how many items: {why}" for why in found.unknown]
    notes += found.notes
    if left_out := left_out_lines(found.rows, "--json"):
        notes += ["", *left_out]
    for benchmark, numbers in found.unavailable.items():
        notes += ["", f"{benchmark}:", *unavailable_lines(numbers)]
    if unjudged := unjudged_lines(found.unjudged):
        notes += ["", *unjudged]
    return notes
