"""Numbers that data cannot give, in lines for a terminal: one per cause, however many numbers it has."""

from __future__ import annotations

from collections.abc import Sequence

from qbench.metrics.interface import Unavailable
from qbench.text import counted

SHOWN = 12
"""Causes that are listed; the others are counted."""


def unavailable_lines(said: Sequence[Unavailable]) -> list[str]:
    """What is not available, why, and what can be done; nothing where everything is available.

    Examples
    --------
    >>> whole = {"cause": "k is the whole gallery", "remedy": "Choose a smaller k."}
    >>> for line in unavailable_lines([Unavailable(metric=m, **whole) for m in ("skew@9", "max_skew@9")]):
    ...     print(line)
    Numbers that this data cannot give:
      skew@9, max_skew@9: k is the whole gallery. Choose a smaller k.
    """
    by_cause: dict[tuple[str, str, str, str, int], list[str]] = {}
    for one in said:
        key = (one.cause, one.remedy, one.attribute, one.group, len(one.classes))
        by_cause.setdefault(key, []).append(one.metric)
    lines = [
        f"  {', '.join(metrics)}{_about(attribute, group, classes)}: {cause}. {remedy}".rstrip()
        for (cause, remedy, attribute, group, classes), metrics in by_cause.items()
    ]
    more = [f"  and {counted(len(lines) - SHOWN, 'more cause')} (--format json of `qbench data check` lists all)"]
    return ["Numbers that this data cannot give:", *lines[:SHOWN], *more[: len(lines) > SHOWN]] if lines else []


def _about(attribute: str, group: str, classes: int) -> str:
    where = ": ".join(part for part in (attribute, group) if part)
    counted = f"{classes:,} {'class' if classes == 1 else 'classes'}" if classes else ""
    found = ", ".join(part for part in (where, counted) if part)
    return f" ({found})" if found else ""
