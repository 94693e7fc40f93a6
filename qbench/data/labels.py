"""Labels that differ as texts and mean one class, to a reader or to a model. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

NUMBER = re.compile(r"[+-]?\d+(\.\d*)?")


def plain_label(label: str) -> str:
    """What is left of a label without its spelling: Unicode form, upper case, spaces, underscores, number format.

    Examples
    --------
    >>> plain_label(" Tennis_Player "), plain_label("3.0"), plain_label("ﬁre")
    ('tennis player', '3', 'fire')
    """
    text = " ".join(unicodedata.normalize("NFKC", label).replace("_", " ").casefold().split())
    return f"{float(text):.15g}" if NUMBER.fullmatch(text) else text


def same_labels(labels: Iterable[str]) -> list[tuple[str, ...]]:
    """The sets of different labels that mean one class, each sorted.

    Examples
    --------
    >>> same_labels(["man", "woman", "woman ", "Man", "child"])
    [('Man', 'man'), ('woman', 'woman ')]
    """
    found: dict[str, set[str]] = {}
    for label in labels:
        found.setdefault(plain_label(label), set()).add(label)
    return sorted(tuple(sorted(same)) for same in found.values() if len(same) > 1)
