"""Changes of metrics that say nothing of how they are made: a bootstrap over images, through the benchmark itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from qbench.metrics.interface import INDEX, Metrics, Outcome
from qbench.statistics.ledger import Comparison, Ledger
from qbench.statistics.settings import Settings
from qbench.stats.bootstrap import bootstrap_change
from qbench.stats.nulls import ZERO_MEAN

BOOTSTRAP = "bootstrap"
NO_PLUGIN = "its metric has no closed form, and the plugin that could resample it is not at hand"

Measure = Callable[[Outcome, npt.NDArray[np.float64]], Metrics]


def judge_resampled(
    ledger: Ledger, comparison: Comparison, metrics: Sequence[str], settings: Settings, measure: Measure | None
) -> None:
    """Fill in the rows of `metrics`; does nothing where there are none."""
    if not metrics:
        return
    rows = np.concatenate([ledger.rows(metric=m) for m in metrics])
    if measure is None:
        ledger.put(rows, why=NO_PLUGIN)
        return
    own = ledger.numbers.iloc[rows][list(INDEX)]

    def difference(weights: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        after, before = (measure(x, weights) for x in (comparison.after, comparison.before))
        position = after.index.reset_index().merge(own.reset_index(), on=list(INDEX), suffixes=("_found", ""))
        place = position.set_index("index")["index_found"].reindex(own.index).to_numpy(np.int64)
        return after.values[:, place] - before.values[:, place]

    rng = np.random.default_rng(settings.seed)
    found = bootstrap_change(difference, comparison.image, settings.resamples, rng)
    method = np.where(np.isfinite(found.se), BOOTSTRAP, "")
    ledger.put(rows, method=method, null=ZERO_MEAN, se=found.se, df=np.inf, why=np.array(found.reason, dtype=object))
