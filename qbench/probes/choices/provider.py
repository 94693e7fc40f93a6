"""Where log-likelihoods come from: a model that runs on this machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from qbench.errors import QuantizationError
from qbench.probes.choices.asked import NO_QUESTION, Asked
from qbench.probes.choices.interface import Chooser
from qbench.probes.choices.scores import ABSENT, LOG_LIKELIHOOD, TOKENS
from qbench.probes.constant import ConstantAnswers
from qbench.probes.interface import AnswerPart, Asking
from qbench.probes.providers import ModelProvider

CHOICES = "choices"
"""The name of the array of answers."""

ROUNDING = 1e-3
"""How far above 0 rounding may take the logarithm of a probability of 1 in 16 bit: a choice of ours."""

Floats32 = npt.NDArray[np.float32]


class ChooserProvider(ModelProvider):
    """Log-likelihoods computed by a `qbench.probes.choices.interface.Chooser`."""

    def answers(self, asking: Asking) -> Sequence[AnswerPart]:
        """One array, ``(images, places, answers, 2)`` float32; see `qbench.probes.choices.asked.Asked`.

        A batch with what cannot be log-likelihoods raises a `QuantizationError`, as does one by which it is seen that
        the answers to a question are the same for all images so far, which differ.
        """
        constant = ConstantAnswers()

        def compute(model: object, rows: npt.NDArray[np.int64]) -> Floats32:
            answers = _answered(_chooser(model), asking, rows)
            _check_images_count(constant, asking, rows, answers)
            return answers

        parts = {"questions": asking.questions.digest}
        return [AnswerPart(name=CHOICES, parts=parts, count=len(asking.items.images), compute=compute)]

    def timed_work(self, asking: Asking) -> Mapping[str, Callable[[Any], object]]:
        """The questions about the first batch of images; repeated where there are fewer than a batch."""
        rows = np.arange(asking.batch_size) % len(asking.items.images)
        return {CHOICES: lambda model: _answered(_chooser(model), asking, rows)}


def _answered(model: Chooser, asking: Asking, rows: npt.NDArray[np.int64]) -> Floats32:
    """The answers to all questions about one batch of images."""
    asked: Asked = asking.questions.content
    image, place = np.nonzero(asked.of_image[rows] != NO_QUESTION)
    questions = [asked.choices.questions[number] for number in asked.of_image[rows][image, place]]
    found = model.score_answers(np.array(asking.pixels()[rows]), image, questions)
    if len(found) != len(questions):
        raise TypeError(f"the model answered {len(found)} of {len(questions)} questions")
    filled = np.empty((len(rows), asked.of_image.shape[1], asked.most_answers, 2), dtype=np.float32)
    filled[..., LOG_LIKELIHOOD], filled[..., TOKENS] = ABSENT, 1
    for i, (question, answers) in enumerate(zip(questions, found, strict=True)):
        _check(answers, len(question.answers), question.text)
        filled[image[i], place[i], : len(answers)] = answers
    return filled


def _check_images_count(
    constant: ConstantAnswers, asking: Asking, rows: npt.NDArray[np.int64], answers: Floats32
) -> None:
    """Raise `QuantizationError` if the first question of all is answered in the same way, whatever the image is."""
    asked: Asked = asking.questions.content
    first = int(asked.choices.asked[0, 0])
    question = asked.choices.questions[first]
    image, place = np.nonzero(asked.of_image[rows] == first)
    found = answers[image, place, : len(question.answers), LOG_LIKELIHOOD]
    if constant.seen(np.array(asking.pixels()[rows[image]]), found):
        raise QuantizationError(
            f"different images have the same likelihoods of the answers to {question.text!r}, so the model does not "
            "see what is in them",
            fix="The files of the checkpoint may not belong together, or the quantization has failed: check the "
            "processor and the configuration, and try another dtype.",
        )


def _check(answers: Floats32, count: int, question: str) -> None:
    if answers.shape != (count, 2):
        raise TypeError(f"the model gave an array of shape {answers.shape} for {count} answers to {question!r}")
    wrong = ~np.isfinite(answers).all(axis=1) | (answers[:, LOG_LIKELIHOOD] > ROUNDING) | (answers[:, TOKENS] < 1)
    if wrong.any():
        raise QuantizationError(
            f"{wrong.sum()} of {count} answers to {question!r} have no log-likelihood that is finite and at most 0",
            fix="The variant overflows: try another compute dtype.",
        )


def _chooser(model: object) -> Chooser:
    if not isinstance(model, Chooser):
        raise TypeError(
            f"the records say that the model is asked for answers, but a {type(model).__name__} is not a Chooser"
        )
    return model
