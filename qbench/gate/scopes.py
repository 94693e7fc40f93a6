"""A rule whose metric or role has no number with its cut-off and of its scope: what there is in its place."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import get_args

import pandas as pd

from qbench.gate.phrasing import listed
from qbench.metrics.interface import INDEX
from qbench.metrics.keys import MetricKey
from qbench.policy.model import Rule, Scope
from qbench.results.matching import Declared, metrics_of, rows_of

SHOWN = 3
"""So many metrics of a benchmark are named with their scopes."""
SUGGESTED = 2
"""So many metrics that may be meant are named."""


def wrong_scope(rule: Rule, numbers: pd.DataFrame, declared: Mapping[str, Declared]) -> tuple[frozenset[str], str]:
    """Where the metrics that a rule is about have numbers, but none with the cut-off and of the scope that it names.

    Parameters
    ----------
    rule : Rule
        The rule.
    numbers : pandas.DataFrame
        All numbers that there are, with the columns ``benchmark``, ``metric``, ``attribute``, ``group`` and ``class``.
    declared : mapping
        Label of a benchmark → what it declares.

    Returns
    -------
    benchmarks : frozenset of str
        Those of which this is known; of a benchmark without any number of the metric or the role, nothing is.
    what : str
        What is wrong, with the available scopes and metrics of similar names; empty where nothing is.
    """
    whole = rule.model_copy(update={key: [] for key in ("by", "groups", "models", "quantizers")})
    names = numbers[["benchmark", *INDEX]].drop_duplicates(ignore_index=True)
    there: dict[str, list[str]] = {}
    for benchmark, one in declared.items():
        its, of = names[names["benchmark"] == benchmark], {benchmark: one}
        scopes = _scopes(whole, its, of)
        if (not rule.benchmark or benchmark in rule.benchmark) and scopes and not rows_of(whole, its, of).any():
            shown = [f"{metric} ({', '.join(found)})" for metric, found in list(scopes.items())[:SHOWN]]
            there.setdefault(", ".join(shown), []).append(benchmark)
    if not there:
        return frozenset(), ""
    known = "; ".join(f"on {listed(benchmarks)}, {said}" for said, benchmarks in there.items())
    others = list(_of_scope(whole, names, declared))
    like = [name for name in others if name.endswith(rule.metric)] or difflib.get_close_matches(rule.metric, others)
    hint = f"; did you mean {' or '.join(map(repr, like[:SUGGESTED]))}?" if like and rule.metric else ""
    subject = rule.metric or f"the role {rule.role}"
    what = f"there is no number of {subject} of the scope {rule.scope}; the available scopes are: {known}{hint}"
    return frozenset(b for benchmarks in there.values() for b in benchmarks), what


def _scopes(rule: Rule, numbers: pd.DataFrame, declared: Mapping[str, Declared]) -> dict[str, list[str]]:
    """Metric, with each of its cut-offs → the scopes of which it has numbers."""
    bases = {name for one in declared.values() for name in metrics_of(rule, one.metrics)}
    metrics = [metric for metric in dict.fromkeys(numbers["metric"]) if MetricKey.parse(metric).name in bases]
    found = {
        metric: [scope for scope in get_args(Scope) if rows_of(_about(rule, metric, scope), numbers, declared).any()]
        for metric in metrics
    }
    return {metric: scopes for metric, scopes in found.items() if scopes}


def _about(rule: Rule, metric: str, scope: str) -> Rule:
    return rule.model_copy(update={"role": None, "metric": metric, "scope": scope})


def _of_scope(rule: Rule, numbers: pd.DataFrame, declared: Mapping[str, Declared]) -> Iterator[str]:
    """All metrics that have numbers of the scope of the rule, on whatever benchmark."""
    for metric in dict.fromkeys(numbers["metric"]):
        if rows_of(rule.model_copy(update={"metric": metric, "benchmark": []}), numbers, declared).any():
            yield metric
