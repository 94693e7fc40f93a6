"""One yardstick: the margin of every number of a run, which is the limit of the gate too."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from qbench.analysis.margins import margins_of
from qbench.errors import InputError
from qbench.metrics.interface import MetricInfo
from qbench.policy.model import Policy
from qbench.results.matching import Declared, limits_of, metrics_of, whole_share
from qbench.runfolder.reader import Cell
from qbench.statistics.settings import Settings, check_margins

Margins = Callable[[pd.DataFrame], npt.NDArray[np.float64]]
"""Rows of the effects → the margin of each."""


def declared_of(cells: Iterable[Cell]) -> dict[str, Declared]:
    """Benchmark → what it declares, from its first cell that has a record."""
    found: dict[str, Declared] = {}
    for cell in cells:
        if cell.metrics:
            found.setdefault(
                cell.benchmark,
                Declared(metrics={info.name: info for info in cell.metrics}, attributes=cell.attributes),
            )
    return found


def check_limits(policy: Policy, declared: Mapping[str, Mapping[str, MetricInfo]]) -> None:
    """Refuse limits and margins of 100 points or more of a share: one point was meant, and nothing could be beyond it.

    Parameters
    ----------
    policy : Policy
        The policy.
    declared : mapping
        Benchmark → the metrics that it declares, by name, the main one first.

    Raises
    ------
    qbench.errors.InputError
        There is such a limit or margin.
    """
    infos = [(benchmark, info) for benchmark, of in declared.items() for info in of.values()]
    check_margins({k: m for k, m in policy.margins.items() if m >= 1}, infos, where="the policy's [margins]")
    for rule in policy.rule:
        for benchmark, metrics in declared.items():
            if rule.benchmark and benchmark not in rule.benchmark:
                continue
            if what := whole_share(rule, [metrics[name] for name in metrics_of(rule, metrics)]):
                raise InputError(what, where=f"rule {rule.id} of the policy")


def tolerances(cells: Iterable[Cell], settings: Settings, policy: Policy | None) -> Margins:
    """What gives each number its margin.

    The smallest of the limits of the rules that judge it, where a rule without a limit holds it to its own margin; that
    margin where no rule judges it.
    """
    cells = list(cells)
    declared, own = declared_of(cells), own_margins(cells, settings, policy)

    def margins(effects: pd.DataFrame) -> npt.NDArray[np.float64]:
        found = own(effects)
        limited = policy is not None and any(rule.limit is not None for rule in policy.rule)
        return limits_of(policy, effects, declared, found) if policy is not None and limited else found

    return margins


def own_margins(cells: Iterable[Cell], settings: Settings, policy: Policy | None) -> Margins:
    """What gives each number the margin that it has whatever the rules say: the limit of a rule that has none.

    It is the most particular margin that the policy, the spec, the metric or the unit gives. Where the policy and the
    spec give one of the same name, the policy's counts.
    """
    declared = declared_of(cells)
    given = settings if policy is None else replace(settings, margins={**settings.margins, **policy.margins})
    own = {(b, m.name): m.margin for b, of in declared.items() for m in of.metrics.values() if m.margin is not None}
    return lambda effects: margins_of(effects, given, own)
