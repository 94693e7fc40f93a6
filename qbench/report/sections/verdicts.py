"""The answer for each variant, or each quantizer: may it ship, which group loses most, and what is inconclusive?"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from qbench.gate import GateRow
from qbench.gate.phrasing import place
from qbench.plugins.report_blocks import Column, Entry, Table, name
from qbench.report import effect_rows, formatting
from qbench.report.context import Context
from qbench.vocabulary import Better, Effect, GateBand, MetricRole, RowStatus, Verdict

ROWS = 60
FEW = 3
"""Up to so many variants have one row each; more are shown by quantizer."""
ANSWERS = tuple(status for status in RowStatus if status is not RowStatus.LEFT_OUT)
"""The statuses of rows of the gate, worst first: the first that a variant has is its answer."""
GAPS = (MetricRole.GAP, MetricRole.SKEW)


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
    variants = [
        _Shown(m, q)
        for m, q in dict.fromkeys((c.model, c.quantizer) for c in numbers.results.done)
        if q != context.baseline
    ]
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
    return Table(
        caption=caption,
        columns=[
            *([Column("Model")] if of_models else []),
            *map(Column, ("Quantizer", "Answer")),
            *([Column("Such models in general")] if _in_general(context, shown) else []),
            *map(Column, ("Over all items, at worst", "The group that loses most")),
            *map(Column, ("The gap or skew that grows most", "Inconclusive, and what would decide it")),
        ],
        rows=[
            _row(
                context,
                x,
                [r for r in rows if x.has(r["model"], r["quantizer"])],
                _in_general(context, shown),
            )
            for x in shown[:ROWS]
        ],
        note=(
            ""
            if closed
            else "The answer is the gate’s; the numbers are changes with their 95 % intervals. The largest of many "
            "changes is large partly by chance, and the answer takes account of their number."
        ),
        left_out=max(0, len(shown) - ROWS),
        left_out_note="see “Groups and gaps”",
        closed=closed,
        over=(*(() if of_models else ("model",)), "benchmark", "attribute"),
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


def _in_general(context: Context, shown: Iterable[_Shown]) -> dict[str, str]:
    """Quantizer → what the gate says of it over checkpoints, where the rows are quantizers and this is known."""
    if any(x.model for x in shown):
        return {}
    return {
        q.quantizer: f"{q.band.lower()} ({formatting.count(q.checkpoints, 'checkpoint')})"
        for q in context.gate.quantizers
    }


def _row(
    context: Context, shown: _Shown, rows: Sequence[effect_rows.EffectRow], in_general: Mapping[str, str]
) -> list[Entry]:
    gaps = [r for r in rows if _role(context, r) in GAPS]
    accuracies = [r for r in rows if _role(context, r) not in GAPS]
    of_gate = [r for r in context.gate.rows if shown.has(r.model, r.quantizer)]
    counts = Counter(r.status for r in of_gate)
    answer = next((_answer(status) for status in ANSWERS if counts[status]), "no rule")
    several = not shown.model and len({r["model"] for r in rows}) > 1
    return [
        *([name(shown.model, head=True)] if shown.model else []),
        name(shown.quantizer, head=True),
        Entry(answer, "word"),
        *([Entry(in_general.get(shown.quantizer, "not known"))] if in_general else []),
        *(
            Entry(_worst(context, of_column, several=several))
            for of_column in (
                [r for r in accuracies if not r["attribute"]],
                [r for r in accuracies if r["attribute"]],
                gaps,
            )
        ),
        Entry(_open(of_gate)),
    ]


def _role(context: Context, row: effect_rows.EffectRow) -> MetricRole:
    return context.numbers.measure(str(row["benchmark"]), str(row["metric"])).role


def _answer(status: RowStatus) -> str:
    """What a status means for the question whether the variant may ship."""
    words = GateBand.NOT_SHOWN_SAFE.lower() if status is RowStatus.INCONCLUSIVE else status.label
    return f"{status.symbol} {words}"


def _worst(context: Context, rows: Sequence[effect_rows.EffectRow], *, several: bool) -> str:
    """The row that lost most, those that are worse by their verdict first; `several` models have to be told apart."""
    known = [r for r in rows if math.isfinite(r["change"]) and not effect_rows.void(r)]
    if not known:
        return _why_none(context, rows)
    row = min(known, key=lambda r: (Verdict(r["verdict"]).effect is not Effect.WORSE, -effect_rows.loss(r)))
    if effect_rows.loss(row) <= 0:
        return "none grows" if row["better"] == Better.ZERO else "none loses"
    what = effect_rows.where(row) or str(row["metric"])
    names = [str(row["benchmark"]), *([str(row["model"])] if several else [])]
    on = ", ".join(formatting.isolated(x) for x in names)
    return f"{formatting.isolated(what)} {effect_rows.amount(row)}: {row['verdict']} ({on})"


def _why_none(context: Context, rows: Sequence[effect_rows.EffectRow]) -> str:
    """Why none of these numbers can be compared: the commonest cause, with what to do about it."""
    if not rows:
        return "none measured"
    causes = Counter(_why_not(context, row) for row in rows)
    cause, n = causes.most_common(1)[0]
    others = "" if n == len(rows) else f" (so {n:,} of them)"
    return f"none of {formatting.count(len(rows), 'number')} can be given: {cause}{others}"


def _why_not(context: Context, row: effect_rows.EffectRow) -> str:
    if effect_rows.void(row):
        return ", ".join(effect_rows.flags(row))
    names = (str(row[key]) for key in ("benchmark", "metric", "attribute", "group", "class"))
    said = context.numbers.results.why_unavailable(*names)
    return f"{said.cause}. {said.remedy}".rstrip() if said else "it is undetermined"


def _open(rows: Iterable[GateRow]) -> str:
    """How many numbers are inconclusive, and how many items would decide the first and the last of them."""
    rows = [r for r in rows if r.status is not RowStatus.LEFT_OUT]
    undecided = [r for r in rows if r.status is RowStatus.INCONCLUSIVE]
    if not undecided:
        return "nothing" if rows else "no rule"
    said = f"{len(undecided):,} of {formatting.count(len(rows), 'number')}"
    known = sorted((r for r in undecided if r.needed), key=lambda r: r.needed or 0)
    if not known:
        return f"{said}; how many items would decide them is not known"
    first, last = known[0], known[-1]
    what = ", ".join(x for x in (first.metric, place(first)) if x)
    said += f"; {first.needed:,} items would decide {formatting.isolated(what)} (now {first.items:,})"
    return said if last is first else f"{said}, and {last.needed:,} the last of them"
