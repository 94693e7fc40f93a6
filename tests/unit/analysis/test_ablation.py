"""A planted part is found, nothing is found where nothing is planted, and what is corrected for what is said."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.ablation_rates import PARTS, SHARES, World, found_parts, rates, simulate
from qbench.analysis.ablation import judge_parts
from qbench.statistics.settings import Settings
from qbench.stats.nulls import NOT_JUDGED

RUNS = 8


def rows(*changes):
    """Rows of one ablation: part, group, p, and what else differs."""
    frame = pd.DataFrame([{"part": part, "group": group, "p": p, **more} for part, group, p, more in changes])
    rest = {"model": "m", "quantizer": "q", "direction": "only", "benchmark": "b", "metric": "accuracy"}
    frame = frame.assign(**rest, attribute=np.where(frame["group"] == "", "", "age"))
    empty = {name: frame.get(name, pd.Series(index=frame.index, dtype=object)) for name in ("flags", "null")}
    return frame.assign(**empty).fillna({"flags": "", "null": ""}).astype({"change": float})


def test_a_planted_part_is_found_and_no_other():
    rng = np.random.default_rng(7)
    assert rates(rng, World("loss", 0.02), RUNS) == (RUNS, 0)
    assert rates(rng, World("loss in one group", 0.15, 5), RUNS) == (RUNS, 0)


def test_nothing_is_found_where_nothing_is_planted():
    found = [found_parts(simulate(np.random.default_rng(seed), World("nothing"))) for seed in range(2 * RUNS)]
    assert sum(map(bool, found)) <= 1


def test_the_correction_is_for_all_parts_and_numbers_of_the_ablation():
    judged = judge_parts(simulate(np.random.default_rng(1), World("loss", 0.02)), Settings())
    assert set(judged["tests"]) == {PARTS, PARTS * len(SHARES)}
    overall = judged[judged["attribute"] == ""]
    smallest = overall["p"].min()
    assert overall["p_adjusted"].min() == pytest.approx(2 * PARTS * smallest)
    assert overall["p_parts"].min() == pytest.approx(PARTS * smallest)


def test_a_part_that_changes_nothing_counts_and_one_that_cannot_be_tested_does_not():
    judged = judge_parts(
        rows(
            ("a", "", 0.001, {"change": 0.1}),
            ("b", "", np.nan, {"change": 0.0}),
            ("c", "", np.nan, {"change": np.nan}),
            ("d", "", 0.001, {"change": 0.1, "null": NOT_JUDGED}),
            ("e", "", 0.001, {"change": 0.1, "flags": "baseline-constant"}),
        ),
        Settings(),
    )
    assert judged["tests"].tolist() == [2] * 5
    assert judged["p_adjusted"].round(9).tolist()[:2] == [0.004, 1.0]
    assert judged["p_adjusted"][2:].isna().all()
    assert judged["found"].tolist() == [True, False, False, False, False]


def test_each_half_has_half_of_the_error():
    judged = judge_parts(rows(("a", "", 0.02, {"change": 0.1}), ("a", "young", 0.03, {"change": 0.1})), Settings())
    assert judged["p_adjusted"].tolist() == [0.04, 0.06]
    assert judged["found"].tolist() == [True, False]
