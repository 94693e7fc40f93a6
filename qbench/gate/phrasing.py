"""The gate's numbers and names as words. Rounds once, here; with more digits where two numbers would look the same."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from qbench.gate.result import GateRow
from qbench.text import MINUS, NAME, NBSP, clean, fixed, isolated
from qbench.vocabulary import Quantity, RowStatus, Unit

MOST_DECIMALS = 10
TINY = 1e-9
"""Closer than this to a limit is at the limit: neither within it nor beyond. A choice of ours: above the rounding of
float64, and far below any change that a number of this many items can show."""


def named(name: str) -> str:
    """A name in a sentence: on one line, shortened, inert; in isolates only where its writing direction may matter."""
    line = " ".join(name.split())
    return line if line.isascii() and line.isprintable() and len(line) <= NAME else isolated(line)


def said(text: str) -> str:
    """A text that may hold names as others wrote them: on one line, inert."""
    return clean(" ".join(text.split()))


def amounts(values: Iterable[float], unit: str) -> list[str]:
    """Print numbers that stand beside their limit, the last of them, without their unit.

    Shares and their differences are printed in percentage points, with one decimal; nats with three; with more where a
    number that differs from the limit would look like it. Differences below `TINY` decide nothing and are not shown.
    """
    scale = Unit(unit).scale if unit else 1.0
    decimals = 1 if scale > 1 else 3
    numbers = [scale * x for x in values]
    limit = numbers[-1]
    differing = [x for x in numbers if math.isfinite(x) and abs(x - limit) > scale * TINY]
    while decimals < MOST_DECIMALS and any(fixed(x, decimals) == fixed(limit, decimals) for x in differing):
        decimals += 1
    return [fixed(x, decimals) if math.isfinite(x) else "?" for x in numbers]


def found(row: GateRow) -> str:
    """What was found: "3.1 [1.4, 4.8]"; of a bound that is not known a dash."""
    value, low, high, _ = amounts((row.found, row.low, row.high, row.limit), row.unit)
    if value == "?":
        return "–"
    return value if "?" in (low, high) else f"{value} [{low}, {high}]"


def limit(row: GateRow) -> str:
    """The limit, with as many digits as `found` has."""
    if not row.unit:
        return ""
    return f"{amounts((row.found, row.low, row.high, row.limit), row.unit)[3]}{NBSP}{_noun(row)}".strip()


def plain(limit: float) -> str:
    """A limit whose unit is not known, as the policy has it; a dash where there is none."""
    return f"{limit:g}" if math.isfinite(limit) else "–"


def change(row: GateRow) -> str:
    """A row as the predicate of a sentence: "falls by 3.1 points (between 1.4 and 4.8; limit 2.0; n = 1,240)"."""
    value, low, high, most = amounts((row.found, row.low, row.high, row.limit), row.unit)
    noun = _noun(row)
    if row.quantity is Quantity.DROP:
        verb = "rises by" if row.found < 0 else "falls by"
    else:
        verb = "shrinks by" if row.found < 0 else "grows by"
    size = value.removeprefix(MINUS)
    of = "" if row.found >= 0 else "a fall " if row.quantity is Quantity.DROP else "a growth "
    return f"{verb} {size} {noun} ({of}between {low} and {high}; limit {most}; n = {row.n:,})"


def _noun(row: GateRow) -> str:
    return str(Unit(row.unit).of_change) if row.unit else ""


def variant(row: GateRow) -> str:
    """What a row is about: "hf-int8 on openai/ViT-B-32"."""
    return " on ".join(named(x) for x in (row.quantizer, row.model) if x)


def place(row: GateRow) -> str:
    """Group and class of a row: "age=older, class nurse"; empty for the whole."""
    group = f"{row.attribute}={row.group}" if row.attribute and row.group else row.attribute or row.group
    return ", ".join(named(x) for x in (group, f"class {row.class_}" if row.class_ else "") if x)


def headline(row: GateRow) -> str:
    """The worst row as a sentence of its own."""
    whom = place(row)
    whom = f" for {whom}" if whom else ""
    what = f"{named(row.metric)}{whom}" if row.metric else f"{named(row.benchmark)}{whom}"
    if not math.isfinite(row.found):
        on = f" on {named(row.benchmark)}" if row.metric else ""
        return f"{variant(row)}, {what}{on}: {said(row.reason)}."
    size = "the size of " if row.quantity is Quantity.GROWTH else ""
    subject = f"{size}{what} on {named(row.benchmark)}"
    if row.status is RowStatus.INCONCLUSIVE:
        return f"{variant(row)}: {_not_ruled_out(row, subject)}."
    return f"{variant(row)}: {subject} {change(row)}."


def _not_ruled_out(row: GateRow, subject: str) -> str:
    """What so few items leave open: "504 items do not rule out that … falls by more than 2.0 points (…)"."""
    value, high, most = amounts((row.found, row.high, row.limit), row.unit)
    verb = "falls" if row.quantity is Quantity.DROP else "grows"
    worst = "" if high == "?" else f", up to {high} possible"
    items = f"{row.n:,} item does" if row.n == 1 else f"{row.n:,} items do"
    bound = f"{most} {_noun(row)}".strip()
    return f"{items} not rule out that {subject} {verb} by more than {bound} ({value} seen{worst})"


def tally(counts: Mapping[RowStatus, int]) -> str:
    """Counts by status: "2 rules failed, 5 inconclusive, 11 passed"; those of none are left out."""
    there = [(counts[status], status.counted) for status in RowStatus if counts.get(status)]
    if not there:
        return "No rule."
    (first, word), *rest = there
    head = f"{first:,} {'rule' if first == 1 else 'rules'} {word}"
    return ", ".join([head, *(f"{n:,} {w}" for n, w in rest)]) + "."
