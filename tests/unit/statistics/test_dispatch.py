"""Interval, test and size of a row come from its statistic; of one that is not installed, from what was stored."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from qbench.errors import StatisticError
from qbench.metrics.interface import StatisticRef
from qbench.results.statistics import declared_statistics, installed_statistics
from qbench.statistics.dispatch import bounds, with_power, with_tests
from qbench.statistics.settings import Settings

STATISTICS = installed_statistics()


def table() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "statistic": ["bootstrap", "from-another-plugin", "bootstrap"],
            "method": ["bootstrap", "special", ""],
            "change": [0.1, 0.1, np.nan],
            "se": [0.01, 0.01, np.nan],
            "df": [np.inf, np.inf, np.nan],
            "low": [0.0, 0.05, np.nan],
            "high": [0.0, 0.2, np.nan],
            "p": [np.nan, 0.03, np.nan],
            "log10_p": [np.nan, np.log10(0.03), np.nan],
            "margin": 0.02,
            "sample_size": 1000.0,
        }
    )


def test_a_statistic_that_is_not_installed_has_its_stored_interval() -> None:
    low, high = bounds(table(), np.array([0.9, 0.9, 0.9]), STATISTICS, stored=0.95)
    assert (low[1], high[1]) == (0.05, 0.2)
    assert low[0] > 0.08
    assert np.isnan(low[2])


def test_a_stored_interval_serves_no_higher_confidence() -> None:
    for confidence, known in ((0.95, True), (0.96, False)):
        low, _ = bounds(table(), confidence, STATISTICS, stored=0.95)
        assert np.isfinite(low[1]) == known
    assert np.isnan(bounds(table(), 0.5, STATISTICS)[0][1])


def test_p_values_that_are_stored_stay() -> None:
    found = with_power(with_tests(table(), STATISTICS), Settings(), STATISTICS)
    assert found["p"].iloc[1] == 0.03
    assert 0 < found["p"].iloc[0] < 1e-20
    assert np.isnan(found["p"].iloc[2])
    assert found["mde"].notna().tolist() == [True, False, False]


def test_what_is_missing_or_wrong_says_why() -> None:
    found = declared_statistics(
        [("a", StatisticRef("nothing")), ("b", StatisticRef("share", {"hit": "luck"})), ("c", None)]
    )
    assert list(found.made) == ["c"]
    assert "'nothing'" in found.missing["a"]
    assert "hit" in found.missing["b"]
    assert found.names == {"a": "nothing", "b": "share", "c": "bootstrap"}


@pytest.mark.parametrize(
    "ask",
    [
        lambda statistics: bounds(table(), 0.95, statistics),
        lambda statistics: with_tests(table(), statistics),
        lambda statistics: with_power(table(), Settings(), statistics),
    ],
    ids=["bounds", "tests", "power"],
)
def test_a_statistic_that_fails_is_named(ask) -> None:
    with pytest.raises(StatisticError, match=r"the statistic 'bootstrap' cannot .*: AttributeError: 'object' object"):
        ask({"bootstrap": object()})
