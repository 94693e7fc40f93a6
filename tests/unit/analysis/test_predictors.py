"""What goes with the direction of the changes: planted effects are found, and each in its own row."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from qbench.analysis.populations import population_table, populations_at, with_margins
from qbench.analysis.predictors import COLUMNS, DOUBLING, predictor_table, predictors_at
from qbench.statistics.settings import Settings

IMAGES, QUANTIZERS = 400, ("int8", "int4", "pruned")
MODELS = {f"{source}-{size}": (source, 2.0**size * 1e6) for source in "abc" for size in range(3)}


def effects(effect, models=MODELS, seed=0):
    """One number of each model and quantizer: an effect and the noise of images, half of it shared by all."""
    rng = np.random.default_rng(seed)
    shared = rng.normal(0, 0.001, IMAGES)
    rows, influence = [], {}
    for model, (source, parameters) in models.items():
        for quantizer in QUANTIZERS:
            own = (shared + rng.normal(0, 0.001, IMAGES)) / np.sqrt(2)
            influence[len(rows)] = own
            change = effect(source, np.log2(parameters / 1e6), quantizer) + own.sum()
            rows.append({"model": model, "quantizer": quantizer, "change": change})
    same = {
        "baseline": "fp32",
        "benchmark": "b",
        "metric": "m",
        "attribute": "",
        "group": "",
        "class": "",
        "better": "higher",
    }
    table = pd.DataFrame(rows).assign(baseline_model=[row["model"] for row in rows])
    return table.assign(**same, unit="share", method="tango", flags="", se=0.02), influence


def found(effect, **made):
    table, influence = effects(effect, **made)
    names = {model: source for model, (source, _) in MODELS.items()}
    sizes = {model: parameters for model, (_, parameters) in MODELS.items()}
    return predictor_table(table, influence, names, sizes, Settings(), {})


def significant(table):
    return {(r.factor, r.level) for r in table.itertuples() if r.p_adjusted <= 0.05}


@pytest.mark.parametrize(
    ("effect", "levels"),
    [
        (lambda source, size, quantizer: 0.2 * size, {("size", DOUBLING)}),
        (lambda source, size, quantizer: 0.5 * (source == "b"), {("source", "a"), ("source", "b"), ("source", "c")}),
        (lambda source, size, quantizer: -0.3, set()),
    ],
)
def test_what_is_planted_is_found(effect, levels):
    table = found(effect)
    assert list(table) == COLUMNS
    assert significant(table) == levels
    assert set(table["checkpoints"]) == {9}


def test_a_quantizer_is_compared_within_the_checkpoints():
    table = found(lambda source, size, quantizer: -0.3 * (quantizer == "int4") + 3 * (source == "a"))
    of = table[table["factor"].eq("quantizer")].set_index("level")
    assert of["estimate"].to_dict() == pytest.approx({"int8": 0.15, "int4": -0.3, "pruned": 0.15}, abs=0.05)
    assert of.loc["int4", "p_adjusted"] < 1e-4


def test_a_slope_is_for_a_doubling():
    row = found(lambda source, size, quantizer: 0.2 * size).query("factor == 'size'").iloc[0]
    assert row["low"] < 0.2 < row["high"]


def test_a_checkpoint_that_lacks_a_quantizer_is_left_out_and_five_are_too_few():
    table, influence = effects(lambda *_: 0.0)
    of = {model: model[0] for model in MODELS}
    assert set(predictor_table(table.iloc[1:], influence, of, {}, Settings(), {})["checkpoints"]) == {8}
    assert set(predictor_table(table.iloc[1:], influence, of, {}, Settings(), {})["left_out"]) == {1}
    flagged = table.assign(flags=["constant"] * 3 + [""] * (len(table) - 3))
    assert predictor_table(table.iloc[: 5 * 3], influence, of, {}, Settings(), {}).empty
    assert len(predictor_table(flagged, influence, of, {}, Settings(), {}))


def test_labels_of_one_checkpoint_count_once():
    table, influence = effects(lambda *_: 0.0)
    same = {"c-2": "a-0"}
    found = predictor_table(table, influence, {model: model[0] for model in MODELS}, {}, Settings(), same)
    assert set(found["checkpoints"]) == {8}


def test_the_intervals_of_another_confidence_follow_from_the_table():
    table, influence = effects(lambda source, size, quantizer: 0.2 * size)
    of = {model: model[0] for model in MODELS}
    wide, narrow = (predictor_table(table, influence, of, {}, Settings(confidence=x), {}) for x in (0.95, 0.8))
    pd.testing.assert_frame_equal(predictors_at(wide, 0.8), narrow)


def test_sizes_that_are_not_known_leave_the_other_factors():
    table, influence = effects(lambda *_: 0.0)
    found = predictor_table(table, influence, {model: model[0] for model in MODELS}, {}, Settings(), {})
    assert set(found["factor"]) == {"quantizer", "source"}


def test_the_intervals_of_the_means_at_another_confidence_follow_from_their_table():
    table, influence = effects(lambda source, size, quantizer: 0.01 * size)
    of = {model: model[0] for model in MODELS}
    table = table.assign(margin=0.02)
    wide, narrow = (population_table(table, influence, of, Settings(confidence=x), {}) for x in (0.95, 0.8))
    ours = with_margins(populations_at(wide, 0.95, 0.8), table, Settings(confidence=0.8))
    pd.testing.assert_frame_equal(ours, narrow)
