"""Rows of the table `effects`: selected, sorted, and turned into sentences and marks of charts."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from qbench.phrasing import Movement
from qbench.report import formatting
from qbench.report.charts.forest import Mark
from qbench.statistics.direction import loss_bounds, worse_direction
from qbench.vocabulary import Better, Effect, FlagKind, Quantity, RowFlag, Verdict, parse_flags

EffectRow = Mapping[Any, Any]


def effect(row: EffectRow) -> Effect:
    """What a chart shows of a change."""
    return Verdict(row["verdict"]).effect


def whole(effects: pd.DataFrame) -> pd.DataFrame:
    """The rows over all classes."""
    return effects[effects["class"] == ""]


def loss(row: EffectRow) -> float:
    """How far a number moved in the worse direction; −inf if this is not known."""
    change = row["abs_change"] if row["better"] == Better.ZERO else row["change"]
    size = -change if row["better"] == Better.HIGHER else change
    return float(size) if math.isfinite(size) else -math.inf


def worst_first(rows: Iterable[EffectRow]) -> list[EffectRow]:
    """Sort rows: those that are worse first, then by the size of the loss."""
    return sorted(rows, key=lambda r: (effect(r).rank, -loss(r)))


def where(row: EffectRow) -> str:
    """Attribute, group and class in words; empty for a number over all items."""
    return ": ".join(str(x) for x in (row["attribute"], row["group"], row["class"]) if x)


def void(row: EffectRow) -> bool:
    """Whether the baseline's number means nothing, so that no comparison with it does."""
    return any(f.of_baseline and f.kind in list(FlagKind) and FlagKind(f.kind).voids for f in parse_flags(row["flags"]))


def known(row: EffectRow) -> bool:
    """Whether the change has an interval."""
    return bool(math.isfinite(row["change"]) and math.isfinite(row["low"]) and math.isfinite(row["high"]))


def levels(row: EffectRow) -> str:
    """The number before and after: "63.3 → 61.2 %"."""
    signed, unit = row["better"] == Better.ZERO, str(row["unit"])
    before, after = (formatting.value(row[k], unit, signed=signed) for k in ("baseline_value", "value"))
    return f"{before.partition(formatting.NBSP)[0]} → {after}"


def mark(row: EffectRow, *parts: str) -> Mark:
    """Make the mark of a row for a forest plot; `parts` are the names that its label needs."""
    names = {key: str(row[key]) for key in ("model", "quantizer", "benchmark", "metric", "attribute", "group")}
    label = " · ".join(x for x in (names.get(p, p) if p != "where" else where(row) for p in parts) if x)
    return Mark(
        label=label or "all",
        value=float(row["change"]),
        low=float(row["low"]),
        high=float(row["high"]),
        margin=float(row["margin"]),
        effect=effect(row),
        n=int(row["n"]),
        whole=not row["attribute"],
        levels=levels(row),
        names=names,
    )


def flags(row: EffectRow) -> list[str]:
    """The words for the flags of a row."""
    return [_flag(flag) for flag in parse_flags(str(row["flags"]))]


def _flag(flag: RowFlag) -> str:
    words = FlagKind(flag.kind).label if flag.kind in list(FlagKind) else flag.kind
    return f"baseline {words}" if flag.of_baseline else words


def movement(row: EffectRow) -> Movement:
    """The change as a loss, with its interval (`qbench.statistics.direction`, as in the gate)."""
    direction, level = worse_direction([row["better"]], *([row[k]] for k in ("baseline_value", "value", "sum_se")))
    low, high = (float(x[0]) for x in loss_bounds([row["low"]], [row["high"]], direction, level))
    return Movement(
        loss=loss(row) if math.isfinite(row["change"]) else math.nan,
        low=low,
        high=high,
        unit=str(row["unit"]),
        quantity=Quantity.DROP if row["better"] == Better.HIGHER else Quantity.GROWTH,
    )


def amount(row: EffectRow) -> str:
    """The change in words: "loses 2.3 points (a loss of 1.1 to 3.6)", of a signed bias with its values."""
    its = movement(row)
    if row["better"] != Better.ZERO:
        return its.words
    return f"{its.moved} ({'; '.join(x for x in (levels(row), its.span) if x)})"


def signed(row: EffectRow) -> str:
    """The change with its interval, as numbers: "−2.3 points [−3.6, −1.1]"."""
    unit = str(row["unit"])
    ends = f" {formatting.interval(row['low'], row['high'], unit)}" if math.isfinite(row["low"]) else ""
    return formatting.change(row["change"], unit) + ends


def margin(row: EffectRow) -> str:
    """The margin that was used: "±1.0 points"."""
    unit = formatting.unit_of_change(str(row["unit"]))
    return f"±{formatting.value(row['margin'], unit)}" if math.isfinite(row["margin"]) else "none"


def subject(row: EffectRow) -> str:
    """Which variant and which number: "hf-int4 on laion/ViT-B-32: recall on facet (age: older)"."""
    what = f" ({formatting.isolated(where(row))})" if where(row) else ""
    names = {key: formatting.isolated(str(row[key])) for key in ("quantizer", "model", "benchmark", "metric")}
    return f"{names['quantizer']} on {names['model']}: {names['metric']} on {names['benchmark']}{what}"


def sentence(row: EffectRow) -> str:
    """One finding as a sentence with its numbers."""
    verdict, n = Verdict(row["verdict"]), f"n = {items(row):,}"
    if verdict is Verdict.EQUIVALENT:
        return f"{subject(row)} is equivalent within {margin(row)}: it {amount(row)}, {n}."
    if verdict is Verdict.DESCRIPTIVE:
        return f"{subject(row)} is shown and not judged: it {amount(row)}, {n}."
    if verdict is not Verdict.INCONCLUSIVE:
        return f"{subject(row)} {amount(row)}, {n}: {verdict}."
    return f"{subject(row)} is inconclusive: it {amount(row)}, {n}; {str(row['reason']).rstrip('.')}.{more(row)}"


def more(row: EffectRow) -> str:
    """A sentence on how many items would decide the row; empty if this is not known."""
    needed = needed_items(row)
    if not math.isfinite(needed):
        return ""
    k = f" with k = {int(row['needed_k']):,}" if math.isfinite(row.get("needed_k", math.nan)) else ""
    return f" About {math.ceil(needed):,} items{k} would decide it."


def items(row: EffectRow) -> int:
    """How many items are behind the row, as the gate counts them: not the classes or queries of a mean over these."""
    size = float(row["sample_size"])
    return int(size if size > 0 else row["n"])


def needed_items(row: EffectRow) -> float:
    """How many items would show that nothing changed; NaN where these are there, or too much changed."""
    needed = float(row["needed"])
    return needed if abs(float(row["change"])) <= float(row["margin"]) and needed > items(row) else math.nan


def verdict_counts(rows: Iterable[EffectRow]) -> str:
    """How many rows have which verdict, the worst first."""
    found = Counter(str(row["verdict"]) for row in rows)
    return ", ".join(f"{found[v]:,} {v}" for v in Verdict if v in found) or "none"
