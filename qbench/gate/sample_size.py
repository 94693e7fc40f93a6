"""How many items would decide what these cannot: from the width of the interval, not from the effect that was seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special

from qbench.gate.loss import Bounds, Floats, Losses
from qbench.statistics.sample_size import POWER

MOST = 10**9


@dataclass(frozen=True, kw_only=True)
class Needed:
    """How many items there are and how many would decide, for each row.

    Attributes
    ----------
    items : list of int
        How many there are: the sample size that the statistic gives, of a share the group's items.
    needed : list of int or None
        What would decide; None where no number can be given.
    as_found : numpy.ndarray
        ``(n,)`` bool: whether `needed` takes the effect as it was found, since these items are enough for the limit and
        the effect is too near to it.
    """

    items: list[int]
    needed: list[int | None]
    as_found: npt.NDArray[np.bool_]

    def words(self, at: int) -> str:
        """What to say of a row that is inconclusive."""
        count = self.needed[at]
        if count is None:
            return ""
        if self.as_found[at]:
            return f"; about {count:,} items would decide if the change stays as found (there are {self.items[at]:,})"
        return f"; about {count:,} items would decide if nothing changes (there are {self.items[at]:,})"


def needed(
    rows: pd.DataFrame,
    losses: Losses,
    bounds: Bounds,
    *,
    found: Floats,
    low: Floats,
    high: Floats,
    limit: Floats,
) -> Needed:
    """Items with which a change of nothing at all would pass in `POWER` of all evaluations, at the same adjustment.

    The width of an interval falls with the root of the items. With w, the distance from the estimate to the adjusted
    bound, and s, the same at one standard error, n items become n · ((w + z s) / limit)², z the quantile of the power
    (the usual size of a non-inferiority trial; Julious 2004, Statistics in Medicine 23:1921). Where that is not more
    than there is, the effect lies near the limit: then so many that the bound is as near to it as the limit is.
    """
    items = np.nan_to_num(rows["sample_size"].to_numpy(np.float64))
    one = np.full(len(rows), float(special.erf(np.sqrt(0.5))))  # the confidence of one standard error
    near, far = bounds(rows, one)
    error = (far - near) / 2
    beyond = found > limit
    width = np.where(beyond, found - low, high - found)
    with np.errstate(divide="ignore", invalid="ignore"):
        planned = items * ((width + float(special.ndtri(POWER)) * error) / limit) ** 2
        stays = items * (width / (found - limit)) ** 2
    as_found = ~(planned > items)
    wanted = np.where(as_found, stays, planned)
    valid = np.isfinite(wanted) & (wanted <= MOST) & (wanted > items)
    return Needed(
        items=[int(x) for x in items],
        needed=[_rounded(x) if ok else None for x, ok in zip(wanted, valid, strict=True)],
        as_found=as_found,
    )


def _rounded(count: float) -> int:
    """Up, to two digits: more would be pretended."""
    step = 10 ** max(int(np.floor(np.log10(count))) - 1, 0)
    return int(-(-count // step) * step)
