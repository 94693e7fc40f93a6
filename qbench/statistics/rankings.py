"""Changes of skews and NDKL between two sets of rankings of the same gallery: influence of each image, jackknife."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from qbench.metrics.interface import Outcome
from qbench.metrics.skew import Target, target_shares
from qbench.statistics.hits import codes
from qbench.statistics.ledger import Comparison, Ledger
from qbench.stats.ndkl import ndkl_change, ndkl_levels
from qbench.stats.nulls import ZERO_MEAN
from qbench.stats.ranked import RankedChange
from qbench.stats.skew import skew_change

INFLUENCE, JACKKNIFE = "influence", "jackknife"
RANKED = ("skew", "max_skew", "min_skew", "ndkl")


def whole_rankings(outcome: Outcome) -> npt.NDArray[np.int64]:
    """``(queries, n)`` positions in the gallery, best first."""
    assert outcome.rankings is not None
    return outcome.rankings["item"].to_numpy(dtype=np.int64).reshape(len(outcome.facts["queries"]), -1)


def judge_rankings(ledger: Ledger, comparison: Comparison) -> None:
    """Fill in the rows of all metrics that are made of rankings; does nothing where there are none."""
    kinds = {name: s.kind for name, s in comparison.statistics.items() if s.kind in RANKED}
    metric = ledger.column("metric")
    own = np.array([str(m).partition("@")[0] in kinds for m in metric], dtype=bool)
    if not own.any() or comparison.before.rankings is None or comparison.after.rankings is None:
        return
    before, after = whole_rankings(comparison.before), whole_rankings(comparison.after)
    queries = [str(q) for q in comparison.before.facts["queries"]]
    target: Target = comparison.before.facts.get("target", "uniform")
    items = comparison.before.items
    for attribute in dict.fromkeys(ledger.column("attribute")[own]):
        names = comparison.attributes[attribute]
        group = codes(items[attribute], names)
        inside = group >= 0
        if not inside.all():
            continue
        shares = target_shares(group, len(names), target, np.ones((1, len(group))))[0]
        work = _Attribute(ledger, queries, attribute, names)
        for cut in dict.fromkeys(
            str(m).partition("@")[2] for m in metric[own & (ledger.column("attribute") == attribute)]
        ):
            if cut:
                found = skew_change(
                    before,
                    after,
                    group,
                    shares,
                    int(cut),
                    target_is_gallery=target == "gallery",
                    image=comparison.image,
                )
                work.put(kinds, "max_skew", cut, "", found.max, INFLUENCE)
                work.put(kinds, "min_skew", cut, "", found.min, INFLUENCE)
                for name, change in zip(names, found.groups, strict=True):
                    work.put(kinds, "skew", cut, name, change, INFLUENCE)
            else:
                known = comparison.of_baseline
                if (attribute, target) not in known:
                    known[attribute, target] = ndkl_levels(before, group, shares, target_is_gallery=target == "gallery")
                deep = ndkl_change(
                    known[attribute, target],
                    after,
                    group,
                    shares,
                    target_is_gallery=target == "gallery",
                    image=comparison.image,
                )
                work.put(kinds, "ndkl", "", "", deep, JACKKNIFE)


class _Attribute:
    """Finds the rows of one attribute and writes what is known of them."""

    def __init__(self, ledger: Ledger, queries: list[str], attribute: str, groups: tuple[str, ...]) -> None:
        self._ledger, self._query = ledger, {q: i for i, q in enumerate(queries)}
        self._rows: dict[tuple[str, str], list[int]] = {}
        for row in ledger.rows(attribute=attribute):
            key = str(ledger.column("metric")[row]), str(ledger.column("group")[row])
            self._rows.setdefault(key, []).append(int(row))

    def put(self, kinds: Mapping[str, str], kind: str, cut: str, group: str, found: RankedChange, method: str) -> None:
        """Write one number: of each query, and of the mean over them."""
        for metric in (name for name, made in kinds.items() if made == kind):
            rows = np.array(self._rows.get((f"{metric}@{cut}" if cut else metric, group), []), dtype=np.int64)
            if not len(rows):
                continue
            if found.reason:
                self._ledger.put(rows, why=found.reason)
                continue
            classes = self._ledger.column("class")[rows]
            mean, each = rows[classes == ""], rows[classes != ""]
            query = np.array([self._query[str(c)] for c in classes[classes != ""]], dtype=np.int64)
            self._ledger.put(each, method=method, null=ZERO_MEAN, se=found.se[query], df=np.inf)
            self._ledger.put(mean, method=method, null=ZERO_MEAN, se=found.mean_se, df=np.inf)
            for row in mean:
                self._ledger.influence[int(row)] = found.influence
