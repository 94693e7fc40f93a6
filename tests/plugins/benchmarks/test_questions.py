"""FACET and FairFace's attributes as questions: the outcome is that of embeddings, with other scores."""

import numpy as np
import pandas as pd
import pytest

from qbench.api import InputError, Items
from qbench.plugins.options import make_options
from qbench_benchmarks.facet import Facet
from qbench_benchmarks.fairface_attributes import FairFaceAttributes
from qbench_benchmarks.options import FacetOptions, FairFaceAttributesOptions


class Scores:
    def __init__(self, values):
        self.values = np.array(values, dtype=float)
        self.shape = self.values.shape

    def items(self, start, stop):
        return self.values[start:stop]


def persons(**options):
    task = Facet(FacetOptions(classes="present", other_cuts=False, min_group=1, **options))
    names = {attribute.name: ["a"] * 3 for attribute in task.attributes}
    tones = {f"skin_tone_{tone}": [0] * 3 for tone in range(1, 11)}
    table = pd.DataFrame(
        {"item": ["0", "1", "2"], "image": ["x", "y", "z"], "image_index": [0, 1, 2], **names, **tones}
    )
    table = table.assign(label=["doctor", "basketball_player", "doctor"], label2=["", "doctor", ""], tone_mean=1.0)
    return task, Items(table=table, images=(None,) * 3, root=None)


def test_facet_asks_one_question_whose_answers_are_the_classes():
    task, items = persons(question="Who is it?", answer_length="tokens")
    asked = task.choices(items)
    assert asked.questions[0].text == "Who is it?"
    assert set(asked.questions[0].answers) == {"doctor", "basketball player"}
    assert asked.asked.tolist() == [[0], [0], [0]]
    assert asked.length == "tokens"
    assert asked.facts["question"] == "Who is it?"
    assert asked.facts["template"]["name"] == "plain"


def test_the_most_likely_class_is_predicted_with_its_probability_among_the_classes():
    task, items = persons()
    first = task.choices(items).questions[0].answers.index("doctor")
    scores = np.array([[-1.0, -2.0], [-1.0, -2.0], [-5.0, -3.0]])
    outcome = task.choose(Scores(scores if first == 0 else scores[:, ::-1]), items)
    assert outcome.items["prediction"].tolist() == ["doctor", "doctor", "basketball_player"]
    assert outcome.items["correct"].tolist() == [True, False, False]
    np.testing.assert_allclose(outcome.items["margin"], [1, -1, -2])
    np.testing.assert_allclose(outcome.items["confidence"][0], 1 / (1 + np.exp(-1)))
    embedded = task.predict(Scores(scores), items)
    assert list(outcome.items) == list(embedded.items)
    assert outcome.facts == embedded.facts


def test_fairface_asks_one_question_per_attribute():
    task = FairFaceAttributes(FairFaceAttributesOptions(ask=("gender", "race"), question_template="listed"))
    values = {"race": ["Indian", "White"], "gender": ["Female", "Male"], "age": ["3-9", "20-29"]}
    table = pd.DataFrame({"item": ["0", "1"], "image": ["x", "y"], "image_index": [0, 1], "label": "", **values})
    items = Items(table=table, images=(None, None), root=None)
    asked = task.choices(items)
    assert asked.asked.tolist() == [[0, 1], [0, 1]]
    assert [len(question.answers) for question in asked.questions] == [len(a.groups) for a in task.asked]
    assert all(question.answers[0] in question.text for question in asked.questions)
    assert asked.facts["prompt_set"]["name"] == "plain-words"
    scores = np.full((2, sum(len(a.groups) for a in task.asked)), -9.0)
    column = {(a.name, g): i for i, (a, g) in enumerate((a, g) for a in task.asked for g in a.groups)}
    for row, (race, gender) in enumerate([("Indian", "Male"), ("Black", "Male")]):
        scores[row, [column["race", race], column["gender", gender]]] = -1
    found = task.choose(Scores(scores), items).items.set_index("item")["correct"]
    assert found.to_dict() == {"0#race": True, "1#race": False, "0#gender": False, "1#gender": True}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"question": " "}, "question is empty"),
        ({"question_template": "nice"}, "there are the templates letters, listed, plain"),
        ({"answer_length": "words"}, "answer_length"),
        ({"shuffle_answers": 1}, "does not list the answers"),
        ({"shuffle_answers": -1, "question_template": "listed"}, "0 or more"),
    ],
)
def test_an_option_without_a_meaning_is_refused(wrong, said):
    with pytest.raises(InputError, match=said):
        make_options(FacetOptions, wrong, where="facet")
