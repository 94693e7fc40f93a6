"""Each kind of number is judged by its own method, and the standard errors are those of a bootstrap over images."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from qbench.analysis.judge import Pending, analyse
from qbench.errors import DataError, InputError
from qbench.metrics.interface import INDEX
from qbench.plugins.records import NoOptions
from qbench.results.statistics import added_tables, declared_statistics, installed_statistics
from qbench.statistics.dispatch import bounds
from qbench.statistics.hits import items_of
from qbench.statistics.settings import Settings
from qbench.stats.bootstrap import bootstrap_change
from qbench.stats.mover import disparity_interval
from qbench.stats.nulls import ZERO_MEAN
from qbench.stats.tango import tango_interval
from qbench_statistics.ndkl import Ndkl

STATISTICS = installed_statistics()
ADDED = added_tables()


def no_flags(table: pd.DataFrame) -> np.ndarray:
    return np.full(len(table), "", dtype=object)


def judged(made, **settings):
    effects, comparison, _ = made
    pending = [Pending(names=comparison.names, read=lambda: comparison)]
    chosen = Settings(**{"resamples": 199, **settings})
    return analyse(effects, pending, chosen, STATISTICS, flags=no_flags, tables=ADDED)


def by_name(effects: pd.DataFrame) -> pd.DataFrame:
    return effects.set_index(list(INDEX)).sort_index()


def test_methods_by_kind(persons, gallery):
    effects = judged(persons()).effects
    methods = effects.groupby("metric")["method"].agg(lambda m: "/".join(sorted(set(m)))).to_dict()
    assert methods == {
        "accuracy": "tango",
        "recall": "tango",
        "disparity": "mover",
        "mean_disparity": "mover",
        "mean_abs_disparity": "",
        "worst_disparity": "",
        "worst_group_recall": "",
        "recall_ratio": "",
    }
    ranked = judged(gallery()).effects
    assert set(ranked.loc[ranked["metric"] == "ndkl", "method"]) == {"jackknife"}
    assert set(ranked.loc[ranked["metric"] != "ndkl", "method"]) == {"influence"}


def test_counts_and_intervals_of_a_share(persons):
    _, comparison, _ = made = persons()
    row = by_name(judged(made).effects).loc["accuracy", "gender", "fem", ""]
    items = comparison.before.items
    own = (items["gender"] == "fem").to_numpy()
    old, new = (x.items["correct"].to_numpy()[own] for x in (comparison.before, comparison.after))
    assert (row["n1"], row["gain1"], row["loss1"]) == (own.sum(), (new & ~old).sum(), (old & ~new).sum())
    assert row["change"] == pytest.approx(new.mean() - old.mean())
    low, high = tango_interval(row["gain1"], row["loss1"], row["n1"])
    assert (row["low"], row["high"]) == pytest.approx((float(low), float(high)))
    assert row["deff1"] == 1


def test_counts_and_interval_of_a_disparity(persons):
    rows = judged(persons()).effects
    row = rows[(rows["metric"] == "disparity") & (rows["attribute"] == "gender")].iloc[0]
    change, low, high = disparity_interval(*(row[f"{k}{s}"] for s in (1, 2) for k in ("gain", "loss", "n")))
    assert row["change"] == pytest.approx(float(change))
    assert (row["low"], row["high"]) == pytest.approx((float(low), float(high)))
    assert row["low"] <= row["change"] <= row["high"]


@pytest.mark.parametrize("cluster", [1, 2])
def test_standard_errors_are_a_bootstraps(persons, cluster):
    """Over images, through FACET's own measure: an implementation that shares nothing with the closed forms."""
    _, comparison, task = made = persons(n=1600, cluster=cluster)

    def difference(weights):
        return task.measure(comparison.after, weights).values - task.measure(comparison.before, weights).values

    found = bootstrap_change(difference, comparison.image, 600, np.random.default_rng(1))
    table = judged(made).effects.assign(boot=found.se)
    for metric in ("accuracy", "mean_disparity"):
        mine = table[(table["metric"] == metric) & (table["class"] == "") & (table["n"] > 3)]
        mine = mine[~mine["group"].isin(["na"])]
        assert len(mine) > 5
        np.testing.assert_allclose(mine["se"], mine["boot"], rtol=0.2)


def test_standard_errors_of_rankings_are_a_bootstraps(gallery):
    _, comparison, task = made = gallery(n=1500, k=200)

    def difference(weights):
        return task.measure(comparison.after, weights).values - task.measure(comparison.before, weights).values

    found = bootstrap_change(difference, comparison.image, 120, np.random.default_rng(1))
    table = judged(made).effects.assign(boot=found.se)
    skews = table[table["metric"].eq("skew@200") & table["attribute"].eq("gender")]
    np.testing.assert_allclose(skews["se"], skews["boot"], rtol=0.35)


def test_images_with_several_persons_widen_the_interval(persons):
    alone = by_name(judged(persons(n=1200, cluster=1)).effects).loc["accuracy", "", "", ""]
    together = by_name(judged(persons(n=1200, cluster=3)).effects).loc["accuracy", "", "", ""]
    assert together["deff1"] == pytest.approx(3, abs=0.8)
    assert together["high"] - together["low"] > 1.4 * (alone["high"] - alone["low"])


def test_no_flip_in_ten_items_is_not_equivalence_and_in_thousands_it_is(persons):
    few, many = (judged(persons(n=n, flips=0.0)).effects for n in (60, 4000))
    few = few[(few["method"] != "") & (few["class"] != "")]
    assert set(few["verdict"]) == {"inconclusive"}
    many = by_name(many)
    assert many.loc[("accuracy", "", "", ""), "verdict"] == "equivalent"
    assert many.loc[("accuracy", "", "", ""), "p"] == 1


@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_equivalent_is_the_interval_that_is_shown(persons, confidence):
    rows = judged(persons(n=2500, flips=0.01), confidence=confidence).effects
    inside = (rows["low"] > -rows["margin"]) & (rows["high"] < rows["margin"])
    assert 0 < inside.sum() < len(rows)
    assert (rows["verdict"].eq("equivalent") == inside).all()


def test_harm_to_one_group_is_found(persons):
    effects = by_name(judged(persons(n=4000, flips=0.01, harm=0.25, seed=3)).effects)
    assert effects.loc[("accuracy", "gender", "fem", ""), "verdict"] == "worse"
    row = effects.loc["mean_disparity", "gender", "masc-fem", ""]
    assert row["change"] > 0.1
    assert row["p_holm"] < 1e-6


def test_bounds_of_stored_effects_are_the_stored_intervals(persons, gallery):
    for made in (persons(), gallery()):
        table = judged(made).effects
        low, high = bounds(table, 0.95, STATISTICS)
        np.testing.assert_array_equal(low, table["low"])
        np.testing.assert_array_equal(high, table["high"])
        wider = bounds(table, 0.99, STATISTICS)
        known = table["low"].notna()
        assert (wider[0][known] < low[known]).all()
        assert (wider[1][known] > high[known]).all()


def test_a_metric_without_a_closed_form_is_bootstrapped_or_not_known(persons):
    effects, comparison, task = persons()
    declared = declared_statistics((name, None) for name in comparison.statistics)
    unknown = dataclasses.replace(comparison, statistics=declared.made, declared=declared.names)
    names = comparison.names
    pending = [Pending(names=names, read=lambda: unknown)]
    alone = analyse(effects, pending, Settings(resamples=99), STATISTICS, flags=no_flags)
    assert set(alone.effects["method"]) == {""}
    assert set(alone.effects["verdict"]) == {"inconclusive"}
    whole = effects[(effects["class"] == "") & (effects["metric"] == "accuracy")]
    measured = dataclasses.replace(unknown, load_measure=lambda: task.measure)
    with_plugin = Pending(names=names, read=lambda: measured)
    found = analyse(whole, [with_plugin], Settings(resamples=400), STATISTICS, flags=no_flags).effects
    closed = judged((effects, comparison, task)).effects
    closed = closed.loc[whole.index]
    assert set(found["method"]) == {"bootstrap"}
    few = (found["n"] < 100).to_numpy()  # too few flips for a standard error of the resamples alone
    assert few.sum() == 1
    resampled, exact = found["se"].to_numpy(), closed["se"].to_numpy()
    np.testing.assert_allclose(resampled[~few], exact[~few], rtol=0.25)
    assert (resampled[few] > exact[few]).all()


def test_the_sample_size_is_that_of_the_group_whatever_makes_the_interval(persons):
    effects, comparison, task = persons()
    items = comparison.before.items
    bootstrapped = declared_statistics((name, None) for name in comparison.statistics)
    by_bootstrap = dataclasses.replace(
        comparison, statistics=bootstrapped.made, declared=bootstrapped.names, load_measure=lambda: task.measure
    )
    own = effects[effects["metric"].isin(["accuracy", "mean_disparity", "disparity"])]
    for given in (comparison, by_bootstrap):
        pending = [Pending(names=given.names, read=lambda given=given: given)]
        found = analyse(own, pending, Settings(resamples=99), STATISTICS, flags=no_flags).effects
        size = found.set_index(["metric", "attribute", "group", "class"])["sample_size"]
        women, men = items["gender"].eq("fem"), items["gender"].eq("masc")
        assert size["accuracy", "", "", ""] == len(items)
        assert size["accuracy", "gender", "fem", ""] == women.sum() < len(items)
        assert size["mean_disparity", "gender", "masc-fem", ""] == (women | men).sum() < len(items)
        astronauts = items["label"].eq("astronaut")
        assert size["disparity", "gender", "masc-fem", "astronaut"] == ((women | men) & astronauts).sum()


def test_items_without_a_label_count_in_numbers_over_all_classes(persons):
    _, comparison, _ = persons()
    items = comparison.before.items
    some = items.assign(label=items["label"].mask(items.index < 100, ""))
    partly = dataclasses.replace(comparison, before=dataclasses.replace(comparison.before, items=some), of_baseline={})
    assert items_of(partly, "accuracy", "", "", "") == len(items)
    assert items_of(partly, "accuracy", "", "", "astronaut") == some["label"].eq("astronaut").sum()
    assert items_of(partly, "accuracy", "", "", "a query") == len(items)


def test_a_mean_gap_is_made_of_the_classes_in_which_it_is_known(persons):
    effects, comparison, _ = persons()
    items = comparison.before.items
    lacking = effects["metric"].eq("disparity") & effects["class"].eq("astronaut")
    found = judged((effects.assign(change=effects["change"].mask(lacking)), comparison, None)).effects
    size = found.set_index(["metric", "attribute", "group", "class"])["sample_size"]
    compared = items["gender"].isin(["masc", "fem"]) & items["label"].ne("astronaut")
    assert size["mean_disparity", "gender", "masc-fem", ""] == compared.sum()


def test_numbers_of_a_ranking_are_made_of_the_whole_gallery(gallery):
    found = judged(gallery(n=600, k=100)).effects
    assert set(found["sample_size"]) == {600}


def test_the_same_draws_give_the_same_table(persons):
    first, second = (judged(persons(cluster=2), seed=5).effects for _ in range(2))
    pd.testing.assert_frame_equal(first, second)


def test_flips_add_up(persons):
    _, comparison, _ = made = persons()
    flips = judged(made).flips
    old, new = (x.items["correct"].to_numpy() for x in (comparison.before, comparison.after))
    whole = flips[(flips["attribute"] == "") & (flips["margin_bin"] == "")].iloc[0]
    assert (whole["lost"], whole["gained"]) == ((old & ~new).sum(), (new & ~old).sum())
    quarters = flips[(flips["attribute"] == "") & (flips["margin_bin"] != "")]
    assert quarters["n"].tolist() == [200] * 4
    assert quarters["lost"].sum() == whole["lost"]
    groups = flips[(flips["attribute"] == "age") & (flips["margin_bin"] == "")]
    assert groups[groups["group"] != ""]["n"].sum() == groups[groups["group"] == ""]["n"].iloc[0]
    assert groups[groups["group"] == ""]["p_groups"].between(0, 1).all()


def test_empty_effects_give_empty_tables_with_all_columns():
    from qbench.results.effects import COLUMNS

    found = analyse(pd.DataFrame(columns=COLUMNS), [], Settings(), STATISTICS, flags=no_flags)
    assert len(found.effects) == len(found.populations) == len(found.flips) == len(found.predictors) == 0
    assert "verdict" in found.effects


@pytest.mark.parametrize("n", [0, 1, 2])
def test_hardly_any_item_is_inconclusive_without_a_warning(persons, n):
    table = judged(persons(n=n, flips=1.0)).effects
    assert set(table["verdict"]) == {"inconclusive", "descriptive"}
    assert (table["reason"] != "").all()


@pytest.mark.parametrize("n", [0, 1, 2, 4])
def test_rankings_of_hardly_any_image_are_inconclusive(gallery, n):
    table = judged(gallery(n=n, k=1)).effects
    assert set(table["verdict"]) == {"inconclusive"}
    assert (table["reason"] != "").all()


def test_the_items_that_would_decide_a_skew_come_with_their_k(gallery):
    table = judged(gallery(n=600, k=100)).effects
    skews = table["metric"].str.contains("skew@") & table["needed"].notna()
    assert skews.any()
    assert (table.loc[skews, "needed_k"] == np.ceil(np.round(table.loc[skews, "needed"] / 6, 6))).all()
    assert table.loc[table["metric"] == "ndkl", "needed_k"].isna().all()


def test_a_larger_gallery_makes_a_skew_surer_only_with_a_larger_k(gallery):
    """The standard error falls with the root of the gallery where k grows in proportion, and not at the same k."""

    def spread(n, k):
        table = judged(gallery(n=n, k=k)).effects
        own = table["metric"].eq(f"skew@{k}") & table["attribute"].eq("gender") & table["class"].eq("")
        return float(np.sqrt(np.mean(table.loc[own, "se"] ** 2)))

    now = spread(600, 100)
    assert spread(2400, 400) / now == pytest.approx(0.5, abs=0.12)
    assert spread(2400, 100) / now > 0.8


def test_numbers_that_are_shown_and_not_judged_are_descriptive(persons):
    table = judged(persons()).effects
    chosen = table["metric"].isin(["worst_disparity", "worst_group_recall", "recall_ratio"])
    assert chosen.any()
    assert (table["verdict"].eq("descriptive") == chosen).all()


def test_an_interval_without_length_is_none(gallery):
    class Certain(Ndkl):
        def judge(self, metric, comparison, ledger, settings):
            ledger.put(ledger.rows(metric=metric), method="jackknife", null=ZERO_MEAN, se=0.0, df=np.inf)

    effects, comparison, _ = gallery()
    certain = {"ndkl": Certain(NoOptions())}
    comparison = dataclasses.replace(comparison, statistics={**comparison.statistics, **certain})
    pending = [Pending(names=comparison.names, read=lambda: comparison)]
    found = analyse(effects, pending, Settings(), {**STATISTICS, **certain}, flags=no_flags, tables=ADDED).effects
    rows = found[found["metric"] == "ndkl"]
    assert set(rows["verdict"]) == {"inconclusive"}
    assert rows[["low", "high", "p"]].isna().all(axis=None)
    assert rows["reason"].str.contains("no length").all()


@pytest.mark.parametrize(
    ("raised", "expected", "said"),
    [
        (
            KeyError("correct"),
            InputError,
            "the statistic 'own' cannot judge ndkl from these outcomes: KeyError: 'correct'",
        ),
        (DataError("the file is damaged"), DataError, "^the file is damaged$"),
        (MemoryError("no memory"), MemoryError, "^no memory$"),
    ],
    ids=["another error", "a message", "the machine"],
)
def test_a_statistic_that_fails_is_named_with_the_metric_and_the_variant(gallery, raised, expected, said):
    class Failing(Ndkl):
        def judge(self, metric, comparison, ledger, settings):
            raise raised

    effects, comparison, _ = gallery()
    failing = {"ndkl": Failing(NoOptions())}
    comparison = dataclasses.replace(
        comparison, statistics={**comparison.statistics, **failing}, declared={**comparison.declared, "ndkl": "own"}
    )
    pending = [Pending(names=comparison.names, read=lambda: comparison)]
    with pytest.raises(expected, match=said) as caught:
        analyse(effects, pending, Settings(), {**STATISTICS, **failing}, flags=no_flags, tables=ADDED)
    if expected is InputError:
        assert caught.value.where == " · ".join(comparison.names.values())


def test_a_table_that_a_statistic_adds_has_its_columns_with_rows_or_without(persons, gallery):
    with_rows, without = (judged(made()).added["squares"] for made in (persons, gallery))
    assert len(with_rows)
    assert without.empty
    assert list(with_rows.columns) == list(without.columns) == ["model", "quantizer", "benchmark", *ADDED["squares"]]
    assert with_rows["change"].notna().all()


def test_a_table_that_no_statistic_declares_is_an_error(persons):
    effects, comparison, _ = persons()
    pending = [Pending(names=comparison.names, read=lambda: comparison)]
    with pytest.raises(TypeError, match="added rows to squares"):
        analyse(effects, pending, Settings(resamples=99), STATISTICS, flags=no_flags)


def test_the_swap_test_can_be_significant_in_a_family_of_a_hundred(persons):
    """The rows of one comparison as those of 100 models: a change that is clear stays clear after Holm's correction."""
    effects, comparison, _ = persons(n=4000, flips=0.01, harm=0.25, seed=3)
    effects = effects[effects["attribute"] == "gender"]
    others = [effects[effects["metric"] == "mean_abs_disparity"].assign(model=f"m{i}") for i in range(1, 100)]
    alike = pd.concat([effects, *others], ignore_index=True)
    pending = [Pending(names=comparison.names, read=lambda: comparison)]
    found = analyse(alike, pending, Settings(resamples=199), STATISTICS, flags=no_flags, tables=ADDED).effects
    row = found[(found["model"] == "m") & (found["metric"] == "mean_abs_disparity") & (found["attribute"] == "gender")]
    assert row["p"].iloc[0] * 100 < 0.05
    assert row["p_holm"].iloc[0] < 0.05


def test_a_metric_whose_values_are_not_those_of_its_statistic_has_no_interval_and_says_why(persons):
    effects, comparison, declared = persons()
    wrong = effects.assign(change=effects["change"].where(effects["metric"] != "accuracy", -effects["change"]))
    moved = (wrong["metric"] == "accuracy") & (wrong["change"] != 0)
    found = judged((wrong, comparison, declared)).effects
    assert moved.any()
    assert set(found.loc[moved.to_numpy(), "method"]) == {""}
    assert found.loc[moved.to_numpy(), "why"].str.contains("not the share of hits that the metric declares").all()
