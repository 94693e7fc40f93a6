"""Which groups stand behind a gap or a skew: who loses and who gains, or who is shown too rarely."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pandas as pd

from qbench.data.pairs import GroupPair
from qbench.gate.comparison import Compared
from qbench.gate.loss import Bounds, losses_of
from qbench.gate.phrasing import named
from qbench.gate.result import GateRow
from qbench.gate.select import quantity_of
from qbench.metrics.keys import MetricKey
from qbench.phrasing import Movement
from qbench.text import fixed
from qbench.vocabulary import MetricRole

Names = tuple[str, ...]
WHERE = ["model", "quantizer", "benchmark", "attribute", "group"]


def with_groups(rows: Iterable[GateRow], compared: Compared, bounds: Bounds, confidence: float) -> list[GateRow]:
    """Say in each row of a gap or a skew what happened to its groups, as far as the run tells.

    Parameters
    ----------
    rows : iterable of GateRow
        Those of a gate.
    compared : Compared
        What they were made of.
    bounds, confidence : Bounds, float
        What gives the intervals of the groups' changes, and their confidence.
    """
    accuracies = _accuracies(compared, bounds, confidence)
    skews, pairs = _skews(compared), _pairs(compared)
    found = []
    for row in rows:
        where, said = (row.model, row.quantizer, row.benchmark, row.attribute), ""
        pair = pairs.get((row.benchmark, row.attribute, row.group))
        if row.role is MetricRole.GAP and not row.class_ and pair is not None:
            moved = {group: accuracies.get((*where, group)) for group in (pair.first, pair.second)}
            known = sorted(((its.loss, group, its) for group, its in moved.items() if its), reverse=True)
            said = ", ".join(f"{named(group)} {its.words}" for _, group, its in known)
        elif row.role is MetricRole.SKEW and not row.class_:
            said = skews.get((*where, row.group, row.metric), "")
        found.append(replace(row, groups=said))
    return found


def _pairs(compared: Compared) -> dict[Names, GroupPair]:
    """Benchmark, attribute and the label of a pair → the pair."""
    return {
        (cell.benchmark, attribute.name, label): pair
        for cell in compared.cells
        if cell.done
        for attribute in cell.attributes
        for label, pair in attribute.group_pairs.items()
    }


def _accuracies(compared: Compared, bounds: Bounds, confidence: float) -> dict[Names, Movement]:
    """What each group lost by the first accuracy that its benchmark declares by group."""
    rows = _of_role(compared, MetricRole.ACCURACY)
    losses = losses_of(rows)
    low, high = losses.interval(bounds, np.full(len(rows), confidence))
    found: dict[Names, Movement] = {}
    names = rows[WHERE].itertuples(index=False, name=None)
    for where, *ends, unit, better in zip(names, losses.found(), low, high, rows["unit"], rows["better"], strict=True):
        if np.isfinite(ends[0]):
            loss, least, most = map(float, ends)
            its = Movement(loss=loss, low=least, high=most, unit=str(unit), quantity=quantity_of(str(better)))
            found.setdefault(tuple(map(str, where)), its)
    return found


def _skews(compared: Compared) -> dict[Names, str]:
    """For each group, and each skew of it: whether the variant shows it too rarely or too often."""
    rows = _of_role(compared, MetricRole.SKEW)
    found = {}
    for *names, before, after in rows[[*WHERE, "metric", "baseline_value", "value"]].itertuples(index=False, name=None):
        if np.isfinite(before) and np.isfinite(after) and after != 0:
            values = " → ".join(fixed(x, 3, sign=True) for x in (before, after))
            found[tuple(map(str, names))] = (
                f"{named(str(names[4]))} is shown too {'rarely' if after < 0 else 'often'}, {values}"
            )
    return found


def _of_role(compared: Compared, role: MetricRole) -> pd.DataFrame:
    """The changes by group, over all classes, of the metrics of a role; those declared first come first."""
    ranks = {
        (benchmark, name): rank
        for benchmark, declared in compared.declared.items()
        for rank, (name, info) in enumerate(declared.items())
        if info.judged_as is role
    }
    effects = compared.effects[(compared.effects["class"] == "") & (compared.effects["group"] != "")]
    base = {metric: MetricKey.parse(str(metric)).name for metric in effects["metric"].unique()}
    keys = zip(effects["benchmark"], effects["metric"], strict=True)
    rank = np.array([ranks.get((str(b), base[m]), -1) for b, m in keys], dtype=np.int64)
    order = np.argsort(rank, kind="stable")
    return effects.iloc[order[rank[order] >= 0]]
