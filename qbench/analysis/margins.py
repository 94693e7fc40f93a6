"""The margin of each number from the settings of an analysis."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from qbench.metrics.keys import MetricKey
from qbench.statistics.ledger import Floats
from qbench.statistics.settings import Settings


def margins_of(effects: pd.DataFrame, settings: Settings, own: Mapping[tuple[str, str], float] | None = None) -> Floats:
    """The margin of each row, ``(n,)``; NaN where there is none.

    Parameters
    ----------
    effects : pandas.DataFrame
        With ``benchmark, metric, unit, attribute, class``.
    settings : Settings
        The margins that were asked for.
    own : mapping, optional
        Benchmark and metric (without its cut-off) → the margin that the metric declares.
    """
    named = ["benchmark", "metric", "unit"]
    levels = zip(*(effects[c] for c in named), effects["attribute"] != "", effects["class"] != "", strict=True)
    known: dict[tuple[str, str, str, bool, bool], float] = {}
    found = np.empty(len(effects))
    for i, key in enumerate(levels):
        if key not in known:
            benchmark, metric, unit, grouped, of_class = key
            declared = (own or {}).get((benchmark, MetricKey.parse(metric).name))
            known[key] = settings.margin(benchmark, metric, unit, grouped=grouped, of_class=of_class, own=declared)
        found[i] = known[key]
    return found
