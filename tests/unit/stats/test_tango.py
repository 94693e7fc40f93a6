"""Tango's interval: published examples, inversion by brute force, and what it says where next to nothing is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from qbench.stats.tango import tango_interval, tango_p


@pytest.mark.parametrize(
    ("gain", "loss", "n", "low", "high"),
    [
        # Fagerland, Lydersen and Laake 2014: airway hyper-responsiveness (Bentur et al. 2009), complete response
        # (Cavo et al. 2012); the latter's digits as the R package contingencytables prints them.
        (1, 7, 21, -0.517, -0.026),
        (6, 16, 161, -0.1240, -0.0054),
    ],
)
def test_published_examples(gain: int, loss: int, n: int, low: float, high: float) -> None:
    digits = 5e-4 if n == 21 else 5e-5
    assert tango_interval(gain, loss, n) == (pytest.approx(low, abs=digits), pytest.approx(high, abs=digits))


def _likelihood_z(gain: int, loss: int, n: int, t: float) -> float:
    """The score statistic with the share of losses found by maximising the likelihood numerically."""

    def minus(q: float) -> float:
        parts = ((loss, q), (gain, q + t), (n - gain - loss, 1 - 2 * q - t))
        return -sum(k * math.log(max(p, 1e-300)) for k, p in parts if k)

    ends = (max(0.0, -t), (1 - t) / 2)
    q = optimize.minimize_scalar(minus, bounds=ends, method="bounded", options={"xatol": 1e-12}).x
    return (gain - loss - n * t) / math.sqrt(n * (2 * q + t * (1 - t)))


@pytest.mark.parametrize(("gain", "loss", "n"), [(1, 7, 21), (3, 3, 40), (9, 0, 50), (1, 0, 8), (40, 80, 500)])
def test_the_limits_are_where_the_likelihood_s_score_test_turns(gain: int, loss: int, n: int) -> None:
    low, high = (float(x) for x in tango_interval(gain, loss, n, 0.9))
    z = stats.norm.ppf(0.95)
    assert _likelihood_z(gain, loss, n, low) == pytest.approx(z, abs=1e-4)
    assert _likelihood_z(gain, loss, n, high) == pytest.approx(-z, abs=1e-4)


def test_without_a_flip_the_limits_are_wide_where_items_are_few() -> None:
    z2 = stats.norm.ppf(0.975) ** 2
    low, high = tango_interval(0, 0, [1, 10, 5000])
    assert high == pytest.approx(z2 / (z2 + np.array([1, 10, 5000])))
    assert low == pytest.approx(-high)


def test_no_item_no_limit() -> None:
    low, high = tango_interval([0, 1], [0, 0], [0, 3])
    assert np.isnan(low[0])
    assert np.isnan(high[0])
    assert np.isfinite([low[1], high[1]]).all()
    assert all(np.isnan(x) for x in tango_p(0, 0, 0))
    assert all(len(x) == 0 for x in tango_interval([], [], []))


@pytest.mark.parametrize("counts", [(-1, 0, 5), (0, -1, 5), (3, 3, 5)])
def test_impossible_counts_are_refused(counts: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="counts"):
        tango_interval(*counts)


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 3000), st.floats(0, 1), st.floats(0, 1), st.sampled_from([0.8, 0.9, 0.95, 0.99]))
def test_limits_are_sound(n: int, flips: float, share: float, confidence: float) -> None:
    gain = round(n * flips * share)
    loss = min(round(n * flips * (1 - share)), n - gain)
    low, high = (float(x) for x in tango_interval(gain, loss, n, confidence))
    change = (gain - loss) / n
    assert -1 <= low <= change <= high <= 1
    other = tango_interval(loss, gain, n, confidence)
    assert (float(other[0]), float(other[1])) == pytest.approx((-high, -low), abs=1e-9)
    wider = tango_interval(gain, loss, n, (1 + confidence) / 2)
    assert wider[0] <= low + 1e-12
    assert high - 1e-12 <= wider[1]
    ten = tango_interval(10 * gain, 10 * loss, 10 * n, confidence)
    assert ten[1] - ten[0] < high - low


def test_the_test_is_mcnemar_s_at_no_change_and_agrees_with_the_limits() -> None:
    z, p = tango_p(7, 18, 200)
    assert z == pytest.approx((7 - 18) / math.sqrt(25))
    assert p == pytest.approx(stats.norm.sf(z))
    low, high = tango_interval(7, 18, 200)
    assert tango_p(7, 18, 200, low)[0] == pytest.approx(1.959964, abs=1e-5)
    assert tango_p(7, 18, 200, high)[0] == pytest.approx(-1.959964, abs=1e-5)


def test_no_flip_is_evidence_against_a_loss_where_items_are_many() -> None:
    _, p = tango_p(0, 0, [10, 5000], -0.01)
    assert p[0] > 0.3
    assert p[1] < 1e-6
    assert tango_p(0, 0, 10)[0] == 0


def test_each_row_can_have_a_confidence_of_its_own() -> None:
    gain, loss, n, confidence = (
        np.array([3, 0, 7]),
        np.array([5, 0, 2]),
        np.array([50, 20, 40]),
        np.array([0.9, 0.95, 0.999]),
    )
    low, high = tango_interval(gain, loss, n, confidence)
    for at in range(3):
        one = tango_interval(gain[at], loss[at], n[at], float(confidence[at]))
        assert (low[at], high[at]) == pytest.approx((float(one[0]), float(one[1])))
