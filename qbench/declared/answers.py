"""From the columns of a table to one question an item: its answers, and which of them is right or stereotyped."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from qbench.data.labels import same_labels
from qbench.data.tables import AnnotationTable
from qbench.declared.groups import plain_number
from qbench.declared.schema import TableSpec
from qbench.errors import DataError

QUESTION, ANSWERS, RIGHT, STEREOTYPED, UNKNOWN = "question", "answers", "right", "stereotyped", "unknown"
"""Columns of the items: texts, and of `ANSWERS` a JSON list of texts."""


def answer_columns(spec: TableSpec) -> list[str]:
    """The columns of the table that questions and answers are read from; some may be empty texts."""
    return [spec.question, *_columns(spec), spec.stereotyped, spec.unknown]


def asked_columns(spec: TableSpec, table: AnnotationTable) -> dict[str, list[str]]:
    """The question of each row, its answers, and the texts of the answers that the table points out.

    Returns
    -------
    dict
        `QUESTION`, `ANSWERS` and `RIGHT` (an empty text where no answer is right); and, where the description names
        these columns, `STEREOTYPED` and `UNKNOWN`.

    Raises
    ------
    DataError
        A row has no question, fewer than two answers or two with the same text, or a cell points out none of them; the
        message names file and row.
    """
    answers = [_answers_of(spec, table, row) for row in range(len(table))]
    found = {
        QUESTION: [_question(spec, table, row) for row in range(len(table))],
        ANSWERS: [json.dumps(list(of_row.values()), ensure_ascii=False) for of_row in answers],
        RIGHT: _pointed_out(spec, table, answers, spec.label, needed=not spec.unknown),
    }
    for name, column in ((STEREOTYPED, spec.stereotyped), (UNKNOWN, spec.unknown)):
        if column:
            found[name] = _pointed_out(spec, table, answers, column, needed=True)
    for row in range(len(table)) if spec.unknown else ():
        if found[STEREOTYPED][row] == found[UNKNOWN][row]:
            raise DataError(
                f"{spec.stereotyped} and {spec.unknown} are the same answer, {found[UNKNOWN][row]!r}",
                where=table.where(row),
            )
    return found


def _columns(spec: TableSpec) -> list[str]:
    return list(spec.answers.values()) if isinstance(spec.answers, Mapping) else list(spec.answers)


def _question(spec: TableSpec, table: AnnotationTable, row: int) -> str:
    text = table.columns[spec.question][row].strip()
    if not text:
        raise DataError(f"{spec.question} is empty", where=table.where(row), fix="Each item needs a question.")
    return text


def _answers_of(spec: TableSpec, table: AnnotationTable, row: int) -> dict[str, str]:
    """What a cell calls an answer → its text, without empty ones."""
    texts = {column: table.columns[column][row].strip() for column in _columns(spec)}
    there = [text for text in texts.values() if text]
    if len(there) < 2:
        raise DataError(
            f"there are fewer than two answers in {', '.join(texts)}",
            where=table.where(row),
            fix="Each question needs two answers or more.",
        )
    same = [text for text in there if there.count(text) > 1] or [text for texts in same_labels(there) for text in texts]
    if same:
        said = f"is {same[0]!r}" if same[0] == same[1] else f"are {same[0]!r} and {same[1]!r}"
        raise DataError(
            f"two answers are the same: the text {said}",
            where=table.where(row),
            fix="A model cannot choose between them: mend the table, or leave one of them empty.",
        )
    if isinstance(spec.answers, Mapping):
        return {name: texts[column] for name, column in spec.answers.items() if texts[column]}
    return {text: text for text in there}


def _pointed_out(
    spec: TableSpec, table: AnnotationTable, answers: Sequence[Mapping[str, str]], column: str, *, needed: bool
) -> list[str]:
    """The text of the answer that each cell of a column points out; empty for an empty cell that is allowed."""
    if not column:
        return [""] * len(table)
    named = isinstance(spec.answers, Mapping)
    found = []
    for row, cell in enumerate(table.columns[column]):
        cell = cell.strip()
        if not cell and not needed:
            found.append("")
            continue
        text = answers[row].get(cell) or (answers[row].get(plain_number(cell)) if named else None)
        if text is None:
            what = "the name of an answer" if named else "the text of an answer"
            raise DataError(
                f"{column} is {cell!r}, and not one of {', '.join(map(repr, answers[row]))}",
                where=table.where(row),
                fix=f"A cell of {column} is {what} of its row"
                + (", as table.answers in the description names them." if named else "."),
            )
        found.append(text)
    return found
