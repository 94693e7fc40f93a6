"""Scores of answers: log-likelihoods, divided by the length of the answers, with one row per item."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from qbench.metrics.weights import Floats, Integers
from qbench.probes.choices.asked import Asked

LOG_LIKELIHOOD, TOKENS = 0, 1
"""The places in the last axis of the stored array."""

ABSENT = float(np.finfo(np.float32).min)
"""Stands for the log-likelihood of an answer that a question does not have."""

FEWEST = 8
"""The least number of images from which ties of answers cannot be chance: a choice of ours."""


class AnswerScores:
    """The `qbench.metrics.interface.Similarity` of log-likelihoods, in float64.

    Parameters
    ----------
    asked : Asked
        What was asked.
    image_index : numpy.ndarray
        ``(n,)`` int, the image of each item.
    found : numpy.ndarray
        ``(images, places, answers, 2)``: for each question about an image, the log-likelihood of each answer and its
        number of tokens.
    """

    def __init__(self, asked: Asked, image_index: Integers, found: npt.NDArray[np.floating]) -> None:
        self._asked, self._image_index, self._found = asked, image_index, found
        self._characters = np.ones((len(asked.choices.questions), asked.most_answers))
        for row, question in zip(self._characters, asked.choices.questions, strict=True):
            row[: len(question.answers)] = [len(answer) for answer in question.answers]
        counts = np.array([len(question.answers) for question in asked.choices.questions])
        self._widths = [int(counts[numbers].max()) for numbers in asked.choices.asked.T]

    @property
    def shape(self) -> tuple[int, int]:
        """Number of items, number of answers to all questions of an item."""
        return len(self._image_index), sum(self._widths)

    def items(self, start: int, stop: int) -> Floats:
        """Rows ``start:stop`` → ``(stop - start, answers)``."""
        parts = [self._answers(slice(start, stop), place)[:, :width] for place, width in enumerate(self._widths)]
        return np.concatenate(parts, axis=1)

    def targets(self, start: int, stop: int) -> Floats:
        """Columns ``start:stop``, transposed → ``(stop - start, items)``."""
        return np.ascontiguousarray(self.items(0, len(self._image_index))[:, start:stop].T)

    def _answers(self, rows: slice, place: int) -> Floats:
        """The scores of the answers to one of each item's questions."""
        found = self._found[self._image_index[rows], self._asked.place_of[rows, place]]
        logs: Floats = found[..., LOG_LIKELIHOOD].astype(np.float64)
        scores = logs
        if self._asked.choices.length == "tokens":
            scores = logs / found[..., TOKENS]
        elif self._asked.choices.length == "characters":
            scores = logs / self._characters[self._asked.choices.asked[rows, place]]
        return np.where(logs <= ABSENT, -np.inf, scores)


def tied_answers(asked: Asked, found: npt.NDArray[np.floating]) -> list[list[str]]:
    """Pairs of answers to a question that are equally likely for every image, so that the second is never chosen.

    Questions about fewer than `FEWEST` images are left out: in 16 bit, two answers can be equally likely by chance.

    Parameters
    ----------
    asked : Asked
        What was asked.
    found : numpy.ndarray
        ``(images, places, answers, 2)``; see `AnswerScores`.
    """
    tied = []
    for number, question in enumerate(asked.choices.questions):
        logs = found[asked.of_image == number][:, : len(question.answers), LOG_LIKELIHOOD]
        if len(logs) >= FEWEST:
            columns: dict[bytes, str] = {}
            for answer, column in zip(question.answers, np.asarray(logs, dtype=np.float64).T, strict=True):
                other = columns.setdefault(column.tobytes(), answer)
                if other != answer:
                    tied.append([other, answer])
    return tied


def overlap(first: npt.NDArray[np.floating], second: npt.NDArray[np.floating]) -> Floats:
    """How alike two variants answer the questions about each image, from 0 to 1; 1 where nothing changed.

    The probabilities are those among the answers of a question (a softmax of the log-likelihoods). The vectors of their
    square roots have length 1; their cosine is the Bhattacharyya coefficient (Bhattacharyya 1943). For an image with
    several questions it is the mean.

    Parameters
    ----------
    first, second : numpy.ndarray
        ``(images, places, answers, 2)``.

    Returns
    -------
    numpy.ndarray
        ``(images,)``.
    """
    asked = first[..., 0, LOG_LIKELIHOOD] > ABSENT
    cosines = (_square_roots(first) * _square_roots(second)).sum(axis=-1)
    return np.asarray(np.where(asked, cosines, 0.0).sum(axis=1) / asked.sum(axis=1), dtype=np.float64)


def _square_roots(found: npt.NDArray[np.floating]) -> Floats:
    logs = found[..., LOG_LIKELIHOOD].astype(np.float64)
    roots = np.exp((logs - logs.max(axis=-1, keepdims=True)) / 2)
    return np.asarray(roots / np.linalg.norm(roots, axis=-1, keepdims=True), dtype=np.float64)
