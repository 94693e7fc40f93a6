"""The loss relative to the baseline: the score interval against its definition, and its behaviour at the edges."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import ndtri

from qbench.stats.relative_loss import relative_loss
from qbench.stats.tango import tango_p


def statistic(both: int, lost: int, gained: int, n: int, ratio: float) -> float:
    """The score statistic of a ratio, its likelihood maximised numerically instead of by the closed form."""

    def shares(x: np.ndarray) -> tuple[float, float, float, float]:
        u, v = x
        w = (ratio - 1) * u + ratio * v
        return u, v, w, 1 - u - v - w

    def loss(x: np.ndarray) -> float:
        found = shares(x)
        if min(found) <= 1e-12:
            return 1e9
        counts = (both, lost, gained, n - both - lost - gained)
        return -sum(c * math.log(p) for c, p in zip(counts, found, strict=True))

    starts = [(u, v) for u in (0.05, 0.2, 0.4) for v in (0.02, 0.1, 0.3) if min(shares(np.array([u, v]))) > 0]
    best = min(
        (minimize(loss, s, method="Nelder-Mead", options={"xatol": 1e-10, "fatol": 1e-12}) for s in starts),
        key=lambda found: found.fun,
    )
    u, v, w, _ = shares(best.x)
    return (both + gained - ratio * (both + lost)) / math.sqrt(n * (w + u + ratio**2 * (u + v) - 2 * ratio * u))


@pytest.mark.parametrize("counts", [(30, 20, 5, 100), (5, 10, 3, 50), (60, 10, 8, 100), (2, 6, 4, 40)])
def test_the_ends_are_where_the_score_statistic_is_the_quantile(counts: tuple[int, int, int, int]) -> None:
    loss, low, high = relative_loss(*counts, confidence=0.9)
    both, lost, gained, _ = counts
    assert loss == pytest.approx(1 - (both + gained) / (both + lost))
    assert statistic(*counts, 1 - high) == pytest.approx(ndtri(0.95), abs=1e-3)
    assert statistic(*counts, 1 - low) == pytest.approx(-ndtri(0.95), abs=1e-3)


def test_no_loss_is_judged_as_mcnemars_test_does() -> None:
    z = float(tango_p(5, 20, 100)[0])
    confidence = 1 - 2 * (1 - float(np.vectorize(lambda x: 0.5 * (1 + math.erf(x / math.sqrt(2))))(-z)))
    assert relative_loss(30, 20, 5, 100, confidence)[1] == pytest.approx(0, abs=1e-9)


def test_intervals_are_nested_and_shrink_with_the_items() -> None:
    wide, narrow = relative_loss(30, 20, 5, 100, 0.98), relative_loss(30, 20, 5, 100, 0.9)
    assert wide[1] < narrow[1] < narrow[0] < narrow[2] < wide[2]
    more = relative_loss(300, 200, 50, 1000, 0.98)
    assert wide[1] < more[1] < more[2] < wide[2]


def test_edges() -> None:
    assert all(math.isnan(x) for x in relative_loss(0, 0, 5, 10))
    loss, low, high = relative_loss(0, 10, 0, 100)
    assert (loss, high) == (1, 1)
    assert 0.5 < low < 0.8
    loss, low, high = relative_loss(100, 0, 0, 100)
    assert loss == 0
    assert -0.05 < low < 0 < high < 0.05
    with pytest.raises(ValueError, match="of 10 items"):
        relative_loss(5, 5, 1, 10)
