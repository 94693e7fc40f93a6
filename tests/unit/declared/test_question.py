"""A declared dataset with a question: generative models are asked it, and its outcome is that of embeddings."""

import numpy as np
import pytest

from qbench.api.probes import ChoicesTask
from qbench.declared.record import describe
from qbench.errors import InputError
from qbench.plugins.options import make_options

QUESTION = {"prompts": {"question": "What is the job of this person?"}}


def task_of(path, **options):
    record = describe(path)
    return record, record.load(make_options(record.options, options, where="test"))


def test_the_classes_are_the_answers_in_the_words_of_prompts(declare):
    path = declare(QUESTION)
    record, task = task_of(path, question_template="listed", answer_length="tokens")
    assert record.probes == ("embedding", "choices")
    assert isinstance(task, ChoicesTask)
    items = task.data(path.parent)
    asked = task.choices(items)
    [question] = asked.questions
    words = [text.removeprefix("a photo of a ").removesuffix(".") for text in task.prompts(items).texts]
    assert list(question.answers) == words
    assert question.text.startswith("What is the job of this person? Answer with one of: ")
    assert asked.asked.tolist() == [[0]] * len(items)
    assert (asked.length, asked.facts["question"]) == ("tokens", "What is the job of this person?")
    assert "What is the job" in items.choices["question to generative models"]


def test_the_outcome_of_scores_is_that_of_cosines_but_for_the_confidence(declare, matrix):
    path = declare(QUESTION)
    _, task = task_of(path)
    items = task.data(path.parent)
    scores = np.random.default_rng(0).normal(-3, 1, (len(items), len(task.prompts(items).targets)))
    chosen, predicted = task.choose(matrix(scores), items), task.predict(matrix(scores), items)
    assert chosen.items.drop(columns="confidence").equals(predicted.items.drop(columns="confidence"))
    likely = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(chosen.items["confidence"], likely.max(axis=1))
    assert task.measure(chosen).frame().equals(task.measure(predicted).frame())


def test_without_a_question_the_dataset_is_not_asked_about_and_its_options_have_no_meaning(declare):
    path = declare()
    assert task_of(path)[0].probes == ()
    with pytest.raises(InputError, match="'question_template' has no meaning for a dataset without a question"):
        task_of(path, question_template="listed")
    with pytest.raises(InputError, match=r"prompts.question has no meaning for the protocol 'retrieval-skew'"):
        task_of(declare(QUESTION, "rank"))
