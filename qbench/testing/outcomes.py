"""Stores and reads outcomes, draws random similarities, and estimates numbers again from stored outcomes."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from qbench.data.items import Attribute
from qbench.metrics.interface import INDEX, Metrics, Outcome, StatisticRef
from qbench.metrics.keys import MetricKey
from qbench.results.statistics import make_statistic
from qbench.statistics.interface import Measured, Number


class Matrix:
    """The `Similarity` of a matrix ``(items, targets)``."""

    def __init__(self, values: npt.NDArray[np.float64]) -> None:
        self.values = values

    @property
    def shape(self) -> tuple[int, int]:
        """Number of items, number of targets."""
        return self.values.shape[0], self.values.shape[1]

    def items(self, start: int, stop: int) -> npt.NDArray[np.float64]:
        """Rows of items."""
        return self.values[start:stop]

    def targets(self, start: int, stop: int) -> npt.NDArray[np.float64]:
        """Rows of targets."""
        return self.values[:, start:stop].T


def random_similarity(items: int, targets: int, seed: int = 0) -> Matrix:
    """Random cosines without ties, ``(items, targets)``."""
    return Matrix(np.random.default_rng(seed).uniform(-1, 1, (items, targets)))


def stored(outcome: Outcome) -> Outcome:
    """An outcome after it was written to Parquet and JSON and read again, as in a run folder."""
    facts = json.loads(json.dumps(outcome.facts, allow_nan=False))
    rankings = None if outcome.rankings is None else through_parquet(outcome.rankings)
    return Outcome(items=through_parquet(outcome.items), rankings=rankings, facts=facts)


def through_parquet(table: pd.DataFrame) -> pd.DataFrame:
    """A table after it was written to Parquet and read again."""
    file = io.BytesIO()
    table.to_parquet(file, index=False, compression="zstd")
    file.seek(0)
    return pd.read_parquet(file)


def differences(
    outcome: Outcome, metrics: Metrics, declared: Mapping[str, StatisticRef], attributes: Iterable[Attribute]
) -> list[str]:
    """Numbers that differ from what their declared statistic gives, if it gives a number.

    Parameters
    ----------
    outcome, metrics
        The stored outcome, and the metrics that the benchmark measured from it without weights.
    declared : mapping
        The name of a metric without its cut-off → the statistic that it declares.
    attributes : iterable of Attribute
        The attributes of the items, which say what groups a pair consists of.

    Returns
    -------
    list of str
        One sentence per difference.
    """
    statistics = {name: make_statistic(reference) for name, reference in declared.items()}
    frame = metrics.frame()
    measured = Measured(
        outcome=outcome, attributes={a.name: a for a in attributes}, numbers=frame, statistics=statistics
    )
    found = []
    for metric, attribute, group, class_, value in frame[[*INDEX, "value"]].itertuples(index=False, name=None):
        key = MetricKey.parse(str(metric))
        if key.name not in statistics or not np.isfinite(value):
            continue
        number = Number(metric=key, attribute=str(attribute), group=str(group), class_=str(class_))
        again = statistics[key.name].estimate(measured, number)
        if np.isfinite(again) and not np.isclose(again, value, atol=1e-12):
            where = " ".join(str(x) for x in (metric, attribute, group, class_) if x)
            name = declared[key.name].name
            found.append(f"{where} is {value:.6g}; as a {name!r} of the stored items it is {again:.6g}")
    return found
