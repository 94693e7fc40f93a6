"""The policy: what a run may lose and for whom, as TOML. It is read and checked here; `evaluate` applies it."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from qbench.errors import InputError
from qbench.store.files import parse_toml, read_text
from qbench.toml_errors import explain
from qbench.toml_types import FirstFormat
from qbench.vocabulary import MetricRole, Severity

Scope = Literal["overall", "each_group", "any", "each_class", "each_group_and_class"]
Consequence = Literal["pass", "warn", "fail"]
INCONCLUSIVE = AliasChoices("inconclusive", "undecided")
"""The key of what an inconclusive row does; policies of the first version call it ``undecided``."""
LIMIT = AliasChoices("limit", "max_drop", "max_growth")
"""The key of a limit; policies of the first version say ``max_drop`` of an accuracy and ``max_growth`` of a bias."""
MAIN = "main"
"""In place of a metric's name: the first that a benchmark declares."""
SUGGESTED = 20
"""So many names are listed where none is close to the unknown one."""
DEFAULT = files("qbench.policy") / "default.toml"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _day(value: object) -> object:
    """A date as the run folder's JSON has it; TOML has dates of its own."""
    try:
        return date.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        raise ValueError(f"{value!r} is not a date; write it as 2026-06-30") from None


class Decide(_Strict):
    """How rules are decided.

    Attributes
    ----------
    confidence : float or None
        Two-sided confidence of the intervals, 0.5 to 1 exclusive: each verdict is wrong with at most half the rest. If
        it is left out, that of the analysis (0.95 if the spec has no other).
    adjust : {"holm", "none"}
        ``holm``: failures are adjusted over the rows of each variant; ``none``: each row alone. A pass needs no
        adjustment.
    inconclusive : {"pass", "warn", "fail"}
        What an inconclusive row does; a rule may say otherwise.
    missing : {"error", "fail"}
        What a row does that could not be evaluated. Never a pass.
    """

    confidence: float | None = Field(default=None, gt=0.5, lt=1)
    adjust: Literal["holm", "none"] = "holm"
    inconclusive: Consequence = Field(default="warn", validation_alias=INCONCLUSIVE)
    missing: Literal["error", "fail"] = "error"


class Rule(_Strict):
    """A limit on one kind of number.

    Attributes
    ----------
    id : str
        Its name; waivers and outputs use it.
    role : MetricRole or None
        All metrics that answer this question, whatever their names are: ``accuracy``, ``gap``, ``skew`` or
        ``calibration``. Of a metric with several cut-offs the first counts. A rule has a role or a metric.
    metric : str
        A metric's name, with a cut-off (``recall@5``) or without (all of them); ``main`` is the first metric that each
        benchmark declares.
    benchmark : list of str
        Labels; all that have the metric if empty.
    scope : {"overall", "each_group", "any", "each_class", "each_group_and_class"}
        Which of its numbers. A gap between two groups is both overall and of a group. ``any`` is all of both, or, of a
        benchmark that has no such number over all classes, those of each class.
    by : list of str
        Only these attributes.
    groups : list of str
        Only these groups, as ``group`` or ``attribute=group``; all that the benchmark declares if empty.
    models, quantizers : list of str
        Only these labels.
    limit : float or None
        How much worse a number may get: fall, where high is better; rise, where low is better; grow in absolute value,
        where it is a signed bias. In the unit of its change: 0.01 is one percentage point, or 0.01 nats of a skew. If
        it is left out, the limit of each number is its own margin, whatever the limits of other rules are.
    weight : float
        How important a failure of this rule is among those of the other rules: its part of the level at which failures
        of a variant are tested, above 0.
    inconclusive : {"pass", "warn", "fail"} or None
        In place of ``decide.inconclusive``.
    severity : Severity
        What a failure does.
    optional : bool
        Leave the rule out where the run has no benchmark with this metric. A name that no benchmark knows stays an
        error. A rule of a role needs no such word: it does not apply where no metric has the role.
    why : str
        Why the limit is what it is.
    """

    id: str = Field(min_length=1, max_length=100)
    role: MetricRole | None = Field(default=None, strict=False)
    metric: str = ""
    benchmark: list[str] = Field(default_factory=list)
    scope: Scope
    by: list[str] = Field(default_factory=list)
    groups: list[str] = Field(default_factory=list)
    models: list[str] = Field(default_factory=list)
    quantizers: list[str] = Field(default_factory=list)
    limit: float | None = Field(default=None, ge=0, validation_alias=LIMIT)
    weight: float = Field(default=1.0, gt=0)
    inconclusive: Consequence | None = Field(default=None, validation_alias=INCONCLUSIVE)
    severity: Severity = Field(default=Severity.FAIL, strict=False)
    optional: bool = False
    why: str = ""

    _lists = field_validator("benchmark", "by", "groups", "models", "quantizers", mode="before")(_listed)

    @model_validator(mode="after")
    def _one_subject(self) -> Rule:
        if (self.role is None) == (not self.metric):
            raise ValueError(f"the rule {self.id!r} needs exactly one of role and metric")
        if self.role is not None and not self.role.judged:
            raise ValueError(f"the rule {self.id!r} has the role {self.role}, which restates other numbers")
        if self.groups and self.scope not in ("each_group", "each_group_and_class"):
            raise ValueError(f"the rule {self.id!r} names groups, but its scope is {self.scope}")
        return self

    @property
    def subject(self) -> str:
        """What it looks at, in words: ``metric 'top1'``, or ``metric with the role 'accuracy'``."""
        return f"metric {self.metric!r}" if self.role is None else f"metric with the role '{self.role}'"


class Waiver(_Strict):
    """A known failure that may stay until a day.

    Attributes
    ----------
    rule : str
        The rule's id.
    group : str
        Only this group, as ``group`` or ``attribute=group``.
    model, quantizer, benchmark : str
        Only this label.
    until : datetime.date
        The last day on which it holds.
    why : str
        Why.
    """

    rule: str
    group: str = ""
    model: str = ""
    quantizer: str = ""
    benchmark: str = ""
    until: Annotated[date, BeforeValidator(_day)]
    why: str = Field(min_length=1)


class Policy(_Strict):
    """What a run may lose, and for whom.

    Attributes
    ----------
    version : int
        Of this format: 1.
    decide : Decide
        How rules are decided.
    margins : dict
        Changes up to which numbers count as unchanged, named as in the spec's ``[analysis.margins]``, which they
        outweigh. They are the limits of rules that have none.
    rule : list of Rule
        At least one.
    waiver : list of Waiver
        Known failures.
    """

    version: FirstFormat
    decide: Decide = Field(default_factory=Decide)
    margins: dict[str, float] = Field(default_factory=dict)
    rule: list[Rule] = Field(min_length=1)
    waiver: list[Waiver] = Field(default_factory=list)

    @field_validator("margins")
    @classmethod
    def _positive(cls, value: dict[str, float]) -> dict[str, float]:
        wrong = [name for name, margin in value.items() if not margin > 0]
        if wrong:
            raise ValueError(f"the margin of {wrong[0]!r} is {value[wrong[0]]:g}; it is above 0")
        return value

    @property
    def tolerances(self) -> dict[str, Any]:
        """All of it that decides verdicts of the analysis, as plain values.

        Margins, the rules if any has a limit, and the confidence if it has one of its own.
        """
        exclude = {"id", "why", "weight", "inconclusive"}
        limits = [rule.model_dump(mode="json", exclude=exclude) for rule in self.rule]
        limited = any(rule.limit is not None for rule in self.rule)
        own = {} if self.decide.confidence is None else {"confidence": self.decide.confidence}
        return {"margins": self.margins, "limits": limits if limited else [], **own}

    @model_validator(mode="after")
    def _named(self) -> Policy:
        ids = [rule.id for rule in self.rule]
        for name in ids:
            if ids.count(name) > 1:
                raise ValueError(f"two rules have the id {name!r}")
        for waiver in self.waiver:
            if waiver.rule not in ids:
                raise ValueError(
                    f"a waiver names the rule {waiver.rule!r}, which does not exist{suggest(waiver.rule, ids)}"
                )
        return self


def suggest(name: str, known: list[str]) -> str:
    """Words after an unknown name: what may be meant, else what there is."""
    close = difflib.get_close_matches(name, known, n=1)
    if close:
        return f"; did you mean {close[0]!r}?"
    more = f" and {len(known) - SUGGESTED:,} more" if len(known) > SUGGESTED else ""
    return f"; there is: {', '.join(known[:SUGGESTED])}{more}" if known else "; there is none"


def default_text() -> str:
    """The default policy as its file has it, comments included."""
    return DEFAULT.read_text(encoding="utf-8")


def read_policy(source: str | Path | Mapping[str, Any] | None = None) -> Policy:
    """Read a policy from a TOML file or plain values; the default one if not given.

    Raises
    ------
    qbench.errors.InputError
        There is no such file, it is not TOML, or a key or value is not valid; the message names the file and the key.
    """
    if isinstance(source, Mapping):
        return _validate(source, "the policy")
    if source is None:
        return _parse(default_text(), "the default policy")
    path = Path(source)
    return _parse(read_text(path, fix="`qbench check --print-policy` prints one to start from."), str(path))


def _parse(text: str, where: str) -> Policy:
    return _validate(parse_toml(text, where=where, kind="policy"), where)


def _validate(values: Mapping[str, Any], where: str) -> Policy:
    try:
        return Policy.model_validate(dict(values))
    except ValidationError as error:
        raise InputError(explain(error, Policy, "the policy"), where=where) from None
