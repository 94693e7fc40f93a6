"""Any number, by resampling images through the benchmark's own measure: for metrics that declare no statistic."""

from __future__ import annotations

import numpy as np

from qbench.api import INDEX, NoOptions
from qbench.api.statistics import (
    ZERO_MEAN,
    BootstrapChange,
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
)

METHOD = "bootstrap"
NO_PLUGIN = "its metric has no closed form, and the plugin that could resample it is not installed"


class Bootstrap(StandardErrorStatistic):
    """The standard deviation over resamples of whole images as the standard error (Efron and Tibshirani 1993)."""

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
        rows, found = comparison.once((__name__, "found"), lambda: _resampled(ledger, comparison, settings, measure))
        of = np.flatnonzero(np.isin(rows, own))
        sums = of + len(rows)
        ledger.put(
            rows[of],
            method=np.where(np.isfinite(found.se[of]), METHOD, ""),
            null=ZERO_MEAN,
            se=found.se[of],
            df=np.inf,
            sum_se=found.se[sums],
            why=np.array(found.reason, dtype=object)[of],
        )


def _resampled(
    ledger: Ledger, comparison: Comparison, settings: Settings, measure: Measure
) -> tuple[Rows, BootstrapChange]:
    """The rows of all metrics that are bootstrapped; their changes, and then their sums before + after."""
    metrics = dict.fromkeys(str(m) for m in ledger.column("metric"))
    wanted = [m for m in metrics if isinstance(comparison.statistic(m), Bootstrap)]
    rows = np.concatenate([ledger.rows(metric=m) for m in wanted])
    own = ledger.numbers.iloc[rows][list(INDEX)]

    def changes_and_sums(weights: Floats) -> Floats:
        after, before = (measure(x, weights) for x in (comparison.after, comparison.before))
        position = after.index.reset_index().merge(own.reset_index(), on=list(INDEX), suffixes=("_found", ""))
        place = position.set_index("index")["index_found"].reindex(own.index).to_numpy(np.int64)
        late, early = after.values[:, place], before.values[:, place]
        return np.hstack([late - early, late + early])

    rng = np.random.default_rng(settings.seed)
    return rows, bootstrap_change(changes_and_sums, comparison.image, settings.resamples, rng)
