"""A run folder read: tables, changes, what cannot be compared, flags, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from qbench.errors import InputError
from qbench.metrics.interface import Unavailable
from qbench.results import load
from qbench.results.comparable import Difference
from qbench.results.controls import find_controls

Make = Callable[..., Any]
A, B = "openai/ViT-B-32", "laion/ViT-B-16"
COLUMNS = ["model", "quantizer", "benchmark", "metric", "attribute", "group", "class", "value", "n"]


def test_the_tidy_table_has_every_number_of_every_cell(make_run: Make) -> None:
    run = make_run()
    results = load(run.write())
    assert list(results.metrics.columns) == COLUMNS
    assert len(results.metrics) == sum(len(x) for x in run.metrics.values())
    assert set(results.metrics["benchmark"]) == {"imagenet", "coco", "facet", "fairface"}
    assert len(results.items) == 80 * len(run.items)
    assert results.items.columns[:3].tolist() == ["model", "quantizer", "benchmark"]


def test_what_the_run_says_of_itself(make_run: Make) -> None:
    results = load(make_run(benchmarks=("facet",)).write())
    assert (results.name, results.baseline) == ("a small run", "fp32")
    assert results.notes == ["The people are drawings."]
    assert results.spec["name"] == "a small run"
    assert results.environment.cores == 2
    assert results.cells["seconds"].tolist() == pytest.approx([4.9] * 6)


def test_a_change_is_the_value_minus_the_same_models_baseline(make_run: Make) -> None:
    results = load(make_run().write())
    keys = ["model", "quantizer", "benchmark", "metric", "attribute", "group", "class"]
    value = results.metrics.set_index(keys)["value"]
    assert set(results.effects["quantizer"]) == {"hf-int8", "hf-int4"}
    for row in results.effects.sample(60, random_state=1).to_dict("records"):
        base = value[tuple("fp32" if k == "quantizer" else row[k] for k in keys)]
        assert row["baseline"] == "fp32"
        assert row["change"] == pytest.approx(row["value"] - base, nan_ok=True)


def test_only_signed_biases_have_absolute_values(make_run: Make) -> None:
    effects = load(make_run(benchmarks=("facet",)).write()).effects
    signed = effects[effects["better"] == "zero"]
    assert set(signed["metric"]) == {"disparity", "mean_disparity", "worst_disparity"}
    finite = signed.dropna(subset=["value"])
    np.testing.assert_allclose(finite["abs_change"], finite["value"].abs() - finite["baseline_value"].abs())
    assert effects.loc[effects["better"] != "zero", "abs_change"].isna().all()
    # Worst disparities are negative here: a change down is a gap that grew.
    worst = effects[effects["metric"] == "worst_disparity"]
    np.testing.assert_allclose(worst["abs_change"], -worst["change"])


def test_a_cut_off_does_not_hide_a_metrics_declaration(make_run: Make) -> None:
    effects = load(make_run(benchmarks=("fairface",)).write()).effects
    assert set(effects.loc[effects["metric"] == "max_skew@10", "unit"]) == {"nats"}


@pytest.mark.parametrize(
    ("part", "key", "value", "said"),
    [
        ("data_info", "fingerprint", "other", "dataset fingerprint"),
        ("data_info", "limit", 100, "limit"),
        ("data_info", "items", 79, "number of items"),
        ("benchmark_info", "options", {"cut": 6}, "benchmark options"),
        ("benchmark_info", "files", {"texts": "other"}, "content of the benchmark option 'texts'"),
        ("benchmark_info", "protocol", "2", "protocol version"),
        ("model_info", "fingerprint", "other", "checkpoint under the same name"),
        ("model_info", "preprocessing", {"geometry": {"size": 336}}, "another preprocessing"),
        ("data_info", "prompts", "f00d", "other prompts"),
        ("batch", "size", 1, "batch size"),
        ("batch", "order", "shuffle-1", "order of the batches"),
    ],
)
def test_cells_with_other_items_or_rules_are_not_compared(
    make_run: Make, part: str, key: str, value: object, said: str
) -> None:
    run = make_run(models=(A,), benchmarks=("facet",))
    name = next(n for n, r in run.records.items() if r["quantizer"] == "hf-int8")
    run.records[name][part][key] = value
    results = load(run.write())
    assert set(results.effects["quantizer"]) == {"hf-int4"}
    (row,) = results.unpaired.to_dict("records")
    assert (row["quantizer"], said in row["reason"]) == ("hf-int8", True)


@pytest.mark.parametrize(
    ("mine", "its", "said"),
    [
        ({"min_group": 20, "ks": [1, 5]}, {"min_group": 10, "ks": [1, 5]}, "min_group 20 instead of 10"),
        ({"ks": [1, 5], "cut": True}, {"ks": [], "cut": False}, "ks 1, 5 instead of none; cut true instead of false"),
        (
            {"geometry": {"size": 336, "resize": "squash"}},
            {"geometry": {"size": 224, "resize": "squash"}},
            "geometry.size 336 instead of 224",
        ),
        ({}, {"limit": 5}, "limit none instead of 5"),
        (None, 100, "none instead of 100"),
        ("f" * 64, "0" * 64, "ffffffffffff instead of 000000000000"),
    ],
)
def test_a_difference_names_what_differs_in_words(mine: object, its: object, said: str) -> None:
    assert Difference(kind="rules", what="", mine=mine, its=its).values == said


@pytest.mark.parametrize(("baseline", "compared"), [("", True), ("probes:embeddings", True), ("x:captions", False)])
def test_cells_that_were_asked_through_different_probes_are_not_compared(
    make_run: Make, baseline: str, compared: bool
) -> None:
    run = make_run(models=(A,), quantizers=("fp32", "hf-int8"), benchmarks=("facet",))
    for record in run.records.values():
        record["probe"] = baseline if record["quantizer"] == "fp32" else "probes:embeddings"
    results = load(run.write())
    assert bool(len(results.effects)) == compared
    assert list(results.unpaired["reason"]) == (
        [] if compared else ["another probe than the baseline (probes:embeddings instead of x:captions)"]
    )


def test_a_difference_that_is_meant_is_compared(make_run: Make) -> None:
    run = make_run(models=(A,), benchmarks=("facet",))
    name = next(n for n, r in run.records.items() if r["quantizer"] == "hf-int8")
    run.records[name]["model_info"]["preprocessing"] = {"geometry": {"size": 336}}
    run.run["spec"]["analysis"] = {"allow": ["preprocessing"]}
    results = load(run.write())
    assert set(results.effects["quantizer"]) == {"hf-int4", "hf-int8"}
    assert results.unpaired.empty


def test_without_a_baseline_there_is_no_comparison(empty_run: Any) -> None:
    empty_run.add(A, "hf-int8", "facet")
    empty_run.fail(B, "fp32", "facet")
    empty_run.add(B, "hf-int8", "facet")
    results = load(empty_run.write())
    assert results.effects.empty
    assert results.unpaired["reason"].tolist() == [
        "this run has no fp32 of this model on this benchmark",
        "the baseline fp32 is failed",
    ]


def test_a_number_that_the_baseline_lacks_is_said(make_run: Make) -> None:
    run = make_run(models=(A,), quantizers=("fp32", "hf-int8"), benchmarks=("coco",))
    base = run.run["cells"][0]
    run.metrics[base] = run.metrics[base].iloc[1:]
    results = load(run.write())
    assert len(results.effects) == 5
    assert "without a counterpart in the baseline: 1" in results.unpaired["reason"].iloc[0]


def test_the_study_s_t_test_on_raw_numbers(make_run: Make) -> None:
    run = make_run(benchmarks=("imagenet",))
    results = load(run.write())
    table = {(r["model"], r["quantizer"]): run.metrics[n] for n, r in run.records.items()}
    before, after = (table[A, q].query("metric == 'recall'")["value"] for q in ("fp32", "hf-int4"))
    wanted = stats.ttest_rel(after, before)
    tests = results.tests
    found = tests.query("reading == 'within a checkpoint' and model == @A and quantizer == 'hf-int4'").iloc[0]
    assert (found["t"], found["p"], found["n"]) == (pytest.approx(wanted.statistic), pytest.approx(wanted.pvalue), 6)
    top1 = [[table[m, q].iloc[0]["value"] for m in (A, B)] for q in ("hf-int4", "fp32")]
    found = tests.query("reading == 'over checkpoints' and quantizer == 'hf-int4' and metric == 'top1'").iloc[0]
    assert found["t"] == pytest.approx(stats.ttest_rel(*top1).statistic)


def test_coverage_counts_towers_and_names_what_was_left_out(make_run: Make) -> None:
    results = load(make_run(models=(A,)).write())
    coverage = results.coverage.set_index(["quantizer", "tower"])
    assert coverage["share"].to_dict() == {
        **{("fp32", t): 0.0 for t in ("all", "image", "text")},
        **{(q, t): s for q in ("hf-int8", "hf-int4") for t, s in (("all", 0.5), ("image", 1.0), ("text", 0.0))},
    }
    assert set(results.layers.query("not quantized")["name"]) == {"vision.fc1", "text_projection"}


def test_errors_and_zeros_are_summed_up_by_tower(make_run: Make) -> None:
    run = make_run(models=(A,), quantizers=("fp32", "hf-int4"), benchmarks=("coco",))
    coverage = run.records[run.run["cells"][1]]["coverage"]
    one, two = coverage["layers"]
    one |= {"error": 0.1, "sparsity": 0.5}
    two |= {"error": 0.0, "sparsity": 0.0}
    coverage["layers"].append({**one, "name": "vision.fc2", "error": 0.3, "parameters": 3 * one["parameters"]})
    coverage["disk_bytes"] = 7
    results = load(run.write())
    whole = results.coverage.set_index(["quantizer", "tower"]).loc[("hf-int4", "all")]
    assert whole["median_error"] == pytest.approx(0.2)  # of the quantized layers
    assert whole["max_error"] == 0.3
    assert whole["sparsity"] == pytest.approx(0.5 * 4 / 5)
    assert whole["disk_bytes"] == 7
    layers = results.layers.set_index(["quantizer", "name"])
    assert layers.loc[("hf-int4", "vision.fc1"), "snr"] == pytest.approx(20)
    assert np.isnan(layers.loc[("hf-int4", "text_projection"), "snr"])


def test_cells_of_earlier_versions_have_no_errors(make_run: Make) -> None:
    results = load(make_run(models=(A,)).write())  # their records have none of the later fields
    assert results.layers[["error", "snr", "sparsity"]].isna().all().all()
    assert results.coverage[["median_error", "max_error", "sparsity", "disk_bytes"]].isna().all().all()


def test_the_matching_control_is_found_on_the_same_model_whatever_its_label(make_run: Make) -> None:
    run = make_run(models=(A, B), quantizers=("fp32", "hf-int4"), benchmarks=("coco", "facet"))
    for record in run.records.values():
        if record["quantizer"] == "hf-int4":
            record["control"] = {"name": "fp32", "note": "and more"}
        elif record["model"] == A:
            record["quantizer"] = "the baseline"
        else:
            record["quantizer_info"]["record"] = "quantizers:fp16"
    found = find_controls(load(run.write()).done)
    assert {key: (x.name, x.label) for key, x in found.items()} == {
        (A, "hf-int4"): ("fp32", "the baseline"),
        (B, "hf-int4"): ("fp32", ""),
    }
    assert found[A, "hf-int4"].note == "and more"


def test_a_baseline_that_guesses_voids_comparisons_and_warns_of_the_same_models_retrieval(empty_run: Any) -> None:
    for benchmark in ("facet", "fairface"):
        for model, right in ((A, 0.05), (B, 0.6)):
            for quantizer in ("fp32", "hf-int8"):
                empty_run.add(model, quantizer, benchmark, right=right if quantizer == "fp32" else 0.6)
    flags = load(empty_run.write()).flags
    assert [(f.kind, f.model, f.quantizer, f.benchmark, f.comparisons) for f in flags] == [
        ("near-chance", A, "fp32", "facet", True),
        ("follows", A, "fp32", "fairface", False),
    ]
    assert "4 of 80 right (5.0 %), where guessing gives 5 %" in flags[0].message
    assert "no comparison" in flags[0].message


def test_a_quantized_model_that_guesses_is_flagged_alone(empty_run: Any) -> None:
    empty_run.add(A, "fp32", "facet")
    empty_run.add(A, "hf-int4", "facet", right=0.05)
    flags = load(empty_run.write()).flags
    assert [f.kind for f in flags] == ["near-chance", "accuracy-lost"]
    assert {(f.quantizer, f.comparisons) for f in flags} == {("hf-int4", False)}


def test_chance_is_asked_of_the_items_it_holds_for(empty_run: Any) -> None:
    name = empty_run.add(A, "fp32", "coco")
    empty_run.items[name]["direction"] = ["image", "text"] * 40
    empty_run.items[name]["correct"] = [True, False] * 40
    chance = [{"name": d, "chance": 0.1, "where": {"direction": d}} for d in ("image", "text")]
    empty_run.records[name]["facts"] = {"chance": chance}
    (flag,) = load(empty_run.write()).flags
    assert "(text)" in flag.message
    assert "0 of 40" in flag.message


def test_a_check_that_cannot_be_made_is_said(empty_run: Any) -> None:
    name = empty_run.add(A, "fp32", "facet")
    empty_run.items[name] = empty_run.items[name].drop(columns="correct")
    (flag,) = load(empty_run.write()).flags
    assert flag.kind == "unchecked"


def test_failed_and_missing_cells_are_listed_without_numbers(empty_run: Any) -> None:
    empty_run.add(A, "fp32", "facet")
    empty_run.fail(A, "hf-int4", "facet")
    missing = "cells/facet/some-model/hf-int8-threshold-4-1a2b3c4d"
    empty_run.run["cells"].append(missing)
    labels = {"model": "some model", "quantizer": "hf-int8 (threshold=4)", "benchmark": "facet"}
    empty_run.run["labels"] = {missing: labels}
    results = load(empty_run.write())
    assert results.cells["status"].tolist() == ["done", "failed", "missing"]
    assert results.cells["error"].iloc[1] == "layer 3: the width is no multiple of 64"
    assert results.cells.iloc[2][["model", "quantizer", "benchmark"]].to_dict() == labels
    assert set(results.metrics["quantizer"]) == {"fp32"}


def test_a_missing_cell_without_labels_is_refused(empty_run: Any) -> None:
    empty_run.run["cells"].append("cells/facet/some-model/hf-int8-1a2b3c4d")
    with pytest.raises(InputError, match=r"the labels of the cell .*hf-int8-1a2b3c4d' are missing"):
        load(empty_run.write())


def test_a_run_without_cells_has_empty_tables(empty_run: Any) -> None:
    results = load(empty_run.write())
    for table in ("cells", "metrics", "effects", "unpaired", "tests", "items", "coverage", "layers"):
        frame = getattr(results, table)
        assert isinstance(frame, pd.DataFrame)
        assert frame.empty
    assert results.flags == []


def test_a_run_can_be_copied(make_run: Make, tmp_path: Path) -> None:
    here = make_run(benchmarks=("facet",)).write()
    there = here.rename(tmp_path / "elsewhere")
    assert len(load(there).metrics)


def _refused(folder: Path) -> str:
    with pytest.raises(InputError) as caught:
        load(folder).metrics  # noqa: B018 - reading is what fails
    return str(caught.value)


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    assert "not a qbench run" in _refused(tmp_path)
    assert "no such folder" in _refused(tmp_path / "nothing")


@pytest.mark.parametrize("text", ["{", "[]", '{"cells": 3, "baseline": "fp32"}', '{"cells": []}', '"\\ud800"', "\xff"])
def test_a_damaged_head_is_refused(empty_run: Any, text: str) -> None:
    folder = empty_run.write()
    (folder / "run.json").write_bytes(text.encode("latin-1"))
    message = _refused(folder)
    assert "run.json" in message
    assert "damaged" in message


@pytest.mark.parametrize(("form", "said"), [(3, "newer"), ("one", "damaged"), (True, "damaged"), (0, "damaged")])
def test_another_format_is_refused(make_run: Make, form: object, said: str) -> None:
    run = make_run(models=(A,), benchmarks=("coco",))
    folder = run.write()
    for path in (folder / "run.json", folder / run.run["cells"][0] / "cell.json"):
        before = path.read_text()
        path.write_text(json.dumps({**json.loads(before), "format": form}))
        assert said in _refused(folder)
        path.write_text(before)


@pytest.mark.parametrize("name", ["../run", "/etc", "cells/../../run", ""])
def test_a_cell_outside_the_run_is_refused(empty_run: Any, name: str) -> None:
    empty_run.run["cells"] = [name]
    assert "not a place in the run folder" in _refused(empty_run.write())


def test_damaged_cells_are_refused(make_run: Make) -> None:
    run = make_run(models=(A,), benchmarks=("coco",))
    folder = run.write()
    cell = folder / run.run["cells"][1]
    good = (cell / "metrics.parquet").read_bytes()
    (cell / "metrics.parquet").write_bytes(good[:100])
    assert "metrics.parquet" in _refused(folder)
    (cell / "metrics.parquet").unlink()
    assert "the file is missing" in _refused(folder)
    frame = run.metrics[run.run["cells"][1]]
    frame.drop(columns="n").to_parquet(cell / "metrics.parquet")
    assert "damaged" in _refused(folder)
    pd.concat([frame, frame.head(1)]).to_parquet(cell / "metrics.parquet")
    assert "more than once" in _refused(folder)
    frame.assign(metric="recall@five").to_parquet(cell / "metrics.parquet")
    assert "'metric' does not hold names of metrics" in _refused(folder)
    frame.assign(value="much").to_parquet(cell / "metrics.parquet")
    assert "'value' does not hold numbers" in _refused(folder)
    (cell / "cell.json").write_text('{"format": 2, "model": "a"}')
    assert "cell.json: the file is damaged: key: Field required" in _refused(folder)


def test_two_cells_of_one_name_are_refused(make_run: Make) -> None:
    run = make_run(models=(A,), benchmarks=("coco",))
    run.run["cells"].append(run.run["cells"][0])
    assert "two cells are named" in _refused(run.write())


def test_damaged_coverage_is_refused(make_run: Make) -> None:
    run = make_run(models=(A,), benchmarks=("coco",))
    run.records[run.run["cells"][0]]["coverage"] = {"layers": [{"name": "a"}], "total_parameters": 1, "model_bytes": 1}
    with pytest.raises(
        InputError, match=r"cell\.json: the file is damaged: coverage\.layers\.0\.tower: Field required"
    ):
        load(run.write())


def test_an_error_that_is_no_number_is_refused(make_run: Make) -> None:
    run = make_run(models=(A,), benchmarks=("coco",))
    run.records[run.run["cells"][0]]["coverage"]["layers"][0]["error"] = "much"
    with pytest.raises(InputError, match=r"coverage\.layers\.0\.error: Input should be a valid number"):
        load(run.write())


def test_right_answers_stay_booleans_beside_benchmarks_without_any(make_run: Make) -> None:
    items = load(make_run(benchmarks=("coco", "fairface")).write()).items
    assert items["correct"].dtype == "boolean"
    assert items.loc[items["benchmark"] == "fairface", "correct"].isna().all()
    assert items.loc[items["benchmark"] == "coco", "correct"].sum() == 6 * 48


def test_the_baseline_comes_first_and_the_rest_keeps_its_order(empty_run: Any) -> None:
    for model, quantizer in ((A, "bf16"), (B, "bf16"), (A, "hf-int4"), (A, "fp32"), (B, "fp32")):
        empty_run.add(model, quantizer, "coco")
    found = [(c.model, c.quantizer) for c in load(empty_run.write()).records]
    assert found == [(A, "fp32"), (A, "bf16"), (A, "hf-int4"), (B, "fp32"), (B, "bf16")]


def test_a_run_says_which_numbers_its_data_cannot_give(empty_run: Any) -> None:
    name = empty_run.add(A, "fp32", "fairface")
    said = {
        "metric": "skew@1000",
        "attribute": "gender",
        "cause": "k is the whole gallery",
        "remedy": "Use ks = [100].",
    }
    empty_run.records[name]["data_info"]["unavailable"] = [{**said, "group": "", "classes": []}]
    results = load(empty_run.write())
    assert results.unavailable == {"fairface": (Unavailable(**said),)}
    assert results.why_unavailable("fairface", "skew@1000", "gender", "female", "a nurse") == Unavailable(**said)
    assert results.why_unavailable("fairface", "skew@100", "gender") is None
    assert results.why_unavailable("facet", "accuracy") is None


def test_the_reason_of_a_number_that_the_data_cannot_give_has_cause_and_remedy(empty_run: Any) -> None:
    said = {"metric": "skew@1000", "cause": "k is the whole gallery", "remedy": "Use ks = [100]."}
    for quantizer in ("fp32", "hf-int4"):
        name = empty_run.add(A, quantizer, "fairface")
        empty_run.records[name]["data_info"]["unavailable"] = [{**said, "attribute": "", "group": "", "classes": []}]
    effects = load(empty_run.write()).effects
    reasons = effects.groupby("metric")["reason"].agg(set)
    assert reasons["skew@1000"] == {"not available: k is the whole gallery. Use ks = [100]."}
    assert not any("not available" in reason for reason in reasons["skew@10"] | reasons["max_skew@1000"])
