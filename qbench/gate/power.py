"""Before a run: how many items decide each rule of a policy, for assumed shares of answers that flip.

Everything follows from numbers of items, limits and assumed flips; no answer of a model is looked at. The numbers that
the rules will judge come from `qbench.gate.questions`, the sizes from `qbench.gate.needed_items`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from qbench.data.items import Attribute
from qbench.errors import InputError, QbenchError
from qbench.gate.decidable import Undecidable
from qbench.gate.designs import Design, designs_of_run, designs_of_spec, labels_of_spec
from qbench.gate.foreseen import foreseen
from qbench.gate.needed_items import Counted, rounded, sized
from qbench.gate.questions import Question, levels, limits, questions_of
from qbench.gate.scopes import wrong_scope
from qbench.gate.select import Labels, labels_of, names_in, unmatched_names, wrong_names
from qbench.metrics.interface import MetricInfo, Unavailable
from qbench.plugins.registry import installed
from qbench.policy.model import Policy, Rule, read_policy
from qbench.results import Results, load
from qbench.results.analysis import settings_of, wanted_settings
from qbench.results.matching import Declared, metrics_of
from qbench.results.tolerances import check_limits
from qbench.spec.model import RunSpec
from qbench.spec.read import read_spec
from qbench.statistics.sample_size import POWER
from qbench.statistics.settings import MARGINS, Settings, check_margins
from qbench.text import counted, sentence
from qbench.vocabulary import MetricRole, Severity, Unit

FLIPS = (0.005, 0.02, 0.05)
"""Shares of answers that flip, from few to many: a small run shows what is true of a model and a quantizer."""
LISTED = 12
"""Causes why numbers are left out that are told in lines; the others are counted."""
POINT = 0.01
EXCESS_OF_SKEW = 0.5
"""Beyond its limit by which a loss is to be found: one point, or half the limit of a skew; where this is 0, half of the
margin that a skew has by default."""


@dataclass(frozen=True, kw_only=True)
class Needed:
    """What decides one number if so many answers flip.

    Attributes
    ----------
    flips : float
        Assumed share of the answers that flip, half of them each way; of a skew, of the top k that is replaced.
    to_pass : int or None
        Items with which a change of nothing is shown to lie within the limit, in either direction, in 80 % of all runs.
        None where the limit is 0, within which no number of items shows it, and where it is not known.
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
        and half of it (0.05 nats where the limit is 0).
    counted : str
        What `there` and the needed numbers count.
    there : int or None
        How many of them there are; None where that is not known.
    needed : tuple of Needed
        For each assumed share of flips.
    left_out : Undecidable or None
        Why the gate will leave it out, whatever the models answer; None where it will not, or where that is not known.
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
    left_out: Undecidable | None = None

    @property
    def name(self) -> str:
        """The number in a line: benchmark, metric, group and class."""
        place = f"{self.attribute}={self.group}" if self.attribute else self.group
        metric = self.metric or f"any {self.role} ({self.unit})"
        return " ".join(part for part in (self.benchmark, metric, place, self.class_) if part)

    @property
    def never_passes(self) -> bool:
        """Whether no number of items shows that nothing changed, because the limit is 0."""
        return not self.limit > 0

    @property
    def is_known(self) -> bool:
        """Whether it is known before a run how much it varies, and so how many items it needs."""
        return any(x.to_pass is not None or x.to_fail is not None for x in self.needed)

    @property
    def undecided(self) -> tuple[float, ...]:
        """The assumed shares of flips at which there are too few items to pass; empty where `there` is not known."""
        if self.there is None:
            return ()
        if self.never_passes:
            return tuple(x.flips for x in self.needed)
        return tuple(x.flips for x in self.needed if x.to_pass is not None and x.to_pass > self.there)


@dataclass(frozen=True, kw_only=True)
class Power:
    """What a policy can decide before anything is run.

    Attributes
    ----------
    rows : tuple of PlannedRow
        All numbers that the rules will judge, in the order of the rules.
    unused : dict of str to str
        Rules that judge no number here, and why.
    unavailable : dict of str to tuple of Unavailable
        Benchmark → the numbers that its data cannot give, which are in no row; only benchmarks that have such numbers.
    unjudged : tuple of str
        Benchmarks that rules are about and of which no number can be judged, so that the gate could not be evaluated.
    unknown : tuple of str
        Why the items of a benchmark are not known.
    notes : tuple of str
        What may be otherwise in a run: images that are missing, names of rules that only the data can confirm.
    flips : tuple of float
        The assumed shares of flips.
    power : float
        The share of runs that is meant: 0.8.
    """

    rows: tuple[PlannedRow, ...]
    unused: dict[str, str]
    unavailable: dict[str, tuple[Unavailable, ...]]
    unjudged: tuple[str, ...]
    unknown: tuple[str, ...]
    notes: tuple[str, ...]
    flips: tuple[float, ...]
    power: float = POWER


def power(
    policy: Policy | None = None,
    designs: Sequence[Design] = (),
    *,
    settings: Settings | None = None,
    flips: Sequence[float] = FLIPS,
    labels: Labels | None = None,
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
    labels : mapping, optional
        ``model`` and ``quantizer`` → the labels that there are; what is not given is not known, and not checked.

    Raises
    ------
    qbench.errors.InputError
        A share of flips is not between 0 and 1, or `qbench check` would refuse the policy: a name or a limit is wrong.

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
    declared = {d.benchmark: {info.name: info for info in d.metrics} for d in designs} or _declared_anywhere(policy)
    infos = [(benchmark, info) for benchmark, of in declared.items() for info in of.values()]
    measured = [(design.benchmark, info) for design in designs for info in design.measured]
    check_margins(policy.margins, measured or infos, where="the policy's [margins]")
    check_limits(policy, declared)
    settings = replace(
        settings,
        confidence=policy.decide.confidence or settings.confidence,
        margins={**settings.margins, **policy.margins},
    )
    asked = questions_of(policy, designs)
    known = {"benchmark": tuple(declared), **(labels or {})}
    notes = [_check_names(rule, known, declared, designs, asked[rule.id]) for rule in policy.rule]
    given = {name: [q for q in found if not q.design.why_unavailable(*q.number[1:])] for name, found in asked.items()}
    questions = [question for of_rule in given.values() for question in of_rule]
    of_each = levels(questions, settings, adjusted=policy.decide.adjust == "holm")
    limit = limits(questions, settings)
    closed = foreseen(questions, np.array(limit), settings)
    rows = [_row(*x, settings, flips) for x in zip(questions, limit, of_each, closed, strict=True)]
    return Power(
        rows=tuple(rows),
        unused={
            name: "this data can give none of its numbers" if asked[name] else "it has no number here"
            for name, found in given.items()
            if not found
        },
        unavailable={design.benchmark: design.unavailable for design in designs if design.unavailable},
        unjudged=tuple(_unjudged([q for found in asked.values() for q in found], questions, closed)),
        unknown=tuple(design.why for design in designs if design.why),
        notes=tuple(filter(None, [*(design.note for design in designs), *notes])),
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
        labels = labels_of(cell for cell in run.records if cell.quantizer != run.baseline)
        designs, settings = designs_of_run(run), wanted_settings(run)
        return power(own or run.run.policy, designs, settings=settings, flips=flips, labels=labels)
    if _is_policy(Path(source)):
        if own is not None:
            raise InputError("two policies are given", where=str(source), fix="Give a spec or a run with --policy.")
        return power(read_policy(source), flips=flips)
    return power_of_spec(read_spec(source), own, flips=flips)


def power_of_spec(spec: RunSpec, policy: Policy | None = None, *, flips: Sequence[float] = FLIPS) -> Power:
    """The same for a spec that is read already."""
    settings = settings_of(spec.analysis.model_dump())
    designs, labels = designs_of_spec(spec), labels_of_spec(spec)
    return power(policy or spec.policy, designs, settings=settings, flips=flips, labels=labels)


def _is_policy(path: Path) -> bool:
    """Whether a file has the rules of a policy; what is not TOML is read as a spec, which says what is wrong."""
    try:
        return path.is_file() and "rule" in tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError, OSError):
        return False


def _declared_anywhere(policy: Policy) -> dict[str, dict[str, MetricInfo]]:
    """The metrics of all installed benchmarks, under every label that a policy alone names: any may be meant."""
    infos = {info.name: info for entry in installed().benchmarks() for info in entry.record.metrics}
    of_margins = [name.rpartition(".")[0] for name in policy.margins if "." in name]
    labels = [label for rule in policy.rule for label in rule.benchmark] + of_margins
    return dict.fromkeys(labels or [""], infos)


def _check_names(
    rule: Rule,
    labels: Labels,
    declared: Mapping[str, Mapping[str, MetricInfo]],
    designs: Sequence[Design],
    asked: Sequence[Question],
) -> str:
    """Refuse names that `qbench check` would refuse after the run; what only the data can tell is returned."""
    wrong, absent = wrong_names(rule, labels, declared)
    mine = [d for d in designs if not rule.benchmark or d.benchmark in rule.benchmark]
    mine = [d for d in mine if metrics_of(rule, declared[d.benchmark])]
    blind = [d.benchmark for d in mine if d.why and not d.attributes]
    what = "" if wrong or absent else _wrong_scope(rule, designs) or _unmatched(rule, mine, asked)
    if what and not blind and designs:
        wrong = [what]
    if wrong:
        raise InputError("; ".join(wrong), where=f"rule {rule.id}")
    of = f"before the data of {', '.join(blind)} is read" if blind else "without a spec or a run"
    return f"rule {rule.id}: {what} This is not certain {of}." if what else ""


def _wrong_scope(rule: Rule, designs: Sequence[Design]) -> str:
    """That the metric of a rule does not have its cut-off or scope; empty where that is not known without the data.

    Nothing is said of a role: a benchmark that does not tell groups or classes apart may lack its numbers.
    """
    made = [design for design in designs if design.made is not None]
    if not made or rule.role is not None:
        return ""
    numbers = pd.concat([design.numbers.assign(benchmark=design.benchmark) for design in made])
    declared = {d.benchmark: Declared(metrics={i.name: i for i in d.metrics}, attributes=d.attributes) for d in made}
    return wrong_scope(rule, numbers, declared)[1]


def _unmatched(rule: Rule, designs: Sequence[Design], asked: Sequence[Question]) -> str:
    """The attributes and groups of a rule that are those of no number; without the data its attributes only."""
    attributes = [attribute for design in designs for attribute in design.attributes]
    if designs and not attributes and (rule.role or rule.optional):
        return ""  # the rule does not apply
    if designs and all(design.made is not None for design in designs):
        numbers = pd.DataFrame([(q.attribute, q.group) for q in asked], columns=["attribute", "group"], dtype="str")
        return unmatched_names(rule, names_in(numbers), attributes)
    attributes = attributes or list(_attributes_anywhere())
    only_attributes = rule.model_copy(update={"groups": []})
    return unmatched_names(only_attributes, {attribute.name for attribute in attributes}, attributes)


def _attributes_anywhere() -> Iterator[Attribute]:
    """The attributes of the installed benchmarks with their usual options, as far as they are known without data."""
    for entry in installed().benchmarks():
        with suppress(QbenchError):
            yield from getattr(entry.record.load(entry.record.options()), "attributes", ())


def _unjudged(
    asked: Sequence[Question], given: Sequence[Question], closed: Sequence[Undecidable | None]
) -> Iterator[str]:
    """The benchmarks of which this data can give no number that a rule asks for, or decide none of those it gives.

    A rule that only warns counts only for a benchmark that no other rule is about, as in the gate itself.
    """
    can_fail = {q.design.benchmark for q in asked if q.rule.severity is Severity.FAIL}
    decidable = {
        q.design.benchmark
        for q, why in zip(given, closed, strict=True)
        if why is None and (q.rule.severity is Severity.FAIL or q.design.benchmark not in can_fail)
    }
    for benchmark in dict.fromkeys(q.design.benchmark for q in asked):
        if benchmark and benchmark not in decidable:
            yield benchmark


def unjudged_lines(benchmarks: Iterable[str]) -> list[str]:
    """That the gate could not be evaluated because of these benchmarks; nothing where there are none.

    Examples
    --------
    >>> unjudged_lines(["fairface"])
    ['No number of fairface can be judged: `qbench check` will end with exit code 2 (could not evaluate).']
    """
    names = ", ".join(map(str, benchmarks))
    told = f"No number of {names} can be judged: `qbench check` will end with exit code 2 (could not evaluate)."
    return [told] if names else []


def left_out_lines(rows: Sequence[PlannedRow], everything: str) -> list[str]:
    """What the gate will leave out, why, and what can be done; nothing where it will judge every number.

    Parameters
    ----------
    rows : sequence of PlannedRow
        The numbers.
    everything : str
        The option that lists them all, for those that are counted here.
    """
    by_cause: dict[Undecidable, list[str]] = {}
    for row in rows:
        if row.left_out:
            by_cause.setdefault(row.left_out, []).append(row.name)
    lines = [f"  {', '.join(names)}: {sentence(why.cause)} {why.remedy}" for why, names in by_cause.items()]
    more = f"  and {counted(len(lines) - LISTED, 'more cause')}, which {everything} lists"
    heading = "Numbers that the gate will leave out, because this data cannot decide them:"
    return [heading, *lines[:LISTED], *[more][: len(lines) > LISTED]] if lines else []


def _row(
    question: Question,
    limit: float,
    level: float,
    left_out: Undecidable | None,
    settings: Settings,
    flips: Sequence[float],
) -> PlannedRow:
    unit = Unit(question.info.unit)
    excess = EXCESS_OF_SKEW * (limit or MARGINS[Unit.NATS]) if unit is Unit.NATS else POINT
    loss = limit + excess
    size = sized(question)
    return PlannedRow(
        rule=question.rule.id,
        benchmark=question.design.benchmark,
        metric="" if question.any_metric else str(question.metric),
        attribute=question.attribute,
        group=question.group,
        class_=question.class_,
        role=question.info.judged_as,
        unit=unit,
        limit=limit,
        loss=loss,
        counted=size.counted,
        there=size.there,
        left_out=left_out,
        needed=tuple(
            Needed(
                flips=share,
                to_pass=rounded(size.to_pass(share, limit, settings.alpha / 2)),
                to_fail=rounded(size.to_fail(share, limit, loss, level)),
            )
            for share in flips
        ),
    )
