"""The numbers of declared datasets: those of FACET's and FairFace's measures, by hand."""

import json
import math

import pytest

from qbench.declared.record import DECLARED, describe
from qbench.errors import DataError, InputError
from qbench.plugins.options import make_options


def outcome_of(path, scores, matrix, **options):
    record = describe(path)
    task = record.load(make_options(record.options, options, where="test"))
    items = task.data(path.parent)
    outcome = task.predict(matrix(scores), items)
    json.dumps(outcome.facts, allow_nan=False)
    frame = task.measure(outcome).frame().set_index(["metric", "attribute", "group", "class"])
    return task, items, outcome, frame["value"]


@pytest.mark.parametrize(
    ("kind", "change", "options"),
    [
        ("classify", {}, {}),
        ("classify", {"min_group": 2}, {}),
        ("classify", {}, {"min_group": 2}),
        ("rank", {}, {}),
        ("rank", {"ks": [1, 3], "target": "gallery"}, {}),
        ("rank", {}, {"ks": [1], "target": "gallery"}),
    ],
)
def test_the_numbers_can_be_computed_again_without_the_description(declare, matrix, kind, change, options):
    path = declare(change, kind)
    task, items, outcome, _ = outcome_of(path, RIGHT, matrix, **options)
    path.unlink()
    facts = json.loads(json.dumps(outcome.facts))  # as a run folder keeps them
    again = DECLARED.stored_measure(items.attributes, facts)(outcome, None)
    assert again.frame().equals(task.measure(outcome).frame())


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({}, "written by an earlier version"),
        ({"measured": {"protocol": "classification-disparity"}}, "is not complete"),
        ({"measured": {"protocol": "retrieval-skew", "ks": [1]}}, "is not complete"),
        ({"measured": {"protocol": "classification-disparity", "min_group": "many"}}, "min_group is 'many'"),
        ({"measured": {"protocol": "classification-disparity", "least": 3}}, "unexpected keyword argument 'least'"),
    ],
)
def test_facts_that_do_not_say_how_numbers_are_measured_are_refused(facts, said):
    with pytest.raises(InputError, match=said):
        DECLARED.stored_measure((), facts)


RIGHT = [[0, 1], [0, 1], [1, 0], [1, 0], [0, 1]]  # doctor, nurse: the last doctor is taken for a nurse


def test_recall_and_disparity(declare, matrix):
    task, items, outcome, value = outcome_of(declare(), RIGHT, matrix)
    assert task.prompts(items).texts == ("a photo of a doctor.", "a photo of a nurse.")
    assert outcome.facts["classes"] == ["doctor", "nurse"]
    assert outcome.facts["chance"] == [{"name": "accuracy", "chance": 0.5, "where": {}}]
    assert value["accuracy", "", "", ""] == 4 / 5
    assert value["recall", "sex", "woman", "doctor"] == 1 / 2
    assert value["disparity", "sex", "woman-man", "doctor"] == -1 / 2
    assert value["mean_disparity", "sex", "woman-man", ""] == -1 / 4
    strict = outcome_of(declare(), RIGHT, matrix, min_group=2)[3]
    assert math.isnan(strict["disparity", "sex", "woman-man", "doctor"])


def test_a_further_class_counts_as_right(declare, matrix):
    scores = [[0, 1], [1, 0], [1, 0], [1, 0], [1, 0]]
    assert outcome_of(declare(), scores, matrix)[3]["accuracy", "", "", ""] == 4 / 5
    outcome, value = outcome_of(declare({"table": {"also_right": ["second"]}}), scores, matrix)[2:]
    assert value["accuracy", "", "", ""] == 1
    assert outcome.facts["chance"][0]["chance"] == 6 / 5 / 2


def test_classes_are_called_what_the_description_says(declare):
    change = {"prompts": {"template": ["a {}.", "the {}."], "names": {"nurse": "nurse at work", "doctor": "medic"}}}
    record = describe(declare(change))
    task = record.load(record.options())
    prompts = task.prompts(task.data(record.root))
    assert prompts.targets == ("nurse", "doctor")
    assert prompts.texts == ("a nurse at work.", "the nurse at work.", "a medic.", "the medic.")
    assert prompts.target_of.tolist() == [0, 0, 1, 1]
    assert prompts.pool


def test_classes_that_are_known_to_be_tied_may_have_the_same_texts(declare):
    change = {"prompts": {"names": {"nurse": "medic", "doctor": "medic"}, "known_ties": [["doctor", "nurse"]]}}
    record = describe(declare(change))
    task = record.load(record.options())
    items = task.data(record.root)
    prompts = task.prompts(items)
    assert prompts.texts == ("a photo of a medic.",) * 2
    assert prompts.known_ties == (("doctor", "nurse"),)
    assert items.choices["classes that are known to have the same texts"] == "“doctor” and “nurse”"


def test_classes_that_are_known_to_be_tied_have_to_be_labels(declare, items_of):
    ties = {"prompts": {"known_ties": [["doctor", "physician"]]}}
    with pytest.raises(DataError, match=r"jobs: prompts\.known_ties has 'physician', which is not one of the classes"):
        items_of(ties)


def test_skew(declare, matrix):
    scores = [[0.9, 0.1], [0.2, 0.8], [0.7, 0.0], [0.1, 0.9], [0.3, 0.7]]
    task, items, outcome, value = outcome_of(declare({}, "rank"), scores, matrix)
    assert task.prompts(items).texts == ("a good person", "a bad person")
    assert outcome.rankings["item"].tolist() == [0, 2, 4, 1, 3, 3, 1, 4, 0, 2]
    assert value["skew@2", "sex", "man", "a good person"] == pytest.approx(math.log(2))
    assert value["max_skew@2", "sex", "", ""] == pytest.approx(math.log(2))
    assert outcome.facts["target"] == "uniform"
    outcome, value = outcome_of(declare({}, "rank"), scores, matrix, target="gallery", ks=[1])[2:]
    assert outcome.facts["target"] == "gallery"
    assert value["skew@1", "sex", "man", "a good person"] == pytest.approx(math.log(5 / 2))


def test_averaged_queries_are_named_by_themselves(declare):
    record = describe(declare({"prompts": {"template": ["a {} face", "a {} person"]}}, "rank"))
    prompts = record.load(record.options()).prompts(None)
    assert prompts.targets == ("good", "bad")
    assert prompts.pool


SET = 'name = "mine"\nversion = 2\nsource = "us"\npool = false\ntemplates = ["a {}"]\nterms = ["cat", "dog"]\n'


def test_a_prompt_set_of_ones_own_lies_beside_the_file(declare):
    path = declare({"prompts": {"queries": None, "template": None, "set": "mine.toml"}}, "rank")
    (path.parent / "mine.toml").write_text(SET, "utf-8")
    record = describe(path)
    task = record.load(record.options())
    assert task.prompts(None).texts == ("a cat", "a dog")
    items = task.data(record.root)
    assert items.choices["queries"] == "2 queries, prompt set mine version 2 (us)"
    assert [file.name for file in items.annotations] == ["people.csv", "mine.toml"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('name = "mine"', "", "the key 'name' is missing"),
        ("version = 2", "version = []", "the key 'version' is missing or has a value of the wrong type"),
        ('source = "us"', "", "the key 'source' is missing"),
        ("pool = false", 'pool = "no"', "the key 'pool' is missing or has a value of the wrong type"),
        ('["a {}"]', "[]", "templates has to be a list of one or more different texts"),
        ('["a {}"]', '["a"]', "the template 'a' does not have exactly one {}"),
        ('["cat", "dog"]', '["cat", "cat"]', "terms has to be a list of one or more different texts"),
        ('["cat", "dog"]', "[1]", "terms has to be a list of one or more different texts"),
        ("pool", "=", "not a TOML file"),
    ],
)
def test_a_malformed_prompt_set_is_refused(declare, old, new, said):
    path = declare({"prompts": {"queries": None, "template": None, "set": "mine.toml"}}, "rank")
    (path.parent / "mine.toml").write_text(SET.replace(old, new), "utf-8")
    record = describe(path)
    with pytest.raises(DataError, match=r"mine\.toml") as caught:
        record.load(record.options())
    assert said in str(caught.value)


def test_where_label_and_attribute_are_the_same_no_disparity_can_be_given(declare, matrix):
    task, items, _, value = outcome_of(declare({"table": {"label": "sex"}}), RIGHT, matrix)
    (mean,) = [one for one in task.unavailable(items) if one.metric == "mean_disparity"]
    assert (mean.attribute, mean.group) == ("sex", "woman-man")
    assert mean.words == (
        "not available: no class has items both of woman and of man: label and attribute are tied. Compare groups by "
        "another attribute, or classify by another label."
    )
    assert math.isnan(value["mean_disparity", "sex", "woman-man", ""])
    assert value["accuracy", "sex", "woman", ""] >= 0


def test_a_cut_off_of_the_whole_gallery_is_said(declare):
    record = describe(declare({"ks": [2, 5]}, "rank"))
    task = record.load(record.options())
    said = task.unavailable(task.data(record.root))
    assert [one.metric for one in said] == ["max_skew@5", "min_skew@5", "skew@5"]
