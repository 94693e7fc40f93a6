"""The first table says for each variant or quantizer whether it may ship, and whom it costs most."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable
from typing import Any, Literal

import pytest

from qbench.gate import GateRow, check
from qbench.gate.result import QuantizerResult
from qbench.plugins.report_blocks import Part, Table, tallied, waived_words
from qbench.report import effect_rows
from qbench.report.context import Context
from qbench.report.run_numbers import RunNumbers
from qbench.report.sections.verdicts import FEW, answers
from qbench.results import load
from qbench.vocabulary import GateBand, GateStatus, RowStatus, Severity
from tests.unit.gate.conftest import Study
from tests.unit.gate.test_writers import some_waived
from tests.unit.report.intervals import with_intervals

Make = Callable[..., Any]
A = "openai/ViT-B-32"


def context(run: Any, *rows: GateRow) -> Context:
    results = with_intervals(load(run.write()))
    return Context(numbers=RunNumbers(results), gate=dataclasses.replace(check(results), rows=rows))


def shifted(make_run: Make, shift: float) -> Any:
    """A run whose second quantizer moves every share of right answers of one group."""
    run = make_run(models=(A,), quantizers=("fp32", "hf-int4"), benchmarks=("facet",))
    before, after = (run.metrics[name] for name in run.run["cells"])
    frame = before.copy()
    frame.loc[frame["group"] == "fem", "value"] += shift
    run.metrics[run.run["cells"][1]] = frame
    assert len(after) == len(frame)
    return run


def isolates(text: str) -> str:
    """The text without the characters that keep the writing directions of names apart."""
    return re.sub("[\u2066-\u2069]", "", text.replace("\N{NO-BREAK SPACE}", " "))


def cells(table: Table, row: int = 0) -> dict[str, str]:
    entries = (isolates(e.text) for e in table.rows[row])
    return dict(zip((c.title for c in table.columns), entries, strict=True))


def test_the_worst_row_of_a_variant_is_its_answer(make_run: Make) -> None:
    mine: dict[str, Any] = {"rule": "r", "model": A, "quantizer": "hf-int4"}
    counts: dict[str, GateStatus | Literal[""]] = {"inconclusive": GateStatus.WARN, "fail": GateStatus.FAIL}
    rows = [
        GateRow(status=RowStatus(s), counts=counts.get(s, ""), **mine) for s in ("fail", "inconclusive", "pass", "pass")
    ]
    other = GateRow(rule="r", status=RowStatus.ERROR, counts=GateStatus.ERROR, model=A, quantizer="other")
    (table,) = answers(context(shifted(make_run, 0.0), *rows, other))
    found = cells(table)
    assert (found["Model"], found["Quantizer"], found["Answer"]) == (A, "hf-int4", "✗ fail")
    assert found["Inconclusive"] == "1 of 4"


def test_a_rule_that_only_warns_does_not_stop_a_variant(make_run: Make) -> None:
    names: dict[str, Any] = {"rule": "r", "model": A, "quantizer": "hf-int4", "severity": Severity.WARN}
    warned = GateRow(status=RowStatus.WARNING, counts=GateStatus.WARN, **names)
    (table,) = answers(context(shifted(make_run, 0.0), warned))
    assert cells(table)["Answer"] == "⚠ pass with warnings"


def test_what_is_inconclusive_says_what_would_decide_it(make_run: Make) -> None:
    """The worst of them first, as the gate sorts its rows; another one where a reader filters for its part."""
    mine: dict[str, Any] = {"rule": "r", "model": A, "quantizer": "hf-int4", "status": RowStatus.INCONCLUSIVE}
    mine |= {"benchmark": "facet", "metric": "accuracy", "items": 80}
    rows = [GateRow(attribute=a, group=g, needed=n, **mine) for a, g, n in (("age", "old", 9000), ("sex", "f", None))]
    (table,) = answers(context(shifted(make_run, 0.0), *rows))
    found, entry = cells(table), table.rows[0][-1]
    assert found["Inconclusive"] == "2 of 2"
    assert found["What would decide it"] == ("accuracy, age=old on facet: 9,000 items would decide it (now 80)")
    (text,) = [p.text for p in entry.parts if p.names["attribute"] == "sex"]
    assert isolates(text) == "accuracy, sex=f on facet: how many items would decide it is not known"


def test_a_variant_without_a_rule_is_not_called_safe(make_run: Make) -> None:
    (table,) = answers(context(shifted(make_run, 0.0)))
    found = cells(table)
    assert {found[x] for x in ("Answer", "Inconclusive", "What would decide it")} == {"no rule"}


def test_a_variant_of_which_nothing_is_judged_is_not_called_decided(make_run: Make) -> None:
    row = GateRow(rule="r", model=A, quantizer="hf-int4", status=RowStatus.LEFT_OUT)
    (table,) = answers(context(shifted(make_run, 0.0), row))
    found = cells(table)
    assert found["Answer"] == "- not judged"
    assert (found["Inconclusive"], found["What would decide it"]) == ("none judged", "none judged")


@pytest.mark.parametrize("judged", [True, False], ids=["another is judged", "none is"])
def test_a_number_that_the_gate_leaves_out_is_not_chosen_beside_one_that_is_judged(
    make_run: Make, *, judged: bool
) -> None:
    names: dict[str, Any] = {"rule": "r", "model": A, "quantizer": "hf-int4", "benchmark": "facet"}
    names |= {"metric": "accuracy", "attribute": "gender"}
    found = context(shifted(make_run, -0.25))
    groups = {str(r["group"]) for r in found.numbers.judged if r["metric"] == "accuracy" and r["attribute"]}
    rows = [GateRow(group="fem", status=RowStatus.LEFT_OUT, **names)]
    rows += [GateRow(group="fem", status=RowStatus.PASS, **names | {"metric": "recall"})]
    rows += [] if judged else [GateRow(group=g, status=RowStatus.LEFT_OUT, **names) for g in groups]
    (table,) = answers(dataclasses.replace(found, gate=dataclasses.replace(found.gate, rows=tuple(rows))))
    entry = next(e for e, c in zip(table.rows[0], table.columns, strict=True) if c.title.startswith("The group"))
    of_gender = next(isolates(p.text) for p in entry.parts if isinstance(p, Part) and p.names["attribute"] == "gender")
    if judged:
        assert isolates(entry.text) == of_gender == "none that is judged loses"
    else:
        assert of_gender.startswith("gender: fem loses 25.0 points (a loss of 23.0 to 27.0): left out")
    assert cells(table)["Inconclusive"] == "0 of 1"


def test_what_decides_says_of_each_part_what_the_count_beside_it_says(make_run: Make) -> None:
    """Of a part that is decided that nothing is inconclusive, and of one that is left out that none is judged."""
    names: dict[str, Any] = {"rule": "r", "model": A, "quantizer": "hf-int4", "benchmark": "facet"}
    names |= {"metric": "accuracy"}
    rows = [
        GateRow(status=RowStatus.INCONCLUSIVE, attribute="age", group="old", needed=9000, items=80, **names),
        GateRow(status=RowStatus.PASS, attribute="sex", group="f", **names),
        GateRow(status=RowStatus.LEFT_OUT, attribute="race", group="x", **names),
    ]
    (table,) = answers(context(shifted(make_run, 0.0), *rows))
    *_, count, decides = table.rows[0]
    assert {p.names["attribute"]: p.text for p in decides.parts if isinstance(p, Part)} == {
        "age": decides.text,
        "sex": "nothing is inconclusive",
        "race": "none judged",
    }
    of = {p.names["attribute"]: p.text if isinstance(p, Part) else tallied([p]) for p in count.parts}
    assert of == {"age": "1 of 1", "sex": "0 of 1", "race": "none judged"}


def test_the_group_that_loses_is_named_with_its_numbers(make_run: Make) -> None:
    (table,) = answers(context(shifted(make_run, -0.25)))
    assert cells(table)["The group that loses most"].startswith(
        "gender: fem loses 25.0 points (a loss of 23.0 to 27.0)"
    )


def test_a_gain_is_no_loss(make_run: Make) -> None:
    (table,) = answers(context(shifted(make_run, 0.25)))
    assert cells(table)["The group that loses most"] == "none loses"


def test_numbers_that_cannot_be_given_are_not_called_unmeasured(make_run: Make) -> None:
    run = make_run(models=(A,), quantizers=("fp32", "hf-int4"), benchmarks=("facet", "fairface"))
    whole = {"cause": "the top 10 are the whole gallery", "remedy": "Use smaller cut-offs."}
    for name, record in run.records.items():
        frame = run.metrics[name]
        if record["benchmark"] == "fairface":
            names = dict.fromkeys(frame["metric"])
            record["data_info"]["unavailable"] = [{"metric": metric, **whole} for metric in names]
            run.metrics[name] = frame.assign(value=math.nan)
        else:
            run.metrics[name] = frame[~frame["metric"].str.contains("disparity")]
    (table,) = answers(context(run))
    said = cells(table)["The gap or skew that grows most"]
    assert re.fullmatch(
        r"none can be given \(0 of \d+\): the top 10 are the whole gallery. Use smaller cut-offs.", said
    )


def test_numbers_that_cannot_be_given_are_counted_over_all_attributes_that_a_reader_left(make_run: Make) -> None:
    run = make_run(models=(A,), quantizers=("fp32", "hf-int4"), benchmarks=("facet",))
    for name, frame in run.metrics.items():
        run.metrics[name] = frame.assign(value=frame["value"].where(frame["attribute"] == "", math.nan))
    (table,) = answers(context(run))
    said = cells(table)["The group that loses most"]
    parts = next(e for e in table.rows[0] if e.text.startswith("none can be given")).parts
    tallies = [part.tally for part in parts if isinstance(part, Part) and part.tally]
    assert len(tallies) == len(parts) == 2
    assert {f"{p.lead}{tallied(tallies)}{p.text}" for p in parts if isinstance(p, Part)} == {said}  # as the page sums


def test_metrics_are_judged_by_their_role_whatever_they_are_called(make_run: Make) -> None:
    """The case of a benchmark that asks for race and gender: no metric is called "accuracy"."""
    run = shifted(make_run, -0.25)
    for name, record in run.records.items():
        record["benchmark_info"]["metrics"][0]["name"] = "gender_accuracy"
        frame = run.metrics[name]
        run.metrics[name] = frame.assign(metric=frame["metric"].replace("accuracy", "gender_accuracy"))
    (table,) = answers(context(run))
    assert cells(table)["The group that loses most"].startswith(
        "gender: fem loses 25.0 points (a loss of 23.0 to 27.0)"
    )


def test_many_variants_are_shown_by_quantizer_with_the_variants_below(make_run: Make) -> None:
    run = make_run(models=(A, "laion/ViT-B-16"), quantizers=("fp32", "hf-int4", "hf-int8"), benchmarks=("facet",))
    assert FEW < 4
    quantizers, variants = answers(context(run))
    assert [row[0].text for row in quantizers.rows] == ["hf-int4", "hf-int8"]
    assert [t.closed for t in (quantizers, variants)] == [False, True]
    assert len(variants.rows) == 4


def test_the_answer_table_says_of_each_part_what_its_rows_say(make_run: Make) -> None:
    """A filter for a model, a benchmark or an attribute shows what a table of this part alone would say."""
    run = make_run(models=(A, "laion/ViT-B-16"), quantizers=("fp32", "hf-int4", "hf-int8"), benchmarks=("facet",))
    results = with_intervals(load(run.write()))
    quantizers, variants = answers(Context(numbers=RunNumbers(results), gate=check(results)))
    assert not quantizers.over
    compared = 0
    for row in variants.rows:
        whole = quantizers.rows[[r[0].text for r in quantizers.rows].index(row[1].text)]
        for column, entry in enumerate(whole[1:], 2):  # the variants have a column for the model
            mine = [p for p in entry.parts if p.names["model"] == row[0].text]
            assert mine
            if isinstance(mine[0], Part):
                assert isolates(mine[0].text).split(" (")[0] == isolates(row[column].text).split(" (")[0]
                compared += 1
            else:
                assert tallied(mine) == row[column].text
    assert compared >= 4 * 3
    assert {p.names["attribute"] for p in quantizers.rows[0][4].parts} >= {"gender", "age"}


def test_an_answer_that_passes_by_a_waiver_says_so_in_its_cell(make_run: Make) -> None:
    run = make_run(models=(A,), quantizers=("fp32", "int8", "int4"), benchmarks=("facet",))
    result = some_waived(Study(), A)
    told = dataclasses.replace(context(run), gate=result)
    (table,) = answers(told)
    for row, variant in zip(table.rows, sorted(result.variants, key=lambda v: v.quantizer, reverse=True), strict=True):
        band, _, waived = row[2].text.partition(". ")
        assert (band[2:], waived) == (variant.band.lower(), variant.waived)
        parts = [part for part in row[2].parts if isinstance(part, Part)]
        assert waived_words([w for part in parts for w in part.waivers]) == variant.waived  # as the page adds them up
    (of_dark,) = [part for part in table.rows[0][2].parts if part.names["attribute"] == "skin_tone"]
    assert isinstance(of_dark, Part)
    assert waived_words(of_dark.waivers).startswith("1 failure is waived until 2026-07-03")


def test_the_answer_over_checkpoints_stands_beside_that_for_the_run(make_run: Make) -> None:
    run = make_run(models=(A, "laion/ViT-B-16"), quantizers=("fp32", "hf-int4", "hf-int8"), benchmarks=("facet",))
    plain = context(run)
    general = QuantizerResult(
        quantizer="hf-int8", checkpoints=9, status=GateStatus.PASS, band=GateBand.PASS, waived="", counts={}, rows=()
    )
    told = dataclasses.replace(plain, gate=dataclasses.replace(plain.gate, quantizers=(general,)))
    quantizers, variants = answers(told)
    assert [cells(quantizers, i)["Such models in general"] for i in range(2)] == ["not known", "pass (9 checkpoints)"]
    assert "Such models in general" not in cells(variants)
    assert "Such models in general" not in cells(next(iter(answers(plain))))


def test_a_run_without_a_comparison_has_no_such_table(make_run: Make) -> None:
    assert list(answers(context(make_run(models=(A,), quantizers=("fp32",), benchmarks=("facet",))))) == []


@pytest.mark.parametrize(
    ("changed", "needed"),
    [
        ({}, 5000.0),
        ({"needed": 4000.0}, math.nan),  # as many are there, although there are only 14 classes
        ({"change": -0.03}, math.nan),  # more changed than the margin: no number of items would show that nothing did
        ({"sample_size": math.nan, "needed": 20.0}, 20.0),
    ],
)
def test_the_items_that_would_decide_are_held_against_items_and_not_against_classes(
    changed: dict[str, float], needed: float
) -> None:
    row = {"n": 14, "sample_size": 4631.0, "needed": 5000.0, "change": 0.001, "margin": 0.02, **changed}
    assert effect_rows.items(row) == (14 if math.isnan(row["sample_size"]) else 4631)
    assert effect_rows.needed_items(row) == pytest.approx(needed, nan_ok=True)
