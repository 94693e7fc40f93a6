"""The answer for each quantizer: does it pass the gate, how large is its largest loss, and which group loses most?"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence

from qbench.gate import GateResult
from qbench.plugins.report_blocks import Column, Entry, Table, name
from qbench.report import effect_rows, formatting
from qbench.report.context import Context
from qbench.vocabulary import Better, GateBand, RowStatus, Unit, Verdict

ROWS = 12
ANSWERS = tuple(status for status in RowStatus if status is not RowStatus.LEFT_OUT)
"""The statuses of rows of the gate, worst first: the first that a quantizer has is its answer."""


def shares(context: Context) -> list[effect_rows.EffectRow]:
    """Select the changes of the main accuracies, over all items and by group, the worst first."""
    numbers = context.numbers
    main = {
        (b, m.metric)
        for b in numbers.benchmarks
        for grouped in (False, True)
        for m in [
            m for m in numbers.measures(b, grouped=grouped) if m.better == Better.HIGHER and m.unit == Unit.SHARE
        ][:1]
    }
    rows = [
        r
        for r in effect_rows.whole(numbers.results.effects).to_dict("records")
        if (r["benchmark"], r["metric"]) in main and math.isfinite(r["change"])
    ]
    return effect_rows.worst_first(rows)


def _answer(status: RowStatus) -> str:
    """What a status means for the question whether the quantizer may ship."""
    words = GateBand.NOT_SHOWN_SAFE.lower() if status is RowStatus.INCONCLUSIVE else status.label
    return f"{status.symbol} {words}"


def by_quantizer(context: Context) -> Iterator[Table]:
    """Make a table with one row per quantizer, if anything is compared."""
    numbers = context.numbers
    found = shares(context)
    rows = [r for r in found if not numbers.unlabelled(r["benchmark"], r["attribute"], r["group"])]
    quantizers = [q for q in numbers.quantizers if q != context.baseline and any(r["quantizer"] == q for r in rows)]
    if not quantizers:
        return
    body: list[list[Entry]] = []
    for quantizer in quantizers[:ROWS]:
        mine = [r for r in rows if r["quantizer"] == quantizer]
        counts = _counts(context.gate, quantizer)
        answer = next((_answer(status) for status in ANSWERS if counts[status]), "no rule")
        body.append(
            [
                name(quantizer, head=True),
                Entry(answer, "word"),
                Entry(_worst([r for r in mine if r["attribute"]])),
                Entry(_worst([r for r in mine if not r["attribute"]])),
                Entry(", ".join(f"{counts[s]:,} {s}" for s in ANSWERS if counts[s] and s is not RowStatus.WAIVED)),
            ]
        )
    heads = (
        "Quantizer",
        "Safe to ship?",
        "The group that loses most",
        "Accuracy over all items, at worst",
        "Rows of the gate",
    )
    yield Table(
        caption="Each quantizer, over all models: the answer of the gate, and the largest losses",
        columns=[Column(h) for h in heads],
        rows=body,
        note=(
            "The largest of many changes is large partly by chance. The answer is adjusted for their number, so the "
            "answer decides, and not these 95 % intervals. “Rows of the gate” are the numbers to which the rules "
            "below apply."
        ),
        left_out=len(quantizers) - len(body),
        left_out_note="see “Changes at a glance”",
    )


def _counts(gate: GateResult, quantizer: str) -> Counter[str]:
    return Counter(r.status for r in gate.rows if r.quantizer == quantizer)


def _worst(rows: Sequence[effect_rows.EffectRow]) -> str:
    if not rows:
        return "none measured"
    row = min(rows, key=lambda r: (r["verdict"] != Verdict.WORSE, -effect_rows.loss(r)))
    if effect_rows.loss(row) <= 0:
        return "none falls"
    who = f"{formatting.isolated(effect_rows.where(row))}: " if row["attribute"] else ""
    where = " on ".join(formatting.isolated(str(row[k])) for k in ("model", "benchmark"))
    return f"{who}{effect_rows.amount(row)}, {row['verdict']} ({where})"
