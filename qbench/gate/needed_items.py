"""How many items decide a number before a run, for an assumed share of answers that flip.

Items are taken as independent: persons who share an image count for somewhat less. The sample sizes are those of
`qbench.stats.decide`, which the column ``needed`` of an analysis comes from too.

- A share (an accuracy or another share of answers, of all items or of a group) varies by its flips. A mean over classes
  is taken for a share of all items, which it is where the classes are equally large.
- A gap is a mean over the classes of the difference of two groups' shares, or one difference where no class is known.
- A skew varies by the images that enter and leave the top k. Its unit is the expected hit: k times the group's share of
  the gallery. A mean over queries is taken to vary as much as a single query does, which is the most that it can.
- Of any other number it is not known before a run how much it varies, and no size is given.
"""

from __future__ import annotations

import math
from typing import Literal, Protocol

import numpy as np

from qbench.gate.decidable import least_hits
from qbench.gate.questions import Question
from qbench.statistics.sample_size import POWER
from qbench.stats.decide import items_to_prove, needed_from_se, needed_items
from qbench.vocabulary import MetricRole, Unit

Counted = Literal["items", "persons of both groups", "expected hits at k"]


class Sized(Protocol):
    """A kind of number: what it is made of, and how many of that decide it."""

    counted: Counted
    there: int | None

    def to_pass(self, flips: float, limit: float, alpha: float) -> float:
        """How many show that no change is within the limit; NaN where that is not known."""
        ...

    def to_fail(self, flips: float, limit: float, loss: float, level: float) -> float:
        """How many show that the loss is beyond the limit."""
        ...


def sized(question: Question) -> Sized:
    """Of what a number is made, by its role and unit."""
    info = question.info
    role, unit = info.judged_as, Unit(info.unit)
    if role is MetricRole.GAP and unit is Unit.POINTS and question.of_pair:
        return _Gap(question)
    if role is MetricRole.SKEW and unit is Unit.NATS:
        return _Skew(question)
    of_answers = role is MetricRole.ACCURACY or (info.statistic is not None and info.statistic.name == "share")
    return _Share(question) if of_answers and unit is Unit.SHARE else _Other(question)


class _Share:
    """A share of the items of a group."""

    counted: Counted = "items"

    def __init__(self, question: Question) -> None:
        self.there = question.items

    def to_pass(self, flips: float, limit: float, alpha: float) -> float:
        """Items with which no change is shown to be within the limit."""
        return float(needed_items(flips, limit, alpha=alpha, power=POWER))

    def to_fail(self, flips: float, limit: float, loss: float, level: float) -> float:
        """Items with which the loss is shown to be beyond the limit."""
        return float(items_to_prove(flips, limit, loss, alpha=level, power=POWER))


class _Other:
    """A number of which it is not known before a run how much it varies."""

    counted: Counted = "items"

    def __init__(self, question: Question) -> None:
        self.there = question.items

    def to_pass(self, flips: float, limit: float, alpha: float) -> float:
        """Not known."""
        return math.nan

    def to_fail(self, flips: float, limit: float, loss: float, level: float) -> float:
        """Not known."""
        return math.nan


class _Gap:
    """A mean over the classes of the differences of two groups' shares; if no class is known, of two equal groups."""

    counted: Counted = "persons of both groups"

    def __init__(self, question: Question) -> None:
        design = question.design
        attribute = next((a for a in design.attributes if a.name == question.attribute), None)
        sizes = design.by_class(attribute.name, attribute.group_pairs[question.group]) if attribute else {}
        if question.class_:
            sizes = {name: size for name, size in sizes.items() if name == question.class_}
        known = attribute is not None and design.items is not None
        self.there = sum(map(sum, sizes.values())) if known else None
        parts = np.array(list(sizes.values()) or [(1, 1)], dtype=np.float64)
        self.parts = parts / parts.sum()  # of all persons that are in a class and a group

    def to_pass(self, flips: float, limit: float, alpha: float) -> float:
        """Persons with which no change is shown to be within the limit."""
        # Of each group, the number of persons of equal weight that say as much (Kish 1965), for one person in all.
        first, second = len(self.parts) ** 2 / (1 / self.parts).sum(axis=0)
        of_equal_weight = float(needed_items(flips, limit, first, second, alpha=alpha, power=POWER))
        return math.ceil(of_equal_weight / (first + second)) if math.isfinite(of_equal_weight) else math.nan

    def to_fail(self, flips: float, limit: float, loss: float, level: float) -> float:
        """Persons with which a gap is shown to have grown beyond the limit because the second group loses so much."""
        error = self._error(flips, flips + loss - loss**2)
        return float(needed_from_se(error, 1, loss - limit, sides=1, alpha=level, power=POWER))

    def _error(self, first: float, second: float) -> float:
        """The standard error with one person in all, with the variances of an answer's change in both groups."""
        return math.sqrt(float((np.array([first, second]) / self.parts).sum())) / len(self.parts)


class _Skew:
    """The skew of a group at k, by the expected hits of the group among the top k."""

    counted: Counted = "expected hits at k"

    def __init__(self, question: Question) -> None:
        design = question.design
        cutoff = question.metric.cutoff
        images = design.of_group(question.info.name, question.attribute, question.group, "")  # a class is a query
        self.there = round(cutoff * images / design.count) if cutoff and images is not None and design.count else None

    def to_pass(self, flips: float, limit: float, alpha: float) -> float:
        """Expected hits with which no change is shown to be within the limit, and no fewer than can be decided."""
        if limit <= 0:
            return math.nan  # no number of hits does
        error = math.sqrt(2 * flips)  # of h hits as many leave as enter, h · flips
        return max(float(needed_from_se(error, 1, limit, alpha=alpha, power=POWER)), float(least_hits(limit)))

    def to_fail(self, flips: float, limit: float, loss: float, level: float) -> float:
        """Expected hits with which the loss is shown to be beyond the limit."""
        return float(needed_from_se(math.sqrt(2 * flips + loss), 1, loss - limit, sides=1, alpha=level, power=POWER))


def rounded(count: float) -> int | None:
    """Up, to two digits: more would be pretended."""
    if not math.isfinite(count):
        return None
    step = 10 ** max(math.floor(math.log10(max(count, 1))) - 1, 0)
    return int(-(-count // step) * step)
