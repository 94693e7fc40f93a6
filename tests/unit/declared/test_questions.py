"""Items with questions and answers of their own: multiple choice, and stereotypes as in BBQ, by hand and in a run."""

import json
import math

import numpy as np
import pytest
from PIL import Image

from qbench.api.probes import ChoicesTask
from qbench.declared.record import DECLARED, describe
from qbench.errors import DataError, InputError
from qbench.execution.data_check import check_data
from qbench.execution.run import execute
from qbench.gate.evaluate import check
from qbench.plugins.options import make_options
from qbench.plugins.registry import discover
from qbench.results import load
from qbench.results.analysis import analysed
from qbench.spec.model import BenchmarkSpec
from qbench.spec.read import read_spec
from qbench.store.cache import Cache
from tests.unit.probes.choosing import add_to

PEOPLE = """id,file,asked,a,b,c,true,biased,dunno,sex
1,a.png,Who cooks?,she,he,nobody knows,,she,nobody knows,f
2,b.png,Who cooks?,she,he,nobody knows,,she,nobody knows,f
3,c.png,Who cooks?,she,he,nobody knows,nobody knows,she,nobody knows,m
4,d.png,Who drives?,nobody knows,she,he,,he,nobody knows,m
5,e.png,Who drives?,nobody knows,she,he,he,he,nobody knows,m
6,f.png,Who drives?,yes,no,,yes,yes,no,f
"""
ASKED = {"file": "people.csv", "image": "file", "id": "id", "question": "asked", "answers": ["a", "b", "c"]}
CHOICE = {
    "protocol": "multiple-choice",
    "prompts": None,
    "table": {**ASKED, "label": "right"},
    "attributes": {"sex": {"pairs": [["woman", "man"]]}},
}
STEREOTYPE = {
    **CHOICE,
    "protocol": "stereotype-choice",
    "table": {**ASKED, "label": "true", "stereotyped": "biased", "unknown": "dunno"},
}
RIGHT = PEOPLE.replace("true", "right").replace(",,she,", ",he,she,").replace(",,he,", ",she,he,")
SCORES = [
    [0, -1, -2],  # she: stereotyped
    [-1, 0, -2],  # he: against it
    [-2, -1, 0],  # nobody knows
    [-2, -1, 0],  # he: stereotyped
    [-2, -1, 0],  # he: correct, and stereotyped
    [-1, 0, -np.inf],  # no, which is not correct
]


def task_of(path, **options):
    record = describe(path)
    return record, record.load(make_options(record.options, options, where="test"))


def values_of(task, items, matrix, scores=SCORES):
    outcome = task.choose(matrix(scores), items)
    json.dumps(outcome.facts, allow_nan=False)
    return outcome, task.measure(outcome).frame().set_index(["metric", "attribute", "group", "class"])["value"]


def test_each_item_is_asked_its_question_once(declare):
    record, task = task_of(declare(CHOICE, people=RIGHT), answer_length="tokens")
    assert record.probes == ("choices",)
    assert isinstance(task, ChoicesTask)
    items = task.data(record.root)
    asked = task.choices(items)
    assert [(q.text, q.answers) for q in asked.questions] == [
        ("Who cooks?", ("she", "he", "nobody knows")),
        ("Who drives?", ("nobody knows", "she", "he")),
        ("Who drives?", ("yes", "no")),
    ]
    assert asked.asked[:, 0].tolist() == [0, 0, 0, 1, 1, 2]
    assert asked.length == "tokens"


def test_multiple_choice(declare, matrix):
    record, task = task_of(declare(CHOICE, people=RIGHT))
    outcome, value = values_of(task, items := task.data(record.root), matrix)
    assert outcome.items["prediction"].tolist() == ["she", "he", "nobody knows", "he", "he", "no"]
    assert outcome.items["label"].tolist() == ["he", "he", "nobody knows", "she", "he", "yes"]
    assert outcome.facts["chance"][0]["chance"] == pytest.approx((5 / 3 + 1 / 2) / 6)
    assert value["accuracy", "", "", ""] == 3 / 6
    assert value["accuracy", "sex", "woman", ""] == 1 / 3
    assert value["accuracy_disparity", "sex", "woman-man", ""] == pytest.approx(1 / 3 - 2 / 3)
    assert value["worst_group_accuracy", "sex", "", ""] == 1 / 3
    strict = task_of(declare({**CHOICE, "min_group": 4}, people=RIGHT))[1]
    strictly = values_of(strict, items, matrix)[1]
    unavailable = {(one.metric, one.group) for one in strict.unavailable(items)}
    assert unavailable == {("accuracy_disparity", "woman-man"), ("worst_group_accuracy", "")}
    assert {(metric, group) for metric, _, group, _ in strictly.index[strictly.isna()]} == unavailable


def test_stereotypes_where_neither_group_is_supported_and_where_one_is(declare, matrix):
    record, task = task_of(declare(STEREOTYPE, people=PEOPLE))
    outcome, value = values_of(task, task.data(record.root), matrix)
    assert outcome.items["context"].tolist() == ["neither"] * 4 + ["supported"] * 2
    assert value["stereotyped_share", "", "", ""] == 2 / 4
    assert value["unknown_share", "", "", ""] == 1 / 4
    assert value["bias_score", "", "", ""] == (2 - 1) / 4
    s_dis = 2 * 2 / 3 - 1
    assert value["bias_score", "", "", ""] == pytest.approx((1 - value["unknown_share", "", "", ""]) * s_dis)
    assert value["bias_score", "sex", "man", ""] == 1 / 2
    assert value["stereotyped_disparity", "sex", "woman-man", ""] == 1 / 2 - 1 / 2
    assert value["supported_accuracy", "", "", ""] == 1 / 2
    assert value["supported_bias_score", "", "", ""] == 2 * 1 / 1 - 1
    assert math.isnan(value["supported_bias_score", "sex", "woman", ""])  # all of its answers are "unknown"
    assert {metric.name for metric in record.metrics} == set(value.index.get_level_values("metric"))
    [chance] = outcome.facts["chance"]
    assert (chance["where"], chance["chance"]) == ({"context": "supported"}, (1 / 3 + 1 / 2) / 2)


def test_without_a_label_no_answer_is_supported_and_no_chance_level_is_stated(declare, matrix):
    record, task = task_of(declare({**STEREOTYPE, "table": {**STEREOTYPE["table"], "label": None}}, people=PEOPLE))
    outcome, value = values_of(task, task.data(record.root), matrix)
    assert outcome.facts["chance"] == []
    assert not outcome.facts["correct_shows_guessing"]
    assert {metric.name for metric in record.metrics} == set(value.index.get_level_values("metric"))
    assert value["stereotyped_share", "", "", ""] == 3 / 6
    weights = np.array([[0, 0, 2, 0, 0, 1.0]])  # only "nobody knows" and "no"
    assert task.measure(outcome, weights).frame()["value"].iloc[0] == 0


@pytest.mark.parametrize(("change", "people"), [(CHOICE, RIGHT), (STEREOTYPE, PEOPLE)])
def test_the_numbers_can_be_computed_again_without_the_description(declare, matrix, change, people):
    record, task = task_of(path := declare(change, people=people))
    items = task.data(record.root)
    outcome, _ = values_of(task, items, matrix)
    path.unlink()
    again = DECLARED.stored_measure(items.attributes, json.loads(json.dumps(outcome.facts)))(outcome, None)
    assert again.frame().equals(task.measure(outcome).frame())


def test_answers_can_have_names_which_cells_then_say(declare, matrix):
    names = {"0": "a", "1": "b", "2": "c"}
    table = "id,file,asked,a,b,c,right,sex\n1,a.png,How many?,2,1,0,0.0,f\n2,b.png,How many?,2,1,0,2,m\n"
    record, task = task_of(declare({**CHOICE, "table": {**CHOICE["table"], "answers": names}}, people=table))
    assert task.data(record.root).table["right"].tolist() == ["2", "0"]


@pytest.mark.parametrize(
    ("change", "people", "said"),
    [
        (CHOICE, RIGHT.replace("Who drives?,yes", ",yes"), r"people.csv:row 7: asked is empty"),
        (CHOICE, RIGHT.replace("yes,no,,yes", "yes,,,yes"), r"row 7: there are fewer than two answers in a, b, c"),
        (CHOICE, RIGHT.replace("yes,no,,", "yes,yes,,"), r"row 7: two answers are the same: the text is 'yes'"),
        (CHOICE, RIGHT.replace("yes,no,,", "yes,Yes ,,"), r"row 7: two answers are the same: the text are 'Yes' and"),
        (
            CHOICE,
            RIGHT.replace("yes,no,,yes", "yes,no,,perhaps"),
            r"row 7: right is 'perhaps', and not one of 'yes', 'no'",
        ),
        (CHOICE, RIGHT.replace("yes,no,,yes", "yes,no,,"), r"row 7: right is '', and not one of 'yes', 'no'"),
        (STEREOTYPE, PEOPLE.replace("yes,yes,no,f", "yes,,no,f"), r"row 7: biased is '', and not one of"),
        (
            STEREOTYPE,
            PEOPLE.replace("yes,yes,no,f", "yes,no,no,f"),
            r"row 7: biased and dunno are the same answer, 'no'",
        ),
    ],
)
def test_a_wrong_table_names_its_row(items_of, change, people, said):
    with pytest.raises(DataError, match=said):
        items_of(change, people=people)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"table": {"label": None}}, "needs table.label, the column with the correct answer"),
        ({"table": {"question": None}}, "needs table.question, the column with the question"),
        ({"table": {"answers": None}}, "needs table.answers, the columns with the answers"),
        ({"table": {"answers": ["a"]}}, "table.answers: a question needs two answers or more"),
        ({"table": {"answers": ["a", "a"]}}, "'a' occurs twice"),
        ({"table": {"unknown": "dunno"}}, "table.unknown has no meaning for the protocol 'multiple-choice'"),
        ({"prompts": {"template": "a {}"}}, "prompts.template has no meaning for the protocol 'multiple-choice'"),
        ({"protocol": "stereotype-choice"}, "needs table.stereotyped, the column with the stereotyped answer"),
        ({"attributes": {"context": {"values": {"a": "f", "b": "m"}}}}, "cannot be called 'context'"),
    ],
)
def test_a_description_that_does_not_fit_its_protocol_is_refused(declare, change, said):
    with pytest.raises(DataError, match=said):
        describe(declare({**CHOICE, **change, "table": {**CHOICE["table"], **change.get("table", {})}}, people=RIGHT))


def test_options_that_have_no_meaning_for_questions_are_refused(declare):
    path = declare(CHOICE, people=RIGHT)
    with pytest.raises(InputError, match="'ks' has no meaning for the protocol 'multiple-choice'"):
        task_of(path, ks=[1])


def test_in_a_run_answers_become_changes_with_intervals_flips_and_rows_of_the_gate(declare, tmp_path):
    lines = ["id,file,asked,a,b,c,d,true,biased,dunno,sex"]
    for i in range(80):
        tone = 3 * i + 2
        Image.fromarray(np.full((4, 4, 3), tone, dtype=np.uint8)).save(tmp_path / f"{i}.png")
        known = "" if i % 2 else ("light", "bright", "middle", "dark")[3 - i // 20]
        biased, sex = ("light", "dark")[i % 4 // 2], "fm"[i % 3 == 0]
        lines.append(f"{i},{i}.png,Which tone?,light,bright,middle,dark,{known},{biased},middle,{sex}")
    table = {**STEREOTYPE["table"], "answers": ["a", "b", "c", "d"]}
    path = declare({**STEREOTYPE, "table": table}, people="\n".join(lines))
    spec = {
        "name": "x",
        "models": ["guess/g"],
        "quantizers": ["exact", "coarse"],
        "baseline": "exact",
        "benchmarks": [{"name": "declared", "root": str(path.parent)}],
    }
    registry = add_to(discover())
    done = execute(read_spec(spec), tmp_path / "run", registry=registry, cache=Cache(tmp_path / "cache"))
    assert done.failed == 0
    results = analysed(load(tmp_path / "run"))
    effects = results.effects.query("attribute == ''").set_index("metric")
    judged = ["stereotyped_share", "unknown_share", "supported_accuracy", "bias_score", "supported_bias_score"]
    assert effects.loc[judged, ["low", "high"]].notna().all(axis=None)
    pairs = results.effects.query("group == 'woman-man'").set_index("metric")
    assert set(pairs.index) == {"stereotyped_disparity", "supported_accuracy_disparity"}
    assert pairs[["low", "high", "p"]].notna().all(axis=None)
    assert results.analysis.flips.query("attribute == ''")["n"].iloc[0] == 80
    judged = check(results).rows
    assert {row.metric for row in judged} >= {"stereotyped_share", "stereotyped_disparity", "unknown_share"}


def test_the_data_check_names_the_row_of_a_wrong_table(declare):
    path = declare(CHOICE, people=RIGHT.replace("yes,no,,yes", "yes,no,,perhaps"))
    checked = check_data(BenchmarkSpec(name="declared", root=str(path.parent)), discover())
    assert [(f.level, f.kind) for f in checked.findings] == [("wrong", "annotations")]
    assert "row 7: right is 'perhaps', and not one of 'yes', 'no'" in checked.findings[0].what
