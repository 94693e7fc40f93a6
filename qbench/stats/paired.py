"""The study's paired t-test, in the two readings that its text allows.

The study (arXiv 2410.20265) compares the original with the quantized model by paired t-tests and does not say what is
paired. *Over checkpoints*: one difference a checkpoint, for one quantizer and one number; at most as many pairs as
checkpoints (nine in the study), so little power. *Within a checkpoint*: one difference a class or a query of one
quantized checkpoint. They answer different questions; each result says which it is.

``p > 0.05`` is not "no change": it says that these pairs do not show one. Whether a change is negligible needs an
equivalence test or an interval against a limit; here the interval of the mean change is given, and read it first.
No p-value is corrected for the number of tests.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pandas as pd

from qbench.models.same_checkpoints import one_per_checkpoint
from qbench.stats import symmetric
from qbench.stats.student import TINY, log10_p, quantile

OVER = "over checkpoints"
WITHIN = "within a checkpoint"
NAMES = ["reading", "model", "quantizer", "benchmark", "metric", "attribute", "group", "of"]
NUMBER = ["quantizer", "benchmark", "metric", "attribute", "group"]
ZERO = "all differences are zero"
ROUNDING = 8 * sys.float_info.epsilon
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class PairedT:
    """A paired t-test and the interval that belongs to it; NaN where `reason` says why there is none.

    Attributes
    ----------
    n : int
        Pairs used.
    left_out : int
        Pairs left out because a number of theirs is undetermined.
    mean, sd : float
        Of the differences, after minus before.
    t, df, p : float
        Two-sided; a `p` too small for a float is given as the smallest normal one.
    log10_p : float
        Decimal logarithm of the p-value, exact where `p` is too small to be.
    low, high : float
        t-interval of the mean difference.
    reason : str
        Why the test is undetermined; empty where it is not.
    p_sign_flip, p_wilcoxon : float
        Two-sided, of the exact sign-flip test and of Wilcoxon's signed ranks (`qbench.stats.symmetric`).
    reason_exact : str
        Why those two are undetermined; empty where they are not.
    """

    n: int
    left_out: int
    mean: float = math.nan
    sd: float = math.nan
    t: float = math.nan
    df: float = math.nan
    p: float = math.nan
    log10_p: float = math.nan
    low: float = math.nan
    high: float = math.nan
    reason: str = ""
    p_sign_flip: float = math.nan
    p_wilcoxon: float = math.nan
    reason_exact: str = ""


def paired_t(before: npt.ArrayLike, after: npt.ArrayLike, confidence: float = 0.95) -> PairedT:
    """Test whether the mean of ``after - before`` is zero.

    Parameters
    ----------
    before, after : array_like
        ``(n,)`` float: the same things measured twice. Pairs with a number that is not finite are left out.
    confidence : float
        Of the interval.

    Returns
    -------
    PairedT
        The test; `reason` says why a number is undetermined.
    """
    first, second = np.asarray(before, dtype=np.float64), np.asarray(after, dtype=np.float64)
    test = _t_test(first, second, confidence)
    return _with_exact([test], [_differences(first, second)])[0]


def _finite(first: Floats, second: Floats) -> tuple[Floats, Floats, Floats]:
    with np.errstate(over="ignore", invalid="ignore"):
        change = second - first
    finite = np.isfinite(change)
    return first[finite], second[finite], change[finite]


def _differences(first: Floats, second: Floats) -> Floats:
    """Differences in units of the largest, those within the rounding of the numbers they are of set to zero."""
    first, second, change = _finite(first, second)
    size = float(np.abs(change).max(initial=0.0)) or 1.0
    rounding = ROUNDING * np.maximum(np.abs(first), np.abs(second)) / size
    change = change / size
    return np.where(np.abs(change) <= rounding, 0.0, change)


def _with_exact(tests: list[PairedT], differences: list[Floats]) -> list[PairedT]:
    """The tests with their exact p-values, rows of one length at a time."""
    done = list(tests)
    lengths = np.array([len(d) for d in differences], dtype=np.int64)
    for n in np.unique(lengths):
        at = np.flatnonzero(lengths == n)
        rows = np.stack([differences[i] for i in at])
        for i, flip, ranks in zip(at, symmetric.sign_flip(rows), symmetric.wilcoxon(rows), strict=True):
            why = symmetric.TOO_FEW if math.isnan(flip) else ""
            done[i] = replace(tests[i], p_sign_flip=float(flip), p_wilcoxon=float(ranks), reason_exact=why)
    return done


def _t_test(before: Floats, after: Floats, confidence: float) -> PairedT:
    first, second, change = _finite(before, after)
    n, left_out = len(first), len(before) - len(first)
    if n == 0:
        return PairedT(n, left_out, reason="no pair has both numbers")
    size = float(np.abs(change).max()) or 1.0  # in units of the largest difference no square over- or underflows
    change = change / size
    mean = float(change.mean()) * size
    if n == 1:
        return PairedT(n, left_out, mean=mean, reason="one pair only: no spread to judge it by")
    # Differences of numbers of this size carry that much rounding; a spread within it is no spread.
    rounding = ROUNDING * max(np.abs(first).max(), np.abs(second).max()) / size
    if np.ptp(change) <= rounding:
        zero = np.abs(change).max() <= rounding
        reason = ZERO if zero else "every difference is the same: no variance"
        return PairedT(n, left_out, mean=0.0 if zero else mean, sd=0.0, df=n - 1, reason=reason)
    sd = float(change.std(ddof=1))
    t, df = float(change.mean()) / (sd / math.sqrt(n)), n - 1
    log = log10_p(t, df)
    half = _quantile((1 + confidence) / 2, df) * sd / math.sqrt(n) * size
    p = max(10.0**log, TINY)
    return PairedT(n, left_out, mean, sd * size, t, df, p, log, mean - half, mean + half)


@lru_cache(maxsize=4096)
def _quantile(probability: float, df: int) -> float:
    return float(quantile(probability, df))


def paired_tests(
    effects: pd.DataFrame, checkpoints: Mapping[str, str] | None = None, confidence: float = 0.95
) -> pd.DataFrame:
    """Paired t-tests of all effects, in both readings, with Wilcoxon's and the exact sign-flip test beside them.

    Parameters
    ----------
    effects : pandas.DataFrame
        As `qbench.results.Results.effects`: one row per number, with its baseline.
    checkpoints : mapping, optional
        Model → the first model that is the same checkpoint, which is one pair over checkpoints.
    confidence : float
        Of the intervals.

    Returns
    -------
    pandas.DataFrame
        ``reading, model, quantizer, benchmark, metric, attribute, group, of`` and the fields of `PairedT`. ``of`` is
        ``change``, or ``abs_change`` for the absolute value of a signed bias. ``model`` is empty over checkpoints.
    """
    over = one_per_checkpoint(effects[effects["class"] == ""], checkpoints or {}, NUMBER)
    over = over.assign(reading=OVER, model="")
    within = effects[effects["class"] != ""].assign(reading=WITHIN)
    rows: list[dict[str, object]] = []
    for frame in (over, within):
        rows += _rows(frame, "change", "baseline_value", "value", confidence)
        rows += _rows(frame[frame["better"] == "zero"], "abs_change", "baseline_abs", "value_abs", confidence)
    return pd.DataFrame(rows, columns=[*NAMES, *(x.name for x in fields(PairedT))])


def _rows(frame: pd.DataFrame, of: str, before: str, after: str, confidence: float) -> list[dict[str, object]]:
    keys: Sequence[str] = NAMES[:-1]
    first, second = frame[before].to_numpy(np.float64), frame[after].to_numpy(np.float64)
    # Positions, not sub-frames: a run has thousands of groups.
    names = {k: frame[k].to_numpy() for k in keys}
    groups = list(frame.groupby(list(keys), sort=False).indices.values())
    tests = [_t_test(first[at], second[at], confidence) for at in groups]
    tests = _with_exact(tests, [_differences(first[at], second[at]) for at in groups])
    labels = [{**{k: str(names[k][at[0]]) for k in keys}, "of": of} for at in groups]
    return [{**label, **vars(test)} for label, test in zip(labels, tests, strict=True)]
