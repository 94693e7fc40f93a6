"""Items whose answer changed from right to wrong or back: by group, by how sure the baseline was, and item by item.

Aggregates can stand still while many answers flip; who is behind the flips is a question of its own (Hooker et al.
2020, "Characterising bias in compressed models"; its compression-identified exemplars are the items of `Exemplars`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from qbench.statistics.hits import codes, count_cells
from qbench.statistics.ledger import Comparison, Rows
from qbench.statistics.settings import Settings
from qbench.stats.flips import exemplars, flip_rate_interval, flip_rates_differ, share_test

BINS = 4
COLUMNS = [
    *["model", "quantizer", "benchmark", "attribute", "group", "margin_bin", "n", "lost", "gained", "rate", "deff"],
    *["low", "high", "p_mcnemar", "p_groups"],
]
EXEMPLARS = [
    *["quantizer", "benchmark", "item", "image", "label", "models", "before", "after", "agree_before", "agree_after"],
    *["lost", "gained"],
]

Changes = npt.NDArray[np.int8]
Strings = npt.NDArray[np.object_]


def flip_table(comparison: Comparison, settings: Settings) -> pd.DataFrame:
    """Count flips of one comparison: overall, by group of each attribute, and by quarter of the baseline's margin.

    ``margin_bin`` is ``1`` (the quarter of the items on which the baseline was least sure: the smallest absolute
    margin) to ``4``, or empty for all items. ``p_mcnemar`` tests whether as many answers became right as became wrong,
    and ``p_groups`` (where the group is empty) whether the groups of an attribute flip equally often. Where items share
    images, tests and intervals are those of counts divided by their design effect, as for the effects themselves.
    """
    items = comparison.before.items
    if "correct" not in items:
        return pd.DataFrame(columns=COLUMNS)
    before, after = (x.items["correct"].to_numpy(dtype=np.int8) for x in (comparison.before, comparison.after))
    change, quarter = after - before, _quarters(items)
    parts = [_table(change, quarter, np.zeros(len(items), dtype=np.int64), [""], comparison.image, settings)]
    for attribute, groups in _groupings(comparison).items():
        code = codes(items[attribute], groups)
        of_groups = _table(change, quarter, code, groups, comparison.image, settings)
        whole = _table(change, np.full(len(items), -1), np.where(code >= 0, 0, -1), [""], comparison.image, settings)
        p = _rates_differ(change, code, len(groups), comparison.image, settings)
        parts += [x.assign(attribute=attribute) for x in (of_groups, whole.assign(p_groups=p))]
    return pd.concat(parts, ignore_index=True).assign(**comparison.names)[COLUMNS]


def flips_at(flips: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """The table of flips with the intervals of another confidence."""
    flipped, n, deff = (x.to_numpy(np.float64) for x in (flips["lost"] + flips["gained"], flips["n"], flips["deff"]))
    low, high = flip_rate_interval(flipped / deff, n / deff, confidence=confidence)
    return flips.assign(low=low, high=high)


def _table(
    change: Changes, quarter: Rows, code: Rows, groups: Sequence[str], image: Rows, settings: Settings
) -> pd.DataFrame:
    """Rows of each group, and of each quarter of the margin that there is; images are the units throughout.

    Parameters
    ----------
    change : numpy.ndarray
        ``(n,)`` in −1, 0, 1.
    quarter, code : numpy.ndarray
        ``(n,)`` int: the quarter and the group of each item; −1 for none.
    groups : sequence of str
        The names of the groups.
    image : numpy.ndarray
        ``(n,)`` int.
    settings : Settings
        Confidence.
    """
    bins = [b for b in range(BINS) if (quarter == b).any()]
    names = ["", *(str(b + 1) for b in bins)]
    cells = [code, *(np.where(quarter == b, code, -1) for b in bins)]
    moves, flips = ([count_cells(x, cell, len(groups), image) for cell in cells] for x in (change, np.abs(change)))
    gain, loss, n, deff = (
        np.stack([getattr(c, k) for c in moves], axis=1).ravel() for k in ("gain", "loss", "n", "deff")
    )
    of_rate = np.stack([c.deff for c in flips], axis=1).ravel()
    rate, p = np.full(len(n), np.nan), np.full(len(n), np.nan)
    known = n > 0
    rate[known] = (gain + loss)[known] / n[known]
    p[known], _ = share_test(*(x[known] for x in (gain, loss, n, deff)))
    counts = {"n": n.astype(np.int64), "lost": loss.astype(np.int64), "gained": gain.astype(np.int64)}
    table = pd.DataFrame(
        {
            "attribute": "",
            "group": np.repeat(np.asarray(groups, dtype=object), len(bins) + 1),
            "margin_bin": names * len(groups),
            **counts,
            **{"rate": rate, "deff": of_rate, "p_mcnemar": p, "p_groups": np.nan},
        }
    )
    return flips_at(table, settings.confidence)


def _rates_differ(change: Changes, code: Rows, groups: int, image: Rows, settings: Settings) -> float:
    counts = count_cells(np.abs(change), code, groups, image)
    return flip_rates_differ(counts.gain, counts.n, counts.deff, draws=settings.resamples, seed=settings.seed)


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
