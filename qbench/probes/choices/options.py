"""The options of every benchmark that asks questions. Light."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

from qbench.probes.choices.interface import Choices, Length
from qbench.probes.choices.templates import question_template, question_template_names

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


@dataclass(frozen=True, kw_only=True)
class QuestionOptions:
    """How questions are put to a generative model, and its answers are scored; a base class of options.

    Attributes
    ----------
    question_template : str
        The name of a question template: ``plain`` asks the question alone, ``listed`` names the answers in it, and
        ``letters`` gives each a letter to answer with.
    answer_length : {"none", "tokens", "characters"}
        By what the log-likelihood of an answer is divided.
    shuffle_answers : int
        0 for the listed answers in their order; another number for another order, to see what the order does.
    """

    question_template: str = "plain"
    answer_length: Length = "none"
    shuffle_answers: int = 0

    def __post_init__(self) -> None:
        """Check the values."""
        if self.question_template not in (known := question_template_names()):
            raise ValueError(
                f"question_template is {self.question_template!r}; there are the templates {', '.join(known)}"
            )
        if self.answer_length not in (lengths := get_args(Length)):
            raise ValueError(f"answer_length is {self.answer_length!r}; it is one of {', '.join(map(repr, lengths))}")
        if self.shuffle_answers < 0:
            raise ValueError(f"shuffle_answers is {self.shuffle_answers}; it is 0 or more")
        if self.shuffle_answers and not question_template(self.question_template).lists_answers:
            raise ValueError(f"shuffle_answers: the template {self.question_template!r} does not list the answers")

    def asked(
        self,
        questions: Sequence[tuple[str, Sequence[str]]],
        asked: npt.NDArray[np.int64],
        facts: dict[str, Any] | None = None,
    ) -> Choices:
        """The questions as a model gets them.

        Parameters
        ----------
        questions : sequence of (str, sequence of str)
            Each question in words, and its answers.
        asked : numpy.ndarray
            ``(items, q)`` int: what each item is asked; see `Choices`.
        facts : dict, optional
            More facts on the questions.

        Raises
        ------
        InputError
            The template does not go with a question.
        """
        template = question_template(self.question_template)
        made = tuple(template.ask(text, answers, shuffle=self.shuffle_answers) for text, answers in questions)
        about = {"template": template.facts(), "shuffle": self.shuffle_answers, **(facts or {})}
        return Choices(questions=made, asked=asked, length=self.answer_length, facts=about)

    def summary(self) -> str:
        """How questions are put, in words, for the table of choices."""
        order = f"; the answers in the order {self.shuffle_answers}" if self.shuffle_answers else ""
        lengths = {"none": "as it is", "tokens": "divided by the number of tokens"}
        scored = lengths.get(self.answer_length, "divided by the number of characters")
        return f"{question_template(self.question_template).summary()}{order}; log-likelihood {scored}"
