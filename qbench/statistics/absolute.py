"""Changes of the mean absolute disparity: a permutation test, and unbiased squares in place of an interval.

The level of a mean absolute disparity is biased upwards by noise and its change is attenuated, and no interval for it
holds its confidence (a kink at zero: Hirano & Porter 2012). So its row gets a p-value and no interval; how much the
mean *squared* disparity changed has both, in a table of its own.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from qbench.metrics.interface import Statistic
from qbench.statistics.hits import counted, hits
from qbench.statistics.ledger import Comparison, Ledger
from qbench.statistics.means import pair_strata
from qbench.statistics.settings import Settings
from qbench.stats.permutation import swap_absolute
from qbench.stats.squares import squared_disparity

COLUMNS = [
    *["model", "quantizer", "benchmark", "attribute", "group", "before", "after", "change", "se", "low", "high"],
    *["classes", "reason"],
]
NO_INTERVAL = "no interval is claimed for a mean absolute disparity (see the squares); its test does not reject"


def judge_absolute(
    ledger: Ledger, comparison: Comparison, metric: str, statistic: Statistic, settings: Settings
) -> list[dict[str, Any]]:
    """Fill in p-values; returns the rows of the table of squares."""
    before, after = (hits(x, statistic, metric) for x in (comparison.before, comparison.after))
    there, image = counted(comparison, statistic), comparison.image
    squares = []
    for row in ledger.rows(metric=metric, classes=False):
        attribute, group = (str(ledger.column(name)[row]) for name in ("attribute", "group"))
        stratum, _, classes = pair_strata(ledger, comparison, attribute, group)
        if not classes:
            ledger.put([row], why="no class has enough items in both groups")
            continue
        side = np.where(there & (stratum >= 0), 1 - 2 * (stratum % 2), 0)
        label = np.maximum(stratum // 2, 0)
        tested = swap_absolute(before, after, label, side, image, draws=settings.resamples, seed=settings.seed)
        ledger.put([row], p=tested.p, log10_p=np.log10(tested.p), null=tested.null, why=tested.reason or NO_INTERVAL)
        found = squared_disparity(before, after, label, side, image, confidence=settings.confidence)
        squares.append({"attribute": attribute, "group": group, **asdict(found)})
    return squares
