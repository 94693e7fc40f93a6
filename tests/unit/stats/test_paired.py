"""The paired t-test: the same as scipy's on the raw numbers, and silent where it cannot be computed."""

from __future__ import annotations

import math
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from qbench.stats.paired import OVER, WITHIN, ZERO, paired_t, paired_tests


@pytest.mark.parametrize("n", [2, 3, 9, 52, 1000])
def test_agrees_with_scipy(n: int) -> None:
    rng = np.random.default_rng(n)
    before = rng.random(n)
    after = before + rng.normal(-0.01, 0.03, n)
    ours, theirs = paired_t(before, after), stats.ttest_rel(after, before)
    low, high = theirs.confidence_interval(0.95)
    assert (ours.n, ours.df) == (n, theirs.df)
    assert ours.t == pytest.approx(theirs.statistic, rel=1e-9)
    assert ours.p == pytest.approx(theirs.pvalue, rel=1e-9)
    assert ours.log10_p == pytest.approx(math.log10(theirs.pvalue), rel=1e-9)
    assert (ours.low, ours.high) == pytest.approx((low, high), rel=1e-9)
    assert ours.sd == pytest.approx(np.std(after - before, ddof=1))


def test_the_sign_is_after_minus_before() -> None:
    test = paired_t([0.5, 0.6, 0.7], [0.4, 0.5, 0.5])
    assert test.mean == pytest.approx(-0.4 / 3)
    assert test.t < 0


@pytest.mark.parametrize(
    ("t", "n", "log10_p"),
    # mpmath, 50 digits: log10 of betainc(df/2, 1/2, 0, df/(df+t²), regularized=True)
    [(200.0, 1000, -807.38988958376), (60.0, 1001, -332.923977000881), (1e5, 5001, -15754.5230985748)],
)
def test_a_p_value_below_the_smallest_float_keeps_its_logarithm(t: float, n: int, log10_p: float) -> None:
    noise = np.resize([1.0, -1.0], n)
    noise -= noise.mean()
    change = noise / noise.std(ddof=1) + t / math.sqrt(n)  # mean t/√n and sd 1, so that the statistic is t
    test = paired_t(np.zeros(n), change)
    assert test.t == pytest.approx(t)
    assert test.log10_p == pytest.approx(log10_p, rel=1e-9)
    assert test.p == sys.float_info.min


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ([], [], "no pair has both numbers"),
        ([np.nan, 0.5], [0.5, np.nan], "no pair has both numbers"),
        ([0.5], [0.4], "one pair only: no spread to judge it by"),
        ([0.5, 0.6], [0.5, 0.6], ZERO),
        ([0.8, 0.5, 0.3], [0.7, 0.4, 0.2], "every difference is the same: no variance"),  # up to rounding
    ],
)
def test_what_cannot_be_computed_says_why(before: list[float], after: list[float], reason: str) -> None:
    test = paired_t(before, after)
    assert test.reason == reason
    assert all(math.isnan(x) for x in (test.t, test.p, test.log10_p, test.low, test.high))


def test_undetermined_numbers_are_left_out_and_counted() -> None:
    test = paired_t([0.1, np.nan, 0.3, np.inf, 0.2], [0.2, 0.5, 0.5, 0.1, 0.1])
    assert (test.n, test.left_out, test.reason) == (3, 2, "")


@given(
    st.lists(
        st.tuples(st.floats(), st.one_of(st.floats(), st.floats(min_value=-1, max_value=1))),
        max_size=12,
    )
)
def test_any_input_gives_a_sound_answer_without_a_warning(pairs: list[tuple[float, float]]) -> None:
    test = paired_t([a for a, _ in pairs], [b for _, b in pairs])
    if test.reason:
        assert math.isnan(test.p)
    else:
        assert 0 < test.p <= 1
        assert test.low <= test.mean <= test.high


def test_the_exact_tests_stand_beside_it() -> None:
    before = np.linspace(0.2, 0.8, 9)
    change = np.array([-0.02, -0.05, 0.01, -0.03, -0.04, -0.015, 0.005, -0.06, -0.025])
    test = paired_t(before, before + change)
    assert test.p_wilcoxon == pytest.approx(stats.wilcoxon(change).pvalue)
    wanted = stats.permutation_test((change,), lambda x, axis: x.mean(axis), permutation_type="samples")
    assert test.p_sign_flip == pytest.approx(wanted.pvalue)
    assert test.reason_exact == ""


def test_the_exact_tests_need_six_pairs_that_differ() -> None:
    for n, able in ((5, False), (6, True), (20, True)):
        test = paired_t(np.zeros(n), np.linspace(0.1, 0.2, n))
        assert math.isnan(test.p_sign_flip) is not able
        assert math.isnan(test.p_wilcoxon) is not able
        assert bool(test.reason_exact) is not able
    # differences within the rounding of the numbers are none
    rounded = paired_t([0.3] * 8, [0.1 + 0.2] * 8)
    assert (rounded.reason, rounded.reason_exact != "") == (ZERO, True)


def _effects() -> pd.DataFrame:
    rows = []
    for model, overall, classes in (
        ("a", 0.1, (0.1, 0.2, 0.4)),
        ("b", 0.3, (0.2, 0.1, 0.5)),
        ("c", 0.2, (0, 0.1, 0.3)),
    ):
        for group, change in (("", overall), *((str(i), c) for i, c in enumerate(classes))):
            rows.append((model, "int8", "facet", "disparity", "age", "old-young", group, -0.2, -0.2 + change))
    names = ["model", "quantizer", "benchmark", "metric", "attribute", "group", "class", "baseline_value", "value"]
    frame = pd.DataFrame(rows, columns=names).assign(better="zero")
    return frame.assign(baseline_abs=frame["baseline_value"].abs(), value_abs=frame["value"].abs())


def test_both_readings_pair_what_they_say() -> None:
    tests = paired_tests(_effects()).set_index(["reading", "model", "of"])
    over = tests.loc[(OVER, "", "change")]
    assert (over["n"], over["mean"]) == (3, pytest.approx(0.2))
    within = tests.loc[(WITHIN, "a", "change")]
    wanted = stats.ttest_1samp([0.1, 0.2, 0.4], 0)
    assert (within["n"], within["t"]) == (3, pytest.approx(wanted.statistic))
    assert set(tests.index.get_level_values("model")) == {"", "a", "b", "c"}


def test_signed_biases_are_also_tested_by_their_size() -> None:
    tests = paired_tests(_effects()).set_index(["reading", "model", "of"])
    assert tests.loc[(OVER, "", "abs_change"), "mean"] == pytest.approx((-0.1 - 0.1 - 0.2) / 3)
    plain = paired_tests(_effects().assign(better="higher"))
    assert set(plain["of"]) == {"change"}


def test_groups_of_all_sizes_at_once_are_the_same_as_one_by_one() -> None:
    rng = np.random.default_rng(8)
    rows = [
        ("m", "int8", "facet", "recall", "age", str(group), f"c{i}", "higher", rng.random(), rng.random())
        for group in range(12)
        for i in range(1 + 3 * group)
    ]
    names = ["model", "quantizer", "benchmark", "metric", "attribute", "group", "class", "better"]
    effects = pd.DataFrame(rows, columns=[*names, "baseline_value", "value"])
    effects = effects.assign(baseline_abs=np.nan, value_abs=np.nan)
    tests = paired_tests(effects).set_index("group")
    for group, frame in effects.groupby("group"):
        alone = paired_t(frame["baseline_value"], frame["value"])
        assert tests.loc[group, ["p", "p_sign_flip", "p_wilcoxon"]].astype(float).tolist() == pytest.approx(
            [alone.p, alone.p_sign_flip, alone.p_wilcoxon], nan_ok=True
        )
        assert tests.loc[group, "reason_exact"] == alone.reason_exact


def test_no_effects_no_tests() -> None:
    tests = paired_tests(_effects().head(0))
    assert tests.empty
    assert "log10_p" in tests.columns
