"""Outcomes on their way through files, random similarities, and numbers made anew from what was stored."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from qbench.data.items import Attribute
from qbench.metrics.interface import Metrics, Outcome, Statistic
from qbench.metrics.keys import MetricKey

REMADE = ("share", "class_mean", "disparity")
"""The kinds of statistic that are made anew here."""


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
    """Cosines without ties."""
    return Matrix(np.random.default_rng(seed).uniform(-1, 1, (items, targets)))


def stored(outcome: Outcome) -> Outcome:
    """An outcome as it comes back from a run folder: Parquet and JSON."""
    facts = json.loads(json.dumps(outcome.facts, allow_nan=False))
    rankings = None if outcome.rankings is None else through_parquet(outcome.rankings)
    return Outcome(items=through_parquet(outcome.items), rankings=rankings, facts=facts)


def through_parquet(table: pd.DataFrame) -> pd.DataFrame:
    """A table as it comes back from a run folder."""
    file = io.BytesIO()
    table.to_parquet(file, index=False, compression="zstd")
    file.seek(0)
    return pd.read_parquet(file)


def differences(
    outcome: Outcome, metrics: Metrics, statistics: Mapping[str, Statistic], attributes: Iterable[Attribute]
) -> list[str]:
    """Numbers that their declared `Statistic` does not give, in words; those of other kinds are not looked at.

    Parameters
    ----------
    outcome, metrics
        What was stored, and what was measured of it without weights.
    statistics : mapping
        Name of a metric, without its cut-off → how it is declared to be made.
    attributes : iterable of Attribute
        Of the items: they tell a pair's two groups.
    """
    pairs = {(a.name, label): pair for a in attributes for label, pair in a.group_pairs.items()}
    found = []
    for row in metrics.frame().itertuples(index=False):
        name, attribute, group, class_, value = row[:5]
        made = statistics.get(MetricKey.parse(str(name)).name)
        if made is None or made.kind not in REMADE or not np.isfinite(value):
            continue
        table = _rows(outcome.items, made, str(name))
        if class_:
            table = table[table["label"] == class_]
        if made.kind == "disparity":
            first, second = pairs[attribute, group]
            again = _share(table[table[attribute] == first]) - _share(table[table[attribute] == second])
        else:
            table = table[table[attribute] == group] if attribute else table
            by_class = made.kind == "class_mean"
            again = float(table.groupby("label")["hit"].mean().mean()) if by_class else _share(table)
        if not np.isclose(again, value, atol=1e-12):
            where = " ".join(str(x) for x in (name, attribute, group, class_) if x)
            found.append(f"{where} is {value:.6g}; as a {made.kind!r} of the stored items it is {again:.6g}")
    return found


def _rows(items: pd.DataFrame, made: Statistic, name: str) -> pd.DataFrame:
    """The rows that count, with the column ``hit``."""
    for column, value in made.where.items():
        items = items[items[column] == value]
    if made.hit == "correct":
        return items.assign(hit=items["correct"].astype(float))
    cut = MetricKey.parse(name).cutoff or made.below
    return items.assign(hit=(items["rank"] < cut).astype(float))


def _share(table: pd.DataFrame) -> float:
    return float(table["hit"].mean())
