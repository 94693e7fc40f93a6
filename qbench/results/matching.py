"""A rule → the rows of the effects that it is about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from qbench.data.items import Attribute
from qbench.metrics.interface import MetricInfo
from qbench.metrics.keys import MetricKey, declared_names
from qbench.policy.model import MAIN, Policy, Rule
from qbench.vocabulary import Severity, Unit

Booleans = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Declared:
    """What a benchmark declares.

    Attributes
    ----------
    metrics : mapping
        Name → metric, the main one first.
    attributes : tuple of Attribute
        What its items are grouped by.
    """

    metrics: Mapping[str, MetricInfo] = field(default_factory=dict)
    attributes: tuple[Attribute, ...] = ()


def key_of_metric(rule: Rule) -> MetricKey:
    """The metric that a rule names."""
    try:
        return MetricKey.parse(rule.metric)
    except ValueError:
        return MetricKey(rule.metric)  # no benchmark declares a metric of this name, which is said


def metrics_of(rule: Rule, metrics: Mapping[str, MetricInfo]) -> tuple[str, ...]:
    """The metrics of one benchmark that a rule is about, without cut-offs."""
    if rule.role is not None:
        return tuple(name for name, info in metrics.items() if info.judged_as is rule.role)
    if rule.metric == MAIN:
        return tuple(metrics)[:1]
    return tuple(name for name in metrics if name == key_of_metric(rule).name)


def whole_share(rule: Rule, metrics: Iterable[MetricInfo]) -> str:
    """What is wrong with the limit of a rule if it is 100 points or more of a share, which nothing could exceed."""
    for info in metrics:
        if info.unit in (Unit.SHARE, Unit.POINTS) and rule.limit is not None and rule.limit >= 1:
            return f"its limit is {rule.limit:g}, but {info.name!r} is a fraction: 0.01 is one percentage point"
    return ""


def rows_of(rule: Rule, effects: pd.DataFrame, declared: Mapping[str, Declared]) -> Booleans:
    """Which rows of the effects a rule is about.

    Parameters
    ----------
    rule : Rule
        The rule.
    effects : pandas.DataFrame
        ``(n,)`` rows.
    declared : mapping
        Label of a benchmark → what it declares.

    Returns
    -------
    numpy.ndarray
        ``(n,)`` bool.
    """
    base = declared_names(effects["metric"].tolist())
    named = [b for b in declared if not rule.benchmark or b in rule.benchmark]
    asked = {(b, name) for b in named for name in metrics_of(rule, declared[b].metrics)}
    keep: Booleans = np.array([x in asked for x in zip(effects["benchmark"].tolist(), base, strict=True)], dtype=bool)
    if rule.role is not None:
        keep &= _first_cutoff(effects, base)
    elif key_of_metric(rule).cutoff is not None:
        keep &= effects["metric"].to_numpy() == rule.metric
    keep &= (effects["class"] != "").to_numpy() == _of_classes(rule, effects, keep)
    for column, wanted in (("attribute", rule.by), ("model", rule.models), ("quantizer", rule.quantizers)):
        if wanted:
            keep &= effects[column].isin(wanted).to_numpy()
    for benchmark in named:
        at = np.flatnonzero(keep & (effects["benchmark"] == benchmark).to_numpy())
        keep[at] = _of_groups(rule, effects.iloc[at], declared[benchmark].attributes)
    return keep


def _of_classes(rule: Rule, effects: pd.DataFrame, asked: Booleans) -> Booleans:
    """Which rows have to be of a single class: for the scope ``any`` where no row that is asked for is over all."""
    if rule.scope != "any":
        return np.full(len(effects), rule.scope in ("each_class", "each_group_and_class"))
    over_all = set(effects["benchmark"][asked & (effects["class"] == "").to_numpy()])
    return ~effects["benchmark"].isin(over_all).to_numpy(dtype=bool)


def _first_cutoff(effects: pd.DataFrame, base: list[str]) -> Booleans:
    """Which rows belong to the first cut-off of their metric, in the order in which the benchmark gives them."""
    first: dict[tuple[str, str], str] = {}
    names = zip(effects["benchmark"].tolist(), base, effects["metric"].tolist(), strict=True)
    return np.array([first.setdefault((b, name), metric) == metric for b, name, metric in names], dtype=bool)


def _of_groups(rule: Rule, rows: pd.DataFrame, attributes: tuple[Attribute, ...]) -> Booleans:
    """Which rows of a benchmark are in the scope and of the named groups."""
    pairs = {(a.name, label) for a in attributes for label in a.group_pairs}
    groups = {(a.name, group) for a in attributes for group in a.groups}
    declared = {a.name for a in attributes}
    keep = []
    again = {a.name for a in attributes if a.repeats} - set(rule.by)  # the same people under another cut
    for attribute, group in zip(rows["attribute"].tolist(), rows["group"].tolist(), strict=True):
        if attribute in again and not any(g.partition("=")[0] == attribute for g in rule.groups):
            keep.append(False)
            continue
        of_pair = (attribute, group) in pairs
        if rule.scope in ("overall", "each_class"):
            keep.append(not group or of_pair)
        elif rule.groups:
            keep.append(group in rule.groups or f"{attribute}={group}" in rule.groups)
        else:  # people without a label to compare ("na") are not a group, unless a rule names them
            known = of_pair or (attribute, group) in groups or attribute not in declared
            keep.append(known if group else rule.scope == "any")
    return np.array(keep, dtype=bool)


def limits_of(policy: Policy, effects: pd.DataFrame, declared: Mapping[str, Declared], margins: Floats) -> Floats:
    """The margin of each row that goes with the rules: the smallest of the limits that they hold it to.

    A rule without a limit holds each row to the row's own margin. Rules that only warn count only for rows that no
    other rule is about.

    Parameters
    ----------
    policy : Policy
        The rules.
    effects : pandas.DataFrame
        ``(n,)`` rows.
    declared : mapping
        Label of a benchmark → what it declares.
    margins : numpy.ndarray
        ``(n,)``, the margin of each row if there were no rule; NaN where there is none.

    Returns
    -------
    numpy.ndarray
        ``(n,)``; `margins` where no rule is about a row.
    """
    smallest = {severity: np.full(len(effects), np.nan) for severity in Severity}
    for rule in policy.rule:
        about, limits = rows_of(rule, effects, declared), smallest[rule.severity]
        limits[about] = np.fmin(limits, margins if rule.limit is None else rule.limit)[about]
    found, of_warnings = smallest[Severity.FAIL], smallest[Severity.WARN]
    found = np.where(np.isnan(found), of_warnings, found)
    return np.where(np.isnan(found), margins, found)
