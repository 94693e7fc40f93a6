"""The answer for each variant, or each quantizer: may it ship, which group loses most, and what is inconclusive?"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qbench.gate import GateRow
from qbench.gate.answers import Answer, answer_of
from qbench.gate.phrasing import needed_sentence, place
from qbench.gate.result import QuantizerResult
from qbench.plugins.report_blocks import Column, Entry, Part, Table, Tally, name, tallied
from qbench.report import effect_rows, formatting
from qbench.report.context import Context
from qbench.report.run_numbers import FILTERS
from qbench.text import sentence
from qbench.vocabulary import Better, Effect, GateBand, MetricRole, RowStatus, Verdict

ROWS = 60
FEW = 3
"""Up to so many variants have one row each; more are shown by quantizer."""
GAPS = (MetricRole.GAP, MetricRole.SKEW)
OF_MEANS = ("benchmark", "attribute")
"""The filters that the mean over checkpoints follows."""
DECIDED, NOTHING_JUDGED = "nothing is inconclusive", "none judged"
_Number = tuple[str, ...]
"""Model, quantizer, benchmark, attribute, metric and group of a number over all classes."""


@dataclass(frozen=True)
class _Shown:
    """A row of the table: a variant, or a quantizer over all models."""

    model: str  # empty for all
    quantizer: str

    def has(self, model: str, quantizer: str) -> bool:
        """Whether a number is of this variant, or of this quantizer."""
        return quantizer == self.quantizer and self.model in ("", model)


def answers(context: Context) -> Iterator[Table]:
    """Make a table with one row per variant; if there are many, one row per quantizer, and the variants folded."""
    numbers = context.numbers
    if not numbers.judged:
        return
    variants = [_Shown(model, quantizer) for model, quantizer in numbers.variants]
    rows = list(_rows(context))
    few = len(variants) <= FEW
    if not few:
        quantizers = [_Shown("", q) for q in dict.fromkeys(v.quantizer for v in variants)]
        yield _table(context, quantizers, rows, "May it ship? Each quantizer, over all models")
    yield _table(context, variants, rows, "May it ship?" if few else "Each variant", closed=not few)


def _table(
    context: Context,
    shown: Sequence[_Shown],
    rows: Sequence[effect_rows.EffectRow],
    caption: str,
    *,
    closed: bool = False,
) -> Table:
    of_models = any(x.model for x in shown)
    in_general = {} if of_models else {q.quantizer: q for q in context.gate.quantizers}
    return Table(
        caption=caption,
        columns=[
            *([Column("Model")] if of_models else []),
            *map(Column, ("Quantizer", "Answer")),
            *([Column("Such models in general")] if in_general else []),
            *map(Column, ("Over all items, at worst", "The group that loses most")),
            *map(Column, ("The gap or skew that grows most", "Inconclusive", "What would decide it")),
        ],
        rows=[
            _row(context, x, [r for r in rows if x.has(r["model"], r["quantizer"])], in_general) for x in shown[:ROWS]
        ],
        note=(
            ""
            if closed
            else "The answer is the gate’s; the numbers are changes with their "
            f"{context.numbers.confidence} intervals. The largest of many changes is large partly by chance, and the "
            "answer takes account of their number."
        ),
        left_out=max(0, len(shown) - ROWS),
        left_out_note="see “Groups and gaps”",
        closed=closed,
    )


def _rows(context: Context) -> Iterator[effect_rows.EffectRow]:
    """The changes that the benchmarks are judged by, of labelled groups."""
    numbers = context.numbers
    questions = {(b, m.metric) for b in numbers.benchmarks for m in numbers.questions[b]}
    for row in numbers.judged:
        benchmark, attribute = str(row["benchmark"]), str(row["attribute"])
        if (
            (benchmark, row["metric"]) in questions
            and attribute not in numbers.repeats(benchmark)
            and not numbers.unlabelled(benchmark, attribute, str(row["group"]))
        ):
            yield row


def _row(
    context: Context,
    shown: _Shown,
    rows: Sequence[effect_rows.EffectRow],
    in_general: Mapping[str, QuantizerResult],
) -> list[Entry]:
    gaps = [r for r in rows if _role(context, r) in GAPS]
    accuracies = [r for r in rows if _role(context, r) not in GAPS]
    of_gate = [r for r in context.gate.rows if shown.has(r.model, r.quantizer)]
    several = not shown.model and len({r["model"] for r in rows}) > 1
    left_out = _left_out(of_gate)
    return [
        *([name(shown.model, head=True)] if shown.model else []),
        name(shown.quantizer, head=True),
        _answer(of_gate),
        *([_general(in_general.get(shown.quantizer))] if in_general else []),
        *(
            _worst(context, of_column, left_out, several=several)
            for of_column in (
                [r for r in accuracies if not r["attribute"]],
                [r for r in accuracies if r["attribute"]],
                gaps,
            )
        ),
        _undecided(of_gate),
        _what_decides(of_gate),
    ]


def _role(context: Context, row: effect_rows.EffectRow) -> MetricRole:
    return context.numbers.measure(str(row["benchmark"]), str(row["metric"])).role


def judged_parts(rows: Iterable[GateRow]) -> list[tuple[dict[str, str], Answer, list[GateRow]]]:
    """The answers for the parts of a run by which a reader can filter, with their rows, worst first."""
    of: dict[tuple[str, ...], list[GateRow]] = {}
    for row in rows:
        of.setdefault((row.model, row.quantizer, row.benchmark, row.attribute), []).append(row)
    parts = [(dict(zip(FILTERS, names, strict=True)), answer_of(mine), mine) for names, mine in of.items()]
    return sorted(parts, key=lambda part: part[1].band.rank)


def _said(band: GateBand) -> str:
    return f"{band.symbol} {band.lower()}"


def _answer(rows: Sequence[GateRow]) -> Entry:
    if not rows:
        return Entry("no rule", "word")
    parts = [Part(names, _said(answer.band), waivers=answer.waivers) for names, answer, _ in judged_parts(rows)]
    answer = answer_of(rows)
    return _with_waived(_said(answer.band), answer.waived, parts)


def _with_waived(band: str, waived: str, parts: Sequence[Part]) -> Entry:
    """An answer with what waivers let pass beside it; without that, it stays on one line."""
    return Entry(f"{band}. {waived}", parts=parts) if waived else Entry(band, "word", parts=parts)


def _general(found: QuantizerResult | None) -> Entry:
    """What the gate says of a quantizer over checkpoints."""
    if found is None:
        return Entry("not known")
    checkpoints = formatting.count(found.checkpoints, "checkpoint")
    parts = [
        Part({key: names[key] for key in OF_MEANS}, f"{answer.band.lower()} ({checkpoints})", waivers=answer.waivers)
        for names, answer, _ in judged_parts(found.rows)
    ]
    return _with_waived(f"{found.band.lower()} ({checkpoints})", found.waived, parts)


def _left_out(rows: Iterable[GateRow]) -> set[_Number]:
    """The numbers over all classes that every rule about them leaves out."""
    whole = [r for r in rows if not r.class_]
    judged = {_number(vars(r)) for r in whole if r.status is not RowStatus.LEFT_OUT}
    return {_number(vars(r)) for r in whole} - judged


def _number(row: Mapping[Any, Any]) -> _Number:
    return tuple(str(row[key]) for key in (*FILTERS, "metric", "group"))


def _worst(
    context: Context, rows: Sequence[effect_rows.EffectRow], left_out: Container[_Number], *, several: bool
) -> Entry:
    """The row that lost most, those that are worse by their verdict first; `several` models have to be told apart.

    A number that the gate leaves out is named only where no other is known.
    """
    if not rows:
        return Entry("none measured")
    some_left_out = any(_number(row) in left_out and _is_known(row) and effect_rows.loss(row) > 0 for row in rows)
    none = "none that is judged" if some_left_out else "none"

    def badness(row: effect_rows.EffectRow) -> tuple[bool, bool, float]:
        return _number(row) in left_out, Verdict(row["verdict"]).effect is not Effect.WORSE, -effect_rows.loss(row)

    of: dict[tuple[str, ...], list[effect_rows.EffectRow]] = {}
    for row in rows:
        of.setdefault(tuple(str(row[key]) for key in FILTERS), []).append(row)
    known = {names: min((r for r in mine if _is_known(r)), key=badness, default=None) for names, mine in of.items()}
    told = sorted(((names, row) for names, row in known.items() if row is not None), key=lambda x: badness(x[1]))
    said = {
        names: _moved(row, several=several, left_out=_number(row) in left_out)
        if effect_rows.loss(row) > 0
        else f"{none} {'grows' if row['better'] == Better.ZERO else 'loses'}"
        for names, row in told
    }
    parts = [Part(dict(zip(FILTERS, names, strict=True)), text) for names, text in said.items()]
    unknown = {names: of[names] for names, row in known.items() if row is None}
    parts += _not_given(context, unknown)
    return Entry(next(iter(said.values())) if told else _why_none(context, rows), parts=parts)


def _is_known(row: effect_rows.EffectRow) -> bool:
    return math.isfinite(row["change"]) and not effect_rows.void(row)


def _moved(row: effect_rows.EffectRow, *, several: bool, left_out: bool) -> str:
    what = effect_rows.where(row) or str(row["metric"])
    names = [str(row["benchmark"]), *([str(row["model"])] if several else [])]
    on = ", ".join(formatting.isolated(x) for x in names)
    verdict = RowStatus.LEFT_OUT if left_out else Verdict(row["verdict"])
    return f"{formatting.isolated(what)} {effect_rows.amount(row)}: {verdict} ({on})"


NONE, NONE_FOR_ONE_CAUSE, NONE_FOR_SEVERAL = "none can be given (", "): ", "), for example: "


def _why_none(context: Context, rows: Sequence[effect_rows.EffectRow]) -> str:
    """Why none of these numbers can be compared: the commonest cause, with what to do about it."""
    if not rows:
        return "none measured"
    causes = Counter(_why_not(context, row) for row in rows)
    cause, _ = causes.most_common(1)[0]
    return f"{NONE}0 of {len(rows):,}{NONE_FOR_ONE_CAUSE if len(causes) == 1 else NONE_FOR_SEVERAL}{cause}"


def _not_given(context: Context, unknown: Mapping[tuple[str, ...], Sequence[effect_rows.EffectRow]]) -> Iterator[Part]:
    """The same for each part of which no number can be compared, for a page that counts those that are left."""
    causes = {names: Counter(_why_not(context, row) for row in rows) for names, rows in unknown.items()}
    joint = NONE_FOR_ONE_CAUSE if len({cause for of in causes.values() for cause in of}) == 1 else NONE_FOR_SEVERAL
    for key, of in causes.items():
        names = dict(zip(FILTERS, key, strict=True))
        yield Part(names, joint + of.most_common(1)[0][0], NONE, Tally(names, 0, of.total()))


def _why_not(context: Context, row: effect_rows.EffectRow) -> str:
    if effect_rows.void(row):
        return ", ".join(effect_rows.flags(row))
    names = (str(row[key]) for key in ("benchmark", "metric", "attribute", "group", "class"))
    said = context.numbers.results.why_unavailable(*names)
    return f"{sentence(said.cause)} {said.remedy}".rstrip() if said else "it is undetermined"


def _undecided(rows: Sequence[GateRow]) -> Entry:
    """How many of the numbers that the gate judges are inconclusive."""
    judged = [r for r in rows if r.judged]
    tallies = [
        Tally(names, sum(r.status is RowStatus.INCONCLUSIVE for r in mine), len(mine))
        for names, _, mine in judged_parts(judged)
    ]
    return Entry(tallied(tallies) if judged else _nothing(rows), "word", parts=[*tallies, *_not_judged(rows)])


def _what_decides(rows: Sequence[GateRow]) -> Entry:
    """How many items would decide the inconclusive numbers, of each part the worst; the rows are worst first."""
    undecided = [r for r in rows if r.status is RowStatus.INCONCLUSIVE and r.judged]
    first: dict[tuple[str, ...], Part] = {}
    for row in undecided:
        names = {key: str(getattr(row, key)) for key in FILTERS}
        what = formatting.isolated(", ".join(x for x in (row.metric, place(row)) if x))
        on = f" on {formatting.isolated(row.benchmark)}" if row.benchmark else ""
        needed = needed_sentence(row) or "how many items would decide it is not known"
        first.setdefault(tuple(names.values()), Part(names, f"{what}{on}: {needed}"))
    judged = judged_parts(r for r in rows if r.judged)
    decided = [Part(names, DECIDED) for names, _, _ in judged if tuple(names.values()) not in first]
    parts = [*first.values(), *decided, *_not_judged(rows)]
    return Entry(parts[0].text if parts else _nothing(rows), parts=parts)


def _not_judged(rows: Iterable[GateRow]) -> list[Part]:
    """The parts of which the gate leaves everything out."""
    parts = judged_parts(rows)
    return [Part(names, NOTHING_JUDGED) for names, answer, _ in parts if answer.band is GateBand.NOT_JUDGED]


def _nothing(rows: Sequence[GateRow]) -> str:
    """What is said in place of judged numbers, where there are none: whether a rule is about any."""
    return NOTHING_JUDGED if rows else "no rule"
