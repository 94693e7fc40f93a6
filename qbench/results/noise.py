"""The noise floor: how much of each change the batches alone make, from the same cells in other orders of the items."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from qbench.comparisons import CellNames, CellPair
from qbench.metrics.interface import INDEX
from qbench.probes.batch_order import DATASET
from qbench.results.effects import NAMES

COLUMNS = [*NAMES, *INDEX, "change", "orders", "noise_sd", "noise_max"]


def noise_floor(
    effects: pd.DataFrame, noise: Mapping[CellNames, pd.DataFrame], pairs: Iterable[CellPair[Any]]
) -> pd.DataFrame:
    """How each change against the baseline moves when both are embedded in other orders.

    Parameters
    ----------
    effects : pandas.DataFrame
        Of `qbench.results.effects.pair`; its ``change`` is that of the dataset's order.
    noise : mapping
        Labels of a cell → numbers in other orders: the index columns, ``value`` and ``order``.
    pairs : iterable of CellPair
        What is compared with what.

    Returns
    -------
    pandas.DataFrame
        One row per effect that has other orders: ``change`` (in the dataset's order), ``orders`` (how many were seen,
        the dataset's included), ``noise_sd`` (standard deviation of the change over them, n − 1) and ``noise_max``
        (its largest distance from ``change``).
    """
    frames = []
    for pair in pairs:
        mine, base = noise.get(pair.of_variant), noise.get(pair.of_baseline)
        if mine is None or base is None:
            continue
        model, quantizer, benchmark = pair.names
        joined = mine.merge(base, on=[*INDEX, "order"], suffixes=("", "_base"), validate="one_to_one")
        joined["change"] = joined["value"] - joined["value_base"]
        same = (effects["model"] == model) & (effects["quantizer"] == quantizer) & (effects["benchmark"] == benchmark)
        if joined.empty or not same.any():
            continue
        first = effects.loc[same, [*INDEX, "change"]].assign(order=DATASET)
        frames.append(_spread(pd.concat([first, joined[[*INDEX, "change", "order"]]]), pair.names))
    return pd.concat(frames, ignore_index=True)[COLUMNS] if frames else pd.DataFrame(columns=COLUMNS)


def _spread(changes: pd.DataFrame, names: CellNames) -> pd.DataFrame:
    wide = changes.pivot(index=list(INDEX), columns="order", values="change")
    values, first = wide.to_numpy(np.float64), wide[DATASET].to_numpy(np.float64)
    known = np.isfinite(values).all(axis=1)  # an undetermined number has no noise either
    spread = np.full((2, len(wide)), np.nan)
    spread[0, known] = values[known].std(axis=1, ddof=1)
    spread[1, known] = np.abs(values[known] - first[known, None]).max(axis=1)
    found = wide.index.to_frame(index=False)
    return found.assign(
        **dict(zip(NAMES, names, strict=True)),
        change=first,
        orders=values.shape[1],
        noise_sd=spread[0],
        noise_max=spread[1],
    )
