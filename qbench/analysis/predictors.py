"""What goes with the direction of the changes: the quantizer, the size of the model, or its source.

A mixed model of the checkpoints (`qbench.stats.mixed`), with the covariance of the images that they share. The
quantizers are compared within each checkpoint: a checkpoint that lacks a change of one of them is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from qbench.analysis.verdicts import void
from qbench.models.same_checkpoints import one_per_checkpoint
from qbench.statistics.ledger import Floats
from qbench.statistics.settings import Settings
from qbench.stats.decide import holm
from qbench.stats.mixed import POWER, Contrast, contrast
from qbench.stats.population import LEAST, covariance
from qbench.stats.student import quantile

KEYS = ["baseline", "benchmark", "metric", "attribute", "group", "better", "unit"]
COLUMNS = [
    *KEYS,
    *["factor", "level", "checkpoints", "left_out", "estimate", "se", "df", "low", "high", "p", "p_adjusted"],
    *["detectable", "reason"],
]
DOUBLING = "each doubling of the parameters"
FAMILY = ["baseline", "benchmark", "metric", "attribute", "factor"]


def predictor_table(
    effects: pd.DataFrame,
    influence: Mapping[int, Floats],
    sources: Mapping[str, str],
    parameters: Mapping[str, float],
    settings: Settings,
    checkpoints: Mapping[str, str],
) -> pd.DataFrame:
    """One row for each number over all classes and level of a factor; none with fewer than six checkpoints.

    Parameters
    ----------
    effects : pandas.DataFrame
        With intervals and flags; its index is what `influence` is keyed by. They have to be changes from each model's
        own baseline: a declared comparison does not show what a quantizer changes.
    influence : mapping
        Row of `effects` → ``(images,)``: what each image adds to the change.
    sources : mapping
        Model → where it comes from.
    parameters : mapping
        Model → how many parameters it has, NaN where that is not known.
    settings : Settings
        Confidence.
    checkpoints : mapping
        Model → the first model that is the same checkpoint: of several, one counts.

    Returns
    -------
    pandas.DataFrame
        ``factor`` is ``quantizer``, ``size`` or ``source``. A quantizer is compared with the mean of the others, a
        source with the mean of the other sources at the same size, and the size is `DOUBLING`, within the sources.
        ``p_adjusted`` is corrected by Holm's method for the groups and levels of one `FAMILY`.
    """
    known = np.isfinite(effects["change"].to_numpy(np.float64))
    whole = effects[(effects["class"] == "") & (effects["method"] != "") & known]
    whole = one_per_checkpoint(whole, checkpoints, [*KEYS, "quantizer"])
    measured = [i in influence and bool(np.isfinite(influence[i]).all()) for i in whole.index]
    whole = whole[np.array(measured, dtype=bool) & ~whole["flags"].map(void).to_numpy(dtype=bool)]
    rows = [
        {**dict(zip(KEYS, key, strict=True)), **row}
        for key, numbers in whole.groupby(KEYS, sort=False, dropna=False)
        for row in _rows(_Changes(numbers, influence), sources, parameters, settings)
    ]
    table = pd.DataFrame(rows, columns=[x for x in COLUMNS if x != "p_adjusted"])
    p = table["p"].astype(np.float64)
    corrected = p.groupby([table[x] for x in FAMILY], sort=False).transform(holm) if len(p) else p
    return table.assign(p_adjusted=corrected)[COLUMNS]


def predictors_at(predictors: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """The table with the intervals, and the effects that would be found, of another confidence."""
    estimate, se, df = (predictors[name].to_numpy(np.float64) for name in ("estimate", "se", "df"))
    half = quantile((1 + confidence) / 2, df) * se
    return predictors.assign(low=estimate - half, high=estimate + half, detectable=half + quantile(POWER, df) * se)


class _Changes:
    """One number's changes: a row for each checkpoint that has one for every quantizer, a column for each quantizer."""

    def __init__(self, numbers: pd.DataFrame, influence: Mapping[int, Floats]) -> None:
        at = numbers.reset_index(names="row").pivot_table("row", "model", "quantizer", sort=False)
        complete = at.dropna().astype(np.int64)
        self.models, self.left_out = [str(m) for m in complete.index], len(at) - len(complete)
        self.quantizers = [str(q) for q in complete.columns]
        rows: list[int] = complete.to_numpy().ravel().tolist()
        self._change, se = (numbers[name].reindex(rows).to_numpy(np.float64) for name in ("change", "se"))
        # An error that is larger than its influence values say (few flips) sets the diagonal.
        self._covariance = covariance([influence[i] for i in rows] or np.zeros((0, 0)), np.nan_to_num(se))

    def weighed(self, weights: Floats) -> tuple[Floats, Floats]:
        """A weighted sum of the quantizers' changes of each checkpoint, and the sampling covariance of these."""
        of_each = np.kron(np.eye(len(self.models)), weights)
        return of_each @ self._change, of_each @ self._covariance @ of_each.T


@dataclass(frozen=True)
class _Question:
    """One level of a factor: weights of the quantizers, what is known of the checkpoints, and the contrast."""

    factor: str
    level: str
    weights: Floats
    design: Floats
    coefficients: Floats


def _rows(
    changes: _Changes, sources: Mapping[str, str], parameters: Mapping[str, float], settings: Settings
) -> Iterator[dict[str, Any]]:
    counts = {"checkpoints": len(changes.models), "left_out": changes.left_out}
    if len(changes.models) < LEAST:
        return
    for asked in (*_of_quantizers(changes), *_of_checkpoints(changes, sources, parameters)):
        y, s = changes.weighed(asked.weights)
        found: Contrast = contrast(y, s, asked.design, asked.coefficients, settings.confidence)
        yield {"factor": asked.factor, "level": asked.level, **counts, **asdict(found)}


def _of_quantizers(changes: _Changes) -> Iterator[_Question]:
    count = len(changes.quantizers)
    ones = np.ones((len(changes.models), 1))
    levels = changes.quantizers if count > 2 else changes.quantizers[1:]  # of two, one is the other reversed
    for at, weights in _against_the_others(count):
        if changes.quantizers[at] in levels:
            yield _Question("quantizer", changes.quantizers[at], weights, ones, np.ones(1))


def _of_checkpoints(
    changes: _Changes, sources: Mapping[str, str], parameters: Mapping[str, float]
) -> Iterator[_Question]:
    """Size and source in one model, of the mean over the quantizers."""
    mean = np.full(len(changes.quantizers), 1 / len(changes.quantizers))
    size = np.log2([parameters.get(m, np.nan) for m in changes.models])
    known = bool(np.isfinite(size).all() and np.ptp(size) > 0)
    of = np.array([sources.get(m, "") for m in changes.models])
    names = list(dict.fromkeys(of.tolist()))
    is_of: npt.NDArray[np.bool_] = of[:, None] == np.array(names)
    design = np.column_stack([is_of, *([size - size.mean()] if known else [])]).astype(np.float64)
    if known:
        yield _Question("size", DOUBLING, mean, design, np.eye(design.shape[1])[-1])
    levels = names if len(names) > 2 else names[1:]
    for at, weights in _against_the_others(len(names)):
        if names[at] in levels:
            yield _Question("source", names[at], mean, design, np.r_[weights, np.zeros(int(known))])


def _against_the_others(count: int) -> Iterator[tuple[int, Floats]]:
    """For each of several levels: the weights of its difference from the mean of the others."""
    for at in range(count if count > 1 else 0):
        weights = np.full(count, -1 / (count - 1))
        weights[at] = 1.0
        yield at, weights
