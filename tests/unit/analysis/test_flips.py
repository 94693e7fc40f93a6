"""The table of flips: persons who share images count as what they are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from qbench.analysis.flips import flip_table, flips_at
from qbench.analysis.judge import Pending, analyse
from qbench.results.statistics import added_tables, installed_statistics
from qbench.statistics.hits import count_cells
from qbench.statistics.settings import Settings
from qbench.stats.flips import flip_rates_differ

SETTINGS = Settings(resamples=499)


def of(table: pd.DataFrame, attribute: str = "", group: str = "") -> pd.Series:
    at = (table["attribute"] == attribute) & (table["group"] == group) & (table["margin_bin"] == "")
    assert at.sum() == 1
    return table[at].iloc[0]


@pytest.mark.parametrize("cluster", [1, 3])
def test_the_p_of_a_group_is_that_of_its_accuracy(persons, cluster):
    effects, comparison, _ = persons(n=900, cluster=cluster)
    pending = [Pending(names=comparison.names, read=lambda: comparison)]
    judged = analyse(
        effects, pending, SETTINGS, installed_statistics(), flags=lambda t: np.full(len(t), ""), tables=added_tables()
    ).effects
    table = flip_table(comparison, SETTINGS)
    for attribute, group in (("", ""), ("gender", "fem"), ("age", "older")):
        own = judged[(judged["metric"] == "accuracy") & (judged["attribute"] == attribute) & (judged["group"] == group)]
        assert of(table, attribute, group)["p_mcnemar"] == pytest.approx(own["p"].iloc[0])


def test_the_intervals_of_another_confidence_follow_from_the_table(persons):
    _, comparison, _ = persons(n=900, cluster=3)
    wide, narrow = (flip_table(comparison, replace(SETTINGS, confidence=x)) for x in (0.95, 0.8))
    assert (wide["deff"] > 1).any()
    pd.testing.assert_frame_equal(flips_at(wide, 0.8), narrow)


def test_counts_are_those_of_the_answers(persons):
    _, comparison, _ = persons(n=900)
    items = comparison.before.items
    before, after = (x.items["correct"].to_numpy() for x in (comparison.before, comparison.after))
    own = (items["gender"] == "fem").to_numpy()
    row = of(flip_table(comparison, SETTINGS), "gender", "fem")
    assert (row["n"], row["lost"], row["gained"]) == (
        own.sum(),
        (before & ~after & own).sum(),
        (~before & after & own).sum(),
    )
    assert row["rate"] == (before != after)[own].mean()
    assert row["low"] < row["rate"] < row["high"]


def test_quarters_of_the_margin_add_up_to_their_group(persons):
    table = flip_table(persons(n=900)[1], SETTINGS)
    each = table[(table["attribute"] == "gender") & (table["group"] == "fem")]
    assert each["margin_bin"].tolist() == ["", "1", "2", "3", "4"]
    for name in ("n", "lost", "gained"):
        assert each[name].iloc[0] == each[name].iloc[1:].sum()


def test_persons_who_flip_together_do_not_make_groups_differ():
    """Three persons of one group in an image, who flip together: the null is not rejected more often than it should."""
    rng = np.random.default_rng(0)
    image = np.repeat(np.arange(500), 3)
    rejected, alone = 0, 0
    for _ in range(200):
        group = rng.integers(0, 2, 500)[image]
        flips = (rng.random(500) < 0.1)[image].astype(np.int8)
        counts = count_cells(flips, group, 2, image)
        rejected += flip_rates_differ(counts.gain, counts.n, counts.deff) <= 0.05
        alone += flip_rates_differ(counts.gain, counts.n) <= 0.05
    assert alone > 40  # as if persons were independent
    assert rejected < 21  # 21 of 200 or more happen in one of a thousand tries at 5 %
