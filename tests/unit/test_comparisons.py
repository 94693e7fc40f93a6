"""What a run compares besides each variant with its model's baseline: the comparisons that its spec declares."""

from __future__ import annotations

import json
import shutil
import tomllib
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from qbench.comparisons import CellNames, DeclaredComparison, cell_pairs
from qbench.errors import InputError
from qbench.execution.plan import make_plan
from qbench.gate import check
from qbench.plugins.registry import installed
from qbench.report.html import page
from qbench.report.tables import export
from qbench.results import Results, load
from qbench.spec.read import read_spec
from qbench.spec.write import spec_text
from qbench.vocabulary import FlagKind

TEACHER, STUDENT, LABEL = "teacher", "student", "distilled"
RULE = {"id": "r", "metric": "accuracy", "scope": "overall", "limit": 0.02}


def declared(
    baseline: tuple[str, str] = (TEACHER, "fp32"), variant: tuple[str, str] = (STUDENT, "fp32"), **more: str
) -> dict[str, Any]:
    sides = {"baseline": baseline, "variant": variant}
    return {name: dict(zip(("model", "quantizer"), side, strict=True)) for name, side in sides.items()} | more


@pytest.fixture
def pair(make_run: Callable[..., Any]) -> Callable[..., Results]:
    """``(change, **comparison) -> Results`` of a teacher and a student; `change` gets the run and the student's."""

    def made(change: Callable[[Any, str], None] = lambda run, cell: None, **comparison: Any) -> Results:
        run = make_run((TEACHER, STUDENT), ("fp32", "hf-int8"), ("facet",))
        run.run["spec"]["comparisons"] = [declared(**{"label": LABEL, **comparison})]
        change(run, next(n for n, r in run.records.items() if (r["model"], r["quantizer"]) == (STUDENT, "fp32")))
        return load(run.write())

    return made


def of(results: Results, model: str, quantizer: str) -> Any:
    effects = results.effects
    return effects[(effects["model"] == model) & (effects["quantizer"] == quantizer)]


def test_declared_comparisons_follow_those_of_each_model_and_have_their_own_names() -> None:
    cells = {CellNames(m, q, b): f"{m} {q} {b}" for m in "ab" for q in ("fp32", "int8") for b in ("x", "y")}
    del cells["a", "fp32", "y"]  # type: ignore[arg-type]
    one = DeclaredComparison.model_validate(declared(("a", "fp32"), ("b", "int8")))
    found = [(tuple(pair.names), pair.variant, pair.baseline) for pair in cell_pairs(cells, "fp32", [one])]
    assert found == [
        (("a", "int8", "x"), "a int8 x", "a fp32 x"),
        (("a", "int8", "y"), "a int8 y", None),
        (("b", "int8", "x"), "b int8 x", "b fp32 x"),
        (("b", "int8", "y"), "b int8 y", "b fp32 y"),
        (("b", "int8 against a × fp32", "x"), "b int8 x", "a fp32 x"),
        (("b", "int8 against a × fp32", "y"), "b int8 y", None),
    ]


# --- the spec


def planned(*comparisons: dict[str, Any]) -> Any:
    models = [{"source": "demo", "checkpoint": "balanced", "label": label} for label in (TEACHER, STUDENT)]
    spec = {
        "name": "x",
        "models": models,
        "quantizers": ["fp32", "hf-int8"],
        "benchmarks": [{"name": "facet", "dataset": "demo-facet"}],
        "comparisons": list(comparisons),
    }
    return make_plan(read_spec(spec), installed())


@pytest.mark.parametrize(
    ("comparisons", "where", "what"),
    [
        ([declared(("techer", "fp32"))], "comparisons.0.baseline.model", "'techer'; did you mean 'teacher'?"),
        ([declared(variant=(STUDENT, "int8"))], "comparisons.0.variant.quantizer", "did you mean 'hf-int8'?"),
        ([declared(variant=(TEACHER, "fp32"))], "the spec", "the baseline and the variant are the same"),
        ([declared(variant=(TEACHER, "hf-int8"))], "comparisons.0", "compared with fp32 in any case"),
        ([declared(), declared(label="again")], "comparisons.1", "declared already, as comparisons.0"),
        ([declared(label="hf-int8")], "comparisons.0.label", "is that of a quantizer"),
        (
            [declared(label=LABEL), declared(variant=(STUDENT, "hf-int8"), label=LABEL)],
            "comparisons.1.label",
            "another comparison of student is called 'distilled'",
        ),
        ([declared(lable=LABEL)], "the spec", "unknown key 'comparisons.0.lable'; did you mean 'label'?"),
    ],
)
def test_a_wrong_comparison_is_named_with_what_may_be_meant(
    comparisons: list[dict[str, Any]], where: str, what: str
) -> None:
    with pytest.raises(InputError) as error:
        planned(*comparisons)
    assert error.value.where == where
    assert what in error.value.what


def test_models_may_share_a_label_of_a_comparison_and_a_spec_can_be_written_with_it() -> None:
    plan = planned(declared(label=LABEL), declared((STUDENT, "fp32"), (TEACHER, "hf-int8"), label=LABEL))
    assert read_spec(tomllib.loads(spec_text(plan.spec))).comparisons == plan.spec.comparisons


def test_the_example_is_planned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QBENCH_DATA", "/nowhere")
    spec = read_spec(Path(__file__).parents[2] / "examples" / "distillation.toml")
    plan = make_plan(spec, installed())
    assert [(c.name, c.variant.words, c.baseline.words) for c in plan.spec.comparisons] == [
        ("distilled", "student × fp32", "teacher × fp32"),
        ("distilled and int8", "student × torch-int8", "teacher × fp32"),
    ]


# --- the results


def test_a_student_is_compared_with_its_teacher_beside_what_is_compared_in_any_case(
    pair: Callable[..., Results],
) -> None:
    results = pair()
    rows, metrics = of(results, STUDENT, LABEL), results.metrics
    values = {m: metrics[(metrics["model"] == m) & (metrics["quantizer"] == "fp32")] for m in (TEACHER, STUDENT)}
    assert len(rows) == len(values[STUDENT])
    np.testing.assert_array_equal(rows["value"], values[STUDENT]["value"])
    np.testing.assert_array_equal(rows["baseline_value"], values[TEACHER]["value"])
    assert set(zip(rows["baseline_model"], rows["baseline"], strict=True)) == {(TEACHER, "fp32")}
    assert rows["verdict"].ne("").all()
    assert len(of(results, STUDENT, "hf-int8")) == len(of(results, TEACHER, "hf-int8")) == len(rows)
    assert LABEL in set(results.populations["quantizer"])
    assert LABEL in set(results.flips["quantizer"])


def test_what_is_compared_is_a_table(pair: Callable[..., Results]) -> None:
    def other_size(run: Any, cell: str) -> None:
        run.records[cell]["model_info"]["preprocessing"] = {"geometry": {"size": 336}}

    results = pair(other_size)
    found = results.comparisons.set_index(["model", "quantizer"])
    assert list(found["in_spec"]) == [False, False, True]
    row = found.loc[(STUDENT, LABEL)]
    assert tuple(row[["variant", "baseline_model", "baseline", "not_compared"]]) == ("fp32", TEACHER, "fp32", "")
    assert row["on_purpose"] == (
        "another checkpoint (student instead of teacher); another preprocessing (geometry.size 336 instead of 224)"
    )
    assert b"another checkpoint" in export(results, "comparisons")


@pytest.mark.parametrize(
    ("part", "changed", "reason"),
    [
        ("data_info", {"fingerprint": "other"}, "another dataset fingerprint"),
        ("data_info", {"prompts": "other"}, "other prompts"),
        ("benchmark_info", {"options": {"cut": 6}}, "other benchmark options"),
        ("batch", {"size": 32}, "another batch size"),
    ],
)
def test_two_models_are_not_compared_on_other_items_prompts_or_options(
    pair: Callable[..., Results], part: str, changed: dict[str, Any], reason: str
) -> None:
    results = pair(lambda run, cell: run.records[cell][part].update(changed))
    assert of(results, STUDENT, LABEL).empty
    unpaired = results.unpaired.set_index("quantizer")["reason"]
    assert reason in unpaired[LABEL]
    result = check(results, {"version": 1, "rule": [{**RULE, "quantizers": [LABEL]}]})
    assert result.exit_code == 2
    assert reason in result.sentence or any(reason in row.reason for row in result.rows)


def test_a_variant_of_the_same_model_may_differ_in_nothing_but_the_quantizer(pair: Callable[..., Results]) -> None:
    def other_size(run: Any, cell: str) -> None:
        run.records[cell]["model_info"]["preprocessing"] = {"geometry": {"size": 336}}

    results = pair(other_size, baseline=(STUDENT, "hf-int8"))
    assert "another preprocessing" in results.unpaired.set_index("quantizer").loc[LABEL, "reason"]


def test_the_gate_judges_it_under_its_label_and_says_what_differs_on_purpose(
    pair: Callable[..., Results], tmp_path: Path
) -> None:
    results, today = pair(), date(2026, 6, 30)
    every = check(results, {"version": 1, "rule": [RULE]}, today=today)
    assert {(v.model, v.quantizer) for v in every.variants} == {
        (TEACHER, "hf-int8"),
        (STUDENT, "hf-int8"),
        (STUDENT, LABEL),
    }
    assert "distilled on student differs on purpose: another checkpoint (student instead of teacher)" in [
        problem.what for problem in every.problems
    ]
    one = check(results, {"version": 1, "rule": [{**RULE, "quantizers": [LABEL]}]}, today=today)
    assert {(row.model, row.quantizer) for row in one.rows} == {(STUDENT, LABEL)}
    copy = shutil.copytree(results.folder, tmp_path / "older")
    older = check(results, {"version": 1, "rule": [RULE]}, load(copy), today)
    assert LABEL not in {row.quantizer for row in older.rows}


def test_a_student_that_lost_its_accuracy_has_the_flag_of_the_comparison(pair: Callable[..., Results]) -> None:
    def wrong(run: Any, cell: str) -> None:
        items = run.items[cell]
        run.items[cell] = items.assign(correct=np.arange(len(items)) < 0.2 * len(items))

    results = pair(wrong)
    lost = [flag for flag in results.flags if flag.kind is FlagKind.ACCURACY_LOST]
    assert [(flag.model, flag.quantizer) for flag in lost] == [(STUDENT, LABEL)]
    assert "quantization" not in lost[0].message
    assert set(of(results, STUDENT, LABEL)["flags"]) >= {"accuracy-lost"}
    assert not of(results, STUDENT, "hf-int8")["flags"].str.contains("accuracy-lost").any()


def test_a_teacher_at_chance_level_voids_the_comparison(pair: Callable[..., Results]) -> None:
    def chance(run: Any, cell: str) -> None:
        teacher = next(n for n, r in run.records.items() if (r["model"], r["quantizer"]) == (TEACHER, "fp32"))
        run.items[teacher] = run.items[teacher].assign(correct=np.arange(80) < 4)

    rows = of(pair(chance), STUDENT, LABEL)
    assert rows.loc[rows["metric"] == "accuracy", "flags"].str.contains("baseline-near-chance").all()


@pytest.mark.parametrize("baseline", [(TEACHER, "fp32"), (STUDENT, "hf-int8")], ids=["another model", "the same model"])
def test_the_variance_is_that_of_the_changes_from_each_models_own_baseline(
    make_run: Callable[..., Any], baseline: tuple[str, str]
) -> None:
    run = make_run((TEACHER, STUDENT), ("fp32", "hf-int8", "hf-int4"), ("facet",))
    alone = load(run.write()).variance
    run.run["spec"]["comparisons"] = [declared(baseline, (STUDENT, "hf-int4"), label=LABEL)]
    results = load(run.write())
    assert len(of(results, STUDENT, LABEL))
    assert len(alone)
    pd.testing.assert_frame_equal(results.variance, alone)


def test_what_goes_with_the_direction_is_asked_of_no_declared_comparison(
    pair: Callable[..., Results], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[pd.DataFrame] = []
    monkeypatch.setattr("qbench.analysis.judge.predictor_table", lambda table, *_: asked.append(table) or table[:0])
    assert pair().predictors.empty
    assert set(asked[0]["quantizer"]) == {"hf-int8"}


def test_it_has_a_noise_floor(pair: Callable[..., Results]) -> None:
    results = pair(lambda run, cell: run.add_noise(2))
    floor = results.noise[results.noise["quantizer"] == LABEL]
    assert len(floor) == len(of(results, STUDENT, LABEL))
    assert of(results, STUDENT, LABEL)["noise"].notna().any()


def test_the_report_shows_it(pair: Callable[..., Results]) -> None:
    text = page(pair())
    assert "student × fp32" in text
    assert "Comparisons" in text
    assert "or against the baseline of the declared comparison" in text


def test_another_comparison_makes_the_analysis_again_and_a_wrong_record_is_refused(
    make_run: Callable[..., Any],
) -> None:
    run = make_run((TEACHER, STUDENT), ("fp32", "hf-int8"), ("facet",))
    first = load(run.write()).effects
    record = json.loads((run.folder / "run.json").read_text())
    record["spec"]["comparisons"] = [declared()]
    (run.folder / "run.json").write_text(json.dumps(record))
    assert len(load(run.folder).effects) == len(first) * 3 / 2
    record["spec"]["comparisons"] = [{"baseline": 5}]
    (run.folder / "run.json").write_text(json.dumps(record))
    with pytest.raises(InputError, match=r"spec\.comparisons"):
        load(run.folder)
