"""The options of a declared dataset in a spec, which replace values of its ``dataset.toml``. Light."""

from __future__ import annotations

from dataclasses import dataclass

from qbench.probes.choices.interface import Length
from qbench.probes.choices.options import QuestionOptions

QUESTION_OPTIONS = ("question_template", "answer_length", "shuffle_answers")


@dataclass(frozen=True, kw_only=True)
class DeclaredOptions:
    """Options of every declared dataset; `None` (also 0 or empty in a spec) leaves the choice to the ``dataset.toml``.

    Attributes
    ----------
    min_group : int or None
        Number of items that both groups of a pair need in a class for a disparity.
    ks : tuple of int or None
        Cut-offs of the skews.
    target : {"uniform", "gallery"} or None
        The shares that the groups should have in the top k.
    question_template, answer_length, shuffle_answers
        Those of `QuestionOptions`, for a dataset with a question.
    """

    min_group: int | None = None
    ks: tuple[int, ...] | None = None
    target: str | None = None
    question_template: str | None = None
    answer_length: Length | None = None
    shuffle_answers: int | None = None

    def __post_init__(self) -> None:
        """Check the values; a list of cut-offs becomes a tuple."""
        least = self.min_group or 0
        if isinstance(least, bool) or not isinstance(least, int) or least < 0:
            raise ValueError(f"min_group is {self.min_group!r}; it is a whole number from 1, or 0 for the declared one")
        ks = tuple(self.ks or ())
        if any(isinstance(k, bool) or not isinstance(k, int) or k < 1 for k in ks) or len(set(ks)) < len(ks):
            raise ValueError(f"ks is {list(ks)}; it is a list of different whole numbers from 1")
        if self.target not in (None, "", "uniform", "gallery"):
            raise ValueError(f"target is {self.target!r}; it is one of 'uniform', 'gallery'")
        for name in QUESTION_OPTIONS:
            object.__setattr__(self, name, getattr(self, name) or None)
        self.questions()
        for name, given in (("min_group", least), ("ks", ks), ("target", self.target)):
            object.__setattr__(self, name, given or None)

    def questions(self) -> QuestionOptions:
        """How questions are put, with the defaults where nothing is said."""
        given = {name: value for name in QUESTION_OPTIONS if (value := getattr(self, name)) is not None}
        return QuestionOptions(**given)
