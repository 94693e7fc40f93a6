"""Before a run: how many items decide each rule of a policy, for assumed shares of answers that flip.

Everything follows from numbers of items, limits and assumed flips; no answer of a model is looked at. Items are taken
as independent: persons who share an image count for somewhat less. The sample sizes are those of `qbench.stats.decide`,
which the column ``needed`` of an analysis comes from too.

- A share (an accuracy, of all items or of a group) varies by its flips. A mean over classes is taken for a share of all
  items, which it is where the classes are equally large.
- A gap is a mean over the classes of the difference of two groups' shares, or one difference where no class is known.
- A skew varies by the images that enter and leave the top k. Its unit is the expected hit: k times the group's share of
  the gallery. A mean over queries is taken to vary as much as a single query does, which is the most that it can.
- Of any other number it is not known before a run how much it varies, and no size is given.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
import pandas as pd

from qbench.errors import InputError
from qbench.gate.decidable import least_hits
from qbench.gate.designs import Design, designs_of_run, designs_of_spec
from qbench.gate.holm import TREE, weights
from qbench.metrics.interface import MetricInfo
from qbench.policy.model import Policy, Rule, read_policy, suggest
from qbench.results import Results, load
from qbench.results.analysis import settings_of, wanted_settings
from qbench.results.matching import metrics_of
from qbench.spec.read import read_spec
from qbench.statistics.sample_size import POWER
from qbench.statistics.settings import Settings, check_margins
from qbench.stats.decide import items_to_prove, needed_from_se, needed_items
from qbench.stats.linear import FEW
from qbench.vocabulary import MetricRole, Unit

FLIPS = (0.005, 0.02, 0.05)
"""Shares of answers that flip, from few to many: a small run shows what is true of a model and a quantizer."""
POINT = 0.01
EXCESS_OF_SKEW = 0.5
"""Beyond its limit by which a loss is to be found: one point, or half the limit of a skew."""
Counted = Literal["items", "persons of both groups", "expected hits at k"]


@dataclass(frozen=True, kw_only=True)
class Needed:
    """What decides one number if so many answers flip.

    Attributes
    ----------
    flips : float
        Assumed share of the answers that flip, half of them each way; of a skew, of the top k that is replaced.
    to_pass : int or None
        Items with which a change of nothing is shown to lie within the limit, in either direction, in 80 % of all runs.
    to_fail : int or None
        Items with which a loss of `PlannedRow.loss` is shown to be beyond the limit in 80 % of all runs, at the level
        that the number has among those of its variant.
    """

    flips: float
    to_pass: int | None
    to_fail: int | None


@dataclass(frozen=True, kw_only=True)
class PlannedRow:
    """One number that a rule will judge.

    Attributes
    ----------
    rule, benchmark, metric, attribute, group, class_ : str
        What it is; empty is "all of them", or for a policy alone "any".
    role : MetricRole
        Which question it answers.
    unit : Unit
        Of its change.
    limit, loss : float
        What it may lose, and the loss that `Needed.to_fail` is about: the limit and one point, or for a skew the limit
        and half of it.
    counted : str
        What `there` and the needed numbers count.
    there : int or None
        How many of them there are; None where that is not known.
    needed : tuple of Needed
        For each assumed share of flips.
    """

    rule: str
    benchmark: str
    metric: str
    attribute: str
    group: str
    class_: str
    role: MetricRole
    unit: Unit
    limit: float
    loss: float
    counted: Counted
    there: int | None
    needed: tuple[Needed, ...]

    @property
    def undecided(self) -> tuple[float, ...]:
        """The assumed shares of flips at which there are too few items to pass; empty where `there` is not known."""
        if self.there is None:
            return ()
        return tuple(x.flips for x in self.needed if x.to_pass is not None and x.to_pass > self.there)


@dataclass(frozen=True, kw_only=True)
class Power:
    """What a policy can decide before anything is run.

    Attributes
    ----------
    rows : tuple of PlannedRow
        All numbers that the rules will judge, in the order of the rules.
    unused : tuple of str
        Rules that have no number here.
    unknown : tuple of str
        Why the items of a benchmark are not known.
    flips : tuple of float
        The assumed shares of flips.
    power : float
        The share of runs that is meant: 0.8.
    """

    rows: tuple[PlannedRow, ...]
    unused: tuple[str, ...]
    unknown: tuple[str, ...]
    flips: tuple[float, ...]
    power: float = POWER


@dataclass(frozen=True)
class _Question:
    rule: Rule
    design: Design
    info: MetricInfo
    attribute: str = ""
    group: str = ""
    class_: str = ""

    @property
    def number(self) -> tuple[str, ...]:
        """Benchmark, metric, attribute, group and class."""
        return (self.design.benchmark, self.info.name, self.attribute, self.group, self.class_)


def power(
    policy: Policy | None = None,
    designs: Sequence[Design] = (),
    *,
    settings: Settings | None = None,
    flips: Sequence[float] = FLIPS,
) -> Power:
    """How many items decide each rule.

    Parameters
    ----------
    policy : Policy, optional
        The built-in one if not given.
    designs : sequence of Design
        The benchmarks (`qbench.gate.designs`); without any, each rule is looked at for whatever it may judge.
    settings : Settings, optional
        Margins and confidence of the spec.
    flips : sequence of float
        Assumed shares of the answers that flip, between 0 and 1.

    Raises
    ------
    qbench.errors.InputError
        A share of flips is not between 0 and 1, or no benchmark has the metric of a rule.

    Examples
    --------
    >>> row = power(flips=[0.02]).rows[1]
    >>> row.rule, row.limit, row.needed[0].to_pass
    ('accuracy of each group', 0.02, 710)
    """
    if any(not 0 <= x < 1 for x in flips):
        wrong = next(x for x in flips if not 0 <= x < 1)
        raise InputError(f"{wrong:g} is not a share of answers", where="flips", fix="Write 2 % as 0.02.")
    policy, settings = policy or read_policy(), settings or Settings()
    if designs:
        infos = [(design.benchmark, info) for design in designs for info in design.metrics]
        check_margins(policy.margins, infos, where="the policy's [margins]")
        for rule in policy.rule:
            _check_metric(rule, designs)
    settings = replace(
        settings,
        confidence=policy.decide.confidence or settings.confidence,
        margins={**settings.margins, **policy.margins},
    )
    asked = {rule.id: list(_questions(rule, designs)) for rule in policy.rule}
    questions = [question for of_rule in asked.values() for question in of_rule]
    levels = _levels(questions, settings, adjusted=policy.decide.adjust == "holm")
    limits = _limits(questions, settings)
    rows = [_row(*x, settings, flips) for x in zip(questions, limits, levels, strict=True)]
    return Power(
        rows=tuple(rows),
        unused=tuple(name for name, found in asked.items() if not found),
        unknown=tuple(design.why for design in designs if design.why),
        flips=tuple(flips),
    )


def power_of(
    source: str | Path | Results, policy: Policy | str | Path | None = None, *, flips: Sequence[float] = FLIPS
) -> Power:
    """The same for a spec, a policy or a run; what ``qbench power`` shows.

    Parameters
    ----------
    source : str, pathlib.Path or Results
        A spec (a TOML file or the name of a preset), a policy (a TOML file), a run folder, or a run.
    policy : Policy, str or pathlib.Path, optional
        A policy or its file, for a spec or a run; if not given, the one that it names, else the built-in one.
    flips : sequence of float
        As for `power`.

    Raises
    ------
    qbench.errors.InputError
        The spec, policy or run does not exist, or it is not valid.
    """
    own = policy if isinstance(policy, Policy | None) else read_policy(policy)
    if isinstance(source, Results) or Path(source).is_dir():
        run = source if isinstance(source, Results) else load(source)
        return power(own or run.run.policy, designs_of_run(run), settings=wanted_settings(run), flips=flips)
    if _is_policy(Path(source)):
        if own is not None:
            raise InputError("two policies are given", where=str(source), fix="Give a spec or a run with --policy.")
        return power(read_policy(source), flips=flips)
    spec = read_spec(source)
    settings = settings_of(spec.analysis.model_dump())
    return power(own or spec.policy, designs_of_spec(spec), settings=settings, flips=flips)


def _is_policy(path: Path) -> bool:
    """Whether a file has the rules of a policy; what is not TOML is read as a spec, which says what is wrong."""
    try:
        return path.is_file() and "rule" in tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        return False


def _check_metric(rule: Rule, designs: Sequence[Design]) -> None:
    """Refuse a metric that no benchmark has, as `qbench check` does: a mistyped name limits nothing."""
    known = list(dict.fromkeys(info.name for design in designs for info in design.metrics))
    if rule.metric and not rule.optional and not any(metrics_of(rule, {i.name: i for i in d.metrics}) for d in designs):
        raise InputError(
            f"no benchmark here has the metric {rule.metric!r}{suggest(rule.metric, known)}", where=rule.id
        )


def _questions(rule: Rule, designs: Sequence[Design]) -> Iterator[_Question]:
    if not designs:
        yield from _in_general(rule)
    for design in designs:
        if rule.benchmark and design.benchmark not in rule.benchmark:
            continue
        metrics = {info.name: info for info in design.metrics}
        for name in metrics_of(rule, metrics):
            for attribute, group, class_ in _places(rule, design, metrics[name]):
                if design.has(name, attribute, group, class_):
                    yield _Question(rule, design, metrics[name], attribute, group, class_)


def _in_general(rule: Rule) -> Iterator[_Question]:
    """What a rule may judge, where no benchmark is given."""
    from qbench.plugins.registry import installed

    declared = [Design(benchmark="", metrics=entry.record.metrics) for entry in installed().benchmarks()]
    kinds: dict[object, _Question] = {}
    for design in declared:
        metrics = {info.name: info for info in design.metrics}
        for name in metrics_of(rule, metrics):
            info = metrics[name]
            paired = info.judged_as is MetricRole.GAP
            group = "each pair" if paired else "each group" if rule.scope.startswith("each_group") else ""
            class_ = "each class" if "class" in rule.scope else ""
            kinds.setdefault((info.unit, info.margin), _Question(rule, design, info, "", group, class_))
    yield from kinds.values()


def _places(rule: Rule, design: Design, info: MetricInfo) -> Iterator[tuple[str, str, str]]:
    """Attribute, group and class of the numbers of a metric that are in the scope of a rule."""
    of_classes = rule.scope in ("each_class", "each_group_and_class")
    if design.numbers is None and of_classes != info.classes_only:
        return
    for class_ in design.classes() if of_classes else ("",):
        if info.judged_as is MetricRole.GAP or rule.scope.startswith("each_group"):
            for attribute, group in _groups(rule, design, gap=info.judged_as is MetricRole.GAP):
                yield attribute, group, class_
        else:
            yield "", "", class_


def _groups(rule: Rule, design: Design, *, gap: bool) -> Iterator[tuple[str, str]]:
    """The groups, or for a gap the pairs of groups, that a rule looks at."""
    named = {name.partition("=")[0] for name in rule.groups if "=" in name}
    for attribute in design.attributes:
        again = attribute.repeats and attribute.name not in {*rule.by, *named}  # the same people under another cut
        if again or (rule.by and attribute.name not in rule.by):
            continue
        for group in tuple(attribute.group_pairs) if gap else attribute.groups:
            if not rule.groups or {group, f"{attribute.name}={group}"} & set(rule.groups):
                yield attribute.name, group


def _levels(questions: Sequence[_Question], settings: Settings, *, adjusted: bool) -> list[float]:
    """The level at which each number is first tested for a failure, among those of one variant."""
    if not adjusted:
        return [settings.alpha / 2] * len(questions)
    rows = [(q.rule.severity, q.rule.weight, q.rule.id, *q.number) for q in questions]
    names = pd.DataFrame(rows, columns=["family", "weight", *TREE])
    return [settings.alpha / 2 * float(weight) for weight in weights(names)]


def _limits(questions: Sequence[_Question], settings: Settings) -> list[float]:
    """The limit of each number: its rule's, else the smallest of other rules about it, else its margin."""
    given: dict[tuple[str, ...], float] = {}
    for q in questions:
        if q.rule.limit is not None:
            given[q.number] = min(q.rule.limit, given.get(q.number, math.inf))
    return [given.get(q.number, _margin(q, settings)) if q.rule.limit is None else q.rule.limit for q in questions]


def _margin(question: _Question, settings: Settings) -> float:
    info, design = question.info, question.design
    return settings.margin(
        design.benchmark,
        design.named(info.name),
        info.unit,
        grouped=bool(question.attribute or question.group),
        of_class=bool(question.class_),
        own=info.margin,
    )


def _row(question: _Question, limit: float, level: float, settings: Settings, flips: Sequence[float]) -> PlannedRow:
    design, unit = question.design, Unit(question.info.unit)
    loss = limit * (1 + EXCESS_OF_SKEW) if unit is Unit.NATS else limit + POINT
    sized = _sized(question)
    return PlannedRow(
        rule=question.rule.id,
        benchmark=design.benchmark,
        metric=design.named(question.info.name),
        attribute=question.attribute,
        group=question.group,
        class_=question.class_,
        role=question.info.judged_as,
        unit=unit,
        limit=limit,
        loss=loss,
        counted=sized.counted,
        there=sized.there,
        needed=tuple(
            Needed(
                flips=share,
                to_pass=_rounded(sized.to_pass(share, limit, settings.alpha / 2)),
                to_fail=_rounded(sized.to_fail(share, limit, loss, level)),
            )
            for share in flips
        ),
    )


class _Sized(Protocol):
    """A kind of number: what it is made of, and how many of that decide it."""

    counted: Counted
    there: int | None

    def to_pass(self, flips: float, limit: float, alpha: float) -> float:
        """How many show that no change is within the limit; NaN where that is not known."""
        ...

    def to_fail(self, flips: float, limit: float, loss: float, level: float) -> float:
        """How many show that the loss is beyond the limit."""
        ...


def _sized(question: _Question) -> _Sized:
    role, unit = question.info.judged_as, Unit(question.info.unit)
    if role is MetricRole.GAP and unit is Unit.POINTS:
        return _Gap(question)
    if role is MetricRole.SKEW and unit is Unit.NATS:
        return _Skew(question)
    return _Share(question) if role is MetricRole.ACCURACY and unit is Unit.SHARE else _Other(question)


class _Share:
    """A share of the items of a group."""

    counted: Counted = "items"

    def __init__(self, question: _Question) -> None:
        names = (question.info.name, question.attribute, question.group, question.class_)
        self.there = question.design.of_group(*names)

    def to_pass(self, flips: float, limit: float, alpha: float) -> float:
        """Items with which no change is shown to be within the limit."""
        return float(needed_items(flips, limit, alpha=alpha, power=POWER))

    def to_fail(self, flips: float, limit: float, loss: float, level: float) -> float:
        """Items with which the loss is shown to be beyond the limit."""
        return float(items_to_prove(flips, limit, loss, alpha=level, power=POWER))


class _Other:
    """A number of which it is not known before a run how much it varies."""

    counted: Counted = "items"

    def __init__(self, question: _Question) -> None:
        names = (question.info.name, question.attribute, question.group, question.class_)
        self.there = question.design.of_group(*names)

    def to_pass(self, flips: float, limit: float, alpha: float) -> float:
        """Not known."""
        return math.nan

    def to_fail(self, flips: float, limit: float, loss: float, level: float) -> float:
        """Not known."""
        return math.nan


class _Gap:
    """A mean over the classes of the differences of two groups' shares; if no class is known, of two equal groups."""

    counted: Counted = "persons of both groups"

    def __init__(self, question: _Question) -> None:
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
        if len(self.parts) == 1:
            first, second = self.parts[0]
            return float(needed_items(flips, limit, first, second, alpha=alpha, power=POWER))
        of_all = float(needed_from_se(self._error(1.0, 1.0), 1, limit, alpha=alpha, power=POWER))  # if all answers flip
        # Where few items flip, one flip is added to each group (`qbench.stats.linear`): n = of_all * (flips + 2 / n).
        with_two = (of_all * flips + math.sqrt((of_all * flips) ** 2 + 8 * of_all)) / 2
        return max(of_all * flips, min(with_two, FEW / flips if flips else math.inf))

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

    def __init__(self, question: _Question) -> None:
        design = question.design
        cutoff = design.cutoffs.get(question.info.name)
        images = design.of_group(question.info.name, question.attribute, question.group, "")
        self.there = round(cutoff * images / design.count) if cutoff and images is not None and design.count else None

    def to_pass(self, flips: float, limit: float, alpha: float) -> float:
        """Expected hits with which no change is shown to be within the limit, and no fewer than can be decided."""
        error = math.sqrt(2 * flips)  # of h hits as many leave as enter, h · flips
        return max(float(needed_from_se(error, 1, limit, alpha=alpha, power=POWER)), float(least_hits(limit)))

    def to_fail(self, flips: float, limit: float, loss: float, level: float) -> float:
        """Expected hits with which the loss is shown to be beyond the limit."""
        return float(needed_from_se(math.sqrt(2 * flips + loss), 1, loss - limit, sides=1, alpha=level, power=POWER))


def _rounded(count: float) -> int | None:
    """Up, to two digits: more would be pretended."""
    if not math.isfinite(count):
        return None
    step = 10 ** max(math.floor(math.log10(max(count, 1))) - 1, 0)
    return int(-(-count // step) * step)
