"""The probe ``choices``: what is asked about each image, what scores are made of the answers, and what is refused."""

from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest

from qbench.api import InputError, Items, QuantizationError
from qbench.api.probes import Choices, Question, question_template, question_template_names
from qbench.metrics.classification import LOG_SCALE, classify
from qbench.probes.choices.asked import NO_QUESTION, what_is_asked
from qbench.probes.choices.method import ChoicesProbe
from qbench.probes.choices.provider import ChooserProvider
from qbench.probes.choices.scores import ABSENT, AnswerScores, tied_answers

TWO = Question(text="two", answers=("yes", "certainly not"))
THREE = Question(text="three", answers=("a", "bb", "ccc"))
OTHER = Question(text="other", answers=("x", "y"))


def items_of(image_index, images=3):
    names = [str(i) for i in range(len(image_index))]
    table = pd.DataFrame({"item": names, "image_index": image_index})
    return Items(table=table, images=tuple("abcdefgh"[:images]), root=None)


def asked_of(image_index, asked, length="none"):
    choices = Choices(questions=(TWO, THREE, OTHER), asked=np.array(asked), length=length)
    return what_is_asked(choices, items_of(image_index))


class Fixed:
    """Gives the same answers to each question, but for the image 2; remembers what it was asked."""

    answers: ClassVar = {"two": [[-1, 1], [-4, 2]], "three": [[-3, 1], [-2, 2], [-6, 3]], "other": [[-1, 1], [-2, 1]]}

    def score_answers(self, pixels, image_of, questions):
        self.asked = [(int(pixels[i, 0, 0, 0]), question.text) for i, question in zip(image_of, questions, strict=True)]
        return [self.of(image, text) for image, text in self.asked]

    def of(self, image, text):
        return np.array(self.answers[text], dtype=np.float32) * ([1.5, 1] if (image, text) == (2, "two") else 1)

    def close(self):
        pass


def asking_of(asked):
    pixels = np.arange(3, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 2, 3), dtype=np.uint8)
    questions = SimpleNamespace(content=asked, digest=asked.digest())
    return SimpleNamespace(
        items=SimpleNamespace(images="abc"), questions=questions, pixels=lambda: pixels, batch_size=2
    )


def test_every_question_about_an_image_is_asked_once():
    # Items 0 and 3 are two persons in one image: the first question is the same, the second is another one.
    asked = asked_of([0, 1, 2, 0], [[0, 1], [0, 1], [1, 2], [0, 2]])
    np.testing.assert_array_equal(asked.of_image, [[0, 1, 2], [0, 1, NO_QUESTION], [1, 2, NO_QUESTION]])
    np.testing.assert_array_equal(asked.place_of, [[0, 1], [0, 1], [0, 1], [0, 2]])


def test_a_batch_gives_each_image_once_and_fills_what_is_absent():
    asked = asked_of([0, 1, 2, 0], [[0, 1], [0, 1], [1, 2], [0, 2]])
    [part] = ChooserProvider().answers(asking_of(asked))
    model = Fixed()
    found = part.compute(model, np.array([2, 0]))
    assert model.asked == [(2, "three"), (2, "other"), (0, "two"), (0, "three"), (0, "other")]
    assert found.shape == (2, 3, 3, 2)
    assert found[0, 2, 0, 0] == found[1, 0, 2, 0] == np.float32(ABSENT)
    np.testing.assert_array_equal(found[1, 1, :, 0], [-3, -2, -6])


@pytest.mark.parametrize(
    ("length", "two", "three"),
    [
        ("none", [-1, -4, -np.inf], [-3, -2, -6]),
        ("tokens", [-1, -2, -np.inf], [-3, -1, -2]),
        ("characters", [-1 / 3, -4 / 13, -np.inf], [-3, -1, -2]),
    ],
)
def test_the_scores_are_divided_by_the_length_that_is_asked_for(length, two, three):
    asked = asked_of([0, 1, 2], [[0, 2], [1, 2], [0, 2]], length)
    [part] = ChooserProvider().answers(asking_of(asked))
    scores = AnswerScores(asked, np.arange(3), part.compute(Fixed(), np.arange(3)))
    assert scores.shape == (3, 5)
    np.testing.assert_allclose(scores.items(0, 3)[:2, :3], [two, three], rtol=1e-6)
    np.testing.assert_array_equal(scores.targets(0, 5), scores.items(0, 3).T)


def test_an_absent_answer_is_never_chosen_and_the_confidence_is_a_probability():
    asked = asked_of([0, 1, 2], [[0], [1], [2]])
    [part] = ChooserProvider().answers(asking_of(asked))
    scores = AnswerScores(asked, np.arange(3), part.compute(Fixed(), np.arange(3)))
    found = classify(scores, np.array([[1], [1], [0]]), scale=LOG_SCALE)
    assert found.prediction.tolist() == [0, 1, 0]
    assert found.rank.tolist() == [1, 0, 0]
    np.testing.assert_allclose(found.margin, [-3, 1, 1])
    np.testing.assert_allclose(found.confidence[0], 1 / (1 + np.exp(-3)), rtol=1e-6)
    np.testing.assert_allclose(found.confidence[1], 1 / (1 + np.exp(-1) + np.exp(-4)), rtol=1e-6)


def test_the_drift_is_the_overlap_of_the_probabilities():
    logs = np.log([[0.9, 0.1], [0.5, 0.5]]).reshape(2, 1, 2, 1)
    first = np.concatenate([logs, np.ones_like(logs)], axis=-1)
    second = first.copy()
    second[0] -= 7  # all answers are less likely by the same factor: among them nothing changed
    second[1, 0, :, 0] = np.log([0.98, 0.02])
    drift = ChoicesProbe().drift(items_of([1, 0, 1], images=2), {"choices": first}, {"choices": second})
    moved = np.sqrt(0.5 * 0.98) + np.sqrt(0.5 * 0.02)
    np.testing.assert_allclose(drift["cosine"], [moved, 1, moved])


def test_the_digest_is_of_questions_answers_and_who_is_asked_what_but_not_of_the_length():
    first = asked_of([0, 1, 2], [[0], [1], [2]])
    assert first.digest() == asked_of([0, 1, 2], [[0], [1], [2]], "tokens").digest()
    assert first.digest() != asked_of([0, 1, 2], [[0], [2], [1]]).digest()
    changed = Choices(questions=(TWO, THREE, Question(text="other", answers=("x", "z"))), asked=first.choices.asked)
    assert first.digest() != what_is_asked(changed, items_of([0, 1, 2])).digest()


@pytest.mark.parametrize("wrong", [np.nan, np.inf, 0.1])
def test_a_number_that_is_not_a_log_likelihood_stops_the_batch(wrong):
    asked = asked_of([0, 1, 2], [[0], [0], [0]])
    [part] = ChooserProvider().answers(asking_of(asked))
    model = Fixed()
    model.answers = {"two": [[wrong, 1], [-1, 1]]}
    with pytest.raises(QuantizationError, match="1 of 2 answers to 'two' have no log-likelihood"):
        part.compute(model, np.arange(2))


def test_a_model_that_does_not_see_the_images_stops_in_the_first_batch_with_two():
    class Blind(Fixed):
        def of(self, image, text):
            return super().of(0, text)

    asked = asked_of([0, 1, 2], [[0], [0], [0]])
    [part] = ChooserProvider().answers(asking_of(asked))
    part.compute(Blind(), np.array([0]))
    with pytest.raises(QuantizationError, match="different images have the same likelihoods of the answers to 'two'"):
        part.compute(Blind(), np.array([1]))
    [part] = ChooserProvider().answers(asking_of(asked))
    for rows in ([0], [2], [1]):
        part.compute(Fixed(), np.array(rows))


def test_answers_that_are_equally_likely_for_every_image_are_named():
    choices = Choices(questions=(TWO, THREE), asked=np.array([[0, 1]] * 8))
    asked = what_is_asked(choices, items_of(list(range(8)), images=8))
    found = -np.random.default_rng(0).random((8, 2, 3, 2), dtype=np.float32)
    assert tied_answers(asked, found) == []
    found[:, 1, 2] = found[:, 1, 0]
    assert tied_answers(asked, found) == [["a", "ccc"]]
    found[7, 1, 2, 0] = -7
    assert tied_answers(asked, found) == []


@pytest.mark.parametrize(("asked", "said"), [([[0]], "a row for each of the 3"), ([[0], [3], [1]], "one of the 3 que")])
def test_a_task_that_asks_what_does_not_exist_is_refused(asked, said):
    with pytest.raises(ValueError, match=said):
        asked_of([0, 1, 2], asked)


# --- question templates


@pytest.mark.parametrize("name", question_template_names())
def test_each_template_is_complete_and_its_hash_is_of_what_decides_a_question(name):
    template = question_template(name)
    assert template.name == name
    assert template.version
    assert template.source
    assert "{question}" in template.text
    asked = template.ask("What?", ("a", "b"))
    assert "What?" in asked.text
    assert len(template.facts()["sha256"]) == 64


def test_a_shuffled_list_is_another_question_with_the_answers_in_the_same_order():
    answers = ("doctor", "nurse", "gardener", "guard")
    listed = question_template("listed")
    plain, shuffled = listed.ask("Who?", answers), listed.ask("Who?", answers, shuffle=1)
    assert plain.text == "Who? Answer with one of: doctor, nurse, gardener, guard."
    assert plain.text != shuffled.text
    assert sorted(plain.text) == sorted(shuffled.text)
    assert shuffled.answers == answers
    assert shuffled == listed.ask("Who?", answers, shuffle=1)


def test_a_letter_stands_for_the_same_answer_wherever_the_answer_is_listed():
    answers = ("doctor", "nurse", "gardener", "guard")
    asked = question_template("letters").ask("Who?", answers, shuffle=3)
    listed = dict(line.split(". ") for line in asked.text.splitlines()[1:-1])
    assert [listed[letter] for letter in asked.answers] == list(answers)


def test_an_order_without_a_list_and_more_answers_than_letters_are_refused():
    with pytest.raises(InputError, match="the order of answers has no meaning"):
        question_template("plain").ask("Who?", ("a", "b"), shuffle=1)
    with pytest.raises(InputError, match="27 answers, more than there are letters"):
        question_template("letters").ask("Who?", [str(i) for i in range(27)])
    with pytest.raises(InputError, match="needs two or more different answers"):
        question_template("plain").ask("Who?", ["doctor"])
