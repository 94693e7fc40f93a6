"""The rows of a gate as words: what they are about, what was found, and what is not ruled out."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from qbench.gate.result import GateRow
from qbench.metrics.keys import MetricKey
from qbench.phrasing import Movement
from qbench.plugins.report_blocks import Waivers, waived_words
from qbench.text import NAME, clean, counted, isolated, sentence
from qbench.vocabulary import GateBand, MetricRole, Quantity, RowStatus

NUMBERS = re.compile(r"\d[\d,]*( and )?")
ONLY_WARNS = "its rule only warns"
NAMED = 3
"""So many names stand in a sentence; the others are counted."""
CAUSES = 2
"""So many causes are told of rows that have several."""
SMALL_LIMIT = 0.01
"""In place of a limit of 0, of which nothing is a multiple."""


def named(name: str) -> str:
    """A name in a sentence: on one line, shortened, inert; in isolates only where its writing direction may matter."""
    line = " ".join(name.split())
    return line if line.isascii() and line.isprintable() and len(line) <= NAME else isolated(line)


def listed(names: Sequence[str]) -> str:
    """Some names as a part of a sentence: "a", "a and b", "a, b and c", "a, b, c and 2 others"."""
    more = len(names) - NAMED
    *first, last = [*names[:NAMED], counted(more, "other", "others")] if more > 0 else names
    return f"{', '.join(first)} and {last}" if first else last


def said(text: str) -> str:
    """A text that may hold names as others wrote them: on one line, inert."""
    return clean(" ".join(text.split()))


def movement(row: GateRow) -> Movement:
    """What was found, beside its limit."""
    return Movement(loss=row.found, low=row.low, high=row.high, unit=row.unit, quantity=row.quantity, limit=row.limit)


def found(row: GateRow) -> str:
    """What was found: "loses 3.1 points (a loss of 1.4 to 4.8)"; of a number that is not known a dash."""
    return movement(row).words if math.isfinite(row.found) else "–"


def limit(row: GateRow) -> str:
    """The limit, with as many digits as `found` has."""
    return movement(row).bound if row.unit else ""


def plain(limit: float) -> str:
    """A limit whose unit is not known, as the policy has it; a dash where there is none."""
    return f"{limit:g}" if math.isfinite(limit) else "–"


def variant(row: GateRow) -> str:
    """What a row is about: "hf-int8 on openai/ViT-B-32", "hf-int8, the mean over 9 checkpoints"."""
    if row.checkpoints:
        return f"{named(row.quantizer)}, the mean over {size(row)}"
    return " on ".join(named(x) for x in (row.quantizer, row.model) if x)


def size(row: GateRow) -> str:
    """How many items, classes or queries a number is made of: "1,000"; of a mean "9 checkpoints"."""
    return counted(row.checkpoints, "checkpoint", "checkpoints") if row.checkpoints else f"{row.n:,}"


def needed(row: GateRow) -> str:
    """How many items would decide a row, and how: "4,100 would decide", "9,000 would prove it"; else empty."""
    if row.needed is None:
        return ""
    return f"{row.needed:,}{_with_k(row.needed_k)} would {'prove it' if row.needed_to == 'fail' else 'decide'}"


def needed_sentence(row: GateRow) -> str:
    """The same as a clause of its own: "4,100 items would decide it (now 1,000)"; else empty."""
    if not row.needed and row.limit == 0:
        return "no number of items shows that nothing is lost, as the limit is 0"
    if not row.needed:
        return "the change lies near the limit, so no number of items is given" if row.near_limit else ""
    what = "prove this loss" if row.needed_to == "fail" else "decide it"
    now = f"{row.items:,}{_with_k(MetricKey.parse(row.metric).cutoff if row.needed_k else None)}"
    return f"{row.needed:,} items{_with_k(row.needed_k)} would {what} (now {now})"


def _with_k(k: int | None) -> str:
    """The k that belongs to so many items of a gallery; empty where there is none."""
    return f" with k = {k:,}" if k else ""


def place(row: GateRow) -> str:
    """Group and class of a row: "age=older, class nurse"; empty for the whole."""
    group = f"{row.attribute}={row.group}" if row.attribute and row.group else row.attribute or row.group
    return ", ".join(named(x) for x in (group, f"class {row.class_}" if row.class_ else "") if x)


@dataclass(frozen=True)
class Headline:
    """What a selection of rows says.

    Attributes
    ----------
    judged, of : int
        How many of the rows are judged, and how many there are.
    lead : str
        What stands before these two numbers; empty where the text speaks of one row and does not need them.
    text : str
        The rest.
    told : tuple of GateRow
        The rows that it names.
    """

    judged: int
    of: int
    lead: str
    text: str
    told: tuple[GateRow, ...]

    def __str__(self) -> str:
        """All of it."""
        return (f"{self.lead}{self.judged:,} of {self.of:,}" if self.lead else "") + self.text


def headline(rows: Sequence[GateRow], *, whole: bool = False) -> Headline:
    """Say what rows, of which the worst is the first, come to: what happened to whom, and what would decide it.

    What is said of all rows is said of those that are judged, with their number. How many of them are inconclusive and
    count as a pass is said only of the `whole` run: a page shows the text for one part beside the number of several.
    """
    worst = rows[0]
    judged = sum(row.judged for row in rows)
    if worst.status is RowStatus.ERROR:
        beside, told = beside_errors(rows)
        text = " ".join(filter(None, [finding(worst), beside]))
        return Headline(judged, len(rows), "", text, (worst, *told))
    first = {RowStatus.PASS: ", each within its limit. Nearest to it, ", RowStatus.LEFT_OUT: ". "}.get(worst.status, "")
    first = ". " if worst.beside else first
    lead = "Numbers judged: " if first else ""
    if _counts_as_pass(worst):
        numbers = passing(rows) if whole else "inconclusive numbers"
        first = f"It passes because the policy counts {numbers} as a pass. The worst of them: "
    return Headline(judged, len(rows), lead, first + finding(worst), (worst,))


def passing(rows: Iterable[GateRow]) -> str:
    """How many inconclusive numbers the policy counts as a pass: "2 inconclusive numbers"; empty for none."""
    number = sum(map(_counts_as_pass, rows))
    return counted(number, "inconclusive number", "inconclusive numbers") if number else ""


def _counts_as_pass(row: GateRow) -> bool:
    return row.status is RowStatus.INCONCLUSIVE and row.judged and not row.counts


def beside_errors(rows: Iterable[GateRow]) -> tuple[str, tuple[GateRow, ...]]:
    """What the rows that could be evaluated come to: the worst of them, with this row; empty where there are none.

    That something could not be evaluated does not hide a loss that is proven, not even under a rule that only warns,
    nor that the rest passes.
    """
    evaluated = [row for row in rows if row.status is not RowStatus.ERROR]
    worst = next((row for row in evaluated if row.judged or row.status is RowStatus.WARNING), None)
    if worst is None:
        return "", ()
    passes = "What could be evaluated is within its limits; nearest to its own, "
    return (passes if worst.status is RowStatus.PASS else "") + finding(worst), (worst,)


FAILURES, INCONCLUSIVE_NUMBERS = ("failure", "failures"), ("inconclusive number", "inconclusive numbers")


def waivers_of(rows: Iterable[GateRow], told: Sequence[GateRow] = ()) -> list[Waivers]:
    """What waivers let pass, failures first, without the rows that are told already."""
    waived = [row for row in rows if row.without_waiver]
    failed = [row for row in waived if row.without_waiver is RowStatus.FAIL]
    others = [row for row in waived if row.without_waiver is not RowStatus.FAIL]
    kinds = ((FAILURES, failed), (INCONCLUSIVE_NUMBERS, others))
    return [found for what, mine in kinds if (found := _untold(*what, mine, told))]


def _untold(one: str, several: str, rows: Sequence[GateRow], told: Sequence[GateRow]) -> Waivers | None:
    left = [row for row in rows if not any(row is other for other in told)]
    if not left:
        return Waivers(one, several, 0, 0.0, "", other=True) if rows else None
    worst = max(left, key=excess)
    what = f"until {worst.waived_until}: {_brief(worst)}"
    return Waivers(one, several, len(left), excess(worst), what, other=len(left) < len(rows))


def excess(row: GateRow) -> float:
    """How far a number lies beyond its limit, as a multiple of the limit; 0 where it is not known."""
    found = (row.found - row.limit) / (row.limit or SMALL_LIMIT)
    return found if math.isfinite(found) else 0.0


def waived(rows: Iterable[GateRow], told: Sequence[GateRow] = ()) -> str:
    """What waivers let pass, beside the rows that are told already, in sentences; empty where there is nothing.

    "1 failure is waived until 2027-01-01: int8 on b32, accuracy on facet, loses 3.1 points (limit 1.0 points; rule
    accuracy)."
    """
    return waived_words(waivers_of(rows, told))


def _brief(row: GateRow) -> str:
    number = f"{named(row.metric)} on {named(row.benchmark)}"
    what = ", ".join(filter(None, (variant(row), number, place(row), movement(row).moved)))
    return f"{what} (limit {limit(row)}; rule {named(row.rule)})"


def finding(row: GateRow) -> str:
    """One row as a sentence: what happened to whom, and what would decide it."""
    whom = place(row)
    whom = f" for {whom}" if whom else ""
    what = f"{named(row.metric)}{whom}" if row.metric else f"{named(row.benchmark)}{whom}"
    if row.status in (RowStatus.ERROR, RowStatus.LEFT_OUT) or not math.isfinite(row.found):
        on = f" on {named(row.benchmark)}" if row.metric else ""
        return f"{variant(row)}, {what}{on}: {sentence(because(row))}"
    bias = "the size of " if row.role in (MetricRole.GAP, MetricRole.SKEW) else ""
    subject = f"{bias}{what} on {named(row.benchmark)}"
    behind = f": {row.groups}" if row.groups else ""
    warns = ONLY_WARNS if row.band is GateBand.PASS_WITH_WARNINGS else ""
    warns = f"{ONLY_WARNS}, and {row.beside} is not judged" if row.beside else warns
    if row.status is RowStatus.INCONCLUSIVE and not row.low > row.limit:
        would = "".join(f" {x[0].upper()}{x[1:]}." for x in (needed_sentence(row), warns) if x)
        return f"{variant(row)}: {_not_ruled_out(row, subject)}{behind}.{would}"
    its = movement(row)
    adjusted = "not beyond it when adjusted for the other numbers" if row.status is RowStatus.INCONCLUSIVE else ""
    waived = f"waived {said(row.waiver)}" if row.waiver else ""
    details = "; ".join(x for x in (its.span, f"limit {its.bound}", adjusted, waived, warns, f"n = {size(row)}") if x)
    return f"{variant(row)}: {subject} {its.moved} ({details}){behind}."


def _not_ruled_out(row: GateRow, subject: str) -> str:
    """What so few items leave open: "504 items do not rule out that … loses more than 2.0 points (…)"."""
    its = movement(row)
    verb = "loses" if row.quantity is Quantity.DROP else "grows by"
    items = size(row) if row.checkpoints else counted(row.n, "item", "items")
    items += " does" if row.n == 1 else " do"
    seen = "; ".join(x for x in (f"it {its.moved}", its.span) if x)
    much = f"{verb} more than {its.bound}" if row.limit > 0 else verb.removesuffix(" by") + " at all"
    return f"{items} not rule out that {subject} {much} ({seen})"


def because(row: GateRow) -> str:
    """Why a row has its status, and what would make it decidable where the data is too little: without a full stop."""
    return " ".join(sentence(said(x)) for x in (row.reason, row.remedy) if x).removesuffix(".")


def causes(rows: Iterable[GateRow]) -> str:
    """Why these rows have their status: one cause alone, or the commonest ones, each with how many rows it has.

    Causes that differ in their numbers only are one, for which the first of them is an example.
    """
    of: dict[str, list[str]] = {}
    for row in rows:
        of.setdefault(NUMBERS.sub("", because(row)), []).append(because(row))
    kinds = sorted(of.values(), key=len, reverse=True)
    if len(kinds) == 1:
        return _example(kinds[0], "for example, ")
    shown = [f"{counted(len(x), 'number', 'numbers')}{_example(x, ', such as: ', ': ')}" for x in kinds[:CAUSES]]
    rest = sum(map(len, kinds[CAUSES:]))
    others = f"{counted(rest, 'number', 'numbers')}: other causes, which `qbench check -v` lists"
    return "; ".join([*shown, others] if rest else shown)


def _example(texts: Sequence[str], several: str, one: str = "") -> str:
    return (several if len(set(texts)) > 1 else one) + texts[0]


def tally(counts: Mapping[RowStatus, int]) -> str:
    """Counts by status: "2 rules failed, 5 inconclusive, 11 passed"; those of none are left out."""
    there = [(counts[status], status.counted) for status in RowStatus if counts.get(status)]
    if not there:
        return "No rule."
    (first, word), *rest = there
    head = f"{first:,} {'rule' if first == 1 else 'rules'} {word}"
    return ", ".join([head, *(f"{n:,} {w}" for n, w in rest)]) + "."
