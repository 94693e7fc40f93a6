"""Changes that are linear in means: against the plain formulas, against other software, and against shared images."""

from __future__ import annotations

import math

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

from qbench.statistics.hits import correlation, count_cells
from qbench.stats.linear import FEW, linear_change
from qbench.stats.tango import tango_interval


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(5)


def test_an_accuracy_has_the_standard_error_of_a_mean(rng: np.random.Generator) -> None:
    x = rng.choice([-1, 0, 1], 500, p=[0.1, 0.85, 0.05])
    found = linear_change(x, np.zeros(500, int), [1.0], np.arange(500))
    assert found.estimate == pytest.approx(x.mean())
    assert found.se == pytest.approx(stats.sem(x))
    assert (found.df, found.flips, found.reason) == (pytest.approx(499), np.count_nonzero(x), "")
    assert found.influence @ found.influence == pytest.approx(found.se**2)


def test_a_difference_of_groups_is_welch_s(rng: np.random.Generator) -> None:
    x = rng.choice([-1, 0, 1], 400, p=[0.1, 0.8, 0.1])
    second = np.arange(400) < 150
    found = linear_change(x, second.astype(int), [1.0, -1.0], np.arange(400))
    wanted = stats.ttest_ind(x[~second], x[second], equal_var=False)
    assert found.estimate / found.se == pytest.approx(wanted.statistic)
    assert found.df == pytest.approx(wanted.df)


def test_persons_of_a_image_are_one_unit(rng: np.random.Generator) -> None:
    image = rng.integers(0, 150, 400)
    x = np.repeat(rng.choice([-1.0, 0.0, 1.0], 150, p=[0.2, 0.6, 0.2]), np.bincount(image, minlength=150))
    image = np.sort(image)
    found = linear_change(x, np.zeros(400, int), [1.0], image)
    model = sm.OLS(x, np.ones(400)).fit(cov_type="cluster", cov_kwds={"groups": image, "use_correction": False})
    assert found.se == pytest.approx(float(model.bse[0]) * math.sqrt(400 / 399))
    alone = linear_change(x, np.zeros(400, int), [1.0], np.arange(400))
    assert found.se > 1.3 * alone.se


def test_two_persons_who_flip_alike_cancel_in_a_difference_of_their_groups() -> None:
    x = np.tile([1, 1, -1, -1, 0, 0, 0, 0], 20)
    group = np.tile([0, 1], 80)
    together = linear_change(x, group, [1.0, -1.0], np.repeat(np.arange(80), 2))
    apart = linear_change(x, group, [1.0, -1.0], np.arange(160))
    assert together.reason == "every item changed alike: no variance"
    assert apart.se > 0.05


def test_the_mean_over_classes_gives_each_class_the_same_weight(rng: np.random.Generator) -> None:
    label = rng.choice(5, 1000, p=[0.5, 0.3, 0.1, 0.06, 0.04])
    x = rng.choice([-1, 0, 1], 1000, p=[0.1, 0.8, 0.1])
    found = linear_change(x, label, np.full(5, 0.2), np.arange(1000))
    classes = [x[label == c] for c in range(5)]
    assert found.estimate == pytest.approx(np.mean([c.mean() for c in classes]))
    assert found.se == pytest.approx(math.sqrt(sum(stats.sem(c) ** 2 for c in classes)) / 5)


def test_items_that_do_not_count_change_nothing(rng: np.random.Generator) -> None:
    x = rng.choice([-1, 0, 1], 300, p=[0.1, 0.8, 0.1])
    stratum = np.where(np.arange(300) < 200, 0, -1)
    found = linear_change(x, stratum, [1.0, 0.0], np.arange(300))
    wanted = linear_change(x[:200], np.zeros(200, int), [1.0], np.arange(200))
    assert (found.estimate, found.se, found.flips) == pytest.approx((wanted.estimate, wanted.se, wanted.flips))
    assert len(found.influence) == 300


def test_few_flips_get_the_variance_of_their_group_s_rate() -> None:
    x = np.zeros(200)
    none = linear_change(x, np.zeros(200, int), [1.0], np.arange(200))
    assert none.few
    assert none.se == pytest.approx(math.sqrt((4 / 200) / 200))
    x[:3] = -1
    few = linear_change(x, np.repeat([0, 1], 100), [1.0, -1.0], np.arange(200))
    assert few.se == pytest.approx(math.sqrt(7 / 100 / 100 + 4 / 100 / 100))
    assert few.se**2 > few.influence @ few.influence
    x[:FEW] = -1
    assert not linear_change(x, np.zeros(200, int), [1.0], np.arange(200)).few


def test_few_flips_in_images_of_several_persons_may_be_one_event() -> None:
    none = linear_change(np.zeros(200), np.zeros(200, int), [1.0], np.repeat(np.arange(50), 4))
    assert none.se == pytest.approx(math.sqrt(4 * (4 / 200) / 200))


def test_a_stratum_of_one_item_is_not_taken_as_certain(rng: np.random.Generator) -> None:
    x = rng.choice([-1, 0, 1], 401, p=[0.1, 0.8, 0.1])
    label = np.r_[np.zeros(400, int), 1]
    found = linear_change(x, label, [0.5, 0.5], np.arange(401))
    assert found.se > 0.5 * math.sqrt(0.15)


def test_covariances_are_products_of_influence(rng: np.random.Generator) -> None:
    shared = rng.choice([-1, 0, 0, 1], 2000)
    x, y = (np.where(rng.random(2000) < 0.5, shared, rng.choice([-1, 0, 0, 1], 2000)) for _ in range(2))
    first, second = (linear_change(v, np.zeros(2000, int), [1.0], np.arange(2000)) for v in (x, y))
    assert first.influence @ second.influence == pytest.approx(np.cov(x, y)[0, 1] / 2000)


@pytest.mark.parametrize(
    ("x", "stratum", "coefficient", "image", "reason"),
    [
        ([], [], [], [], "no group to compute it of"),
        ([0, 1], [0, 0], [0.0], [0, 1], "no group to compute it of"),
        ([0, 1], [0, 0], [1.0, -1.0], [0, 1], "a group has no item"),
        ([], [], [1.0], [], "a group has no item"),
        ([0, np.nan], [0, 0], [1.0], [0, 1], "a number of an item is undetermined"),
        ([0], [0], [1.0], [0], "one image only: nothing to judge it by"),
        ([0, 1], [0, 0], [1.0], [3, 3], "one image only: nothing to judge it by"),
        ([1] * 30, [0] * 30, [1.0], list(range(30)), "every item changed alike: no variance"),
    ],
)
def test_what_cannot_be_judged_says_why(
    x: list[float], stratum: list[int], coefficient: list[float], image: list[int], reason: str
) -> None:
    found = linear_change(x, stratum, coefficient, image)
    assert found.reason == reason
    assert math.isnan(found.se)


def test_counts_of_one_stratum_are_those_of_a_share(rng: np.random.Generator) -> None:
    image = rng.integers(0, 150, 600)
    x = np.where(rng.random(150) < 0.6, rng.choice([-1, 0, 1], 150, p=[0.2, 0.6, 0.2]), 0)[image].astype(np.int8)
    (counts,) = linear_change(x, np.zeros(600, int), [1.0], image).counts
    wanted = count_cells(x, np.zeros(600, int), 1, image)
    for name in ("n", "gain", "loss"):
        assert getattr(counts, name) == pytest.approx(getattr(wanted, name)[0])
    assert counts.deff == pytest.approx(wanted.deff[0] * 600 / 599)
    assert counts.deff > 3


def test_two_groups_have_counts_of_their_own_and_the_correlation_of_their_images(rng: np.random.Generator) -> None:
    image, group = rng.integers(0, 300, 900), rng.integers(0, 2, 900)
    x = rng.choice([-1, 0, 1], 300, p=[0.1, 0.8, 0.1])[image].astype(np.int8)
    found = linear_change(x, group, [1.0, -1.0], image)
    assert [c.n for c in found.counts] == pytest.approx(np.bincount(group))
    assert [c.loss for c in found.counts] == pytest.approx(np.bincount(group[x < 0]))
    wanted = correlation(x, group, 2, image, np.array([0]), np.array([1]))[0]
    assert found.rho == pytest.approx(wanted, rel=0.01)
    assert found.rho > 0.5


def test_items_of_unequal_weight_count_as_so_many_of_equal_weight() -> None:
    """Kish's effective number: 30 items of a class that weighs as much as one of 300."""
    x = np.r_[np.ones(15), np.zeros(315)]
    (counts,) = linear_change(x, np.repeat([0, 1], [30, 300]), [0.5, 0.5], np.arange(330)).counts
    assert counts.n == pytest.approx(4 / (1 / 30 + 1 / 300))
    assert counts.gain / counts.n == pytest.approx(0.25)
    assert counts.deff > 1  # the flips are those of the heavier items


def test_the_few_flips_of_a_small_group_do_not_borrow_the_certainty_of_a_large_one() -> None:
    """112 persons without a flip allow a loss of 3.3 points; 40 flips among 2,800 others say nothing of them."""
    x = np.zeros(2912)
    x[112:132], x[132:152] = 1, -1
    found = linear_change(x, np.repeat([0, 1], [112, 2800]), [1.0, -1.0], np.arange(2912))
    small, large = found.counts
    low, _ = tango_interval(small.gain / small.deff, small.loss / small.deff, small.n / small.deff)
    assert -low > 0.03
    assert (small.n, small.gain, small.loss) == pytest.approx((112, 0, 0))
    assert (large.gain, large.loss) == pytest.approx((20, 20))
    assert found.few
    assert 1.96 * found.se > 0.03
    assert found.spread < found.se


def test_numbers_that_are_not_right_or_wrong_have_no_counts(rng: np.random.Generator) -> None:
    assert linear_change(rng.normal(size=50), np.zeros(50, int), [1.0], np.arange(50)).counts == ()
