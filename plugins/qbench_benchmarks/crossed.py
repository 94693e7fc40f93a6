"""Intersections of attributes: persons seen as dark *and* female are a group that neither attribute shows alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import product

import pandas as pd

from qbench.api import Attribute, InputError

SIGN = "×"
NONE = "na"
"""The value of an item that is in no group of one of the attributes; it is counted but not compared."""


def crossed(
    attributes: Sequence[Attribute],
    chosen: Iterable[Sequence[str]],
    pairs: Iterable[tuple[str, str]] = (),
) -> tuple[Attribute, ...]:
    """Build the attributes of the intersections.

    Parameters
    ----------
    attributes : sequence of Attribute
        The attributes that can be crossed.
    chosen : iterable of sequence of str
        The names of the attributes of each intersection, in the order in which the names of its groups have them.
    pairs : iterable of (str, str)
        Groups to compare, first minus second, such as ``("masc×light", "fem×dark")``; each pair belongs to the
        intersection that has both groups.

    Returns
    -------
    tuple of Attribute
        ``gender×skin_tone`` with groups ``masc×light``, ``masc×medium``, …

    Raises
    ------
    InputError
        An attribute does not exist, or no intersection has both groups of a pair.
    """
    known = {attribute.name: attribute for attribute in attributes}
    wanted, made, placed = list(pairs), [], set()
    for names in chosen:
        unknown = [name for name in names if name not in known]
        if unknown:
            raise InputError(
                f"intersections: there is no attribute {unknown[0]!r}", fix=f"There are: {', '.join(known)}."
            )
        groups = tuple(SIGN.join(values) for values in product(*(known[name].groups for name in names)))
        mine = tuple(pair for pair in wanted if {*pair} <= {*groups})
        placed |= {*mine}
        made.append(Attribute(name=SIGN.join(names), groups=groups, pairs=mine))
    for pair in wanted:
        if pair not in placed:
            raise InputError(
                f"no intersection has both groups of the pair {' and '.join(pair)}",
                fix=f"Groups are written with {SIGN}, in the order of the intersection, such as masc{SIGN}light.",
            )
    return tuple(made)


def with_crossed(table: pd.DataFrame, attributes: Sequence[Attribute], crossings: Sequence[Attribute]) -> pd.DataFrame:
    """Add one column per intersection to a table with the columns of the attributes."""
    groups = {attribute.name: attribute.groups for attribute in attributes}
    columns: dict[str, pd.Series[str]] = {}
    for crossing in crossings:
        names = crossing.name.split(SIGN)
        value = table[names[0]].astype("str")
        known = value.isin(groups[names[0]])
        for name in names[1:]:
            value = value + SIGN + table[name]
            known &= table[name].isin(groups[name])
        columns[crossing.name] = value.where(known, NONE).astype("str")
    return table.assign(**columns)
