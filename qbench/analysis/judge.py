"""The whole analysis of a run: every change with its interval, test, margin and verdict; flips; populations.

Comparisons are read one at a time, benchmark by benchmark, so that memory is bounded by one benchmark's outcomes and
the influence values of its numbers over all classes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from qbench.analysis import verdicts
from qbench.analysis.flips import COLUMNS as FLIPS
from qbench.analysis.flips import EXEMPLARS, Exemplars, flip_table
from qbench.analysis.margins import margins_of
from qbench.analysis.populations import population_table
from qbench.analysis.predictors import predictor_table
from qbench.analysis.variance import variance_table
from qbench.metrics.interface import INDEX, Unavailable, why_unavailable
from qbench.metrics.keys import MetricKey
from qbench.statistics.dispatch import bounds, with_power, with_tests
from qbench.statistics.failures import named_failure
from qbench.statistics.hits import items_of
from qbench.statistics.interface import Statistic
from qbench.statistics.ledger import COUNTS, FLOATS, TEXTS, Comparison, Floats, Ledger
from qbench.statistics.settings import Settings

NAMES = ["model", "quantizer", "benchmark"]
NO_LENGTH = 1e-12
"""Length of an interval, as a share of a change of size 1 or more, that is rounding and no length."""
NO_SPREAD = "these items show no spread to judge it by: an interval would have no length"


@dataclass(frozen=True, kw_only=True)
class Pending:
    """A comparison that is read when it is judged.

    Attributes
    ----------
    names : mapping
        ``model``, ``quantizer``, ``benchmark``.
    read : callable
        ``() -> Comparison``.
    unavailable : sequence of Unavailable
        The numbers that the benchmark's data cannot give, with cause and remedy.
    """

    names: Mapping[str, str]
    read: Callable[[], Comparison]
    unavailable: Sequence[Unavailable] = ()


@dataclass(frozen=True, kw_only=True)
class Population:
    """What the checkpoints are, for questions over all of them.

    Attributes
    ----------
    source, size : mapping
        Model → where it comes from, and which size of its kind it is.
    checkpoint : mapping
        Model → the first model that is the same checkpoint; a model that is not in it is its own.
    parameters : mapping
        Model → how many parameters it has; NaN where that is not known.
    """

    source: Mapping[str, str] = field(default_factory=dict)
    size: Mapping[str, str] = field(default_factory=dict)
    checkpoint: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Analysis:
    """The tables of an analysis; their columns are in ``docs/run-folder.md``.

    Attributes
    ----------
    effects, populations, flips, exemplars, variance, predictors : pandas.DataFrame
        The tables of every analysis.
    added : mapping of str to pandas.DataFrame
        The tables that statistics add, by name.
    """

    effects: pd.DataFrame
    populations: pd.DataFrame
    flips: pd.DataFrame
    exemplars: pd.DataFrame
    variance: pd.DataFrame
    predictors: pd.DataFrame
    added: Mapping[str, pd.DataFrame] = field(default_factory=dict)


def analyse(
    effects: pd.DataFrame,
    comparisons: Sequence[Pending],
    settings: Settings,
    statistics: Mapping[str, Statistic],
    *,
    flags: Callable[[pd.DataFrame], npt.NDArray[np.object_]],
    margins: Callable[[pd.DataFrame], Floats] | None = None,
    noise: pd.Series[float] | None = None,
    checkpoints: Population | None = None,
    declared: Collection[str] = (),
    tables: Mapping[str, Sequence[str]] | None = None,
    step: Callable[[str], None] = lambda name: None,
) -> Analysis:
    """Judge every change.

    Parameters
    ----------
    effects : pandas.DataFrame
        Of `qbench.results.effects.pair`: one row for each number of a variant, beside its baseline's.
    comparisons : sequence of Pending
        One for each model × quantizer × benchmark of `effects`, in any order.
    settings : Settings
        Confidence, margins, families, draws.
    statistics : mapping
        Name of a statistic, as metrics declare it → the statistic.
    flags : callable
        Effects → the kinds of flags of each row, joined by ``;``.
    margins : callable, optional
        Effects → the margin of each row; those of `settings` if not given.
    noise : pandas.Series, optional
        The noise floor of each row, on the index of `effects`.
    checkpoints : Population, optional
        Sources and sizes of the models, and which of them are the same checkpoint.
    declared : collection of str
        The labels of the comparisons that the spec declares, which stand where the quantizers of the others do.
    tables : mapping, optional
        The tables that statistics add: name → columns after ``model``, ``quantizer`` and ``benchmark``.
    step : callable
        Is called with the name of each comparison before it is judged.
    """
    effects = effects.reset_index(drop=True)
    pending = {(c.names["model"], c.names["quantizer"], c.names["benchmark"]): c for c in comparisons}
    judged: list[pd.DataFrame] = []
    influence: dict[int, Floats] = {}
    flips: list[pd.DataFrame] = []
    added: dict[str, list[dict[str, Any]]] = {}
    exemplars: dict[tuple[str, str], Exemplars] = {}
    known = checkpoints or Population()
    counted: set[tuple[str, str, str]] = set()
    family = verdicts.families(effects, settings)
    family_size = family.map(family.value_counts())
    for (model, quantizer, benchmark), rows in _by_comparison(effects).items():
        numbers = effects.loc[rows]
        ledger = Ledger(numbers.reset_index(drop=True), np.asarray(family_size.loc[rows], dtype=np.float64))
        waiting = pending.get((model, quantizer, benchmark))
        if waiting is not None:
            step(" · ".join((model, quantizer, benchmark)))
            comparison = waiting.read()
            judge(ledger, comparison, settings)
            _say_unavailable(ledger, waiting.unavailable)
            for name, found in ledger.added.items():
                added.setdefault(name, []).extend({**comparison.names, **row} for row in found)
            flips.append(flip_table(comparison, settings))
            vote = (known.checkpoint.get(model, model), quantizer, benchmark)
            if vote not in counted:
                exemplars.setdefault((quantizer, benchmark), Exemplars()).add(comparison)
            counted.add(vote)
        places = np.asarray(rows)
        influence |= {int(places[row]): values.astype(np.float32) for row, values in ledger.influence.items()}
        judged.append(ledger.table().set_index(numbers.index))
    table = pd.concat(judged).sort_index() if judged else _without_rows(effects)
    table = table.assign(noise=np.nan if noise is None else noise.reindex(table.index))
    margin = margins_of(table, settings) if margins is None else margins(table)
    table = table.assign(flags=flags(table), margin=margin)
    table = with_power(_with_intervals(table, settings, statistics), settings, statistics)
    table = verdicts.decide(verdicts.correct_tests(table, settings), settings)
    of_variants = table[~table["quantizer"].isin(declared)]
    return Analysis(
        effects=table,
        populations=population_table(table, influence, known.source, settings, known.checkpoint),
        flips=_joined(flips, FLIPS),
        exemplars=_joined([e.table(*key) for key, e in exemplars.items()], EXEMPLARS),
        variance=variance_table(of_variants, known.source, known.size, known.checkpoint),
        predictors=predictor_table(of_variants, influence, known.source, known.parameters, settings, known.checkpoint),
        added=_added(added, tables or {}),
    )


def with_verdicts(
    effects: pd.DataFrame, margin: Floats, settings: Settings, statistics: Mapping[str, Statistic]
) -> pd.DataFrame:
    """Effects with their intervals and tests → the same with these margins, items needed and verdicts."""
    return verdicts.decide(with_power(effects.assign(margin=margin), settings, statistics), settings)


def _by_comparison(effects: pd.DataFrame) -> dict[tuple[str, str, str], pd.Index[int]]:
    """Rows of each model, quantizer and benchmark."""
    indices = cast("dict[tuple[str, str, str], npt.NDArray[np.int64]]", effects.groupby(NAMES, sort=False).indices)
    return {key: effects.index[at] for key, at in indices.items()}


def judge(ledger: Ledger, comparison: Comparison, settings: Settings) -> None:
    """Fill in the ledger of one comparison, each metric by its statistic."""
    items = float(len(comparison.before.items))
    numbers = zip(*(ledger.column(name) for name in INDEX), strict=True)
    own = [items_of(comparison, *map(str, number)) for number in numbers]
    ledger.put(np.arange(len(ledger.numbers)), items=items, sample_size=np.array(own, dtype=np.float64))
    for metric in dict.fromkeys(str(m) for m in ledger.column("metric")):
        name, rows = MetricKey.parse(metric).name, ledger.rows(metric=metric)
        if name in comparison.declared:
            ledger.put(rows, statistic=comparison.declared[name])
        statistic = comparison.statistic(metric)
        if statistic is None:
            ledger.put(rows, why=comparison.missing.get(name, "no statistic is known for this metric"))
        else:
            _judge_metric(statistic, metric, comparison, ledger, settings)


def _judge_metric(
    statistic: Statistic, metric: str, comparison: Comparison, ledger: Ledger, settings: Settings
) -> None:
    name = comparison.declared.get(MetricKey.parse(metric).name, type(statistic).__name__)
    with named_failure(name, f"judge {metric} from these outcomes", " · ".join(comparison.names.values())):
        statistic.judge(metric, comparison, ledger, settings)


def _say_unavailable(ledger: Ledger, said: Sequence[Unavailable]) -> None:
    """Put cause and remedy beside the undetermined numbers that the benchmark declares as not available."""
    names = [ledger.column(name) for name in INDEX]
    undetermined = np.isnan(ledger.column("change").astype(np.float64))
    for row in np.flatnonzero(undetermined) if said else ():
        number = [str(column[row]) for column in names]
        found = why_unavailable(said, *number)
        if found is not None:
            ledger.put([row], why=found.words)


def _with_intervals(effects: pd.DataFrame, settings: Settings, statistics: Mapping[str, Statistic]) -> pd.DataFrame:
    """Intervals and tests; an interval without length would claim a certainty that nothing supports: there is none."""
    low, high = bounds(effects, settings.confidence, statistics)
    point = high - low <= NO_LENGTH * np.maximum(1.0, np.abs(effects["change"].to_numpy(np.float64)))
    refused = {
        "method": effects["method"].where(~point, ""),
        "why": effects["why"].where(~point, NO_SPREAD),
        "p": effects["p"].where(~point),
        "log10_p": effects["log10_p"].where(~point),
    }
    shown = {"low": np.where(point, np.nan, low), "high": np.where(point, np.nan, high)}
    return with_tests(effects.assign(**refused, **shown), statistics)


def _without_rows(effects: pd.DataFrame) -> pd.DataFrame:
    return effects.assign(**{c: np.zeros(0) for c in [*FLOATS, *COUNTS]}, **dict.fromkeys(TEXTS, ""))


def _added(rows: Mapping[str, list[dict[str, Any]]], tables: Mapping[str, Sequence[str]]) -> dict[str, pd.DataFrame]:
    """The declared tables, with rows or without."""
    if undeclared := sorted(rows.keys() - tables.keys()):
        raise TypeError(f"a statistic added rows to {', '.join(undeclared)}, and no statistic declares such a table")
    return {name: pd.DataFrame(rows.get(name, []), columns=[*NAMES, *columns]) for name, columns in tables.items()}


def _joined(frames: Iterable[pd.DataFrame], columns: Sequence[str]) -> pd.DataFrame:
    kept = [f for f in frames if len(f)]
    return pd.concat(kept, ignore_index=True) if kept else pd.DataFrame(columns=list(columns))
