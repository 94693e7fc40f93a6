"""Holm's weighted method by inverting bounds: against its definition, and against closed forms."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from qbench.gate.holm import TREE, holm_levels, one_sided_p, proven_losses, weights
from qbench.gate.loss import losses_of
from qbench.stats.tango import tango_p
from tests.unit.gate.conftest import Study, bounds


def losses(changes: list[float], se: float = 0.01, df: float = np.inf) -> tuple[Study, np.ndarray]:
    study = Study()
    for at, change in enumerate(changes):
        study.effect("accuracy", change, se, group=f"g{at}", attribute="age", df=df)
    return study, np.full(len(changes), 0.02)


@pytest.mark.parametrize("df", [np.inf, 6.0])
def test_a_p_by_inversion_is_that_of_the_one_sided_test(df: float) -> None:
    changes = [-0.06, -0.03, -0.021, -0.01, 0.0, 0.02]
    study, limit = losses(changes, df=df)
    rows = losses_of(study.comparison().effects)
    t = (-np.array(changes) - limit) / 0.01
    test = stats.norm if np.isinf(df) else stats.t(df)
    assert one_sided_p(rows, limit, bounds) == pytest.approx(np.where(t > 0, test.sf(t), 1.0), rel=1e-5)


def test_what_has_no_bounds_has_no_p() -> None:
    study, limit = losses([-0.06, -0.03], se=np.nan)
    assert np.isnan(one_sided_p(losses_of(study.comparison().effects), limit, bounds)).all()


def reference(p: np.ndarray, weight: np.ndarray, alpha: float) -> np.ndarray:
    """Holm's weighted method as the paper has it, one step after another."""
    rejected = np.zeros(len(p), dtype=bool)
    left = [i for i in range(len(p)) if np.isfinite(p[i])]
    while left:
        i = min(left, key=lambda j: p[j] / weight[j])
        if p[i] > alpha * weight[i] / sum(weight[j] for j in left):
            break
        rejected[i] = True
        left.remove(i)
    return rejected


@pytest.mark.parametrize("seed", range(20))
def test_levels_reject_what_holms_method_rejects(seed: int) -> None:
    rng = np.random.default_rng(seed)
    p = rng.beta(0.3, 3, size=rng.integers(1, 30))
    weight = rng.random(len(p)) + 0.1 if seed % 2 else np.ones(len(p))
    p[rng.random(len(p)) < 0.1] = np.nan
    levels = holm_levels(p, weight, 0.05)
    with np.errstate(invalid="ignore"):
        assert ((p <= levels) == reference(p, weight, 0.05)).all()
    assert (np.isnan(levels) == np.isnan(p)).all()
    known = np.isfinite(p)
    least = 0.05 * weight[known] / weight[known].sum()
    assert levels[known] == pytest.approx(np.clip(levels[known], least, 0.05))


def tree(*rows: tuple[str, str, str, str]) -> pd.DataFrame:
    """Rows of accuracies as rule, benchmark, attribute and group."""
    columns = dict(zip(("rule", "benchmark", "attribute", "group"), zip(*rows, strict=True), strict=True))
    names = pd.DataFrame({"family": 0, "weight": 1.0, "metric": "accuracy", "class": "", **columns})
    return names[["family", "weight", *TREE]]


def test_a_level_is_divided_equally_from_the_whole_to_the_particular() -> None:
    whole = [("overall", "imagenet", "", ""), ("overall", "facet", "", "")]
    groups = [("groups", "facet", "gender", g) for g in ("women", "men")]
    groups += [("groups", "facet", "age", g) for g in ("young", "middle", "older")]
    assert weights(tree(*whole, *groups)) == pytest.approx([1 / 4, 1 / 4, 1 / 8, 1 / 8, 1 / 12, 1 / 12, 1 / 12])


def test_a_rule_gets_its_part_by_its_weight() -> None:
    names = tree(*(("overall", b, "", "") for b in "ab"), ("groups", "a", "age", "x"), ("gaps", "a", "age", "x"))
    given = names.assign(weight=names["rule"].map({"overall": 4, "groups": 3, "gaps": 1}))
    assert weights(given) == pytest.approx([1 / 4, 1 / 4, 3 / 8, 1 / 8])


def test_the_same_name_under_two_parents_is_not_one_child() -> None:
    rows = [("groups", b, "age", g) for b, of in (("a", ("x", "y")), ("b", ("x", "y", "z"))) for g in of]
    assert weights(tree(*rows)) == pytest.approx([1 / 4, 1 / 4, 1 / 6, 1 / 6, 1 / 6])


def test_each_family_is_divided_on_its_own() -> None:
    names = tree(*(("r", "facet", "age", g) for g in ("a", "b", "a", "b", "c"))).assign(family=[0, 0, 1, 1, 1])
    assert weights(names) == pytest.approx([1 / 2, 1 / 2, 1 / 3, 1 / 3, 1 / 3])


def one_rule(groups: int, family: list[int] | None = None) -> pd.DataFrame:
    names = tree(*(("r", "facet", "age", f"g{at}") for at in range(groups)))
    return names.assign(family=family or [0] * groups)


def test_one_row_alone_has_the_plain_bound() -> None:
    study, limit = losses([-0.03])
    rows = losses_of(study.comparison().effects)
    proven = proven_losses(rows, limit, bounds, confidence=0.95, names=one_rule(1), holm=True)
    assert proven[0] == pytest.approx(0.03 - stats.norm.ppf(0.975) * 0.01)


@pytest.mark.parametrize("seed", range(10))
def test_adjusted_bounds_lie_beyond_the_limit_exactly_where_holm_rejects(seed: int) -> None:
    rng = np.random.default_rng(seed)
    study, limit = losses(list(-0.02 + rng.normal(0, 0.03, 12)))
    rows = losses_of(study.comparison().effects)
    proven = proven_losses(rows, limit, bounds, confidence=0.95, names=one_rule(12), holm=True)
    wanted = reference(one_sided_p(rows, limit, bounds), np.ones(12), 0.025)
    assert ((proven > limit) == wanted).all()
    plain = proven_losses(rows, limit, bounds, confidence=0.95, names=one_rule(12), holm=False)
    assert (proven <= plain + 1e-12).all()


def test_families_are_adjusted_apart() -> None:
    study, limit = losses([-0.045] * 10)
    rows = losses_of(study.comparison().effects)
    names = one_rule(10, [0] * 9 + [1])
    proven = proven_losses(rows, limit, bounds, confidence=0.95, names=names, holm=True)
    assert proven[9] == pytest.approx(0.045 - stats.norm.ppf(0.975) * 0.01)
    assert proven[0] == pytest.approx(0.045 + stats.norm.ppf(0.025 / 9) * 0.01)


def test_intervals_of_counts_are_inverted_too() -> None:
    study = Study()
    counts = {"gain1": 3, "loss1": 40, "n1": 1000, "deff1": 1.0}
    study.effect("accuracy", -0.037, method="tango", **counts)
    second = {"gain2": 2, "loss2": 1, "n2": 400, "deff2": 1.0, "rho": 0.0}
    study.effect(
        "disparity", -0.0395, method="mover", attribute="age", group="a-b", before=-0.4, sum_se=0.01, **counts, **second
    )
    rows, limit = losses_of(study.comparison().effects), np.full(2, 0.02)
    p = one_sided_p(rows, limit, bounds)
    low, _ = rows.interval(bounds, 1 - 2 * p)
    assert low == pytest.approx(limit, abs=1e-7)
    _, score = tango_p(3, 40, 1000, -0.02)
    assert p[0] == pytest.approx(1 - score, rel=1e-5)
