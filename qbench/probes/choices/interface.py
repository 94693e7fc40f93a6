"""What the probe ``choices`` asks of a task and of a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from qbench.metrics.interface import MeasuredTask
from qbench.models.interface import LoadedModel

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from qbench.data.items import Items
    from qbench.metrics.interface import Outcome, Similarity

Length = Literal["none", "tokens", "characters"]
"""By what a log-likelihood is divided, so that long answers are not less likely only because they are long."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """A question about an image, and the answers among which the model chooses.

    Attributes
    ----------
    text : str
        What the model is asked; it contains no markup of a model's prompt.
    answers : tuple of str
        At least two different texts, none of them empty.

    Examples
    --------
    >>> Question(text="Is it day or night?", answers=("day", "night")).answers
    ('day', 'night')
    >>> Question(text="Is it day?", answers=("yes",))
    Traceback (most recent call last):
    ...
    ValueError: the question 'Is it day?' needs two or more different answers, none of them empty
    """

    text: str
    answers: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse a question without a choice."""
        different = len(set(self.answers)) == len(self.answers) >= 2
        if not (different and self.text.strip() and all(answer.strip() for answer in self.answers)):
            raise ValueError(f"the question {self.text!r} needs two or more different answers, none of them empty")


@dataclass(frozen=True, kw_only=True)
class Choices:
    """What a task asks about its items.

    Attributes
    ----------
    questions : tuple of Question
        All questions, each once.
    asked : numpy.ndarray
        ``(items, q)`` int: the `q` questions that each item is asked, by their number in `questions`.
    length : {"none", "tokens", "characters"}
        By what the log-likelihood of an answer is divided: by nothing, by its number of tokens (which depends on the
        model), or by its number of characters. It changes no stored answer, only what is made of it.
    facts : dict
        JSON-able facts on the questions, such as the template and its hash; they are stored with the outcome.
    """

    questions: tuple[Question, ...]
    asked: npt.NDArray[np.int64]
    length: Length = "none"
    facts: dict[str, Any] = field(default_factory=dict)


@runtime_checkable
class ChoicesTask(MeasuredTask, Protocol):
    """A task for the probe ``choices``. It is called in the order `data`, `choices`, `choose`, `measure`."""

    def choices(self, items: Items) -> Choices:
        """The questions about these items."""
        ...

    def choose(self, scores: Similarity, items: Items) -> Outcome:
        """Scores of the answers → an outcome per item. Needs no model.

        Parameters
        ----------
        scores : Similarity
            One row per item. The columns are the answers to its first question, then those to its second one, and so
            on; −∞ where an item's question has fewer answers than that of another item in the same place. A score is a
            natural logarithm, divided by the length of the answer as `Choices.length` says.
        items : Items
            The items.
        """
        ...


@runtime_checkable
class Chooser(LoadedModel, Protocol):
    """A model that is loaded and can tell how likely answers are: what the probe ``choices`` asks."""

    def score_answers(
        self, pixels: npt.NDArray[np.uint8], image_of: npt.NDArray[np.int64], questions: Sequence[Question]
    ) -> Sequence[npt.NDArray[np.float32]]:
        """How likely each answer to each question is.

        Parameters
        ----------
        pixels : numpy.ndarray
            ``(images, height, width, 3)`` uint8 RGB, each image once.
        image_of : numpy.ndarray
            ``(b,)`` int: the image that each question is about.
        questions : sequence of Question
            The `b` questions.

        Returns
        -------
        sequence of numpy.ndarray
            For each question ``(answers, 2)`` float32: the log-likelihood of each answer (natural logarithm, summed
            over its tokens) and the number of these tokens.
        """
        ...
