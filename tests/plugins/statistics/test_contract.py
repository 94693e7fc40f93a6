"""Every built-in statistic keeps to the contract, on simulated data that fit it."""

import pytest

from qbench.testing import StatisticContract
from tests.plugins.statistics import simulated as world

WORLDS = {
    "share": world.share,
    "class_mean": world.class_mean,
    "disparity": world.disparity,
    "mean_disparity": world.mean_of_disparities("mean_disparity"),
    "mean_abs_disparity": world.mean_of_disparities("mean_abs_disparity"),
    "selected": world.measured,
    "skew": world.ranked("skew@100", "a"),
    "max_skew": world.ranked("max_skew@100"),
    "min_skew": world.ranked("min_skew@100", class_="first"),
    "ndkl": world.ranked("ndkl"),
    "bootstrap": world.measured,
}


class TestBuiltIn(StatisticContract):
    replicates = 150

    @pytest.fixture(params=list(WORLDS))
    def statistic(self, request):
        return request.param

    @pytest.fixture
    def simulate(self, statistic):
        return WORLDS[statistic]

    @pytest.fixture
    def claims_interval(self, statistic):
        return statistic not in ("selected", "mean_abs_disparity")

    @pytest.fixture
    def signed(self, statistic):
        return statistic in ("class_mean", "disparity", "mean_disparity", "skew", "bootstrap")


class TestShareByRank(StatisticContract):
    """With options: hits at a rank, of the rows of one class."""

    replicates = 100

    @pytest.fixture(params=[{"name": "share", "options": {"hit": "rank", "below": 5}}], ids=str)
    def statistic(self, request):
        return request.param

    @pytest.fixture
    def simulate(self):
        return world.share
