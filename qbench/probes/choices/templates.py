"""Question templates: named, versioned and hashed files that say how a question and its answers are put to a model."""

from __future__ import annotations

import hashlib
import json
import string
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from qbench.errors import InputError
from qbench.probes.choices.interface import Question

FOLDER = Path(__file__).with_name("templates")


@dataclass(frozen=True, kw_only=True)
class QuestionTemplate:
    """How a question and its answers become what a model is asked.

    Attributes
    ----------
    name, version, source : str
        Its name, its edition, and where it comes from.
    text : str
        The question, with ``{question}`` and, where the answers are listed, ``{options}``.
    option : str
        How an answer is listed, with ``{answer}`` and, perhaps, ``{letter}``.
    separator : str
        What stands between listed answers.
    answer : {"text", "letter"}
        What the model answers with: the answer itself, or its letter in the list.
    """

    name: str
    version: str
    source: str
    text: str
    option: str = "{answer}"
    separator: str = ", "
    answer: Literal["text", "letter"] = "text"

    @property
    def lists_answers(self) -> bool:
        """Whether the answers are part of the question, so that their order could matter."""
        return "{options}" in self.text

    def ask(self, question: str, answers: Sequence[str], *, shuffle: int = 0) -> Question:
        """The question as the model gets it.

        Parameters
        ----------
        question : str
            The question in words.
        answers : sequence of str
            The answers; those of the result are in this order, whatever the order of the list is.
        shuffle : int
            0 for a list in this order; another number for a list in another order, the same one for the same number.

        Raises
        ------
        InputError
            There are more answers than letters, an order is asked for though the answers are not listed, or there are
            not two or more different answers.

        Examples
        --------
        >>> asked = question_template("letters").ask("Which animal is this?", ("cat", "dog"))
        >>> print(asked.text)
        Which animal is this?
        A. cat
        B. dog
        Answer with the option's letter from the given choices directly.
        >>> asked.answers
        ('A', 'B')
        """
        letters = string.ascii_uppercase
        if self.answer == "letter" and len(answers) > len(letters):
            raise InputError(
                f"the question {question!r} has {len(answers)} answers, more than there are letters",
                where=f"question template {self.name}",
                fix="Use the template plain or listed.",
            )
        order = self._order(len(answers), shuffle)
        place = {number: i for i, number in enumerate(order)}
        listed = [
            self.option.format(answer=answers[number], letter=letters[i % len(letters)])
            for i, number in enumerate(order)
        ]
        said = [letters[place[i]] for i in range(len(answers))] if self.answer == "letter" else answers
        text = self.text.format(question=question, options=self.separator.join(listed))
        try:
            return Question(text=text, answers=tuple(said))
        except ValueError as error:
            raise InputError(str(error), where=f"question template {self.name}") from None

    def _order(self, count: int, shuffle: int) -> list[int]:
        if not shuffle:
            return list(range(count))
        if not self.lists_answers:
            raise InputError(
                "the order of answers has no meaning where the question does not list them",
                where=f"question template {self.name}",
                fix="Leave shuffle_answers at 0, or use a template that lists the answers.",
            )
        # Sorted by a hash, so that the order is the same with every version of every library.
        keys = [hashlib.sha256(f"{shuffle}/{count}/{i}".encode()).digest() for i in range(count)]
        return sorted(range(count), key=keys.__getitem__)

    def facts(self) -> dict[str, Any]:
        """What is stored with a result: name, version, source, and a hash of everything that decides a question."""
        content = json.dumps([self.text, self.option, self.separator, self.answer], ensure_ascii=True)
        return {
            "name": self.name,
            "version": self.version,
            "source": self.source,
            "sha256": hashlib.sha256(content.encode()).hexdigest(),
        }

    def summary(self) -> str:
        """One line for the table of choices."""
        return f"question template {self.name} version {self.version} ({self.source})"


def question_template_names() -> list[str]:
    """The names of the question templates that come with qbench."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def question_template(name: str) -> QuestionTemplate:
    """The question template with a name.

    Examples
    --------
    >>> question_template("plain").ask("Which animal is this?", ("cat", "dog")).text
    'Which animal is this?'
    """
    return QuestionTemplate(**tomllib.loads((FOLDER / f"{name}.toml").read_text("utf-8")))
