"""Any number, by resampling images through the benchmark's own measure: for metrics that declare no statistic."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qbench.api import INDEX, NoOptions, Outcome
from qbench.api.statistics import (
    ZERO_MEAN,
    Comparison,
    Floats,
    Ledger,
    Measure,
    Measured,
    Number,
    Rows,
    Settings,
    StandardErrorStatistic,
    bootstrap_change,
    cautious_error,
    swing,
)

METHOD = "bootstrap"
NO_PLUGIN = "its metric has no closed form, and the plugin that could resample it is not installed"


class Bootstrap(StandardErrorStatistic):
    """The standard deviation over resamples of whole images as the standard error (Efron and Tibshirani 1993).

    Where few images changed, or none, changes of single images are added (`qbench.stats.bootstrap.cautious_error`).
    """

    def __init__(self, options: NoOptions) -> None:
        self.options = options

    def estimate(self, measured: Measured, number: Number) -> float:
        """NaN: only the benchmark knows how the number is made."""
        return float("nan")

    def judge(self, metric: str, comparison: Comparison, ledger: Ledger, settings: Settings) -> None:
        """Resample all such metrics of a comparison together, once."""
        measure = comparison.once((__name__, "measure"), comparison.load_measure)
        own = ledger.rows(metric=metric)
        if measure is None or not len(comparison.before.items):
            ledger.put(own, why=NO_PLUGIN if measure is None else "there is no item")
            return
        made = comparison.once((__name__, "made"), lambda: _resampled(ledger, comparison, settings, measure))
        of = np.flatnonzero(np.isin(made.rows, own))
        ledger.put(
            made.rows[of],
            method=np.where(np.isfinite(made.se[of]), METHOD, ""),
            null=ZERO_MEAN,
            se=made.se[of],
            df=np.inf,
            sum_se=made.sum_se[of],
            why=made.reason[of],
        )


@dataclass(frozen=True)
class _Made:
    """The rows of all metrics that are bootstrapped, and what was found of each."""

    rows: Rows
    se: Floats
    sum_se: Floats
    reason: npt.NDArray[np.object_]


def _resampled(ledger: Ledger, comparison: Comparison, settings: Settings, measure: Measure) -> _Made:
    metrics = dict.fromkeys(str(m) for m in ledger.column("metric"))
    wanted = [m for m in metrics if isinstance(comparison.statistic(m), Bootstrap)]
    rows = np.concatenate([ledger.rows(metric=m) for m in wanted])
    own = list(ledger.numbers.iloc[rows][list(INDEX)].itertuples(index=False, name=None))

    def numbers(outcome: Outcome, weights: Floats) -> Floats:
        found = measure(outcome, weights)
        # a dictionary, since joining two tables takes longer than most measures, and this is done for every block
        places = {number: at for at, number in enumerate(found.index[list(INDEX)].itertuples(index=False, name=None))}
        return np.asarray(found.values[:, [places[number] for number in own]])

    def changes_and_sums(weights: Floats) -> Floats:
        late, early = (numbers(x, weights) for x in (comparison.after, comparison.before))
        return np.hstack([late - early, late + early])

    rng = np.random.default_rng(settings.seed)
    found = bootstrap_change(changes_and_sums, comparison.image, settings.resamples, rng)
    of_one_image = swing(lambda weights: numbers(comparison.before, weights), comparison.image, rng, settings.resamples)
    se, reason = cautious_error(found, np.r_[of_one_image, np.zeros(len(rows))])
    return _Made(rows, se[: len(rows)], se[len(rows) :], np.array(reason, dtype=object)[: len(rows)])
