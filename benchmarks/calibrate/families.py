"""Many tests at once: the rate of any false rejection by Holm, the share of false ones by Benjamini and Hochberg."""

from __future__ import annotations

import math

import numpy as np

from calibrate.regime import Band, Cell, Regime
from calibrate.shares import counts
from qbench.stats.decide import benjamini_hochberg, holm
from qbench.stats.flips import mcnemar
from qbench.stats.mover import disparity_p


def classes(rng: np.random.Generator, members: int, changed: int, replicates: int) -> Cell:
    """Disparities of classes of several sizes, some of which truly change by 10 points."""
    large, small = rng.integers(80, 900, members), rng.integers(30, 300, members)
    flip = rng.uniform(0.01, 0.06, members)
    p = np.empty((replicates, members))
    for j in range(members):
        first = counts(rng, replicates, int(large[j]), float(flip[j]), 0.0)
        second = counts(rng, replicates, int(small[j]), float(flip[j]), 0.1 if j < changed else 0.0)
        p[:, j] = disparity_p(*first, int(large[j]), *second, int(small[j]))
    return judged(f"{members} disparities of classes, {changed} of them changed", p, changed)


def overlapping(rng: np.random.Generator, members: int, replicates: int) -> Cell:
    """Shares of overlapping groups of the same persons, so that the tests depend on each other; nothing changed."""
    n, flip = 3000, 0.06
    member = rng.random((n, members)) < rng.uniform(0.2, 0.8, members)
    gain, loss = np.empty((2, replicates, members), dtype=np.int64)
    for i in range(replicates):
        flipped = rng.choice(n, rng.binomial(n, flip), replace=False)
        gains = rng.random(len(flipped)) < 0.5
        gain[i], loss[i] = member[flipped[gains]].sum(0), member[flipped[~gains]].sum(0)
    return judged(f"{members} shares of overlapping groups, none changed", mcnemar(gain, loss)[0], 0)


def judged(label: str, p: np.ndarray, changed: int) -> Cell:
    """The rates of a table of p-values, a family a row, whose first columns are of true changes."""
    false, true = np.arange(p.shape[1]) >= changed, np.arange(p.shape[1]) < changed
    by_holm = np.array([holm(row) <= 0.05 for row in p])
    by_bh = np.array([benjamini_hochberg(row) <= 0.05 for row in p])
    share = by_bh[:, false].sum(1) / np.maximum(by_bh.sum(1), 1)
    beside = {
        "uncorrected, any false": float((p[:, false] <= 0.05).any(1).mean()),
        "Benjamini–Hochberg, false share": float(share.mean()),
        "Holm, true found": float(by_holm[:, true].mean()) if changed else math.nan,
        "Benjamini–Hochberg, true found": float(by_bh[:, true].mean()) if changed else math.nan,
    }
    return Cell(label, len(p), false_alarm=float(by_holm[:, false].any(1).mean()), beside=beside)


REGIMES = [
    Regime(
        "families",
        "Families of tests: Holm, Benjamini and Hochberg",
        """A false alarm is any false rejection in a family, after Holm's correction. The other columns show
the same without correction, the mean share of false rejections among those of Benjamini and
Hochberg's procedure at 5 %, and the share of true changes that each procedure finds.""",
        Band(alarm=(math.nan, 0.05)),
        10_000,
        lambda rng, r: [classes(rng, 49, 0, r), classes(rng, 30, 6, r), overlapping(rng, 24, r)],
    ),
]
