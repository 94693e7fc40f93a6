"""Labels that differ as texts and mean one class, to a reader or to a model. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from decimal import Context, Decimal

NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)")
EXACT = Context(prec=1000)
"""Numbers are not rounded: labels may be identifiers with many digits."""
INVISIBLE = re.compile("[\ufe00-\ufe0f]")
"""Signs that choose a form of the character before them; those that only direct the writing are of category Cf."""


def plain_label(label: str) -> str:
    """What is left of a label without its spelling: Unicode form, upper case, spaces, underscores, number format.

    Characters that nobody sees (a zero-width space, a soft hyphen, a mark of direction) are left out, too.

    Examples
    --------
    >>> plain_label(" Tennis_Player "), plain_label("3.0"), plain_label("ﬁre"), plain_label("nur\u00adse")
    ('tennis player', '3', 'fire', 'nurse')
    """
    seen = "".join(x for x in INVISIBLE.sub("", label) if unicodedata.category(x) != "Cf")
    text = " ".join(unicodedata.normalize("NFKC", seen).replace("_", " ").casefold().split())
    return f"{Decimal(text).normalize(EXACT):f}" if NUMBER.fullmatch(text) else text


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
