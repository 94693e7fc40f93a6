"""From bounds to adjusted bounds: which rows are shown to be within their limits, which beyond, under Holm's method."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from qbench.gate.loss import Bounds, Floats, Losses

STEPS = 24  # of the bisection, over log10 of the level: to a millionth of a decade
LOWEST = 1e-10
HIGHEST = 0.5


def one_sided_p(rows: Losses, limit: Floats, bounds: Bounds, side: Literal["within", "beyond"]) -> Floats:
    """Invert the bounds: the smallest level at which a row's one-sided bound clears its limit.

    Parameters
    ----------
    rows : Losses
        The rows, ``(n,)``.
    limit : numpy.ndarray
        ``(n,)``, the limit of each.
    bounds : callable
        Bounds of a change at a confidence; nested.
    side : {"within", "beyond"}
        ``within`` tests the null "the loss is at least the limit", ``beyond`` the null "it is at most the limit".

    Returns
    -------
    numpy.ndarray
        ``(n,)`` p, `LOWEST` to 1: 1 where the estimate itself does not clear the limit. NaN where there are no bounds.
    """
    n = len(limit)
    low, high = np.full(n, np.log10(LOWEST)), np.full(n, np.log10(HIGHEST))

    def clears(level: Floats) -> npt.NDArray[np.bool_]:
        least, most = rows.interval(bounds, 1 - 2 * level)
        return np.asarray(most < limit if side == "within" else least > limit)

    ever = clears(np.full(n, HIGHEST * (1 - 1e-9)))
    for _ in range(STEPS):
        middle = (low + high) / 2
        yes = clears(10**middle)
        high, low = np.where(yes, middle, high), np.where(yes, low, middle)
    known = np.isfinite(rows.interval(bounds, np.full(n, 0.5))).all(axis=0)
    return np.where(known, np.where(ever, 10**high, 1.0), np.nan)


def holm_levels(p: Floats, alpha: float) -> Floats:
    """The level at which Holm's method tests each row: rejected exactly where ``p <= level``.

    Holm 1979, Scand. J. Statist. 6:65: in the order of p the i-th of m is tested at α / (m − i + 1), and the first that
    is not rejected stops the procedure; those after it are tested at its level.

    `statsmodels.stats.multitest.multipletests` gives adjusted p-values and rejections (`qbench.stats.decide.holm` uses
    it), but no levels. A gate needs them, because it shows the interval of each row at its own level, which clears the
    limit exactly where Holm's method rejects.

    Parameters
    ----------
    p : numpy.ndarray
        ``(n,)``; NaN is in no family and has a level of NaN.
    alpha : float
        Of the family.
    """
    levels = np.full(len(p), np.nan)
    order = np.argsort(p, kind="stable")[: int(np.isfinite(p).sum())]
    steps = alpha / np.arange(len(order), 0, -1)
    stops = np.flatnonzero(p[order] > steps)
    if len(stops):
        steps[stops[0] :] = steps[stops[0]]
    levels[order] = steps
    return levels


def adjusted(
    rows: Losses, limit: Floats, bounds: Bounds, *, confidence: float, family: npt.NDArray[np.int64], holm: bool
) -> tuple[Floats, Floats]:
    """Bounds of the loss that hold for all rows of a family together, at `confidence`.

    The lower bound decides whether a row is beyond its limit, the upper one whether it is within. The two are families
    of their own, each held at half of 1 − `confidence`.

    Parameters
    ----------
    rows, limit, bounds
        As in `one_sided_p`.
    confidence : float
        Two-sided, 0 to 1.
    family : numpy.ndarray
        ``(n,)`` int: rows of one number are adjusted together.
    holm : bool
        Whether to adjust at all.

    Returns
    -------
    low, high : numpy.ndarray
        ``(n,)``; NaN where a row has no bounds.
    """
    alpha = (1 - confidence) / 2
    ends: list[Floats] = []
    for side in ("beyond", "within"):
        levels = np.full(len(limit), alpha)
        if holm and len(limit):
            p = one_sided_p(rows, limit, bounds, side)
            for one in np.unique(family):
                of = family == one
                levels[of] = holm_levels(p[of], alpha)
        levels = np.where(np.isfinite(levels), np.clip(levels, LOWEST, None), alpha)
        ends.append(rows.interval(bounds, 1 - 2 * levels)[side == "within"])
    return ends[0], ends[1]
