"""What skews and NDKL share: rankings of a gallery, the groups in them, and rows of the mean and of each query."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from qbench.api import Attribute, NoOptions, Outcome
from qbench.api.statistics import (
    ZERO_MEAN,
    Comparison,
    Floats,
    Ledger,
    Measured,
    MetricKey,
    Number,
    RankedChange,
    Rows,
    Settings,
    SkewChange,
    StandardErrorStatistic,
    Target,
    codes,
    skew,
    skew_change,
    target_shares,
    top_shares,
)

INFLUENCE, JACKKNIFE = "influence", "jackknife"


@dataclass(frozen=True)
class Gallery:
    """The gallery of one attribute: the group of each item, and the shares that the groups should have.

    Attributes
    ----------
    attribute : str
        The name of the attribute.
    groups : tuple of str
        The names of the groups.
    group : numpy.ndarray
        ``(n,)`` int: the group of each item.
    target : {"uniform", "gallery"}
        What `shares` are.
    shares : numpy.ndarray
        ``(G,)`` float; NaN for a group without an item.
    """

    attribute: str
    groups: tuple[str, ...]
    group: Rows
    target: Target
    shares: Floats

    @property
    def target_is_gallery(self) -> bool:
        """Whether the shares are the gallery's own, which vary as the gallery does."""
        return self.target == "gallery"


def whole_rankings(outcome: Outcome) -> npt.NDArray[np.int64]:
    """``(queries, n)`` positions in the gallery, best first."""
    assert outcome.rankings is not None
    return outcome.rankings["item"].to_numpy(dtype=np.int64).reshape(len(outcome.facts["queries"]), -1)


def gallery_of(outcome: Outcome, attribute: Attribute, weights: Floats | None = None) -> Gallery | None:
    """The gallery by an attribute; `None` where an item has none of its groups."""
    groups = attribute.groups
    group = codes(outcome.items[attribute.name], groups)
    if (group < 0).any():
        return None
    target: Target = outcome.facts.get("target", "uniform")
    w = np.ones((1, len(group))) if weights is None else np.asarray(weights, dtype=np.float64)[None]
    return Gallery(attribute.name, groups, group, target, target_shares(group, len(groups), target, w)[0])


class Ranked(StandardErrorStatistic):
    """A number of rankings; its class is the query, and empty for the mean over the queries."""

    def __init__(self, options: NoOptions) -> None:
        self.options = options

    def estimate(self, measured: Measured, number: Number) -> float:
        """The number of one query, or the mean over the queries for which it is determined; NaN where none is."""
        outcome, attribute = measured.outcome, measured.attributes.get(number.attribute)
        if attribute is None or outcome.rankings is None or not len(outcome.items):
            return float("nan")
        gallery = gallery_of(outcome, attribute, measured.weights)
        if gallery is None:
            return float("nan")
        queries = [str(q) for q in outcome.facts["queries"]]
        rankings = whole_rankings(outcome)
        asked = [queries.index(number.class_)] if number.class_ else range(len(queries))
        n = len(outcome.items)
        weights = np.ones(n) if measured.weights is None else np.asarray(measured.weights, dtype=np.float64)
        values = np.array([self.of_query(rankings[q], gallery, weights, number) for q in asked])
        known = values[np.isfinite(values)]
        return float(known.mean()) if len(known) else float("nan")

    @abstractmethod
    def of_query(self, ranking: npt.NDArray[np.int64], gallery: Gallery, weights: Floats, number: Number) -> float:
        """The number of one ranking of a gallery; NaN where it is undetermined."""

    @abstractmethod
    def changes(self, comparison: Comparison, gallery: Gallery, cutoff: int | None) -> dict[str, RankedChange]:
        """The changes, by the group of their row (empty for a number over all groups)."""

    method = INFLUENCE

    def judge(self, metric: str, comparison: Comparison, ledger: Ledger, settings: Settings) -> None:
        """The standard errors of each query's number and of the mean over the queries, for each attribute."""
        if comparison.before.rankings is None or comparison.after.rankings is None:
            return
        for attribute in dict.fromkeys(str(a) for a in ledger.column("attribute")[ledger.rows(metric=metric)]):
            of_attribute = partial(gallery_of, comparison.before, comparison.attributes[attribute])
            gallery = comparison.once((__name__, attribute), of_attribute)
            if gallery is None:
                continue
            rows = ledger.rows(metric=metric, attribute=attribute)
            ledger.put(rows, sample_size=len(gallery.group))  # a skew of a group varies with the whole ranking
            cutoff = MetricKey.parse(metric).cutoff
            if cutoff:
                ledger.put(rows, cutoff=cutoff)
            for group, found in self.changes(comparison, gallery, cutoff).items():
                _put(ledger, comparison, rows[ledger.column("group")[rows] == group], found, self.method)


def skew_changes(comparison: Comparison, gallery: Gallery, cutoff: int) -> SkewChange:
    """The changes of all skews of an attribute at one cut-off, computed once for each comparison."""

    def make() -> SkewChange:
        return skew_change(
            *both_rankings(comparison),
            gallery.group,
            gallery.shares,
            cutoff,
            target_is_gallery=gallery.target_is_gallery,
            image=comparison.image,
        )

    return comparison.once((__name__, "skews", gallery.attribute, cutoff), make)


def skews_of(ranking: npt.NDArray[np.int64], gallery: Gallery, weights: Floats, number: Number) -> Floats:
    """``(1, G)``: the skew of each group in the top k of one ranking; NaN where the metric has no cut-off."""
    k = number.metric.cutoff
    if not k:
        return np.full((1, len(gallery.groups)), np.nan)
    shares = top_shares(gallery.group, len(gallery.groups), k, ranking, weights[:, None])
    return skew(shares, gallery.shares[None], k)


def both_rankings(comparison: Comparison) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The rankings before and after, ``(queries, n)`` each."""
    before = comparison.once_for_baseline((__name__, "rankings"), lambda: whole_rankings(comparison.before))
    return before, comparison.once((__name__, "rankings"), lambda: whole_rankings(comparison.after))


def _put(ledger: Ledger, comparison: Comparison, rows: Rows, found: RankedChange, method: str) -> None:
    """Write one number: of each query, and of the mean over them."""
    if not len(rows):
        return
    if found.reason:
        ledger.put(rows, why=found.reason)
        return
    queries = {str(q): i for i, q in enumerate(comparison.before.facts["queries"])}
    classes = ledger.column("class")[rows]
    mean, each = rows[classes == ""], rows[classes != ""]
    query = np.array([queries[str(c)] for c in classes[classes != ""]], dtype=np.int64)
    ledger.put(each, method=method, null=ZERO_MEAN, se=found.se[query], df=np.inf)
    ledger.put(mean, method=method, null=ZERO_MEAN, se=found.mean_se, df=np.inf)
    if len(found.sum_se):
        ledger.put(each, sum_se=found.sum_se[query])
        ledger.put(mean, sum_se=found.mean_sum_se)
    for row in mean:
        ledger.influence[int(row)] = found.influence
