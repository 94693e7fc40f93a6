"""Items whose answer changed from right to wrong or back: by group, by how sure the baseline was, and item by item.

Aggregates can stand still while many answers flip; who is behind the flips is a question of its own (Hooker et al.
2020, "Characterising bias in compressed models"; its compression-identified exemplars are the items of `Exemplars`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from qbench.statistics.hits import codes
from qbench.statistics.ledger import Comparison, Rows
from qbench.statistics.settings import Settings
from qbench.stats.flips import exemplars, flip_rate_interval, flip_rates_differ, mcnemar

BINS = 4
COLUMNS = [
    *["model", "quantizer", "benchmark", "attribute", "group", "margin_bin", "n", "lost", "gained", "rate", "low"],
    *["high", "p_mcnemar", "p_groups"],
]
EXEMPLARS = [
    *["quantizer", "benchmark", "item", "image", "label", "models", "before", "after", "agree_before", "agree_after"],
    *["lost", "gained"],
]

Flags = npt.NDArray[np.bool_]
Strings = npt.NDArray[np.object_]


def flip_table(comparison: Comparison, settings: Settings) -> pd.DataFrame:
    """Count flips of one comparison: overall, by group of each attribute, and by quarter of the baseline's margin.

    ``margin_bin`` is ``1`` (the quarter of the items on which the baseline was least sure: the smallest absolute
    margin) to ``4``, or empty for all items. ``p_groups`` (where the group is empty) tests whether the groups of an
    attribute flip equally often.
    """
    items = comparison.before.items
    if "correct" not in items:
        return pd.DataFrame(columns=COLUMNS)
    before, after = (x.items["correct"].to_numpy(dtype=bool) for x in (comparison.before, comparison.after))
    lost, gained = before & ~after, ~before & after
    quarter = _quarters(items)
    rows = list(_rows(comparison, lost, gained, quarter, settings))
    frame = pd.DataFrame(rows)
    n, flipped = frame["n"].to_numpy(np.int64), (frame["lost"] + frame["gained"]).to_numpy(np.int64)
    low, high = flip_rate_interval(flipped, n, confidence=settings.confidence)
    rate = np.full(len(n), np.nan)
    np.divide(flipped, n, out=rate, where=n > 0)
    p, _ = mcnemar(frame["gained"].to_numpy(np.int64), frame["lost"].to_numpy(np.int64))
    return frame.assign(**comparison.names, rate=rate, low=low, high=high, p_mcnemar=p)[COLUMNS]


def _rows(
    comparison: Comparison, lost: Flags, gained: Flags, quarter: Rows, settings: Settings
) -> Iterator[dict[str, Any]]:
    everything = np.zeros(len(lost), dtype=np.int64)
    yield from _of(lost, gained, quarter, everything, [""], attribute="")
    for attribute, groups in _groupings(comparison).items():
        code = codes(comparison.before.items[attribute], groups)
        yield from _of(lost, gained, quarter, code, groups, attribute=attribute)
        keep = code >= 0
        n = np.bincount(code[keep], minlength=len(groups))
        flipped = np.bincount(code[keep & (lost | gained)], minlength=len(groups))
        counts = {"n": int(n.sum()), "lost": int(lost[keep].sum()), "gained": int(gained[keep].sum())}
        p = flip_rates_differ(flipped, n, draws=settings.resamples, seed=settings.seed)
        yield {"attribute": attribute, "group": "", "margin_bin": "", **counts, "p_groups": p}


def _of(
    lost: Flags, gained: Flags, quarter: Rows, code: Rows, groups: Sequence[str], *, attribute: str
) -> Iterator[dict[str, Any]]:
    bins = [""] + [str(b + 1) for b in range(BINS) if (quarter == b).any()]
    for place, group in enumerate(groups):
        for name in bins:
            at = (code == place) & ((quarter == int(name) - 1) if name else True)
            counts = {"n": int(at.sum()), "lost": int(lost[at].sum()), "gained": int(gained[at].sum())}
            yield {"attribute": attribute, "group": group, "margin_bin": name, **counts, "p_groups": np.nan}


def _groupings(comparison: Comparison) -> Mapping[str, Sequence[str]]:
    """The declared attributes, and the columns that metrics tell apart (COCO's directions)."""
    found = {name: list(a.groups) for name, a in comparison.attributes.items() if name in comparison.before.items}
    for statistic in comparison.statistics.values():
        for column, value in statistic.where.items():
            found.setdefault(column, [])
            if value not in found[column]:
                found[column].append(value)
    return found


def _quarters(items: pd.DataFrame) -> Rows:
    if "margin" not in items:
        return np.full(len(items), -1)
    size = np.abs(items["margin"].to_numpy(np.float64))
    known = np.isfinite(size)
    edges = np.quantile(size[known], np.arange(1, BINS) / BINS) if known.any() else np.zeros(BINS - 1)
    return np.where(known, np.searchsorted(edges, size), -1)


class Exemplars:
    """Collects the answers of the models of one quantizer on one benchmark, to find the items that it moves."""

    def __init__(self) -> None:
        self._items = pd.DataFrame()
        self._answers: tuple[list[Strings], list[Strings]] = [], []
        self._lost = self._gained = np.zeros(0, dtype=np.int64)

    def add(self, comparison: Comparison) -> None:
        """Add one model's answers."""
        items = comparison.before.items
        if "correct" not in items or "prediction" not in items:
            return
        before, after = (x.items["correct"].to_numpy(dtype=bool) for x in (comparison.before, comparison.after))
        if not self._answers[0]:
            keep = [c for c in ("item", "image", "label", *_groupings(comparison)) if c in items]
            self._items = items[keep].reset_index(drop=True)
            self._lost = self._gained = np.zeros(len(items), dtype=np.int64)
        for answers, outcome in zip(self._answers, (comparison.before, comparison.after), strict=True):
            answers.append(outcome.items["prediction"].to_numpy(dtype=object))
        self._lost = self._lost + (before & ~after)
        self._gained = self._gained + (~before & after)

    def table(self, quantizer: str, benchmark: str) -> pd.DataFrame:
        """The items whose most frequent answer over the models is another one after than before."""
        if not self._answers[0]:
            return pd.DataFrame(columns=EXEMPLARS)
        models = len(self._answers[0])
        codes, names = pd.factorize(np.concatenate([a for side in self._answers for a in side]))
        votes = codes.reshape(2, models, -1)
        found = exemplars(votes[0], votes[1])
        answers = [np.asarray(names, dtype=object)[side] for side in (found.before, found.after)]
        frame = self._items.assign(
            quantizer=quantizer,
            benchmark=benchmark,
            models=models,
            before=answers[0],
            after=answers[1],
            agree_before=found.agree_before,
            agree_after=found.agree_after,
            lost=self._lost,
            gained=self._gained,
        )[found.changed]
        columns = [*(c for c in EXEMPLARS if c in frame), *(c for c in frame if c not in EXEMPLARS)]
        return frame[columns].sort_values("lost", ascending=False, kind="stable")
