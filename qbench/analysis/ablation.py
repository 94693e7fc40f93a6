"""Which parts of a model carry a change: the changes that go with each part, corrected for how many were looked at.

The unit of an ablation is one model and one quantizer. All parts and all numbers of it are tested together, so that
anything at all is wrongly blamed in at most ``1 - confidence`` of the ablations in which no part changes anything. Half
of that is for the numbers over all items and half for those of groups; in each half Holm's method corrects for all
parts and numbers. Who asked about one number before looking may use the correction for its parts alone.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from qbench.analysis.verdicts import baseline_void
from qbench.metrics.interface import INDEX
from qbench.statistics.settings import Settings
from qbench.stats.decide import holm
from qbench.stats.nulls import NOT_JUDGED

ABLATION = ["model", "quantizer", "direction"]
"""The columns that name one ablation."""

COLUMNS = [
    *["model", "quantizer", "benchmark", "direction", "part", "variant", *INDEX],
    *["better", "unit", "n", "whole_change", "change", "low", "high", "p"],
    *["family", "tests", "p_parts", "p_adjusted", "found", "flags"],
]
HALVES = 2


def judge_parts(changes: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """Test all parts of each ablation together.

    Parameters
    ----------
    changes : pandas.DataFrame
        One row for each part and number over all classes: the columns of `ABLATION`, ``part``, ``benchmark``,
        ``metric, attribute, group``, ``change``, ``p``, ``null`` and ``flags``, as in the table ``effects``. The change
        is that which goes with the part.
    settings : Settings
        The confidence.

    Returns
    -------
    pandas.DataFrame
        With ``family`` (what was corrected for together) and ``tests`` (how many), ``p_parts`` (corrected for the parts
        of this number only), ``p_adjusted`` (for the whole ablation) and ``found`` (whether it is at most
        ``1 - confidence``). A change of exactly zero has p = 1 and counts as a test. A number that is undetermined
        or not judged, or whose baseline is flagged, is not tested: its corrected p-values are NaN.
    """
    p = _tested(changes)
    level = np.where(changes["attribute"].eq(""), "over all items", "by group")
    ablation = changes[ABLATION].agg(" · ".join, axis=1) if len(changes) else pd.Series(dtype=str)
    family = ablation + " · " + pd.Series(level, index=changes.index, dtype=str)
    number = [changes[name] for name in ("benchmark", "metric", "attribute", "group")]
    together = (HALVES * _corrected(p, family)).clip(upper=1.0)
    return changes.assign(
        family=family,
        tests=p.notna().groupby(family).transform("sum").astype(np.int64),
        p_parts=_corrected(p, [ablation, *number]),
        p_adjusted=together,
        found=together.le(settings.alpha),
    )


def _tested(changes: pd.DataFrame) -> pd.Series[float]:
    """The p-value of each row that is tested."""
    judged = changes["null"].ne(NOT_JUDGED) & ~changes["flags"].map(baseline_void).astype(bool)
    p = changes["p"].astype(np.float64).mask(changes["change"].eq(0), 1.0)
    return p.where(judged)


def _corrected(p: pd.Series[float], family: pd.Series[str] | list[pd.Series[str]]) -> pd.Series[float]:
    return p.groupby(family, sort=False).transform(holm)
