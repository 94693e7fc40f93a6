"""FACET, FairFace's attributes and ImageNet as questions: the outcome is that of embeddings, with other scores."""

import numpy as np
import pandas as pd
import pytest

from qbench.api import DataError, InputError, Items
from qbench.plugins.options import make_options
from qbench.probes.pairs.scores import PairScores
from qbench_benchmarks.facet import Facet
from qbench_benchmarks.fairface_attributes import FairFaceAttributes
from qbench_benchmarks.imagenet import ImageNet
from qbench_benchmarks.imagenet_candidates import AmongCandidates, drawn
from qbench_benchmarks.imagenet_classes import class_names, labels, synsets
from qbench_benchmarks.options import FacetOptions, FairFaceAttributesOptions, ImageNetOptions


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


@pytest.fixture
def objects(tmp_path):
    """``(options) -> (task, items)`` of two images of each of eight classes and of two called sunglasses."""
    for synset in (*synsets()[:8], "n04355933", "n04356056"):
        (tmp_path / synset).mkdir()
        for name in ("a.png", "b.png"):
            (tmp_path / synset / name).touch()

    def make(**options):
        task = ImageNet(ImageNetOptions(templates="simple-7", **options))
        return task, task.data(tmp_path)

    return make


def test_imagenet_asks_about_the_images_own_class_and_others_drawn_for_it(objects):
    task, items = objects(candidates=4, question="What is it?")
    asked = task.choices(items)
    names = dict(zip(labels(), class_names(), strict=True))
    own = [names[label] for label in items.table["label"]]
    assert asked.asked.tolist() == [[row] for row in range(20)]
    assert {question.text for question in asked.questions} == {"What is it?"}
    assert all(len(question.answers) == 4 for question in asked.questions)
    places = [question.answers.index(name) for question, name in zip(asked.questions, own, strict=True)]
    assert len(set(places)) > 1  # its place does not tell the correct answer
    assert task.choices(items).questions == asked.questions
    few = task.choices(items.take([3, 7, 18]))  # the same answers whichever other images there are
    assert few.questions == tuple(asked.questions[row] for row in (3, 7, 18))
    other = objects(candidates=4, seed=1)[0].choices(items)
    assert [q.answers for q in other.questions] != [q.answers for q in asked.questions]
    assert items.choices["candidates"] == "the image's own class and 3 of all 1,000 classes, drawn with seed 0"


def test_the_other_candidates_are_drawn_evenly_and_guessing_is_correct_once_in_k():
    own = np.tile(np.arange(8), 500)
    found = drawn([f"{i}.png" for i in range(4000)], own, "abcdefgh", 4, seed=0)
    assert all(len(set(row)) == 4 for row in found.tolist())
    assert (found == own[:, None]).any(axis=1).all()
    counts = np.bincount(found[own == 0].ravel(), minlength=8)
    assert counts[0] == 500
    np.testing.assert_allclose(counts[1:], 500 * 3 / 7, atol=5 * np.sqrt(500 * 3 / 7 * 4 / 7))
    places = np.bincount((found == own[:, None]).argmax(axis=1), minlength=4)
    np.testing.assert_allclose(places, 1000, atol=5 * np.sqrt(4000 * 3 / 16))


def test_two_classes_of_one_name_are_never_answers_to_one_question(objects):
    task, items = objects(candidates=9, classes="present")
    for question in task.choices(items).questions:
        assert question.answers.count("sunglasses") == 1
    with pytest.raises(InputError, match=r"10 classes would have the answer 'sunglasses' twice(.|\n)*candidates = 10"):
        objects(classes="present")[0].choices(items)
    with pytest.raises(DataError, match="candidates is 10, and there are 9 classes with different names"):
        objects(candidates=10, classes="present")[0].choices(items)


def test_without_drawn_candidates_imagenet_asks_one_question_about_the_classes_of_a_subset(objects):
    task, items = objects(classes="present", subset=8)
    asked = task.choices(items)
    assert [question.answers for question in asked.questions] == [class_names()[:8]]
    assert asked.asked.tolist() == [[0]] * 16
    scores = np.zeros((16, 8))
    scores[np.arange(16), np.arange(16) // 2] = 1
    assert task.choose(Scores(scores), items).items["correct"].all()


def test_the_three_probes_classify_an_image_of_imagenet_among_the_same_candidates(objects, value_of):
    task, items = objects(candidates=6)
    classes = dict(zip(labels(), range(1000), strict=True))
    own = np.array([classes[label] for label in items.table["label"]])
    among = task.pairs(items).candidates.reshape(20, 6, 7)[..., 0] // 7
    assert [[class_names()[number] for number in row] for row in among.tolist()] == [
        list(question.answers) for question in task.choices(items).questions
    ]
    whole = np.random.default_rng(0).uniform(-1, 1, (20, 1000))
    whole[np.arange(20), own] = np.where(np.arange(20) < 5, -2, 2)  # five images are recognised as another class
    embedded = task.predict(Scores(whole), items)
    some = np.take_along_axis(whole, among, axis=1)
    found = [
        task.choose(Scores(some), items),
        task.match(PairScores(task.pairs(items), np.arange(20), np.repeat(some, 7, axis=1)), items),
    ]
    for outcome in (embedded, *found):
        table = outcome.items
        best = np.take_along_axis(among, some.argmax(axis=1)[:, None], axis=1)[:, 0]
        assert table["prediction"].tolist() == [labels()[number] for number in best]
        assert table["correct"].tolist() == [row >= 5 for row in range(20)]
        assert table["rank"].tolist() == [5 if row < 5 else 0 for row in range(20)]
        np.testing.assert_allclose(table["margin"], embedded.items["margin"])
        assert outcome.facts["chance"] == [{"name": "top1", "chance": 1 / 6, "where": {}}]
        metrics = task.measure(outcome)
        assert value_of(metrics, "top1") == value_of(metrics, "top5") == 0.75
    few, items = objects(candidates=5)
    assert "top5" not in set(few.measure(few.predict(Scores(whole), items)).index["metric"])
    view = AmongCandidates(Scores(whole), among)
    np.testing.assert_array_equal(view.targets(1, 3), some.T[1:3])


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"candidates": 1}, "candidates is 1"),
        ({"candidates": -1}, "candidates is -1"),
        ({"seed": -1}, "seed is -1"),
        ({"question": ""}, "question is empty"),
    ],
)
def test_an_option_of_imagenet_without_a_meaning_is_refused(wrong, said):
    with pytest.raises(InputError, match=said):
        make_options(ImageNetOptions, wrong, where="imagenet")


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
