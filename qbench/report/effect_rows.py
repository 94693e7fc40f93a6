"""Judged changes in words and marks: which rows there are, how bad each is, and how it is said."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from qbench.report import formatting
from qbench.report.charts.forest import Mark

EffectRow = Mapping[Any, Any]

SIGN = {"worse": "worse", "amplified": "worse", "better": "better", "reduced": "better", "equivalent": "equivalent"}
"""Verdict → what a chart shows; everything else is not yet known."""

FLAGS = {
    "near-chance": "guesses",
    "follows": "guesses elsewhere",
    "constant": "one answer to all",
    "accuracy-lost": "accuracy lost",
    "undetermined": "undetermined",
    "below-noise": "below the batch noise",
}
"""Flag → the word beside a number; a baseline's own flag starts with ``baseline-``."""


def whole(effects: pd.DataFrame) -> pd.DataFrame:
    """The rows over all classes."""
    return effects[effects["class"] == ""]


def loss(row: EffectRow) -> float:
    """How far a number moved to its worse side; −inf where that is not known."""
    change = row["abs_change"] if row["better"] == "zero" else row["change"]
    size = -change if row["better"] == "higher" else change
    return float(size) if math.isfinite(size) else -math.inf


def worst_first(rows: Iterable[EffectRow]) -> list[EffectRow]:
    """What was decided to be worse before all else, then by size."""
    rank = {"worse": 0, "not yet known": 1, "equivalent": 2, "better": 3}
    return sorted(rows, key=lambda r: (rank[SIGN.get(str(r["verdict"]), "not yet known")], -loss(r)))


def where(row: EffectRow) -> str:
    """Attribute, group and class in words; empty for all."""
    return ": ".join(str(x) for x in (row["attribute"], row["group"], row["class"]) if x)


def mark(row: EffectRow, *parts: str) -> Mark:
    """A row as a mark of a forest plot; `parts` are the names that its label needs."""
    names = {key: str(row[key]) for key in ("model", "quantizer", "benchmark", "metric", "attribute", "group")}
    label = " · ".join(x for x in (names.get(p, p) if p != "where" else where(row) for p in parts) if x)
    return Mark(
        label=label or "all",
        value=float(row["change"]),
        low=float(row["low"]),
        high=float(row["high"]),
        margin=float(row["margin"]),
        sign=SIGN.get(str(row["verdict"]), "not yet known"),
        n=int(row["n"]),
        whole=not row["attribute"],
        names=names,
    )


def flags(row: EffectRow) -> list[str]:
    """The words of its flags."""
    found = [f for f in str(row["flags"]).split(";") if f]
    return [
        f"baseline {FLAGS.get(f.removeprefix('baseline-'), f)}" if f.startswith("baseline-") else FLAGS.get(f, f)
        for f in found
    ]


def amount(row: EffectRow) -> str:
    """The change with its interval: "−2.3 points [−3.6, −1.1]"."""
    unit = str(row["unit"])
    ends = f" {formatting.interval(row['low'], row['high'], unit)}" if math.isfinite(row["low"]) else ""
    return formatting.change(row["change"], unit) + ends


def tolerance(row: EffectRow) -> str:
    """The margin that applied: "±1.0 points"."""
    unit = "points" if row["unit"] == "share" else str(row["unit"])
    return f"±{formatting.value(row['margin'], unit)}" if math.isfinite(row["margin"]) else "none"


def subject(row: EffectRow) -> str:
    """Which variant and which number: "hf-int4 on laion/ViT-B-32: recall on facet (age: older)"."""
    what = f" ({formatting.isolated(where(row))})" if where(row) else ""
    names = {key: formatting.isolated(str(row[key])) for key in ("quantizer", "model", "benchmark", "metric")}
    return f"{names['quantizer']} on {names['model']}: {names['metric']} on {names['benchmark']}{what}"


def sentence(row: EffectRow) -> str:
    """One finding in plain words with its numbers."""
    verdict, n = str(row["verdict"]), f"n = {int(row['n']):,}"
    if verdict == "equivalent":
        return f"{subject(row)} is equivalent within {tolerance(row)}: {amount(row)}, {n}."
    if verdict in ("amplified", "reduced"):
        before, after = (formatting.value(row[k], str(row["unit"]), signed=True) for k in ("baseline_value", "value"))
        return f"{subject(row)} is {verdict}: {before} → {after}, change {amount(row)}, {n}."
    if verdict in ("worse", "better"):
        word = "falls" if float(row["change"]) < 0 else "rises"
        return f"{subject(row)} {word}: {amount(row)}, {n}."
    return f"{subject(row)} is not yet known: {amount(row)}, {n}; {str(row['reason']).rstrip('.')}.{more(row)}"


def more(row: EffectRow) -> str:
    """How many more items would decide it; empty where that is not known."""
    needed = row["needed"]
    if not math.isfinite(needed):
        return ""
    return f" About {math.ceil(float(needed)):,} items would decide it." if needed > row["n"] else ""


def verdict_counts(rows: pd.DataFrame) -> str:
    """How many rows have which verdict, worst first."""
    order = ["worse", "amplified", "not yet known", "equivalent", "better", "reduced"]
    found = rows["verdict"].value_counts()
    return ", ".join(f"{int(found[v]):,} {v}" for v in order if v in found) or "none"
