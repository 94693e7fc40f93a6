"""The protocols of declared datasets: their names, and which keys of a ``dataset.toml`` each of them needs. Light."""

from __future__ import annotations

from collections.abc import Mapping

CLASSIFICATION = "classification-disparity"
RETRIEVAL = "retrieval-skew"
CHOICE = "multiple-choice"
STEREOTYPE = "stereotype-choice"

ASKING = frozenset({CHOICE, STEREOTYPE})
"""Each item has a question and answers of its own."""

COUNTING = frozenset({CLASSIFICATION, *ASKING})
"""Answers are counted by group, and pairs of groups are compared."""

MEANINGFUL: Mapping[str, frozenset[str]] = {
    "ks": frozenset({RETRIEVAL}),
    "target": frozenset({RETRIEVAL}),
    "min_group": COUNTING,
    "prompts.template": frozenset({CLASSIFICATION, RETRIEVAL}),
    **{f"prompts.{key}": frozenset({CLASSIFICATION}) for key in ("classes", "known_ties", "names", "question")},
    **{f"prompts.{key}": frozenset({RETRIEVAL}) for key in ("queries", "set")},
    "table.label": COUNTING,
    "table.also_right": frozenset({CLASSIFICATION}),
    **{f"table.{key}": ASKING for key in ("question", "answers")},
    **{f"table.{key}": frozenset({STEREOTYPE}) for key in ("stereotyped", "unknown")},
}
"""Key → the protocols for which it has a meaning; a key that is not here has one for all."""

_ASKED = ((("table.question",), "the column with the question"), (("table.answers",), "the columns with the answers"))
NEEDED: Mapping[str, tuple[tuple[tuple[str, ...], str], ...]] = {
    CLASSIFICATION: (
        (("table.label",), "the column with the correct class"),
        (("prompts.template",), 'such as "a photo of a {}."'),
    ),
    RETRIEVAL: ((("prompts.queries", "prompts.set"), "the texts for which items are ranked"),),
    CHOICE: (*_ASKED, (("table.label",), "the column with the correct answer")),
    STEREOTYPE: (
        *_ASKED,
        (("table.stereotyped",), "the column with the stereotyped answer"),
        (("table.unknown",), "the column with the answer that nobody can know"),
    ),
}
"""Protocol → the keys of which it needs one, and what they are."""
