"""Checks of a dataset before hours are spent on it: whether it is complete and sound. They work on any `Items`.

A finding is *wrong* if it makes results wrong or a run refuses the data; otherwise it is a *warning*. The annotations
and the digests of the images are read by the caller (`qbench.execution.data_check`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from qbench.data.items import FURTHER_LABEL, Items
from qbench.data.labels import same_labels
from qbench.data.subset import existing, present
from qbench.data.tables import is_spreadsheet_date, is_spreadsheet_error, is_spreadsheet_number
from qbench.errors import DataError
from qbench.images.decoding import CheckTask
from qbench.images.locations import ImageLocation
from qbench.images.workers import worked_on
from qbench.text import counted

SHOWN = 5
"""Number of examples of a finding that are shown where not all are asked for."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something in a dataset that is wrong or deserves a warning.

    Attributes
    ----------
    level : {"wrong", "warning"}
        Whether it makes a result wrong.
    kind : str
        ``annotations``, ``missing``, ``unreadable``, ``ids``, ``labels``, ``spreadsheet``, ``split``, ``duplicates``,
        ``groups`` or ``licence``.
    what : str
        One sentence.
    count : int
        Number of items, images or groups that it concerns.
    examples : tuple of str
        All of them; counts by group, where images are missing.
    """

    level: Literal["wrong", "warning"]
    kind: str
    what: str
    count: int = 0
    examples: tuple[str, ...] = ()


def counts(items: Items) -> dict[str, dict[str, int]]:
    """Count the items by attribute and value: first the groups that are compared, then all other values, sorted."""
    found = {}
    for attribute in items.attributes:
        number = items.table[attribute.name].astype(str).value_counts()
        names = [*attribute.groups, *sorted(set(number.index) - {*attribute.groups})]
        found[attribute.name] = {name: int(number.get(name, 0)) for name in names}
    return found


def check_table(items: Items, *, expected: int, allow_missing: bool) -> list[Finding]:
    """Check what the annotations alone can show: duplicate IDs, labels that mean one class, spreadsheet damage, another
    split, empty groups.

    Parameters
    ----------
    items : Items
        All items of the annotations.
    expected : int
        Number of items of the whole published split; 0 if it is not known.
    allow_missing : bool
        Whether fewer items than that are allowed.
    """
    return [
        *_double_ids(items.table),
        *_same_labels(items),
        *_spreadsheet(items),
        *_split(len(items), expected, allow_missing),
        *_empty_groups(items),
    ]


def check_images(
    items: Items,
    *,
    decode: bool,
    allow_missing: bool,
    workers: int = 2,
    step: Callable[[int], None] = lambda n: None,
) -> tuple[list[Finding], list[ImageLocation]]:
    """Check every image.

    Parameters
    ----------
    items : Items
        All items of the annotations.
    decode : bool
        Whether to decode the pixels; otherwise only headers and boxes are checked.
    allow_missing : bool
        Whether missing images are only a warning.
    workers : int
        Number of processes, at most.
    step : callable
        Called with the number of images that were checked since the last call.

    Returns
    -------
    findings : list of Finding
        Missing and unreadable images.
    sound : list of ImageLocation
        All other images.
    """
    there = [image for image, found in zip(items.images, existing(items.images), strict=True) if found]

    bad: dict[int, str] = {}
    with worked_on([CheckTask(image, decode) for image in there], workers) as results:
        for number, error in results:
            if error is not None:
                bad[number] = f"{there[number].source.id(there[number].key)}: {error.what}"
            step(1)
    findings = _missing(items, len(items.images) - len(there), allow_missing)
    if bad:
        examples = [bad[number] for number in sorted(bad)]
        findings.append(
            _finding("wrong", "unreadable", f"{counted(len(bad), 'image', 'images')} cannot be used", examples)
        )
    return findings, [image for number, image in enumerate(there) if number not in bad]


def check_duplicates(items: Items, digests: Mapping[ImageLocation, str]) -> list[Finding]:
    """Find images with the same content and different IDs, and among them those with different labels or groups.

    Parameters
    ----------
    items : Items
        The items.
    digests : mapping of ImageLocation to str
        The digest of each image that can be read.
    """
    columns = ["label", *(a.name for a in items.attributes)]
    by_image = items.table.groupby("image_index")[columns].agg(_distinct)
    labels = {number: tuple(row) for number, *row in by_image.itertuples(name=None)}
    contents: dict[str, dict[str, set[object]]] = {}
    for number, image in enumerate(items.images):
        if image in digests:
            ids = contents.setdefault(digests[image], {})
            ids.setdefault(image.source.id(image.key), set()).add(labels.get(number))
    findings = []
    same = [sorted(names) for names in contents.values() if len(names) > 1]
    if same:
        images = counted(len(same), "image occurs", "images occur")
        what = f"{images} under several names, so that items count more than once"
        findings.append(_finding("warning", "duplicates", what, [" = ".join(names) for names in same]))
    contrary = [sorted(n) for n in contents.values() if len(n) > 1 and len(set().union(*n.values())) > 1]
    if contrary:
        what = (
            f"{counted(len(contrary), 'of them has', 'of them have')} different labels or groups under different names"
        )
        findings.append(_finding("warning", "duplicates", what, [" = ".join(names) for names in contrary]))
    return findings


def _distinct(values: pd.Series[str]) -> tuple[str, ...]:
    return tuple(sorted(set(values)))


def _finding(level: Literal["wrong", "warning"], kind: str, what: str, examples: Sequence[str]) -> Finding:
    return Finding(level=level, kind=kind, what=what, count=len(examples), examples=tuple(examples))


def _missing(items: Items, images: int, allowed: bool) -> list[Finding]:
    if not images:
        return []
    level: Literal["wrong", "warning"] = "warning" if allowed else "wrong"
    try:
        _, missing = present(items, allow_missing=True, where="")
    except DataError:
        what = f"the images of all {len(items)} items are missing"
        names = [image.source.id(image.key) for image in items.images]
        return [_finding("wrong", "missing", what, names)]
    groups = [
        f"{attribute} {group or '(empty)'}: {number}"
        for attribute, found in missing["by_group"].items()
        for group, number in found.items()
    ]
    what = f"the images of {missing['count']} of {missing['of']} items are missing"
    return [Finding(level=level, kind="missing", what=what, count=int(missing["count"]), examples=tuple(groups))]


def _double_ids(table: pd.DataFrame) -> list[Finding]:
    double = sorted(set(table["item"][table["item"].duplicated()].astype(str)))
    return (
        [_finding("wrong", "ids", f"{counted(len(double), 'ID belongs', 'IDs belong')} to several items", double)]
        if double
        else []
    )


def labels_of(items: Items) -> list[str]:
    """The different labels of the items, further correct classes included; without the empty one."""
    columns = [name for name in items.table if name == "label" or FURTHER_LABEL.fullmatch(str(name))]
    found = {str(value) for name in columns for value in items.table[name].unique()}
    return sorted(found - {""})


def check_labels(items: Items, *, where: str) -> None:
    """Raise `DataError` if two labels mean one class, to a reader or to a model: the second would have recall 0."""
    for finding in _same_labels(items):
        raise DataError(
            f"{finding.what}: {'; '.join(finding.examples[:SHOWN])}", where=where, fix="Mend the labels in the table."
        )


def _same_labels(items: Items) -> list[Finding]:
    same = [" = ".join(map(repr, labels)) for labels in same_labels(labels_of(items))]
    classes = counted(len(same), "class has", "classes have")
    what = f"{classes} labels of several spellings, which are the same text to a reader or to a model"
    return [_finding("wrong", "labels", what, same)] if same else []


def _spreadsheet(items: Items) -> list[Finding]:
    findings = []
    for name in ("label", *(a.name for a in items.attributes)):
        values = sorted(set(items.table[name].astype(str)))
        errors = [value for value in values if is_spreadsheet_error(value)]
        if errors:
            what = f"values of {name} are errors: a formula of a spreadsheet had no value"
            findings.append(_finding("wrong", "spreadsheet", what, errors))
        dates = [value for value in values if is_spreadsheet_date(value)]
        if dates:
            what = f"values of {name} are dates: a spreadsheet has turned ranges such as 3-9 into dates"
            findings.append(_finding("wrong", "spreadsheet", what, dates))
    numbers = [value for value in items.table["item"].astype(str) if is_spreadsheet_number(value)]
    if numbers:
        what = "IDs are rounded numbers: a spreadsheet has dropped digits"
        findings.append(_finding("wrong", "spreadsheet", what, numbers))
    return findings


def _split(found: int, expected: int, allow_missing: bool) -> list[Finding]:
    if not expected or found == expected:
        return []
    fewer = found < expected
    what = f"there are {found:,} items, but the whole split has {expected:,}: " + (
        "it is incomplete, or another split" if fewer else "it is another split, or several splits together"
    )
    level: Literal["wrong", "warning"] = "warning" if fewer and allow_missing else "wrong"
    return [Finding(level=level, kind="split", what=what, count=abs(expected - found))]


def _empty_groups(items: Items) -> list[Finding]:
    findings = []
    for attribute, found in counts(items).items():
        compared = next(a.groups for a in items.attributes if a.name == attribute)
        empty = [name for name in compared if not found[name]]
        if empty:
            what = f"groups of {attribute} have no item, so nothing can be said about them"
            findings.append(_finding("warning", "groups", what, empty))
    return findings
