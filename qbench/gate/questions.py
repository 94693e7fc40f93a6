"""Before a run: the numbers that each rule will judge, their limits, and the levels at which failures are tested."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from qbench.gate.designs import Design
from qbench.gate.holm import TREE, weights
from qbench.metrics.interface import INDEX, MetricInfo
from qbench.metrics.keys import MetricKey
from qbench.policy.model import Policy, Rule
from qbench.results.matching import Declared, metrics_of, rows_of
from qbench.statistics.settings import Settings
from qbench.vocabulary import MetricRole, Unit

EACH_PAIR, EACH_GROUP, EACH_CLASS = "each pair", "each group", "each class"
"""In place of names, where no benchmark is given."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """One number that a rule will judge.

    Attributes
    ----------
    rule : Rule
        The rule.
    design : Design
        The benchmark.
    info : MetricInfo
        Its metric, as the benchmark declares it.
    metric : MetricKey
        The metric with its cut-off, as far as that is known.
    attribute, group, class_ : str
        What it is about; empty is "all of them".
    any_metric : bool
        Whether it stands for all metrics of its kind, where a policy alone is looked at.
    """

    rule: Rule
    design: Design
    info: MetricInfo
    metric: MetricKey
    attribute: str = ""
    group: str = ""
    class_: str = ""
    any_metric: bool = False

    @property
    def of_pair(self) -> bool:
        """Whether it compares two groups."""
        pairs = (a.group_pairs for a in self.design.attributes if a.name == self.attribute)
        return self.group == EACH_PAIR or any(self.group in named for named in pairs)

    @property
    def number(self) -> tuple[str, ...]:
        """Benchmark, metric, attribute, group and class."""
        return (self.design.benchmark, str(self.metric), self.attribute, self.group, self.class_)

    @property
    def items(self) -> int | None:
        """How many items the number is made of; None where that is not known."""
        return self.design.of_group(self.info.name, self.attribute, self.group, self.class_)


def questions_of(policy: Policy, designs: Sequence[Design]) -> dict[str, list[Question]]:
    """ID of a rule → the numbers that it will judge; without designs whatever it may judge."""
    named = {key.rpartition(".")[2] for key in policy.margins}
    return {rule.id: list(_questions(rule, designs) if designs else _in_general(rule, named)) for rule in policy.rule}


def _questions(rule: Rule, designs: Sequence[Design]) -> Iterator[Question]:
    for design in designs:
        infos = {info.name: info for info in design.metrics}
        declared = {design.benchmark: Declared(metrics=infos, attributes=design.attributes)}
        of_any_variant = rule.model_copy(update={"models": [], "quantizers": []})
        numbers = design.numbers.assign(benchmark=design.benchmark)
        asked = numbers.loc[rows_of(of_any_variant, numbers, declared), list(INDEX)]
        for metric, attribute, group, class_ in asked.itertuples(index=False, name=None):
            key = MetricKey.parse(metric)
            yield Question(
                rule=rule,
                design=design,
                info=infos[key.name],
                metric=key,
                attribute=attribute,
                group=group,
                class_=class_,
            )


def _in_general(rule: Rule, named: Collection[str]) -> Iterator[Question]:
    """What a rule may judge, where no benchmark is given; metrics that the policy names are not put together."""
    from qbench.plugins.registry import installed

    kinds: dict[object, Question] = {}
    for entry in installed().benchmarks():
        infos = {info.name: info for info in entry.record.metrics}
        design = Design(benchmark="", metrics=entry.record.metrics)
        for name in metrics_of(rule, infos):
            info = infos[name]
            given = name if rule.metric or name in named else ""
            for group in _groups_in_general(rule, info):
                question = Question(
                    rule=rule,
                    design=design,
                    info=info,
                    metric=MetricKey(name),
                    group=group,
                    class_=EACH_CLASS if "class" in rule.scope else "",
                    any_metric=not given,
                )
                kinds.setdefault((info.unit, info.margin, group, given), question)
    yield from kinds.values()


def _groups_in_general(rule: Rule, info: MetricInfo) -> tuple[str, ...]:
    """In place of the names of groups, where no benchmark is given; empty for the number over all items."""
    if info.judged_as is MetricRole.GAP and Unit(info.unit) is Unit.POINTS and info.statistic is not None:
        return (EACH_PAIR,)  # a score that no statistic compares between two groups is one of its own
    if rule.scope in ("overall", "each_class"):
        return ("",)
    return ("", EACH_GROUP) if rule.scope == "any" and info.judged_as is not MetricRole.SKEW else (EACH_GROUP,)


def levels(questions: Sequence[Question], settings: Settings, *, adjusted: bool) -> list[float]:
    """The level at which each number is first tested for a failure, among those of one variant."""
    if not adjusted:
        return [settings.alpha / 2] * len(questions)
    rows = [(q.rule.severity, q.rule.weight, q.rule.id, *q.number) for q in questions]
    names = pd.DataFrame(rows, columns=["family", "weight", *TREE])
    return [settings.alpha / 2 * float(weight) for weight in weights(names)]


def limits(questions: Sequence[Question], settings: Settings) -> list[float]:
    """The limit of each number: its rule's, else its own margin, whatever the limits of other rules are."""
    return [_margin(q, settings) if q.rule.limit is None else q.rule.limit for q in questions]


def _margin(question: Question, settings: Settings) -> float:
    info, design = question.info, question.design
    return settings.margin(
        design.benchmark,
        str(question.metric),
        info.unit,
        grouped=bool(question.attribute or question.group),
        of_class=bool(question.class_),
        own=info.margin,
    )
