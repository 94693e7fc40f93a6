"""From the columns of a table to one group an item, as an `AttributeSpec` says; what fits nowhere names its row."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable

import numpy as np

from qbench.data.groups import NONE, binned_group, flagged_group, mean_vote
from qbench.data.labels import plain_label
from qbench.data.tables import AnnotationTable, is_spreadsheet_date, whole_numbers
from qbench.declared.schema import AttributeSpec
from qbench.errors import DataError

WHOLE = re.compile(r"-?\d+\.0+")


def columns_of(name: str, spec: AttributeSpec) -> list[str]:
    """The columns of the table from which an attribute is derived."""
    if spec.flags:
        return list(spec.flags.values())
    return list(spec.votes) or [spec.column or name]


def groups_of(name: str, spec: AttributeSpec, table: AnnotationTable) -> list[str]:
    """The group of each row.

    Raises
    ------
    DataError
        A cell belongs to no group, and the attribute has no ``other``; the message names file and row.
    """
    if spec.flags:
        return flagged_group(whole_numbers(table, columns_of(name, spec), most=1), list(spec.flags))
    if spec.votes:
        mean = mean_vote(whole_numbers(table, spec.votes))
        found = binned_group(mean, spec.bins)
        texts = ["" if math.isnan(m) else f"{m:g}" for m in mean]
        found = [NONE if math.isnan(m) else group for m, group in zip(mean, found, strict=True)]
    else:
        texts = table.columns[spec.column or name]
        found = binned_group(np.array([_number(t) for t in texts]), spec.bins) if spec.bins else _by_value(spec, texts)
    misspelt = _misspelt(spec, set(texts))
    for row, group in enumerate(found):
        if not group and (not spec.other or texts[row] in misspelt):
            raise _stray(name, spec, texts[row], table.where(row))
    return [group or spec.other for group in found]


def _by_value(spec: AttributeSpec, texts: list[str]) -> list[str]:
    place = {cell: group for group, cells in spec.values.items() for cell in cells}
    if not spec.values:
        place = {group: group for group in spec.groups}
    known = {text: place.get(text, place.get(plain_number(text), "")) for text in set(texts)}
    return [known[text] for text in texts]


def _misspelt(spec: AttributeSpec, texts: Iterable[str]) -> set[str]:
    """The cells that are not among the known values, but differ from one in their spelling only: not another group."""
    known = {cell for cells in spec.values.values() for cell in cells} if spec.values else set(spec.groups)
    plain = set() if spec.bins else {plain_label(cell) for cell in known}
    return {text for text in texts if text not in known and plain_label(text) in plain}


def plain_number(text: str) -> str:
    """``3`` for ``3.0``, as a column of whole numbers with gaps is often written."""
    return text.partition(".")[0] if WHOLE.fullmatch(text) else text


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _stray(name: str, spec: AttributeSpec, text: str, where: str) -> DataError:
    if is_spreadsheet_date(text):
        return DataError(
            f"the {name} {text!r} is a date: a spreadsheet has turned a range such as 3-9 into one",
            where=where,
            fix="Get the table again and do not save it from a spreadsheet.",
        )
    if spec.bins:
        if text == "" or math.isnan(_number(text)):
            what = f"the {name} {text!r} is not a number"
        else:
            what = f"the {name} {text} is in none of the bins"
        known = [f"{group} [{low:g}, {high:g})" for group, (low, high) in spec.bins.items()]
    else:
        known = [cell for cells in spec.values.values() for cell in cells] if spec.values else list(spec.groups)
        what = f"the {name} {text!r} is not one of {', '.join(map(repr, known))}" if text else f"the {name} is empty"
    close = difflib.get_close_matches(text, known, n=1) if text else []
    hint = f"Did you mean {close[0]!r}? " if close else ""
    listed = f"The bins: {', '.join(known)}. " if spec.bins else ""
    return DataError(
        what,
        where=where,
        fix=f'{hint}{listed}Or say in the description what all other cells are: attributes.{name}.other = "unknown".',
    )
