"""Is a dataset complete and sound? What a person wants to know before hours are spent on it. Works on any `Items`.

What is *wrong* makes a result wrong, or a run refuses it; a *warning* is something to know. Reading annotations and
remembering digests is the business of others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from qbench.data.items import Items
from qbench.data.subset import present
from qbench.data.tables import spreadsheet_date, spreadsheet_number
from qbench.errors import DataError
from qbench.images.decoding import check_image, relative_name
from qbench.images.locations import ImageLocation

SHOWN = 5
"""Examples that a finding names."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something that is wrong, or worth a warning.

    Attributes
    ----------
    level : {"wrong", "warning"}
        Whether it makes a result wrong.
    kind : str
        ``annotations``, ``missing``, ``unreadable``, ``ids``, ``spreadsheet``, ``split``, ``duplicates``, ``groups`` or
        ``licence``.
    what : str
        One sentence.
    count : int
        Items, images or groups that it concerns.
    examples : tuple of str
        The first of them; counts by group, where images are missing.
    """

    level: Literal["wrong", "warning"]
    kind: str
    what: str
    count: int = 0
    examples: tuple[str, ...] = ()


def counts(items: Items) -> dict[str, dict[str, int]]:
    """Items of each value of each attribute: the groups that are compared first, then what has no label to compare."""
    found = {}
    for attribute in items.attributes:
        number = items.table[attribute.name].astype(str).value_counts()
        names = [*attribute.groups, *sorted(set(number.index) - {*attribute.groups})]
        found[attribute.name] = {name: int(number.get(name, 0)) for name in names}
    return found


def check_table(items: Items, *, expected: int, allow_missing: bool) -> list[Finding]:
    """What the annotations alone show: double ids, spreadsheet damage, another split, empty groups.

    Parameters
    ----------
    items : Items
        All items of the annotations.
    expected : int
        Items of the whole published split; 0 is not known.
    allow_missing : bool
        Whether fewer items than that are fine.
    """
    return [
        *_double_ids(items.table),
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
    """Look at every image.

    Parameters
    ----------
    items : Items
        All items of the annotations.
    decode : bool
        Decode the pixels; otherwise only headers are read, and whether boxes lie inside.
    allow_missing : bool
        Whether missing images are a warning only.
    workers : int
        Threads.
    step : callable
        Hears how many images were looked at.

    Returns
    -------
    findings : list of Finding
        Missing and unreadable images.
    sound : list of ImageLocation
        Those that are neither.
    """
    on_disk = [ref for ref in items.images if ref.path.is_file()]

    def one(ref: ImageLocation) -> str:
        try:
            check_image(ref, decode=decode)
        except DataError as error:
            return f"{relative_name(ref.path, items.root)}: {error.what}"
        finally:
            step(1)
        return ""

    with ThreadPoolExecutor(workers) as pool:
        said = list(pool.map(one, on_disk))
    findings = _missing(items, len(items.images) - len(on_disk), allow_missing)
    bad = [text for text in said if text]
    if bad:
        findings.append(_finding("wrong", "unreadable", f"{len(bad)} images cannot be used", bad))
    return findings, [ref for ref, text in zip(on_disk, said, strict=True) if not text]


def check_duplicates(items: Items, digests: Mapping[ImageLocation, str]) -> list[Finding]:
    """Files with the same content under different names; apart, those whose items have different labels or groups.

    Parameters
    ----------
    items : Items
        The items.
    digests : mapping of ImageLocation to str
        The digest of each image's file, of those that can be read.
    """
    columns = ["label", *(a.name for a in items.attributes)]
    by_image = items.table.groupby("image_index")[columns].agg(_distinct)
    said = {number: tuple(row) for number, *row in by_image.itertuples(name=None)}
    files: dict[str, dict[str, set[object]]] = {}
    for number, ref in enumerate(items.images):
        if ref in digests:
            name = relative_name(ref.path, items.root)
            files.setdefault(digests[ref], {}).setdefault(name, set()).add(said.get(number))
    findings = []
    same = [sorted(names) for names in files.values() if len(names) > 1]
    if same:
        what = f"{len(same)} images are there under several names: their items count more than once"
        findings.append(_finding("warning", "duplicates", what, [" = ".join(names) for names in same]))
    contrary = [sorted(n) for n in files.values() if len(n) > 1 and len(set().union(*n.values())) > 1]
    if contrary:
        what = f"{len(contrary)} of them have different labels or groups under their names"
        findings.append(_finding("warning", "duplicates", what, [" = ".join(names) for names in contrary]))
    return findings


def _distinct(values: pd.Series[str]) -> tuple[str, ...]:
    return tuple(sorted(set(values)))


def _finding(level: Literal["wrong", "warning"], kind: str, what: str, examples: Sequence[str]) -> Finding:
    return Finding(level=level, kind=kind, what=what, count=len(examples), examples=tuple(examples[:SHOWN]))


def _missing(items: Items, images: int, allowed: bool) -> list[Finding]:
    if not images:
        return []
    level: Literal["wrong", "warning"] = "warning" if allowed else "wrong"
    try:
        _, missing = present(items, allow_missing=True, where="")
    except DataError:
        what = f"none of the {len(items)} items has its image on disk"
        paths = [relative_name(ref.path, items.root) for ref in items.images]
        return [_finding("wrong", "missing", what, paths)]
    groups = [
        f"{attribute} {group or '(empty)'}: {number}"
        for attribute, found in missing["by_group"].items()
        for group, number in found.items()
    ]
    what = f"{missing['count']} of {missing['of']} items have no image on disk"
    return [Finding(level=level, kind="missing", what=what, count=int(missing["count"]), examples=tuple(groups))]


def _double_ids(table: pd.DataFrame) -> list[Finding]:
    double = sorted(set(table["item"][table["item"].duplicated()].astype(str)))
    return [_finding("wrong", "ids", f"{len(double)} ids belong to several items", double)] if double else []


def _spreadsheet(items: Items) -> list[Finding]:
    findings = []
    for name in ("label", *(a.name for a in items.attributes)):
        dates = sorted({value for value in items.table[name].astype(str) if spreadsheet_date(value)})
        if dates:
            what = f"values of {name} are dates: a spreadsheet has turned ranges such as 3-9 into them"
            findings.append(_finding("wrong", "spreadsheet", what, dates))
    numbers = [value for value in items.table["item"].astype(str) if spreadsheet_number(value)]
    if numbers:
        what = "ids are rounded numbers: a spreadsheet has cut their digits"
        findings.append(_finding("wrong", "spreadsheet", what, numbers))
    return findings


def _split(found: int, expected: int, allow_missing: bool) -> list[Finding]:
    if not expected or found == expected:
        return []
    fewer = found < expected
    what = f"{found:,} items, where the whole split has {expected:,}: " + (
        "incomplete, or another split" if fewer else "another split, or several together"
    )
    level: Literal["wrong", "warning"] = "warning" if fewer and allow_missing else "wrong"
    return [Finding(level=level, kind="split", what=what, count=abs(expected - found))]


def _empty_groups(items: Items) -> list[Finding]:
    findings = []
    for attribute, found in counts(items).items():
        compared = next(a.groups for a in items.attributes if a.name == attribute)
        empty = [name for name in compared if not found[name]]
        if empty:
            what = f"groups of {attribute} have no item: nothing can be said of them"
            findings.append(_finding("warning", "groups", what, empty))
    return findings
