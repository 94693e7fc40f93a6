"""The contract of a benchmark: items in the documented schema, outcomes that survive files, numbers as declared."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from qbench.data.items import Items
from qbench.data.subset import limited
from qbench.errors import InputError
from qbench.execution.plan import PlannedBenchmark, default_probe, plan_benchmark
from qbench.execution.prepare import data_root
from qbench.execution.run import execute
from qbench.images.ids import image_id
from qbench.metrics.interface import INDEX, Metrics, Outcome, StatisticRef, Task, unavailable
from qbench.metrics.keys import SEPARATOR, MetricKey, declared_names
from qbench.plugins.records import Probe
from qbench.plugins.registry import Entry, Registry
from qbench.results.statistics import make_statistic
from qbench.spec.model import BenchmarkSpec
from qbench.spec.read import read_spec
from qbench.store.cache import Cache
from qbench.testing import tiny
from qbench.testing.base import WithOptions
from qbench.testing.outcomes import differences, random_similarity, stored, through_parquet
from qbench.vocabulary import Better, Unit

LIMIT = 24
"""The items of the run in the last check; decoding more images would make it slow."""


class BenchmarkContract(WithOptions):
    """Checks for a benchmark, on data that is on this machine. Override `benchmark`."""

    @pytest.fixture
    def benchmark(self) -> Any:
        """Override: the benchmark and its data, ``{"name": …, "root": …}`` or ``{"name": …, "dataset": …}``."""
        pytest.fail("override the fixture `benchmark`")

    @pytest.fixture
    def planned(self, benchmark: Any, registry: Registry) -> PlannedBenchmark:
        """The benchmark with its options, found as a run finds it."""
        return plan_benchmark(BenchmarkSpec.model_validate(benchmark), registry)

    @pytest.fixture
    def entry(self, planned: PlannedBenchmark) -> Entry[Any]:
        """The record and its plugin."""
        return planned.entry

    @pytest.fixture
    def options(self, planned: PlannedBenchmark) -> Any:
        """The options."""
        return planned.options

    @pytest.fixture
    def root(self, planned: PlannedBenchmark, qbench_cache: Path) -> Path:
        """The folder of the data; a dataset of a plugin is written once per test session."""
        return data_root(planned, Cache(qbench_cache))

    @pytest.fixture
    def task(self, entry: Entry[Any], options: Any) -> Task:
        """The task of the benchmark."""
        task: Task = entry.record.load(options)
        return task

    @pytest.fixture
    def items(self, task: Task, root: Path) -> Items:
        """The items."""
        return task.data(root)

    @pytest.fixture
    def probe(self, entry: Entry[Any], registry: Registry) -> Entry[Probe]:
        """The probe by which models are asked: the first one that the record names."""
        return registry.probe(entry.record.probes[0]) if entry.record.probes else default_probe(registry)

    @pytest.fixture
    def answered(self, task: Any, probe: Entry[Probe]) -> Callable[[Items], Outcome]:
        """What random answers to some items mean, the same each time.

        Override it for a benchmark that is asked otherwise than by embeddings.
        """
        if not hasattr(task, "prompts"):
            pytest.fail(f"override the fixture `answered`: what random answers to the probe {probe.record.name} mean")

        def predict(items: Items) -> Outcome:
            similarity = random_similarity(len(items), len(task.prompts(items).targets))
            kept = similarity.values.copy()
            outcome: Outcome = task.predict(similarity, items)
            assert np.array_equal(similarity.values, kept), "predict changed the similarities"
            return outcome

        return predict

    @pytest.fixture
    def asked_of(self, tiny_clip: Path) -> dict[str, Any]:
        """Who is asked in the last check: ``models`` and ``quantizers`` of a spec, and its ``baseline``.

        Override it for a benchmark that the tiny model cannot be asked about.
        """
        return {"models": [tiny.model(tiny_clip)], "quantizers": [tiny.BASELINE, tiny.CAST], "baseline": tiny.BASELINE}

    @pytest.fixture
    def outcome(self, answered: Callable[[Items], Outcome], items: Items) -> Outcome:
        """The outcome of random answers."""
        return answered(items)

    @pytest.fixture
    def metrics(self, task: Task, outcome: Outcome) -> Metrics:
        """The metrics of this outcome."""
        return task.measure(outcome)

    # --- the record

    def test_the_record_says_what_a_user_chooses_by(self, entry: Entry[Any]) -> None:
        """The record has a version of the protocol, and each metric a direction and a unit."""
        record = entry.record
        assert record.protocol, "protocol is empty: it is part of every key"
        assert record.metrics, "metrics is empty"
        names = [metric.name for metric in record.metrics]
        assert len(set(names)) == len(names), "two metrics have the same name"
        for metric in record.metrics:
            assert SEPARATOR not in metric.name, f"{metric.name}: declare a metric without its cut-off"
            assert metric.better in set(Better), f"{metric.name}: better is {metric.better!r}"
            assert metric.unit in set(Unit), f"{metric.name}: unit is {metric.unit!r}"
            assert metric.summary.strip(), f"{metric.name}: the summary is empty"
            if metric.statistic is not None:
                try:
                    make_statistic(metric.statistic)
                except InputError as error:
                    pytest.fail(f"{metric.name}: {error.what}")

    # --- the data

    def test_items_are_unique_and_in_the_schema(self, items: Items) -> None:
        """``item`` is unique, ``image_index`` an index into the images; ``label`` and every attribute are texts."""
        table = items.table
        assert len(table), "there are no items"
        assert {"item", "image_index", "label"} <= set(table.columns), f"columns are {', '.join(table.columns)}"
        assert list(table.index) == list(range(len(table))), "the index must number the rows from 0"
        assert table["item"].is_unique, "there are duplicate item IDs"
        for column in ("item", "label", *(a.name for a in items.attributes)):
            assert column in table, f"the attribute {column} has no column"
            assert table[column].map(lambda value: isinstance(value, str)).all(), (
                f"{column} has a value that is not a str"
            )
        image = table["image_index"]
        assert pd.api.types.is_integer_dtype(image), f"image_index is {image.dtype}, not an integer"
        assert set(image) == set(range(len(items.images))), "image_index must name every one of `images`"

    def test_attributes_and_pairs_are_consistent(self, items: Items) -> None:
        """A pair consists of two groups of its attribute, and some items belong to a group of the attribute."""
        names = [attribute.name for attribute in items.attributes]
        assert len(set(names)) == len(names), "two attributes have the same name"
        for attribute in items.attributes:
            assert len(set(attribute.groups)) == len(attribute.groups), (
                f"{attribute.name}: two groups have the same name"
            )
            for pair in attribute.pairs:
                assert set(pair) <= set(attribute.groups), f"{attribute.name}: {pair} are not groups of it"
            assert items.table[attribute.name].isin(attribute.groups).any(), (
                f"no item belongs to a group of {attribute.name}"
            )

    def test_images_and_annotations_exist(self, items: Items, root: Path) -> None:
        """Images have IDs that mean the same on another machine, and annotations lie below the dataset's folder."""
        for image in items.images:
            assert image.source.exists(image.key), f"{image.where} does not exist"
            assert not Path(image_id(image)).is_absolute(), f"the ID {image_id(image)} names a place on this machine"
        for path in items.annotations:
            assert path.is_file(), f"{path} does not exist"
            assert path.is_relative_to(items.root), f"{path} is not below {items.root}"
        assert all(isinstance(word, str) for pair in items.choices.items() for word in pair), "choices must be str"

    def test_the_same_items_come_each_time(self, task: Task, root: Path, items: Items) -> None:
        """The items are the same and in the same order, which decides the batches."""
        again = task.data(root)
        pd.testing.assert_frame_equal(again.table, items.table)
        assert again.images == items.images

    def test_the_questions_are_the_same_each_time(self, task: Task, items: Items, probe: Entry[Probe]) -> None:
        """There are some, and they have the same digest, which is a part of the keys of answers."""
        method = probe.record.load()
        first, second = method.questions(task, items), method.questions(task, items)
        assert first.count > 0, "nothing is asked"
        assert first.digest == second.digest, "the questions differ from call to call"

    def test_prompts_are_texts_with_targets(self, task: Task, items: Items) -> None:
        """For embeddings: every target has a text, and without pooling each text is a target."""
        if not hasattr(task, "prompts"):
            pytest.skip("the benchmark is not asked by embeddings")
        prompts = task.prompts(items)
        assert prompts.texts, "there are no texts"
        assert all(isinstance(text, str) for text in (*prompts.texts, *prompts.targets)), "texts and targets are str"
        assert prompts.target_of.shape == (len(prompts.texts),), "target_of must have one entry per text"
        assert np.issubdtype(prompts.target_of.dtype, np.integer), "target_of must be an array of integers"
        assert set(prompts.target_of.tolist()) == set(range(len(prompts.targets))), "a target has no text"
        if not prompts.pool:
            assert len(prompts.texts) == len(prompts.targets), "without pooling, there must be as many texts as targets"

    # --- the outcome

    def test_outcomes_are_in_the_schema(self, outcome: Outcome, items: Items, entry: Entry[Any]) -> None:
        """The outcome has items with image, label and attributes, the chance level, and rankings by position."""
        needed = {"item", "image", "label", *(a.name for a in items.attributes)}
        assert needed <= set(outcome.items.columns), f"the items lack {', '.join(needed - set(outcome.items.columns))}"
        assert "chance" in outcome.facts, "facts lack chance: use an empty list if no answer is correct or wrong"
        for chance in outcome.facts["chance"]:
            keys = set(chance) - {"metrics"}
            assert keys == {"name", "chance", "where"}, f"an entry of chance has the keys {', '.join(chance)}"
            unknown = set(chance.get("metrics", ())) - {metric.name for metric in entry.record.metrics}
            assert not unknown, f"{chance['name']}: an entry of chance names metrics that are not declared: {unknown}"
            assert 0 <= chance["chance"] <= 1, f"{chance['name']}: chance is {chance['chance']}"
            assert set(chance["where"]) <= set(outcome.items.columns), (
                f"{chance['name']}: where names a column that does not exist"
            )
            assert "correct" in outcome.items, "facts state chance, but the items have no column correct"
        if outcome.rankings is not None:
            assert {"query", "item"} <= set(outcome.rankings.columns), "rankings lack the column query or item"
            assert outcome.rankings["item"].between(0, len(outcome.items) - 1).all(), (
                "in rankings, item is a position in items"
            )

    def test_predicting_changes_no_item(self, answered: Callable[[Items], Outcome], items: Items) -> None:
        """The items stay as they are, and the same answers give the same outcome."""
        before = items.table.copy(deep=True)
        first, second = answered(items), answered(items)
        pd.testing.assert_frame_equal(items.table, before)
        pd.testing.assert_frame_equal(first.items, second.items)
        assert first.facts == second.facts

    def test_outcomes_survive_json_and_parquet(self, task: Task, outcome: Outcome, metrics: Metrics) -> None:
        """A stored outcome gives the same metrics as the original, to the last bit."""
        try:
            kept = stored(outcome)
        except (TypeError, ValueError) as error:
            pytest.fail(f"the outcome cannot be stored ({error})")
        again = task.measure(kept)
        pd.testing.assert_frame_equal(again.frame(), metrics.frame(), check_exact=True)

    def test_measuring_needs_the_stored_outcome_only(
        self, entry: Entry[Any], options: Any, outcome: Outcome, metrics: Metrics
    ) -> None:
        """A new task that has not read the dataset measures the same metrics from a stored outcome."""
        fresh: Task = entry.record.load(options)
        pd.testing.assert_frame_equal(fresh.measure(stored(outcome)).frame(), metrics.frame(), check_exact=True)

    # --- the numbers

    def test_numbers_are_named_and_declared(self, metrics: Metrics, entry: Entry[Any], items: Items) -> None:
        """The index has four columns of texts, unique rows, and only declared metrics and attributes."""
        index = metrics.index
        assert list(index.columns) == list(INDEX), f"the index has the columns {', '.join(index.columns)}"
        assert not index.duplicated().any(), "two numbers have the same name"
        assert index.map(lambda value: isinstance(value, str)).all(axis=None), "the index has a value that is not a str"
        assert metrics.values.shape == (1, len(index)), f"values have the shape {metrics.values.shape}"
        assert metrics.values.dtype == np.float64, f"values are {metrics.values.dtype}"
        assert not np.isinf(metrics.values).any(), "a number is infinite; an undetermined number must be NaN"
        assert len(metrics.n) == len(index), "n must have one entry per number"
        assert (metrics.n >= 0).all(), "n is negative"
        declared = [metric.name for metric in entry.record.metrics]
        measured = set(declared_names(index["metric"]))
        assert measured <= set(declared), f"not declared: {', '.join(measured - set(declared))}"
        assert declared[0] in measured, f"the main metric {declared[0]} was not measured"
        assert set(index["attribute"]) <= {"", *(a.name for a in items.attributes)}, "an attribute is not declared"
        through_parquet(metrics.frame())

    def test_numbers_lie_where_their_unit_says(self, metrics: Metrics, entry: Entry[Any]) -> None:
        """A share lies between 0 and 1, a difference of shares between −1 and 1."""
        ranges = {"share": (0.0, 1.0), "points": (-1.0, 1.0)}
        units = {metric.name: metric.unit for metric in entry.record.metrics}
        frame = metrics.frame().dropna(subset="value")
        for name, found in frame.groupby("metric"):
            low, high = ranges.get(units[MetricKey.parse(str(name)).name], (-np.inf, np.inf))
            assert found["value"].between(low, high).all(), f"{name} is not between {low:g} and {high:g}"

    def test_unavailable_numbers_are_declared(
        self, task: Task, items: Items, answered: Callable[[Items], Outcome]
    ) -> None:
        """A number is NaN whatever a model answers exactly where `unavailable` says so: of all items, and of a part."""
        for part in (items, limited(items, max(2, len(items) // 3))):
            said = unavailable(task, part)
            never = _undetermined(task, part, answered)
            declared = np.array([any(one.covers(*number) for one in said) for number in never.index], dtype=bool)
            wrong, silent = never.index[declared & ~never], never.index[~declared & never]
            assert not len(wrong), f"declared as unavailable, but it has a value: {_named(wrong[0])}"
            assert not len(silent), (
                f"{len(silent)} numbers of {len(part)} items are NaN whatever a model answers, such as "
                f"{_named(silent[0])}: let the task's `unavailable` say why, and what can be done"
            )

    def test_declared_statistics_are_true(
        self, outcome: Outcome, metrics: Metrics, entry: Entry[Any], items: Items
    ) -> None:
        """A metric with a declared statistic has the value that this statistic gives for the stored items."""
        statistics: dict[str, StatisticRef] = {m.name: m.statistic for m in entry.record.metrics if m.statistic}
        if not statistics:
            pytest.skip("no metric declares a statistic: changes are judged by a bootstrap, which needs the plugin")
        wrong = differences(stored(outcome), metrics, statistics, items.attributes)
        assert not wrong, "; ".join(wrong[:3])

    def test_weights_are_used(self, task: Task, outcome: Outcome, metrics: Metrics) -> None:
        """Weights of one change nothing, sets of weights do not influence each other, and weights change numbers."""
        count = len(outcome.items)
        ones = task.measure(outcome, np.ones((1, count)))
        np.testing.assert_allclose(ones.values, metrics.values, rtol=0, atol=1e-12)
        weights = np.random.default_rng(0).integers(0, 3, (2, count)).astype(np.float64)
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # a group without weight gives NaN, not a warning
            both = task.measure(outcome, weights)
            single = [task.measure(outcome, weights[i : i + 1]) for i in range(2)]
        assert both.values.shape == (2, len(metrics.index)), "values must have one row per set of weights"
        pd.testing.assert_frame_equal(both.index, metrics.index)
        for row, one in zip(both.values, single, strict=True):
            np.testing.assert_allclose(row, one.values[0], rtol=0, atol=1e-12)
        known = np.isfinite(both.values).all(axis=0)
        assert not np.array_equal(both.values[0, known], both.values[1, known]), "the weights change nothing"

    def test_a_part_of_the_items_can_be_run(
        self, task: Task, answered: Callable[[Items], Outcome], items: Items, probe: Entry[Probe]
    ) -> None:
        """The questions, the outcome and the metrics of a subset, as ``limit`` takes it, can be made."""
        few = limited(items, max(2, len(items) // 3))
        assert probe.record.load().questions(task, few).count, "nothing is asked"
        assert len(task.measure(answered(few)).index), "nothing was measured"

    def test_it_runs_and_its_results_are_read_back(
        self,
        benchmark: Any,
        registry: Registry,
        planned: PlannedBenchmark,
        asked_of: Mapping[str, Any],
        tmp_path: Path,
    ) -> None:
        """A complete run with a tiny model: cells, metrics and items are read back from JSON and Parquet."""
        from qbench.results import load

        spec = {"name": "contract", "limit": LIMIT, "benchmarks": [benchmark], **asked_of}
        done = execute(read_spec(spec), tmp_path / "run", registry=registry, cache=Cache())
        results = load(tmp_path / "run")
        assert done.failed == 0, results.cells["error"].tolist()
        assert set(results.metrics["benchmark"]) == {planned.label}
        assert len(results.effects), "no number can be compared with the baseline"
        assert results.records[0].metrics == tuple(planned.entry.record.metrics), (
            "storing the metrics as JSON changes them"
        )


def _undetermined(task: Task, items: Items, answered: Callable[[Items], Outcome]) -> pd.Series[bool]:
    """The names of the numbers of these items, and whether each is NaN for a few models that answer at random."""
    rng = np.random.default_rng(0)
    outcomes = [answered(items.take(rng.permutation(len(items)))) for _ in range(5)]  # others get the same answers
    values = [task.measure(outcome).frame().set_index(list(INDEX))["value"] for outcome in outcomes]
    return pd.concat(values, axis=1).isna().all(axis=1)


def _named(number: tuple[str, ...]) -> str:
    return " ".join(part for part in number if part)
