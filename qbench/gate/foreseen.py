"""Which numbers the gate will leave out, known before a run: decided by the same function as in the gate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, partial

import numpy as np
import numpy.typing as npt
import pandas as pd

from qbench.gate.decidable import Undecidable, undecidable
from qbench.gate.designs import Design
from qbench.gate.questions import Question
from qbench.results.statistics import declared_statistics, installed_statistics
from qbench.statistics.dispatch import bounds
from qbench.statistics.settings import Settings
from qbench.vocabulary import MetricRole, Unit

UNKNOWN = ("change", "se", "df", "low", "high", "sum_se", "gain1", "loss1", "deff1", "gain2", "loss2", "deff2", "rho")
"""Columns of the effects of which nothing is known before a run."""


def foreseen(
    questions: Sequence[Question], limit: npt.NDArray[np.float64], settings: Settings
) -> list[Undecidable | None]:
    """For each number why no answer could decide it; None where it can be decided, or nothing is known of its items.

    Parameters
    ----------
    questions : sequence of Question
        The numbers, ``(n,)``.
    limit : numpy.ndarray
        ``(n,)``, the limit of each.
    settings : Settings
        The confidence.
    """
    if not questions:
        return []
    designs = {question.design.benchmark: question.design for question in questions}
    names = {label: _statistics(design) for label, design in designs.items()}
    sizes = np.array([_sizes(question) for question in questions], dtype=np.float64)
    rows = [
        {
            **dict(zip(("benchmark", "metric", "attribute", "group", "class"), question.number, strict=True)),
            "unit": question.info.unit,
            "better": question.info.better,
            "method": "counts",
            "statistic": names[question.design.benchmark].get(question.info.name, ""),
        }
        for question in questions
    ]
    frame = pd.DataFrame(rows).assign(n1=sizes[:, 0], n2=sizes[:, 1], **dict.fromkeys(UNKNOWN, np.nan))
    return undecidable(
        frame,
        [question.info.judged_as for question in questions],
        limit,
        partial(bounds, statistics=installed_statistics()),
        cache(lambda label: _shares(designs[label])),
        settings.confidence,
    )


def _statistics(design: Design) -> dict[str, str]:
    return declared_statistics((info.name, info.statistic) for info in design.metrics).names


def _sizes(question: Question) -> tuple[float, float]:
    """Items of the group, or of both groups of a pair; NaN for what is not known or does not exist.

    Of a mean gap over classes, as many items of equal weight as say the same (Kish 1965).
    """
    design = question.design
    if question.info.judged_as is not MetricRole.GAP:
        items = question.items
        return (np.nan if items is None else float(items), np.nan)
    attribute = next((a for a in design.attributes if a.name == question.attribute), None)
    pair = attribute.group_pairs.get(question.group) if attribute else None
    if attribute is None or pair is None or Unit(question.info.unit) is not Unit.POINTS:
        return np.nan, np.nan
    of_classes = design.by_class(attribute.name, pair)
    if question.class_:
        return of_classes.get(question.class_, (np.nan, np.nan))
    if not of_classes:
        return np.nan, np.nan
    first, second = len(of_classes) ** 2 / (1 / np.array(list(of_classes.values()), dtype=np.float64)).sum(axis=0)
    return float(first), float(second)


def _shares(design: Design) -> Mapping[tuple[str, str], float]:
    """Attribute and group → the group's share of the items."""
    if design.items is None:
        return {}
    names = [attribute.name for attribute in design.attributes if attribute.name in design.items]
    counts = {name: design.items[name].value_counts(normalize=True) for name in names}
    return {(str(a), str(group)): float(share) for a, of in counts.items() for group, share in of.items()}
