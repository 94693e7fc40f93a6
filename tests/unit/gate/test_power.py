"""`qbench power`: how many items decide each rule, held against simulated answers."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from rich.console import Console
from typer.testing import CliRunner

from qbench.cli import app
from qbench.cli.power import show
from qbench.data.items import Attribute
from qbench.errors import InputError
from qbench.gate.designs import Design, _of_cell, designs_of_run, designs_of_spec
from qbench.gate.power import LISTED, PlannedRow, Power, left_out_lines, power, power_of
from qbench.metrics.interface import INDEX, MetricInfo, StatisticRef, Unavailable
from qbench.metrics.known import RECALL_BY_GROUP, SKEWS, STEREOTYPES
from qbench.policy.model import default_text, read_policy
from qbench.results import load
from qbench.spec.read import read_spec
from qbench.statistics.intervals import mover_bounds
from qbench.statistics.settings import Settings
from qbench.stats.linear import linear_change
from qbench.stats.skew import skew_change
from qbench.stats.tango import tango_interval
from qbench_statistics.linear import count_columns
from tests.unit.gate.conftest import Study

Floats = npt.NDArray[np.float64]
RUNS = 2000
ALONE: dict[str, Any] = {"version": 1, "decide": {"adjust": "none"}}
GENDER = Attribute(name="gender", groups=("masc", "fem"), pairs=(("masc", "fem"),))


def facet(sizes: dict[tuple[str, str], int], **parts: Any) -> Design:
    """Persons of ``(label, gender)``."""
    rows = [pair for pair, n in sizes.items() for _ in range(n)]
    items = pd.DataFrame(rows, columns=["label", "gender"])
    known = {"benchmark": "facet", "metrics": RECALL_BY_GROUP, "attributes": (GENDER,), "items": items}
    return Design(**{**known, "count": len(items), **parts})


def policy(**rule: Any) -> Any:
    """A policy of one rule, whose rows are not adjusted."""
    return read_policy({**ALONE, "rule": [{"id": "r", **rule}]})


def only(found: Power) -> PlannedRow:
    """Its only row."""
    (row,) = found.rows
    return row


def shares(flips: float, loss: float, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Intervals of simulated changes of a share of n items."""
    chances = [flips / 2, flips / 2 + loss, 1 - flips - loss]
    gain, lost, _ = np.random.default_rng([n, 1]).multinomial(n, chances, RUNS).T
    return tango_interval(gain, lost, np.full(RUNS, n))


@pytest.mark.parametrize("flips", [0.005, 0.02, 0.05])
def test_with_the_items_that_are_needed_a_share_decides_in_80_per_cent_of_runs(flips: float) -> None:
    row = only(power(policy(role="accuracy", scope="each_group", limit=0.02), flips=[flips]))
    needed = row.needed[0]
    assert needed.to_pass is not None
    assert needed.to_fail is not None
    low, high = shares(flips, 0.0, needed.to_pass)
    assert 0.77 <= np.mean((low > -0.02) & (high < 0.02)) <= 0.9  # with two flips or so, it goes in steps
    assert np.mean(high < 0.02) >= 0.8
    low, high = shares(flips, 0.03, needed.to_fail)
    assert row.loss == pytest.approx(0.03)
    assert np.mean(high < -0.02) == pytest.approx(0.8, abs=0.04)


def gaps(design: Design, factor: float, flips: float, loss: float, runs: int = 300) -> tuple[Floats, Floats]:
    """Intervals of simulated changes of a mean disparity, with `factor` as many persons."""
    assert design.items is not None
    rng = np.random.default_rng(5)
    persons = design.items.sample(frac=factor, replace=True, random_state=1).sort_values(["label", "gender"])
    strata = persons.groupby(["label", "gender"]).ngroup().to_numpy()  # fem before masc
    classes = int(strata.max()) // 2 + 1
    sign = np.tile([-1.0, 1.0], classes) / classes
    lost = np.where(strata % 2 == 0, loss, 0.0)  # of the second group of the pair
    found = []
    for _ in range(runs):
        drawn = rng.random(len(strata))
        x = (drawn < flips / 2).astype(float) - (drawn > 1 - flips / 2 - lost)
        change = linear_change(x, strata, sign, np.arange(len(strata)))
        found.append(count_columns(change))
    return mover_bounds(pd.DataFrame(found), 0.95)


def test_with_the_persons_that_are_needed_a_gap_decides_in_80_per_cent_of_runs() -> None:
    design = facet({("nurse", "masc"): 400, ("nurse", "fem"): 900, ("guard", "masc"): 1100, ("guard", "fem"): 250})
    rules = policy(metric="mean_disparity", scope="overall", limit=0.02)
    row = only(power(rules, [design], flips=[0.05]))
    needed, there = row.needed[0], row.there
    assert there == 2650
    assert needed.to_pass is not None
    assert needed.to_fail is not None
    low, high = gaps(design, needed.to_pass / there, 0.05, 0.0)
    assert np.mean((low > -0.02) & (high < 0.02)) == pytest.approx(0.8, abs=0.08)
    low, _ = gaps(design, needed.to_fail / there, 0.05, 0.03)
    assert np.mean(low > 0.02) == pytest.approx(0.8, abs=0.08)


def test_with_the_expected_hits_that_are_needed_a_skew_passes_in_at_least_80_per_cent_of_runs() -> None:
    row = only(power(policy(role="skew", scope="each_group", limit=0.1), flips=[0.02]))
    hits = row.needed[0].to_pass
    assert row.counted == "expected hits at k"
    assert hits is not None
    k, n, rng = 5 * hits, 25 * hits, np.random.default_rng(3)
    group = np.repeat([0, 1], [n // 5, n - n // 5])
    passed = []
    for _ in range(60):
        score = rng.normal(size=n)
        both = np.argsort(-np.stack([score, score + 0.022 * rng.normal(size=n)]), axis=1)
        found = skew_change(both[:1], both[1:], group, np.full(2, 0.5), k).groups[0]
        passed.append(abs(found.mean) + 1.96 * found.mean_se < 0.1)
    replaced = 1 - len(np.intersect1d(both[0, :k], both[1, :k])) / k
    assert 0.005 < replaced < 0.05
    assert np.mean(passed) >= 0.8


def test_a_skew_needs_the_hits_with_which_the_gate_can_decide_it_even_if_nothing_moves() -> None:
    row = only(power(policy(role="skew", scope="each_group", limit=0.1), flips=[0.0]))
    assert row.needed[0].to_pass == 50


def test_a_policy_alone_says_what_is_needed_by_the_default_margins() -> None:
    found = power(flips=[0.02])
    assert [(row.rule, row.limit, row.there) for row in found.rows] == [
        ("accuracy", 0.01, None),
        ("accuracy of each group", 0.02, None),
        ("gaps", 0.02, None),
        *[("gaps", limit, None) for limit in (0.01, 0.02, 0.02, 0.02)],  # shares and scores; over all, of a group
        ("skew of each group", 0.1, None),
    ]
    assert found.unused == {"calibration": "it has no number here"}
    unsized = [row for row in found.rows if row.needed[0].to_pass is None]  # how a score varies is not known
    assert [row.name for row in unsized] == ["any gap (points)", "any gap (points) each group"]
    assert all(row.undecided == () for row in found.rows)


def test_groups_are_counted_from_the_annotations() -> None:
    found = power(designs=[facet({("nurse", "masc"): 30, ("nurse", "fem"): 800})], flips=[0.02])
    there = {(row.metric, row.group): row.there for row in found.rows}
    assert there == {
        ("accuracy", ""): 830,
        ("accuracy", "masc"): 30,
        ("accuracy", "fem"): 800,
        ("mean_disparity", "masc-fem"): 830,
    }
    undecided = {(row.metric, row.group) for row in found.rows if row.undecided}
    assert undecided == {("accuracy", ""), ("accuracy", "masc"), ("mean_disparity", "masc-fem")}


def test_classes_with_too_few_persons_of_a_group_are_in_no_gap() -> None:
    sizes = {("nurse", "masc"): 30, ("nurse", "fem"): 800, ("guard", "masc"): 900, ("guard", "fem"): 9}
    rules = policy(metric="mean_disparity", scope="overall")
    assert only(power(rules, [facet(sizes)])).there == 1739
    assert only(power(rules, [facet(sizes, min_group=10)])).there == 830
    assert only(power(rules, [facet(sizes, min_group=31)])).there == 0


def test_a_rule_for_each_class_lists_the_classes_of_metrics_that_have_them() -> None:
    design = facet({("nurse", "masc"): 30, ("nurse", "fem"): 80, ("guard", "masc"): 900})
    rows = power(policy(role="accuracy", scope="each_class"), [design]).rows
    assert [(row.metric, row.class_, row.there, row.limit) for row in rows] == [
        ("recall", "guard", 900, 0.05),
        ("recall", "nurse", 110, 0.05),
    ]
    gap = power(policy(metric="disparity", scope="each_class"), [design]).rows
    assert [(row.class_, row.there) for row in gap] == [("guard", 0), ("nurse", 110)]


def test_only_the_items_that_a_metric_counts_are_there() -> None:
    made = StatisticRef("share", {"where": {"asked": "race"}})
    info = MetricInfo(name="race_accuracy", better="higher", unit="share", summary="", statistic=made)
    items = pd.DataFrame({"label": "", "asked": ["race"] * 7 + ["age"] * 5})
    design = Design(benchmark="b", metrics=(info,), items=items, count=12)
    assert only(power(policy(role="accuracy", scope="overall"), [design])).there == 7


def test_of_a_number_of_another_kind_no_size_is_given() -> None:
    design = Design(benchmark="b", metrics=(ECE,), count=100)
    row = only(power(policy(role="calibration", scope="overall"), [design], flips=[0.02]))
    assert (row.there, row.needed[0].to_pass, row.needed[0].to_fail, row.undecided) == (100, None, None, ())


def test_expected_hits_are_k_times_the_share_of_the_group() -> None:
    items = pd.DataFrame({"label": "", "age": ["young"] * 90 + ["older"] * 10})
    attributes = (Attribute(name="age", groups=("young", "older"), pairs=()),)
    known = {"benchmark": "fairface", "metrics": SKEWS, "attributes": attributes, "items": items, "count": 100}
    names = [(f"skew@{k}", "age", group, "") for k in (20, 50) for group in ("young", "older")]
    design = Design(**known, made=pd.DataFrame(names, columns=list(INDEX)))
    rows = power(policy(role="skew", scope="each_group"), [design]).rows
    assert [(row.metric, row.group, row.there) for row in rows] == [("skew@20", "young", 18), ("skew@20", "older", 2)]
    rows = power(policy(metric="skew@50", scope="each_group"), [design]).rows
    assert [(row.metric, row.group, row.there) for row in rows] == [("skew@50", "young", 45), ("skew@50", "older", 5)]
    assert all(row.there is None for row in power(policy(role="skew", scope="each_group"), [Design(**known)]).rows)


def test_rows_of_one_variant_share_the_level_of_a_failure() -> None:
    design = facet({("nurse", "masc"): 500, ("nurse", "fem"): 800})
    rule = {"id": "r", "role": "accuracy", "scope": "each_group"}
    alone, shared = (
        power(read_policy({"version": 1, "decide": {"adjust": adjust}, "rule": [rule]}), [design]).rows[0].needed[1]
        for adjust in ("none", "holm")
    )
    assert alone.to_pass == shared.to_pass
    assert alone.to_fail is not None
    assert shared.to_fail is not None
    assert alone.to_fail < shared.to_fail


def test_the_margins_of_the_spec_are_the_limits() -> None:
    found = power(settings=Settings(margins={"share/group": 0.04}), flips=[0.02])
    assert [row.limit for row in found.rows] == [0.01, 0.04, 0.02, 0.01, 0.04, 0.02, 0.02, 0.1]


def test_the_margins_of_a_policy_outweigh_those_of_the_spec_and_are_checked() -> None:
    given = read_policy(
        {
            "version": 1,
            "margins": {"share/group": 0.03},
            "rule": [{"id": "r", "role": "accuracy", "scope": "each_group"}],
        }
    )
    assert only(power(given, settings=Settings(margins={"share/group": 0.04}))).limit == 0.03
    wrong = given.model_copy(update={"margins": {"shar/group": 0.03}})
    with pytest.raises(InputError, match="no number of this run has the margin 'shar/group'"):
        power(wrong, [facet({("nurse", "masc"): 30})])


def test_a_margin_of_a_metric_that_the_data_does_not_give_is_refused() -> None:
    given = read_policy(
        {"version": 1, "margins": {"recall": 0.1}, "rule": [{"id": "r", "role": "gap", "scope": "any"}]}
    )
    sizes = {("nurse", "masc"): 30, ("nurse", "fem"): 30}
    assert power(given, [facet(sizes)]).unknown == ()  # what it gives is not known
    with pytest.raises(InputError, match="no number of this run has the margin 'recall'"):
        power(given, [facet(sizes, made=MADE)])


def test_a_limit_of_all_points_is_refused() -> None:
    given = read_policy({"version": 1, "rule": [{"id": "r", "metric": "accuracy", "scope": "overall", "limit": 1}]})
    with pytest.raises(InputError, match="its limit is 1, but 'accuracy' is a fraction"):
        power(given, [facet({("nurse", "masc"): 30})])


def test_a_mistyped_metric_is_refused() -> None:
    given = read_policy({"version": 1, "rule": [{"id": "r", "metric": "acuracy", "scope": "overall"}]})
    with pytest.raises(InputError, match="no benchmark of this run has a metric 'acuracy'; did you mean 'accuracy'"):
        power(given, [facet({("nurse", "masc"): 30})])


SHARE_OF = MetricInfo(name="accuracy", better="higher", unit="share", summary="")
GAP = MetricInfo(name="mean_disparity", better="zero", unit="points", summary="")
SKEW = MetricInfo(name="skew", better="zero", unit="nats", summary="")
ECE = MetricInfo(name="error", better="lower", unit="share", summary="", role="calibration")
AGE = Attribute(name="age", groups=("young", "older"), pairs=(("older", "young"),))
MADE = pd.DataFrame([("accuracy", "age", group, "") for group in AGE.groups], columns=list(INDEX))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"scope": "overall", "limit": 1.0}, "its limit is 1, but 'accuracy' is a fraction"),
        ({"by": ["agee"]}, "rule r: it has no number of 'agee'; did you mean 'age'?"),
        ({"groups": ["age=oldr"]}, "rule r: it has no number of 'age=oldr'; did you mean 'age=older'?"),
        ({"models": ["b33"]}, "rule r: no model of this run is called 'b33'; did you mean 'b32'?"),
        ({"quantizers": ["int9"]}, "rule r: no quantizer of this run is called 'int9'; did you mean 'int8'?"),
        ({"benchmark": ["facett"]}, "rule r: no benchmark of this run is called 'facett'; did you mean 'facet'?"),
        ({"role": None, "metric": "acuracy"}, "rule r: no benchmark of this run has a metric 'acuracy'"),
        (
            {"role": None, "metric": "accuracy", "scope": "overall"},
            "rule r: there is no number of accuracy of the scope overall; the available scopes are: on facet, "
            "accuracy (each_group, any)",
        ),
    ],
)
def test_what_the_gate_refuses_after_a_run_is_refused_before_it(study: Study, wrong: dict[str, Any], said: str) -> None:
    rule = {"role": "accuracy", "scope": "each_group", **wrong}
    rule = {name: value for name, value in rule.items() if value is not None}
    labels = {"model": ("b32",), "quantizer": ("int8",)}
    with pytest.raises(InputError) as error:
        power(policy(**rule), [facet({("nurse", "young"): 30}, attributes=(AGE,), made=MADE)], labels=labels)
    assert said in str(error.value)
    for group in AGE.groups:
        study.effect("accuracy", 0.0, attribute="age", group=group)
    told = [f"{problem.where}: {problem.what}" for problem in study.judge(rule).problems]
    assert any(said.removeprefix("rule r: ") in x for x in told), told


def test_without_its_data_an_attribute_is_refused_where_the_benchmark_declares_its_own() -> None:
    of_colour = policy(role="accuracy", scope="each_group", by=["colour"])
    declared = facet({}, items=None, count=None, why="facet: no data folder is given")
    with pytest.raises(InputError, match="it has no number of 'colour'"):
        power(of_colour, [declared])
    unlabelled = policy(role="accuracy", scope="each_group", groups=["na"])  # a group that no benchmark declares
    assert power(unlabelled, [declared]).notes == ()
    blind = Design(benchmark="other", metrics=RECALL_BY_GROUP, why="other: no data folder is given")
    (note,) = power(of_colour, [declared, blind]).notes
    assert note.startswith("rule r: it has no number of 'colour'; there is: gender")
    assert note.endswith("This is not certain before the data of other is read.")


def test_a_policy_alone_is_checked_against_what_is_installed() -> None:
    with pytest.raises(InputError, match="its limit is 1, but"):
        power(policy(role="accuracy", scope="overall", limit=1.0))
    with pytest.raises(InputError, match="mine has no metric 'acuracy'; did you mean 'accuracy'"):
        power(policy(metric="acuracy", scope="overall", benchmark=["mine"]))
    (note,) = power(policy(role="accuracy", scope="each_group", by=["gendr"])).notes
    assert "it has no number of 'gendr'; did you mean 'gender'?" in note
    assert power(policy(role="accuracy", scope="each_group", by=["gender"])).notes == ()


def test_a_policy_alone_names_kinds_of_metrics_but_those_that_it_has_margins_for() -> None:
    given = {"version": 1, "margins": {"mean_disparity": 0.015}, "rule": [{"id": "r", "role": "gap", "scope": "any"}]}
    names = {row.name: row.limit for row in power(read_policy(given)).rows}
    assert names["mean_disparity each pair"] == 0.015
    assert names["any gap (points) each pair"] == 0.02
    assert not any("stereotyped" in name for name in names)


def test_a_share_that_counts_as_a_gap_is_sized_as_a_share_and_a_score_is_no_pair() -> None:
    design = facet({("nurse", "masc"): 900, ("nurse", "fem"): 900}, metrics=STEREOTYPES)
    names = [("stereotyped_share", "gender", "fem", ""), ("bias_score", "gender", "fem", "")]
    names += [("stereotyped_disparity", "gender", "masc-fem", "")]
    design = replace(design, made=pd.DataFrame(names, columns=list(INDEX)))
    found = {row.metric: row for row in power(policy(role="gap", scope="any"), [design], flips=[0.02]).rows}
    of_accuracy = only(power(policy(role="accuracy", scope="each_group"), flips=[0.02])).needed[0].to_pass
    assert found["stereotyped_share"].needed[0].to_pass == of_accuracy
    assert (found["bias_score"].counted, found["bias_score"].needed[0].to_pass) == ("items", None)
    assert found["stereotyped_disparity"].counted == "persons of both groups"


def test_a_rule_without_a_limit_has_the_margin_of_the_number_whatever_other_rules_say() -> None:
    rules: list[dict[str, Any]] = [{"id": str(i), "role": "accuracy", "scope": "overall"} for i in range(3)]
    rules[0]["limit"], rules[1]["limit"] = 0.03, 0.02
    rows = power(read_policy({"version": 1, "rule": rules}), [facet({("nurse", "masc"): 30})]).rows
    assert [row.limit for row in rows] == [0.03, 0.02, 0.01]


def test_a_run_is_counted_by_its_items(make_run: Callable[..., Any]) -> None:
    run = make_run(benchmarks=("facet", "imagenet"))
    run.write()
    facet_, imagenet = designs_of_run(load(run.folder))
    assert (facet_.benchmark, imagenet.benchmark, imagenet.count) == ("facet", "imagenet", 80)
    rows = power_of(run.folder, flips=[0.02]).rows
    there = {(row.benchmark, row.metric, row.attribute, row.group): row.there for row in rows}
    assert there["facet", "accuracy", "gender", "masc"] == 27
    assert there["imagenet", "top1", "", ""] == 80
    assert ("imagenet", "recall", "", "") not in there


def test_data_that_is_not_there_is_said_and_the_rest_is_told() -> None:
    spec = {"name": "s", "models": ["openai/ViT-B-32"], "quantizers": ["fp32"], "benchmarks": ["facet"]}
    (design,) = designs_of_spec(read_spec(spec))
    assert design.items is None
    assert design.count == 49_551
    assert design.why == "facet: no data folder is given"
    found = power(designs=[design])
    assert found.unknown == (design.why,)
    assert found.rows[0].there == 49_551
    assert {row.there for row in found.rows[1:]} == {None}


def test_a_declared_dataset_that_leaves_its_options_to_its_description_is_counted(tmp_path: Path) -> None:
    rows = ["file,label,gender", "a.png,cat,m", "b.png,dog,f", "c.png,cat,f"]
    (tmp_path / "t.csv").write_text("\n".join(rows), encoding="utf-8")
    (tmp_path / "dataset.toml").write_text(
        'name = "pets"\nprotocol = "classification-disparity"\nlicence = "CC0-1.0"\nperceived = true\n'
        '[table]\nfile = "t.csv"\nimage = "file"\nlabel = "label"\n[prompts]\ntemplate = "a {}."\n'
        '[attributes.gender]\nvalues = { masc = "m", fem = "f" }\n',
        encoding="utf-8",
    )
    benchmark = {"name": "declared", "root": str(tmp_path)}
    spec = {"name": "s", "models": ["openai/ViT-B-32"], "quantizers": ["fp32"], "benchmarks": [benchmark]}
    (design,) = designs_of_spec(read_spec(spec))
    rows_ = power(policy(role="accuracy", scope="each_group"), [design]).rows
    assert {row.group: row.there for row in rows_} == {"masc": 1, "fem": 2}


def test_the_options_of_a_declared_dataset_in_a_run_may_be_left_open(make_run: Callable[..., Any]) -> None:
    run = make_run(benchmarks=("facet",))
    run.write()
    (cell, *_) = load(run.folder).records
    info = cell.record.benchmark_info
    info.options["min_group"] = None
    assert _of_cell(cell).min_group == 1


FACES = [("20-29", "Male", "White"), ("30-39", "Female", "Black"), ("0-2", "Female", "White"), ("0-2", "Male", "Black")]


def of_faces(folder: Path, benchmark: str, options: dict[str, Any], **parts: Any) -> Power:
    """What `qbench power` says of a spec with a benchmark of 40 faces."""
    rows = [f"val/{i}.jpg,{','.join(FACES[i % 4])}" for i in range(40)]
    text = "\n".join(["file,age,gender,race", *rows])
    (folder / "fairface_label_val.csv").write_text(text, encoding="utf-8")
    asked = {"name": benchmark, "root": str(folder), "options": options, "allow_missing": (folder / "val").exists()}
    return power_of_spec({"benchmarks": [asked], **parts})


def power_of_spec(parts: dict[str, Any]) -> Power:
    """Of a spec that is not in a file."""
    spec = read_spec({"name": "s", "models": ["openai/ViT-B-32"], "quantizers": ["fp32"], **parts})
    return power(designs=designs_of_spec(spec), flips=[0.02])


def test_groups_of_a_ranking_are_counted_with_the_cutoffs_of_the_spec(tmp_path: Path) -> None:
    found = of_faces(tmp_path, "fairface", {"ks": [20, 10]})
    there = {(row.metric, row.attribute, row.group): row.there for row in found.rows}
    assert there == {
        ("skew@20", "race", "White"): 10,
        ("skew@20", "race", "Black"): 10,
        ("skew@20", "gender", "Male"): 10,
        ("skew@20", "gender", "Female"): 10,
        ("skew@20", "age", "0-2"): 10,
        ("skew@20", "age", "20-29"): 5,
        ("skew@20", "age", "30-39"): 5,
    }
    absent = [one for one in found.unavailable["fairface"] if one.group == "Indian"]
    assert [one.cause for one in absent] == ["no item belongs to the group 'Indian' of race"]


@pytest.mark.parametrize(("limit", "there"), [(None, 12), (20, 12), (8, 8)])
def test_only_items_whose_image_is_there_count_as_in_a_run(tmp_path: Path, limit: int | None, there: int) -> None:
    (tmp_path / "val").mkdir()
    for i in range(12):
        (tmp_path / "val" / f"{i}.jpg").touch()
    found = of_faces(tmp_path, "fairface-attributes", {"ask": ["race"]}, limit=limit)
    assert {row.there for row in found.rows if not row.group} == {there}
    assert {row.there for row in found.rows if row.group in ("White", "Black")} == {there // 2}
    assert found.notes == ()


@pytest.mark.parametrize(
    ("images", "there", "note"),
    [
        (0, 40, "b: the images of 40 of 40 items are missing; the items are counted as annotated"),
        (12, 12, "b: the images of 28 of 40 items are missing and are not counted; a run needs them, unless"),
        (40, 40, ""),
    ],
)
def test_items_whose_image_a_run_would_miss_are_not_counted_as_if_it_were_there(
    tmp_path: Path, images: int, there: int, note: str
) -> None:
    (tmp_path / "val").mkdir()
    for i in range(images):
        (tmp_path / "val" / f"{i}.jpg").write_text(str(i), encoding="utf-8")  # each has its own content
    rows = "".join(f"val/{i}.jpg,{','.join(FACES[i % 4])}\n" for i in range(40))
    (tmp_path / "fairface_label_val.csv").write_text(f"file,age,gender,race\n{rows}", encoding="utf-8")
    asked = {"name": "fairface-attributes", "label": "b", "root": str(tmp_path), "options": {"ask": ["race"]}}
    found = power_of_spec({"benchmarks": [asked]})
    assert {row.there for row in found.rows if not row.group} == {there}
    assert [x[: len(note)] for x in found.notes] == [note] * bool(note)
    halved = [power_of_spec({"benchmarks": [asked], "half": {"part": part, "seed": 0}}) for part in ("first", "second")]
    assert [x.notes for x in halved] == [found.notes] * 2
    for rows in zip(found.rows, *(x.rows for x in halved), strict=True):  # of each group the items of that half
        every, *parts = (row.there or 0 for row in rows)
        assert sum(parts) == every
        assert max(parts) - min(parts) <= 2


def test_numbers_that_the_data_cannot_give_are_in_no_row(tmp_path: Path) -> None:
    found = of_faces(tmp_path, "fairface", {"ks": [40]})
    assert found.rows == ()
    assert found.unused["skew of each group"] == "this data can give none of its numbers"
    assert "the top 40 are the whole gallery" in found.unavailable["fairface"][0].cause


def test_only_the_attributes_that_are_asked_are_there(tmp_path: Path) -> None:
    found = of_faces(tmp_path, "fairface-attributes", {"ask": ["race", "gender"]})
    assert {row.metric for row in found.rows} == {"race_accuracy", "gender_accuracy"}
    assert {row.there for row in found.rows if not row.group} == {40}  # not the 80 answers to both questions
    assert {row.there for row in found.rows if row.group == "Female"} == {20}


def test_only_the_attributes_that_are_asked_are_listed_where_the_data_is_not_there() -> None:
    asked = {"name": "fairface-attributes", "options": {"ask": ["race", "gender"]}}
    (design,) = designs_of_spec(
        read_spec({"name": "s", "models": ["openai/ViT-B-32"], "quantizers": ["fp32"], "benchmarks": [asked]})
    )
    assert design.items is None
    assert {row.metric for row in power(designs=[design]).rows} == {"race_accuracy", "gender_accuracy"}


def test_a_class_whose_gap_the_data_cannot_give_is_in_no_mean_gap() -> None:
    lacks = Unavailable(metric="disparity", attribute="gender", group="masc-fem", classes=("guard",), cause="few")
    sizes = {("nurse", "masc"): 30, ("nurse", "fem"): 800, ("guard", "masc"): 900, ("guard", "fem"): 9}
    rules = policy(metric="mean_disparity", scope="overall")
    assert only(power(rules, [facet(sizes, unavailable=(lacks,))])).there == 830


def test_whatever_a_benchmark_raises_is_said(tmp_path: Path) -> None:
    (tmp_path / "fairface_label_val.csv").write_text("file,age,gender,race\na.jpg,x,Male,White", encoding="utf-8")
    found = power_of_spec({"benchmarks": [{"name": "fairface", "root": str(tmp_path)}]})
    assert found.unknown == (
        "fairface: the age 'x' is not one of 0-2, 3-9, 10-19, 20-29, 30-39, 40-49, 50-59, 60-69, more than 70",
    )
    assert {row.there for row in found.rows} == {None}


def shown(found: Power) -> str:
    """What the terminal gets, on one line."""
    console = Console(width=100, record=True, file=io.StringIO())
    show(found, console)
    return " ".join(console.export_text().split())


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("role", "scope", "metric"), [("accuracy", "overall", SHARE_OF), ("gap", "any", GAP), ("skew", "any", SKEW)]
)
def test_no_number_of_items_shows_that_nothing_changed_within_a_limit_of_0(
    role: str, scope: str, metric: MetricInfo
) -> None:
    design = Design(benchmark="b", metrics=(metric,), attributes=(AGE,), count=5000)
    found = power(policy(role=role, scope=scope, limit=0.0), [design], flips=[0.02])
    for row in found.rows:
        ((needed,),) = (row.needed,)
        assert (row.never_passes, needed.to_pass) == (True, None)
        assert needed.to_fail is not None
        assert row.undecided == (() if row.there is None else (0.02,))
    text = shown(found)
    assert "never: a limit of 0 (rule r), within which no number of items shows a change of nothing" in text
    assert "–" not in text
    above = power(policy(role=role, scope=scope, limit=0.05), [design], flips=[0.02])
    assert all(row.needed[0].to_pass for row in above.rows)
    assert "never" not in shown(above)


def test_numbers_whose_spread_is_not_known_have_no_row_of_dashes_and_are_named() -> None:
    text = shown(power(policy(role="calibration", scope="overall"), [Design(benchmark="b", metrics=(ECE,), count=100)]))
    assert "–" not in text
    assert text.endswith("how much they vary, and so how many items they need, is known after a run: b error.")
    alone = shown(power(policy(role="gap", scope="any", limit=0.0)))
    assert "–" not in alone
    assert "is known after a run: any gap (points)" in alone


@pytest.mark.parametrize("width", [60, 80, 100])
def test_no_column_is_cut_however_narrow_the_terminal_is(width: int) -> None:
    console = Console(width=width, record=True, file=io.StringIO())
    show(power(designs=[facet({("nurse", "masc"): 30, ("nurse", "fem"): 11_800})]), console)
    text = console.export_text()
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= width
    assert "11,800" in text


def test_a_file_with_rules_is_a_policy_and_any_other_a_spec(tmp_path: Path) -> None:
    file = tmp_path / "policy.toml"
    file.write_text(default_text(), encoding="utf-8")
    assert power_of(file).rows == power().rows
    with pytest.raises(InputError, match="two policies"):
        power_of(file, file)
    with pytest.raises(InputError, match="no such spec file"):
        power_of(tmp_path / "absent.toml")


def test_a_share_of_flips_is_a_fraction() -> None:
    with pytest.raises(InputError, match="2 is not a share of answers"):
        power(flips=[2])


def test_the_command_shows_and_writes_the_same(tmp_path: Path) -> None:
    policy_file, out = tmp_path / "policy.toml", tmp_path / "power.json"
    policy_file.write_text(default_text(), encoding="utf-8")
    done = CliRunner().invoke(app, ["power", str(policy_file), "--flips", "0.02", "--json", str(out)])
    assert done.exit_code == 0, done.output
    written = json.loads(out.read_text(encoding="utf-8"))
    assert written["schema"] == 2
    row = next(row for row in written["rows"] if row["rule"] == "accuracy of each group")
    assert row["needed"] == [{"flips": 0.02, "to_pass": 710, "to_fail": row["needed"][0]["to_fail"]}]
    assert "accuracy of each group: limit 2 points, fails at 3 points; items" in done.output
    assert "710" in done.output
    assert "rule calibration: it has no number here." in done.output


def test_what_the_gate_will_leave_out_is_announced_as_the_gate_says_it(tmp_path: Path, study: Study) -> None:
    found = of_faces(tmp_path, "fairface", {"ks": [20, 10]})
    study.shares["fairface"] = {("race", "White"): 0.5, ("race", "Black"): 0.5}
    for group in ("White", "Black"):
        study.effect("skew@20", 0.0, benchmark="fairface", attribute="race", group=group, sum_se=0.01)
    said = {(row.metric, row.group): (row.reason, row.remedy) for row in study.judge_by_default().rows}
    planned = {(row.metric, row.group): row.left_out for row in found.rows}
    for number, words in said.items():
        assert (planned[number].cause, planned[number].remedy) == words
    assert all(planned.values())  # at most 10 hits, 50 are needed
    assert left_out_lines(found.rows, "--json")[1].startswith(
        "  fairface skew@20 race=White, fairface skew@20 race=Black, "
    )


def test_shares_and_gaps_of_too_few_items_are_announced_and_others_are_not(tmp_path: Path, study: Study) -> None:
    found = of_faces(tmp_path, "fairface-attributes", {"ask": ["race"]})
    counts = {"method": "tango", "gain1": 0.0, "loss1": 0.0, "deff1": 1.0}
    study.effect("race_accuracy", 0.0, benchmark="attributes", n=40, n1=40.0, **counts)
    said = study.judge({"role": "accuracy"}).rows[0]
    planned = next(row.left_out for row in found.rows if not row.group)
    assert (planned.cause, planned.remedy) == (said.reason, said.remedy)
    many = facet({("nurse", "masc"): 3000, ("nurse", "fem"): 3000})
    assert not left_out_lines(power(designs=[many], flips=[]).rows, "--json")
    few = power(
        policy(role="gap", scope="each_class"), [facet({("nurse", "masc"): 20, ("nurse", "fem"): 30})], flips=[]
    )
    assert [row.left_out.cause[:33] for row in few.rows] == ["20 and 30 items are too few: with"]
    sizes = {(c, g): n for c, n in (("nurse", 20), ("doctor", 3000)) for g in ("masc", "fem")}
    mean = power(policy(role="gap", scope="overall"), [facet(sizes)], flips=[]).rows[0]
    assert mean.left_out.cause.startswith("79 and 79 items are too few")  # 2² / (1/20 + 1/3000)


def test_causes_that_are_counted_say_which_option_lists_them() -> None:
    facets = [facet({(f"class {n}", "masc"): n, (f"class {n}", "fem"): n}) for n in range(20, 40)]
    rows = [row for one in facets for row in power(policy(role="gap", scope="each_class"), [one], flips=[]).rows]
    *lines, last = left_out_lines(rows, "--json")
    assert len(lines) == 1 + LISTED
    assert last == "  and 8 more causes, which --json lists"


def test_a_benchmark_of_which_nothing_can_be_judged_is_announced() -> None:
    few = [facet({("nurse", "masc"): 30, ("nurse", "fem"): 30})]
    assert power(policy(role="accuracy", scope="each_group"), few).unjudged == ("facet",)
    assert power(policy(role="accuracy", scope="each_group", limit=0.3), few).unjudged == ()
