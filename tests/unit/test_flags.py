"""What each flag is found by, and which numbers it voids: the table of docs/verdicts.md, row by row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from qbench.errors import InputError
from qbench.results import Results, load
from qbench.results.flag_scopes import scope_of
from qbench.runfolder.schema import Chance
from qbench.vocabulary import FlagKind
from tests.unit.conftest import cell_record

A = "openai/ViT-B-32"
SHARE = {"better": "higher", "unit": "share", "summary": ""}
ATTRIBUTES = [{"name": "gender", "groups": ["female", "male"], "pairs": [["female", "male"]]}]
QUERIES = ("a doctor", "a thief", "a good person")


def asked(empty_run: Any, quantizer: str, right: dict[str, float], n: int = 200, **columns: Any) -> str:
    """A cell like that of fairface-attributes: the same images are asked for several attributes."""
    name: str = empty_run.add(A, quantizer, "facet")
    rng = np.random.default_rng(len(right))
    parts = []
    for attribute, share in right.items():
        frame = pd.DataFrame({"item": [f"{i}#{attribute}" for i in range(n)], "image": [f"{i}.jpg" for i in range(n)]})
        frame["label"], frame["prediction"] = np.resize(["x", "y"], n), np.resize(["x", "y", "z"], n)
        frame["gender"], frame["asked"] = np.resize(["female", "male", "male"], n), attribute
        parts.append(frame.assign(correct=rng.permutation(np.arange(n) < round(share * n))))
    empty_run.items[name] = pd.concat(parts, ignore_index=True).assign(**columns)
    metrics = [f"{attribute}_{of}" for attribute in right for of in ("accuracy", "worst_group")]
    empty_run.metrics[name] = pd.DataFrame(
        [(m, a, g, "", 0.5, n) for m in metrics for a, g in (("", ""), ("gender", "female"), ("gender", "male"))],
        columns=["metric", "attribute", "group", "class", "value", "n"],
    )
    record = empty_run.records[name]
    record["benchmark_info"]["metrics"] = [{"name": m, **SHARE} for m in metrics]
    record["benchmark_info"]["attributes"] = ATTRIBUTES
    record["facts"] = {
        "chance": [
            {
                "name": f"{attribute}_accuracy",
                "chance": 0.25,
                "where": {"asked": attribute},
                "metrics": [f"{attribute}_accuracy", f"{attribute}_worst_group"],
            }
            for attribute in right
        ]
    }
    return name


def ranked(empty_run: Any, quantizer: str, rankings: np.ndarray) -> str:
    """A cell like that of fairface: rankings of a gallery, and no right answers."""
    queries, n = rankings.shape
    name: str = empty_run.add(A, quantizer, "fairface", items=n)
    query = np.repeat(np.asarray(QUERIES[:queries], dtype=object), n)
    empty_run.rankings[name] = pd.DataFrame({"query": query, "item": rankings.ravel()})
    return name


def shuffles(seed: int, n: int = 60) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.array([rng.permutation(n) for _ in QUERIES])


def kinds(results: Results) -> list[tuple[str, str, str]]:
    return [(str(f.kind), f.quantizer, f.benchmark) for f in results.flags]


def flags_of(results: Results, metric: str) -> set[str]:
    """The validity flags of all rows of a metric in the table of effects."""
    effects = results.effects
    return set(effects.loc[effects["metric"].str.partition("@")[0] == metric, "flags"])


# --- the rows of the table


def test_near_chance_voids_the_metrics_of_its_answers_and_no_others(empty_run: Any) -> None:
    asked(empty_run, "fp32", {"race": 0.6, "age": 0.24})
    asked(empty_run, "hf-int4", {"race": 0.58, "age": 0.6})
    ranked(empty_run, "fp32", shuffles(0))
    ranked(empty_run, "hf-int4", shuffles(0))
    results = load(empty_run.write())
    assert kinds(results) == [("near-chance", "fp32", "facet")]
    assert "age_accuracy and age_worst_group" in results.flags[0].message
    assert flags_of(results, "age_accuracy") == flags_of(results, "age_worst_group") == {"baseline-near-chance"}
    assert flags_of(results, "race_accuracy") == flags_of(results, "race_worst_group") == {""}
    assert all("near-chance" not in flag for metric in ("skew", "ndkl") for flag in flags_of(results, metric))


def test_constant_answers_void_the_metrics_of_these_answers(empty_run: Any) -> None:
    asked(empty_run, "fp32", {"race": 0.6, "age": 0.6})
    name = asked(empty_run, "hf-int4", {"race": 0.6, "age": 0.6})
    items = empty_run.items[name]
    empty_run.items[name]["prediction"] = np.where(items["asked"] == "age", "x", items["prediction"])
    results = load(empty_run.write())
    assert kinds(results) == [("constant", "hf-int4", "facet")]
    assert "100 % of its answers (age_accuracy) are 'x'" in results.flags[0].message
    assert (flags_of(results, "age_accuracy"), flags_of(results, "race_accuracy")) == ({"constant"}, {""})


def test_a_lost_accuracy_voids_the_metrics_of_these_answers(empty_run: Any) -> None:
    asked(empty_run, "fp32", {"race": 0.8, "age": 0.6})
    asked(empty_run, "hf-int4", {"race": 0.4, "age": 0.6})
    results = load(empty_run.write())
    assert kinds(results) == [("accuracy-lost", "hf-int4", "facet")]
    assert "It lost 50 % of the baseline's accuracy (98 % interval: " in results.flags[0].message
    assert (flags_of(results, "race_accuracy"), flags_of(results, "age_accuracy")) == ({"accuracy-lost"}, {""})


@pytest.mark.parametrize(
    ("rankings", "said"),
    [
        (np.tile(np.random.default_rng(1).permutation(60), (3, 1)), "100 % of its queries have the same ranking"),
        (np.tile(np.arange(60), (3, 1)), "stand in the order of the gallery"),
        (np.tile(np.arange(60), (1, 1)), "stand in the order of the gallery"),
    ],
    ids=["all queries rank alike", "all images are alike", "one query"],
)
def test_rankings_that_do_not_depend_on_query_or_image_are_constant(
    empty_run: Any, rankings: np.ndarray, said: str
) -> None:
    ranked(empty_run, "fp32", rankings)
    ranked(empty_run, "hf-int4", rankings)
    results = load(empty_run.write())
    assert kinds(results) == [("constant", "fp32", "fairface"), ("constant", "hf-int4", "fairface")]
    assert said in results.flags[0].message
    assert all("baseline-constant" in flag for m in ("max_skew", "skew", "ndkl") for flag in flags_of(results, m))


def test_rankings_that_have_nothing_of_the_baselines_are_lost(empty_run: Any) -> None:
    ranked(empty_run, "fp32", shuffles(0))
    ranked(empty_run, "hf-int8", np.array([np.r_[row[1::-1], row[2:]] for row in shuffles(0)]))  # one swap
    ranked(empty_run, "hf-int4", shuffles(1))
    results = load(empty_run.write())
    assert kinds(results) == [("ranking-lost", "hf-int4", "fairface")]
    effects = results.effects
    lost = effects["flags"].str.contains("ranking-lost")
    assert (lost == (effects["quantizer"] == "hf-int4")).all()


def test_what_is_found_on_another_benchmark_is_a_warning_that_voids_nothing(empty_run: Any) -> None:
    asked(empty_run, "fp32", {"race": 0.2, "age": 0.24})
    ranked(empty_run, "fp32", shuffles(0))
    ranked(empty_run, "hf-int4", shuffles(0))
    results = load(empty_run.write())
    assert kinds(results)[-1] == ("follows", "fp32", "fairface")
    assert not any(f.voids("skew@10", "race", "White") for f in results.flags)
    assert all("follows" not in flag for flag in flags_of(results, "skew"))


def test_classes_that_only_a_quantizer_makes_one_are_a_warning_that_names_them(empty_run: Any) -> None:
    asked(empty_run, "fp32", {"race": 0.6})
    name = asked(empty_run, "hf-int4", {"race": 0.6})
    empty_run.records[name]["facts"]["tied_classes"] = [["cat", "tiger"], ["dog", "wolf"]]
    results = load(empty_run.write())
    assert kinds(results) == [("tied-classes", "hf-int4", "facet")]
    assert "cannot tell 'cat' and 'tiger' (and 1 other pairs) apart" in results.flags[0].message
    assert not results.flags[0].voids("race_accuracy")


def test_what_could_not_be_checked_voids_nothing(empty_run: Any) -> None:
    for quantizer in ("fp32", "hf-int4"):
        name = asked(empty_run, quantizer, {"race": 0.6})
        empty_run.items[name] = empty_run.items[name].drop(columns="correct")
    results = load(empty_run.write())
    assert {f.kind for f in results.flags} == {FlagKind.UNCHECKED}
    assert not any(f.voids("race_accuracy") for f in results.flags)


def test_the_table_of_the_docs_has_every_flag_and_what_it_voids() -> None:
    page = (Path(__file__).parents[2] / "docs" / "verdicts.md").read_text(encoding="utf-8")
    table = page.partition("| flag | found by | voids |")[2].partition("\n\n")[0].splitlines()[2:]
    rows = {cells[1].strip(" `"): cells[3].strip() for cells in (line.split("|") for line in table)}
    assert list(rows) == [str(kind) for kind in FlagKind]
    assert {kind for kind, voids in rows.items() if not voids.startswith("nothing")} == {
        str(kind) for kind in FlagKind if kind.voids
    }


# --- where a flag is found, and where not


@pytest.mark.parametrize(("right", "found"), [(46, False), (43, False), (36, True)])
def test_an_accuracy_is_lost_where_its_interval_says_so(empty_run: Any, right: int, found: bool) -> None:
    for quantizer, n in (("fp32", 60), ("hf-int4", right)):
        name = asked(empty_run, quantizer, {"race": 0.5}, n=100)
        empty_run.items[name]["correct"] = [i < n for i in range(100)]
    assert bool(kinds(load(empty_run.write()))) == found


@pytest.mark.parametrize(("persons", "found"), [(1, True), (25, False)])
def test_persons_of_one_image_are_no_independent_evidence(empty_run: Any, persons: int, found: bool) -> None:
    for quantizer, n in (("fp32", 90), ("hf-int4", 60)):
        name = asked(empty_run, quantizer, {"race": 0.5}, n=100)
        empty_run.items[name]["correct"] = [i < n for i in range(100)]
        empty_run.items[name]["image"] = [f"{i // persons}.jpg" for i in range(100)]
    assert bool(kinds(load(empty_run.write()))) == found


def test_right_answers_without_a_chance_level_are_one_question(empty_run: Any) -> None:
    for quantizer, right in (("fp32", 0.8), ("hf-int8", 0.0), ("hf-int4", 0.4)):
        name = asked(empty_run, quantizer, {"race": right})
        empty_run.records[name]["facts"] = {"chance": []}
    results = load(empty_run.write())
    assert kinds(results) == [
        ("near-chance", "hf-int8", "facet"),  # nothing is right
        ("accuracy-lost", "hf-int8", "facet"),
        ("accuracy-lost", "hf-int4", "facet"),
    ]


def test_correct_answers_to_one_label_are_not_constant(empty_run: Any) -> None:
    asked(empty_run, "fp32", {"race": 0.95}, label=["x"] * 195 + ["y"] * 5, prediction=["x"] * 195 + ["y"] * 5)
    assert kinds(load(empty_run.write())) == []


def test_queries_that_are_alike_are_no_fault(empty_run: Any) -> None:
    rng = np.random.default_rng(0)
    scores = rng.normal(size=60)
    ranked(empty_run, "fp32", np.array([np.argsort(scores + 0.1 * rng.normal(size=60)) for _ in QUERIES]))
    assert kinds(load(empty_run.write())) == []


def test_rankings_of_a_part_of_the_gallery_cannot_be_checked(empty_run: Any) -> None:
    name = ranked(empty_run, "fp32", shuffles(0))
    empty_run.rankings[name] = empty_run.rankings[name].groupby("query", sort=False).head(5)
    results = load(empty_run.write())
    assert kinds(results) == [("unchecked", "fp32", "fairface")]
    assert "rankings of all 60 items" in results.flags[0].message


def test_damaged_items_are_an_error_and_not_a_check_that_could_not_be_made(empty_run: Any) -> None:
    """Also in a folder of an earlier version, which has no digests; the end of the file, with its columns, is whole."""
    name = asked(empty_run, "fp32", {"race": 0.6})
    path = empty_run.write() / name / "items.parquet"
    content = path.read_bytes()
    path.write_bytes(content[:4] + bytes(200) + content[204:])
    results = load(empty_run.folder)
    with pytest.raises(InputError, match=r"items\.parquet: the file is damaged"):
        results.flags  # noqa: B018


# --- which metrics a chance entry speaks for


METRICS = [
    {"name": "recall", **SHARE, "statistic": {"name": "share", "options": {"where": {"direction": "text"}}}},
    {"name": "accuracy", **SHARE, "statistic": {"name": "share", "options": {}}},
    {"name": "gap", "better": "zero", "unit": "points", "summary": ""},
]


@pytest.mark.parametrize(
    ("entry", "covered"),
    [
        ({}, {"recall": {}, "accuracy": {}, "gap": {}}),
        ({"metrics": ["gap"]}, {"gap": {}}),
        ({"where": {"direction": "text"}}, {"recall": {}}),
        ({"where": {"direction": ["text", "image"]}}, {"recall": {}}),
        ({"where": {"other": "text"}, "name": "accuracy@1"}, {"accuracy": {}}),
        ({"where": {"other": "text"}, "metrics": ["accuracy", "gap"]}, {"accuracy": {}, "gap": {}}),
        ({"where": {"other": "text"}}, {"recall": {}, "accuracy": {}, "gap": {}}),  # nothing says which: all
        ({"where": {"gender": "female"}, "metrics": ["gap"]}, {"gap": {"gender": ["female", "female-male"]}}),
    ],
)
def test_a_chance_entry_speaks_for_what_is_made_of_its_answers(entry: dict[str, Any], covered: Any) -> None:
    record = cell_record(benchmark_info={"metrics": METRICS, "attributes": ATTRIBUTES})
    chance = Chance.model_validate({"name": "guess", "chance": 0.5, **entry}, strict=False)
    assert scope_of(chance, record).metrics == covered


def test_a_group_that_guesses_voids_its_own_numbers_and_its_pairs() -> None:
    record = cell_record(benchmark_info={"metrics": METRICS, "attributes": ATTRIBUTES})
    scope = scope_of(Chance(chance=0.5, where={"gender": "female"}), record)
    assert scope.covers("accuracy", "gender", "female")
    assert scope.covers("gap", "gender", "female-male")
    assert not scope.covers("accuracy", "gender", "male")
    assert not scope.covers("accuracy")
