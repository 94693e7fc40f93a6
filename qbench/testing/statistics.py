"""The contract of a statistic: its intervals hold on simulated data, and degenerate data give no certainty."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from qbench.analysis.judge import judge
from qbench.data.items import Attribute
from qbench.metrics.interface import INDEX, Outcome, StatisticRef
from qbench.plugins.options import make_options, options_dict
from qbench.plugins.registry import Entry, Registry
from qbench.report.table_names import TABLES
from qbench.results.statistics import declared_statistics
from qbench.statistics.dispatch import bounds, with_power, with_tests
from qbench.statistics.interface import Measure, Measured, Number, Statistic
from qbench.statistics.ledger import Comparison, Ledger
from qbench.statistics.settings import Settings
from qbench.testing.base import NAME, WithOptions
from qbench.testing.outcomes import through_parquet

Floats = npt.NDArray[np.float64]
SETTINGS = Settings(resamples=199)
MARGIN = 0.05
Replicate = tuple[Any, float]
"""What a simulated data set was judged as, a row of `judged`, and its true change."""


@dataclass(frozen=True, kw_only=True)
class Simulated:
    """A simulated variant and its baseline on the same items, of which the true change is known.

    Attributes
    ----------
    before, after : Outcome
        What both did on the same items.
    number : Number
        The number whose change is judged. Its metric has the statistic that is tested.
    truth : float
        The true change of that number in the world that the items are drawn from.
    attributes : tuple of Attribute
        Groups and pairs.
    others : mapping
        Further numbers that the tested one is made of → the statistic of their metric.
    measure : callable or None
        A measure that gives these numbers, for a statistic that cannot estimate them by itself.
    """

    before: Outcome
    after: Outcome
    number: Number
    truth: float
    attributes: tuple[Attribute, ...] = ()
    others: Mapping[Number, StatisticRef] = field(default_factory=dict)
    measure: Measure | None = None


Simulate = Callable[[np.random.Generator], Simulated]


class StatisticContract(WithOptions):
    """Checks for a statistic. Override `statistic` and `simulate`."""

    replicates = 300
    """Simulated data sets for the coverage of 95 % intervals, which may be 3 Monte Carlo standard errors too low."""

    @pytest.fixture
    def statistic(self) -> Any:
        """Override: the statistic's name, or a table with ``name`` and ``options``."""
        pytest.fail("override the fixture `statistic`")

    @pytest.fixture
    def simulate(self) -> Simulate:
        """Override: a function that draws one `Simulated` with a random generator."""
        pytest.fail("override the fixture `simulate`")

    @pytest.fixture
    def reference(self, statistic: Any) -> StatisticRef:
        """The statistic as a metric declares it."""
        if isinstance(statistic, str):
            return StatisticRef(statistic)
        return StatisticRef(statistic["name"], statistic.get("options") or {})

    @pytest.fixture
    def entry(self, reference: StatisticRef, registry: Registry) -> Entry[Any]:
        """The record and its plugin."""
        return registry.statistic(reference.name)

    @pytest.fixture
    def options(self, entry: Entry[Any], reference: StatisticRef) -> Any:
        """The options as a metric gives them."""
        return make_options(entry.record.options, reference.options, where="the options of the fixture `statistic`")

    @pytest.fixture
    def made(self, entry: Entry[Any], options: Any) -> Statistic:
        """The statistic itself."""
        made: Statistic = entry.record.make(options)
        return made

    @pytest.fixture
    def drawn(self, simulate: Simulate) -> Simulated:
        """One simulated data set."""
        return simulate(np.random.default_rng(0))

    # --- the record

    def test_options_are_plain_values_in_a_record(self, options: Any) -> None:
        """They are stored with each cell, and the statistic is made of them again."""
        assert make_options(type(options), options_dict(options), where="the record") == options

    def test_added_tables_are_declared(
        self, entry: Entry[Any], made: Statistic, drawn: Simulated, reference: StatisticRef
    ) -> None:
        """Its own tables have names that can be files, and the rows that it adds have the declared columns."""
        declared = entry.record.tables
        wrong = [name for name in declared if not NAME.fullmatch(name) or name in TABLES]
        assert not wrong, f"{', '.join(wrong)} cannot be the name of a table, or is the name of one of qbench's"
        for name, rows in filled(made, drawn, reference).added.items():
            assert name in declared, f"rows are added to {name!r}, which is not among the declared tables"
            for row in rows:
                lacking = [column for column in declared[name] if column not in row]
                assert not lacking, f"a row of {name!r} lacks {', '.join(lacking)}"

    @pytest.fixture
    def claims_interval(self) -> bool:
        """Whether the statistic gives intervals; override it where it never does."""
        return True

    @pytest.fixture
    def signed(self) -> bool:
        """Whether its numbers have a sign that may be unclear; override it where they do."""
        return False

    # --- the estimate

    def test_the_estimate_follows_the_weights(self, made: Statistic, drawn: Simulated, reference: StatisticRef) -> None:
        """Ones change nothing; a weight of 2 is the item twice, a weight of 0 leaves it out."""
        plain = estimate(made, drawn, drawn.before, reference)
        if drawn.measure is not None:
            pytest.skip("the benchmark makes these numbers, not the statistic")
        assert math.isfinite(plain), "the estimate of simulated data is undetermined"
        n = len(drawn.before.items)
        ones = estimate(made, drawn, drawn.before, reference, np.ones(n))
        assert ones == pytest.approx(plain, abs=1e-12), "weights of one change the estimate"
        weights = np.random.default_rng(1).integers(0, 3, n)
        weighted = estimate(made, drawn, drawn.before, reference, weights.astype(np.float64))
        again = estimate(made, drawn, repeated(drawn.before, weights), reference)
        assert weighted == pytest.approx(again, abs=1e-9), "weights are not what repeated items are"
        assert weighted != plain, "the weights change nothing"

    # --- the change

    def test_the_same_data_give_the_same_answer(
        self, made: Statistic, drawn: Simulated, reference: StatisticRef
    ) -> None:
        """Random draws have a seed, and nothing is remembered from one comparison to the next."""
        first, second = (judged(made, drawn, reference) for _ in range(2))
        pd.testing.assert_frame_equal(first, second)

    def test_what_is_known_follows_from_the_stored_table(
        self, entry: Entry[Any], made: Statistic, drawn: Simulated, reference: StatisticRef
    ) -> None:
        """A gate asks for other intervals of a table from a file, of a statistic with default options."""
        table = judged(made, drawn, reference)
        default: Statistic = entry.record.make(entry.record.options())
        kept = through_parquet(table)
        for confidence in (0.5, 0.9, 0.99):
            mine, its = (_bounds(one, rows, confidence) for one, rows in ((made, table), (default, kept)))
            np.testing.assert_allclose(its, mine, rtol=1e-9, err_msg="bounds depend on more than the table")

    @pytest.fixture(scope="class")
    @classmethod
    def judged_before(cls) -> list[tuple[Any, list[Replicate]]]:
        """What the checks of many data sets have judged, and of which statistic and simulation."""
        return []

    @pytest.fixture
    def replicates_judged(
        self,
        judged_before: list[tuple[Any, list[Replicate]]],
        made: Statistic,
        simulate: Simulate,
        reference: StatisticRef,
        claims_interval: bool,
    ) -> list[Replicate]:
        """A row for each of many simulated data sets, with the true change; the checks of one statistic share them."""
        for of, found in judged_before:
            if of == (reference, simulate):
                return found
        rng = np.random.default_rng(2)
        drawn = (simulate(rng) for _ in range(self.replicates if claims_interval else self.replicates // 2))
        found = [(judged(made, one, reference, tests=False).iloc[0], one.truth) for one in drawn]
        judged_before.append(((reference, simulate), found))
        return found

    def test_intervals_cover_the_truth(self, replicates_judged: list[Replicate], claims_interval: bool) -> None:
        """At 95 % as often as that, but for what so few replicates leave open."""
        inside = []
        for row, truth in replicates_judged:
            if row["method"]:
                low, high = row["low"], row["high"]
                assert low <= row["change"] <= high, f"the interval {low:g} to {high:g} misses its own estimate"
                inside.append(low <= truth <= high)
            else:
                assert row["why"], "there is neither an interval nor a reason"
        given, of = len(inside), len(replicates_judged)
        if not claims_interval:
            assert not given, "there are intervals although none are claimed: their coverage has to be checked"
            return
        assert given >= 0.9 * of, f"only {given} of {of} data sets have an interval"
        least = 0.95 - 3 * math.sqrt(0.95 * 0.05 / given)
        coverage = float(np.mean(inside))
        assert coverage >= least, f"95 % intervals hold the truth in {coverage:.1%} of {given} data sets"

    def test_intervals_are_nested(
        self, made: Statistic, drawn: Simulated, reference: StatisticRef, claims_interval: bool
    ) -> None:
        """More confidence, a wider interval: a gate inverts them."""
        table = judged(made, drawn, reference)
        if not claims_interval:
            assert not table.iloc[0]["method"], "there is an interval although none is claimed"
            return
        assert table.iloc[0]["method"], f"there is no interval: {table.iloc[0]['why']}"
        found = [_bounds(made, table, confidence) for confidence in (0.0, 0.5, 0.9, 0.95, 0.999)]
        lows, highs = ([float(x[side][0]) for x in found] for side in (0, 1))
        assert lows == sorted(lows, reverse=True), f"lower limits are not nested: {lows}"
        assert highs == sorted(highs), f"upper limits are not nested: {highs}"

    def test_tests_and_sizes_are_in_range(self, made: Statistic, drawn: Simulated, reference: StatisticRef) -> None:
        """p-values between 0 and 1, with their logarithms and the hypothesis; detectable changes and sizes above 0."""
        row = judged(made, drawn, reference).iloc[0]
        if np.isfinite(row["p"]):
            assert 0 < row["p"] <= 1, f"p is {row['p']}"
            assert row["log10_p"] == pytest.approx(math.log10(row["p"]), abs=1e-6), "log10_p is not that of p"
            assert row["null"], "the p-value does not say what it tests"
        for name in ("mde", "needed"):
            assert np.isnan(row[name]) or row[name] > 0, f"{name} is {row[name]}"

    def test_the_error_of_the_level_is_its_spread(self, replicates_judged: list[Replicate], signed: bool) -> None:
        """Where before + after has a standard error it is not much too small: the sign of a gap hangs on it."""
        rows = [row for row, _ in replicates_judged]
        errors = np.array([row["sum_se"] for row in rows], dtype=np.float64)
        if not signed:
            assert not np.nansum(errors), "sum_se is given: override the fixture `signed`, so that it is checked"
            return
        assert np.isfinite(errors).any(), "sum_se is not given although the numbers have a sign"
        totals = np.array([row["baseline_value"] + row["value"] for row in rows], dtype=np.float64)
        assert math.sqrt(float(np.nanmean(errors**2))) >= 0.8 * totals.std(ddof=1), "sum_se is too small"

    # --- degenerate data

    @pytest.mark.parametrize("case", ["no item", "one item", "no change", "every item flips"])
    def test_degenerate_data_are_no_certainty(
        self, made: Statistic, drawn: Simulated, reference: StatisticRef, case: str
    ) -> None:
        """No error and no warning; an interval with a length that holds the estimate, or a reason why there is none."""
        data = degenerate(drawn, case)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            row = judged(made, data, reference).iloc[0]
        if not row["method"]:
            assert row["why"] or np.isnan(row["change"]), f"{case}: there is neither an interval nor a reason"
            return
        low, high = row["low"], row["high"]
        assert low < high, f"{case}: the interval {low:g} to {high:g} has no length"
        assert low - 1e-12 <= row["change"] <= high + 1e-12, f"{case}: {low:g} to {high:g} misses {row['change']:g}"


def filled(made: Statistic, drawn: Simulated, reference: StatisticRef) -> Ledger:
    """What the statistic writes of a simulated data set."""
    declared = declared_statistics((number.metric.name, ref) for number, ref in drawn.others.items())
    name = drawn.number.metric.name
    comparison = Comparison(
        names={"model": "simulated", "quantizer": "simulated", "benchmark": "simulated"},
        before=drawn.before,
        after=drawn.after,
        statistics={name: made, **declared.made},
        declared={name: reference.name, **declared.names},
        attributes={a.name: a for a in drawn.attributes},
        load_measure=lambda: drawn.measure,
    )
    ledger = Ledger(_numbers(made, drawn, reference, comparison))
    judge(ledger, comparison, SETTINGS)
    return ledger


def judged(made: Statistic, drawn: Simulated, reference: StatisticRef, *, tests: bool = True) -> pd.DataFrame:
    """The row of an effects table for the tested number of a simulated data set; without `tests` intervals only."""
    table = filled(made, drawn, reference).table().iloc[:1].assign(margin=MARGIN)
    statistics = {reference.name: made}
    low, high = bounds(table, SETTINGS.confidence, statistics)
    table = table.assign(low=low, high=high)
    return with_power(with_tests(table, statistics), SETTINGS, statistics) if tests else table


def estimate(
    made: Statistic, drawn: Simulated, outcome: Outcome, reference: StatisticRef, weights: Floats | None = None
) -> float:
    """The tested number of an outcome; of one that only the benchmark makes, by its measure."""
    if drawn.measure is not None:
        return _values(drawn.measure, outcome, [drawn.number])[0]
    declared = declared_statistics((number.metric.name, ref) for number, ref in drawn.others.items())
    measured = Measured(
        outcome=outcome,
        attributes={a.name: a for a in drawn.attributes},
        statistics={drawn.number.metric.name: made, **declared.made},
        weights=weights,
    )
    values = [declared.made[other.metric.name].estimate(measured, other) for other in drawn.others]
    numbers = _index(list(drawn.others)).assign(value=values)
    return made.estimate(replace(measured, numbers=numbers), drawn.number)


def repeated(outcome: Outcome, times: npt.NDArray[np.integer]) -> Outcome:
    """An outcome with each item so many times; in rankings one after the other."""
    items = outcome.items.loc[outcome.items.index.repeat(times)].reset_index(drop=True)
    rankings = None
    if outcome.rankings is not None:
        first = np.cumsum(times) - times
        at = outcome.rankings["item"].to_numpy(dtype=np.int64)
        place = np.concatenate([first[i] + np.arange(times[i]) for i in at]) if len(at) else at
        query = outcome.rankings["query"].repeat(times[at]).reset_index(drop=True)
        rankings = pd.DataFrame({"query": query, "item": place})
    return replace(outcome, items=items, rankings=rankings)


def degenerate(drawn: Simulated, case: str) -> Simulated:
    """A simulated data set without items, with one, without a change, or with nothing but changes."""
    if case == "no change":
        return replace(drawn, after=drawn.before)
    if case == "every item flips":
        return replace(drawn, after=flipped(drawn.before))
    times = np.zeros(len(drawn.before.items), dtype=np.int64)
    times[: int(case == "one item")] = 1
    return replace(drawn, before=repeated(drawn.before, times), after=repeated(drawn.after, times))


def flipped(outcome: Outcome) -> Outcome:
    """An outcome in which every correct answer is wrong and every wrong one correct, and rankings are turned round."""
    items, rankings = outcome.items, outcome.rankings
    if "correct" in items:
        items = items.assign(correct=~items["correct"].to_numpy(dtype=bool))
    if "rank" in items:
        items = items.assign(rank=np.where(items["rank"].to_numpy() == 0, len(items), 0))
    if rankings is not None:
        order = rankings["item"].to_numpy().reshape(len(outcome.facts["queries"]), -1)[:, ::-1]
        rankings = rankings.assign(item=order.ravel())
    return replace(outcome, items=items, rankings=rankings)


def _numbers(made: Statistic, drawn: Simulated, reference: StatisticRef, comparison: Comparison) -> pd.DataFrame:
    """The numbers of both outcomes beside each other, the tested one first."""
    named = [drawn.number, *drawn.others]
    sides = []
    for outcome in (drawn.before, drawn.after):
        if drawn.measure is not None:
            sides.append(_values(drawn.measure, outcome, named) if len(outcome.items) else [math.nan] * len(named))
            continue
        measured = Measured(outcome=outcome, attributes=comparison.attributes, statistics=comparison.statistics)
        others = [comparison.statistics[other.metric.name].estimate(measured, other) for other in drawn.others]
        sides.append([estimate(made, drawn, outcome, reference), *others])
    before, after = (np.array(x, dtype=np.float64) for x in sides)
    count, index = len(named), _index(named)
    columns: dict[str, Any] = {
        **{name: index[name] for name in INDEX},
        **{name: [label] * count for name, label in comparison.names.items()},
        "better": ["zero"] * count,
        "n": [_count(drawn, number) for number in named],
        "baseline_value": before,
        "value": after,
        "change": after - before,
    }
    return pd.DataFrame(columns)


def _index(numbers: list[Number]) -> pd.DataFrame:
    rows = [(str(x.metric), x.attribute, x.group, x.class_) for x in numbers]
    return pd.DataFrame(rows, columns=list(INDEX), dtype="str")


def _values(measure: Measure, outcome: Outcome, numbers: list[Number]) -> list[float]:
    frame = measure(outcome, np.ones((1, len(outcome.items)))).frame().set_index(list(INDEX))["value"]
    return [float(frame.loc[(str(x.metric), x.attribute, x.group, x.class_)]) for x in numbers]


def _count(drawn: Simulated, number: Number) -> int:
    """Items behind a number, as a benchmark says them."""
    items = drawn.before.items
    keep = np.ones(len(items), dtype=bool)
    if number.attribute in items and (items[number.attribute] == number.group).any():
        keep &= (items[number.attribute] == number.group).to_numpy()
    if number.class_ and "label" in items and (items["label"] == number.class_).any():
        keep &= (items["label"] == number.class_).to_numpy()
    return int(keep.sum())


def _bounds(made: Statistic, table: pd.DataFrame, confidence: float) -> tuple[Floats, Floats]:
    row = table.iloc[:1]
    if not row["method"].iloc[0]:
        return np.full(1, np.nan), np.full(1, np.nan)
    return made.bounds(row, np.asarray(confidence))
